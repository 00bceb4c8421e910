// /v1/replays and /v1/orders/…/replay: deliveries asked for again, one order's at once, many by a filter in the
// background. A dry run says what would be sent and changes nothing.
import { fieldNamesOf } from '../core/act.ts';
import { EVENT_TYPES } from '../core/event.ts';
import {
  REPLAY_COUNT_MAX,
  REPLAY_SAMPLE_MAX,
  REPLAYS_PER_SECOND_DEFAULT,
  REPLAYS_PER_SECOND_MAX,
} from '../core/limits.ts';
import { REPLAYABLE_STATES, type ReplayFilter, type ReplayJob, type Unmoved } from '../core/replay.ts';
import { unreachable } from '../core/result.ts';
import { formatOf } from '../prepare.ts';
import { ledgerOf } from '../record.ts';
import { countReplayable, listReplayable, type Replayable } from '../store/replayable.ts';
import { actOf, actorOf, newId, requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, IdParam, iso, isoOrNull, Time } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, orNull, registryOf, z } from './kit.ts';
import { claimedProblem, OrderParams, placeOfOrder } from './order-answer.ts';
import { PreviewBody, previewOf } from './origin-preview.ts';
import { cut, PageQuery, pageOf, placeOf } from './page.ts';
import { keyReused, notFound, type Problem, problemResponse, refuse } from './problem.ts';

export const replays = newApp();

/** How many of a dry run's sample are shown as their origins would get them. */
const PREVIEWS_MAX = 3;

const deskOf = (c: Context) => c.env.REPLAYS.getByName('replays');

const Reason = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .optional()
  .openapi({ description: 'Kept with the order, with the key that said so.' });

const OrderReplayInput = z
  .strictObject({
    eventId: z.string().max(64).optional(),
    sequence: z.int().min(1).optional(),
    origin: Id.optional().openapi({
      description: 'One origin of the channel, whether it got the event before or not. Left out: those that did.',
    }),
    reason: Reason,
  })
  .openapi('OrderReplayInput', {
    description: 'Without eventId and sequence: everything the order told, in its sequence.',
  });

replays.openapi(
  createRoute({
    method: 'post',
    path: '/orders/{channel}/{orderNo}/replay',
    summary: 'Deliver events of an order again',
    description:
      'What was delivered, dead, cancelled or skipped goes again as it was told then, in the order of its sequence. ' +
      'An origin that took it before finds the header tollgate-replay: true. The body may be left out.',
    middleware: requires('operate'),
    request: { params: OrderParams, headers: WriteHeaders, body: { ...bodyOf(OrderReplayInput), required: false } },
    responses: {
      200: jsonOf('How many deliveries go again.', z.object({ replayed: z.int() }).openapi('OrderReplayed')),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { channel, orderNo } = c.req.valid('param');
    // An absent body is not validated: it asks for everything.
    const { eventId, sequence, origin: originId, reason } = c.req.valid('json') ?? {};
    const place = await placeOfOrder(c.env, { channel, orderNo });
    if (!place.ok) return refuse(c, place.error);
    const { record } = place.value;
    const problem = await claimedProblem(c, record);
    if (problem) return refuse(c, problem);
    const asked = { v: 1, orderNo, eventId, sequence, originId, actor: actorOf(c, reason) } as const;
    const reply = await ledgerOf(c.env, record, orderNo).replay(asked);
    switch (reply.kind) {
      case 'replayed':
        return c.json({ replayed: reply.deliveries }, 200);
      case 'missing':
        return refuse(c, notFound(`Such an event of order ${channel}/${orderNo}`));
      case 'nothing':
        return refuse(c, { code: 'wrong_status', detail: UNMOVED[reply.why] });
      default:
        return unreachable(reply);
    }
  },
);

const UNMOVED: Readonly<Record<Unmoved, string>> = {
  under_way: 'The delivery is on its way, or waits for its next attempt: it goes by itself.',
  held: 'The event waits for a person: release it first.',
  discarded: 'Two keys ended it, above releaseConfirmAbove of the channel: one alone does not bring it back.',
  no_origin: 'No origin of the channel got this event, or takes it now: name the origin that should.',
  done: 'This replay has moved the delivery before.',
};

const Moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const ReplayInput = z
  .strictObject({
    state: z.enum(REPLAYABLE_STATES).default('dead'),
    channel: Id.optional(),
    origin: Id.optional(),
    type: z.enum(EVENT_TYPES).optional(),
    from: Moment.optional().openapi({ type: 'string', format: 'date-time', description: 'Arrived then or later.' }),
    to: Moment.optional().openapi({ type: 'string', format: 'date-time', description: 'Arrived before; else now.' }),
    perSecond: z.int().min(1).max(REPLAYS_PER_SECOND_MAX).default(REPLAYS_PER_SECOND_DEFAULT),
    reason: Reason,
    dryRun: z
      .boolean()
      .default(false)
      .openapi({ description: 'True: nothing is sent, the answer says what would be.' }),
  })
  .openapi('ReplayInput');

const filterOf = (input: z.infer<typeof ReplayInput>, now: number): ReplayFilter => ({
  state: input.state,
  channel: input.channel ?? null,
  origin: input.origin ?? null,
  type: input.type ?? null,
  from: input.from ?? null,
  to: Math.min(input.to ?? now, now),
});

export const ReplayBody = z
  .object({
    id: z.string(),
    state: z.enum(['running', 'done', 'cancelled']),
    filter: z.object({
      state: z.enum(REPLAYABLE_STATES),
      channel: z.string().nullable(),
      origin: z.string().nullable(),
      type: z.enum(EVENT_TYPES).nullable(),
      from: Time.nullable(),
      to: Time,
    }),
    perSecond: z.int(),
    count: z.int().openapi({ description: `Deliveries that matched when it began; ${REPLAY_COUNT_MAX} is "or more".` }),
    seen: z.int().openapi({ description: 'Deliveries looked at so far.' }),
    replayed: z.int().openapi({ description: 'Of those, the ones that go again.' }),
    problem: z.string().nullable().openapi({ description: 'What keeps it from going on; it tries again by itself.' }),
    reason: z.string().nullable(),
    createdAt: Time,
    finishedAt: Time.nullable(),
  })
  .openapi('Replay');

const renderJob = ({ place: _, actor, filter, createdAt, finishedAt, ...job }: ReplayJob) => ({
  ...job,
  reason: actor.reason,
  filter: { ...filter, from: isoOrNull(filter.from), to: iso(filter.to) },
  createdAt: iso(createdAt),
  finishedAt: isoOrNull(finishedAt),
});

export const DryRun = z
  .object({
    count: z.int().openapi({ description: `${REPLAY_COUNT_MAX} means so many or more.` }),
    sample: z
      .array(
        z.object({
          eventId: z.string(),
          type: z.enum(EVENT_TYPES),
          channel: z.string(),
          orderNo: z.string(),
          origin: z.string().nullable().openapi({ description: 'Null where nobody was told.' }),
          bytes: z.int().openapi({ description: "Of the event's data, before the origin's format." }),
          receivedAt: Time,
          preview: orNull('Preview', PreviewBody).openapi({
            description: `The request its origin would get now; of the first ${PREVIEWS_MAX}, where it can be made.`,
          }),
        }),
      )
      .openapi({ description: 'The first ones it would send.' }),
  })
  .openapi('ReplayDryRun');

type Sample = z.infer<typeof DryRun>['sample'][number];

async function sampleOf(env: Env, row: Replayable, isReplay: boolean, isShown: boolean): Promise<Sample> {
  const { event_id: eventId, channel, order_no: orderNo, bytes } = row;
  const origin = isShown && row.origin !== '' ? await registryOf(env).readOrigin(row.origin) : null;
  const place = { channel, orderNo, which: { eventId } };
  const preview = origin && (await previewOf(env, origin, formatOf(origin), place, { isReplay, mayBeSigned: false }));
  return {
    ...{ eventId, channel, orderNo, bytes },
    type: z.enum(EVENT_TYPES).parse(row.type),
    origin: row.origin === '' ? null : row.origin,
    receivedAt: iso(row.created_at),
    preview: preview?.ok ? preview.value : null,
  };
}

const BUSY: Problem = {
  code: 'wrong_status',
  detail: 'As many replays run as may at once: wait for one of them, or cancel it.',
};

replays.openapi(
  createRoute({
    method: 'post',
    path: '/replays',
    summary: 'Deliver many events again, in the background',
    description:
      'The oldest first, so many a second. With dryRun it only says how many there are and shows the first ones; ' +
      'POST /v1/origins/{id}/preview shows what an origin would get of each.',
    middleware: requires('operate'),
    request: { headers: WriteHeaders, body: bodyOf(ReplayInput) },
    responses: {
      200: jsonOf('What would be sent: a dry run.', DryRun),
      202: jsonOf('It has begun.', ReplayBody),
      ...problemResponse,
    },
  }),
  async (c) => {
    const input = c.req.valid('json');
    const now = Date.now();
    const filter = filterOf(input, now);
    const count = await countReplayable(c.env.DB, filter, REPLAY_COUNT_MAX);
    if (input.dryRun) {
      const rows = await listReplayable(c.env.DB, filter, null, REPLAY_SAMPLE_MAX);
      const isReplay = filter.state === 'delivered';
      const sample = rows.map((row, index) => sampleOf(c.env, row, isReplay, index < PREVIEWS_MAX));
      return c.json({ count, sample: await Promise.all(sample) }, 200);
    }
    const { key, digest } = await stampOf(c);
    const { perSecond, reason } = input;
    const draft = { id: newId('rpl'), filter, perSecond, count, actor: actorOf(c, reason), now, key, digest };
    const reply = await deskOf(c).start(draft);
    if (reply.kind === 'started') {
      const act = actOf(c, { subject: `replay/${reply.job.id}`, about: fieldNamesOf(input), reason });
      if (reply.job.id === draft.id) await registryOf(c.env).noteAct(act, now); // else it was asked for before
      return c.json(renderJob(reply.job), 202);
    }
    return refuse(c, reply.kind === 'busy' ? BUSY : keyReused);
  },
);

replays.openapi(
  createRoute({
    method: 'get',
    path: '/replays',
    summary: 'List bulk replays, newest first',
    middleware: requires('read'),
    request: { query: PageQuery },
    responses: { 200: jsonOf('Replays, newest first.', pageOf('ReplayPage', ReplayBody)), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const place = placeOf(cursor, z.tuple([z.int()]));
    if (!place.ok) return refuse(c, place.error);
    const rows = await deskOf(c).list(place.value?.[0] ?? null, limit + 1);
    return c.json(
      cut(
        rows,
        limit,
        (row) => [row.place],
        ({ job }) => renderJob(job),
      ),
      200,
    );
  },
);

replays.openapi(
  createRoute({
    method: 'get',
    path: '/replays/{id}',
    summary: 'Read how far a bulk replay is',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: { 200: jsonOf('The replay as it stands now.', ReplayBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const job = await deskOf(c).read(id);
    return job ? c.json(renderJob(job), 200) : refuse(c, notFound(`Replay ${id}`));
  },
);

replays.openapi(
  createRoute({
    method: 'post',
    path: '/replays/{id}/cancel',
    summary: 'End a bulk replay where it is',
    description: 'What goes again already goes on. One that is over stays as it is.',
    middleware: requires('operate'),
    request: { params: IdParam, headers: WriteHeaders },
    responses: { 200: jsonOf('The replay as it stands now.', ReplayBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const job = await deskOf(c).cancel(id, Date.now());
    if (job) await registryOf(c.env).noteAct(actOf(c, { subject: `replay/${id}` }), Date.now());
    return job ? c.json(renderJob(job), 200) : refuse(c, notFound(`Replay ${id}`));
  },
);
