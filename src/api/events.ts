// /v1/events: the events that origins get, for a merchant who comes for them. Reads only, in the order of D1's cursor;
// what is held is not in it before a person lets it go.
import { EVENT_TYPES } from '../core/event.ts';
import { renderStandard } from '../formats/standard.ts';
import { type FeedPage, readFeed } from '../store/feed.ts';
import { requires } from './auth.ts';
import { Id, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, type TypedResponse, z } from './kit.ts';
import { OrderBody, RefundShape } from './order-shape.ts';
import { PageQuery, placeOf, toCursor } from './page.ts';
import { type Problem, problemResponse, refuse } from './problem.ts';

const WAIT_SECONDS_MAX = 25;
/** Between two looks while nobody is served: the projection itself comes about a second after the commit. */
const LOOK_AGAIN_MS = 1_000;
/** However few events match, no request reads more rows than this. */
const WINDOW_ROWS = 2_000;
/** Begins behind everything there is. */
const LATEST = 'latest';

const EventBody = z
  .object({
    type: z.enum(EVENT_TYPES),
    timestamp: Time.openapi({ description: 'When it happened at the provider.' }),
    data: z
      .object({
        id: z.string().openapi({ description: 'The same as webhook-id: what you did for it you need not do again.' }),
        sequence: z.int().openapi({ description: 'Its place among the events of its order.' }),
        source: z.enum(['callback', 'query', 'bill', 'operator', 'merchant']),
        receivedAt: Time,
        channel: z.string(),
        provider: z.string(),
        test: z.boolean(),
        order: OrderBody.openapi({ description: 'The whole order, as it stood when this happened.' }),
        payer: z
          .object({
            id: z.string().nullable(),
            idType: z.string().nullable(),
            account: z.string().nullable(),
            name: z.string().nullable(),
          })
          .nullable(),
        refund: RefundShape.nullable(),
        provenance: z
          .record(z.string(), z.string())
          .openapi({ description: 'Who told what is not from the callback.' }),
      })
      .openapi({ description: 'What an origin gets, byte for byte.' }),
  })
  .openapi('Event');

const FeedBody = z
  .object({
    items: z.array(EventBody),
    next: z.string().openapi({ description: 'Send it as `after` the next time, also when `items` is empty. Keep it.' }),
    more: z.boolean().openapi({ description: 'There is more already: come again at once, without `wait`.' }),
  })
  .openapi('Feed');

const FeedQuery = z.object({
  after: z
    .string()
    .max(1_000)
    .optional()
    .openapi({ description: 'The `next` of the answer before. Left out: the oldest event that is kept; latest: now.' }),
  channel: Id.optional(),
  type: z.enum(EVENT_TYPES).optional(),
  limit: PageQuery.shape.limit,
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(WAIT_SECONDS_MAX)
    .default(0)
    .openapi({ description: 'Seconds to wait for an event where there is none yet.' }),
});

export const events = newApp();

events.openapi(
  createRoute({
    method: 'get',
    path: '/events',
    summary: 'Read the feed: the events that origins get, oldest first',
    description:
      'The same bodies as deliveries have, of every channel and without an origin. Nothing is skipped and nothing ' +
      'comes twice; the events of one order come in its sequence. Held events come when they are released, discarded ' +
      'ones never.',
    middleware: requires('read'),
    request: { query: FeedQuery },
    responses: { 200: jsonOf('Events, oldest first.', FeedBody), ...problemResponse },
  }),
  async (c) => {
    const { after, limit, wait, ...filter } = c.req.valid('query');
    const place = placeOf(after === LATEST ? undefined : after, z.tuple([z.string(), z.int().min(0)]), 'after');
    if (!place.ok) return refuse(c, place.error);
    const look = (from: number) => readFeed(c.env.DB, filter, from, limit, WINDOW_ROWS);
    const { signal } = c.req.raw;
    const until = Date.now() + wait * 1_000;
    const [generation, from] = place.value ?? [null, 0];
    const first = await look(after === LATEST ? Number.MAX_SAFE_INTEGER : from);
    if (after === LATEST) return answer(bodyOf(first, first.head));
    if (generation !== null && !isKnown(first, generation, from)) return refuse(c, GONE);
    const page = await waitFor(first, () => look(from), until, signal);
    return answer(bodyOf(page, page.seen));
  },
);

/** The text of a FeedBody, as it is: parsing it to write it once more would cost time and keep no byte better. */
const answer = (text: string) => {
  const response = new Response(text, { headers: { 'content-type': 'application/json' } });
  return response as Response & TypedResponse<z.infer<typeof FeedBody>, 200, 'json'>; // bodyOf writes nothing else
};

const GONE: Problem = {
  code: 'cursor_gone',
  detail:
    'Events after this cursor may be gone, or the database of lists began anew: read without `after`, and pass by ' +
    'the events whose data.id you know.',
};

/** A cursor of this database, after which nothing was let go of. */
const isKnown = ({ generation, head, pruned }: FeedPage, asked: string, from: number): boolean =>
  asked === generation && from <= head && from >= pruned;

/** Looks until something is there, the time is over, or nobody listens any more. */
async function waitFor(
  first: FeedPage,
  look: () => Promise<FeedPage>,
  until: number,
  signal: AbortSignal,
): Promise<FeedPage> {
  let page = first;
  for (;;) {
    const leftMs = until - Date.now();
    if (page.rows.length > 0 || page.seen < page.head || leftMs <= 0 || signal.aborted) return page;
    await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_AGAIN_MS, leftMs)));
    page = await look();
  }
}

/** The snapshots go out as they were stored, byte for byte as an origin gets them. */
function bodyOf({ generation, head, rows }: FeedPage, next: number): string {
  const items = rows.map(({ type, occurred_at: at, data }) => renderStandard(type, at, data).body);
  const more = next < head;
  return `{"items":[${items.join(',')}],"next":${JSON.stringify(toCursor([generation, next]))},"more":${more}}`;
}
