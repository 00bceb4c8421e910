// /v1/callbacks, /v1/rejections, /v1/deliveries: what arrived, what was refused, what went out. Lists from D1 alone.
import {
  type CallbackRow,
  countRejections,
  type DeliveryRow,
  listCallbacks,
  listDeliveries,
  type RejectionCount,
} from '../store/lists.ts';
import { requires } from './auth.ts';
import { Id, iso, isoOrNull, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { DELIVERY_STATES } from './order-shape.ts';
import { cut, PageQuery, pageOf, placeOf } from './page.ts';
import { invalid, problemResponse, refuse } from './problem.ts';

const COUNT_MINUTES_DEFAULT = 60;
const COUNT_MINUTES_MAX = 1_440;
const COUNTS_MAX = 2_000;
export const VERDICTS = ['accepted', 'duplicate', 'ignored', 'parked', 'rejected'] as const;

export const CallbackBody = z
  .object({
    id: z.string(),
    at: Time,
    channel: z.string(),
    verdict: z.enum(VERDICTS),
    reason: z.string().nullable().openapi({ description: 'Why it was refused, or would have been where only noted.' }),
    detail: z.string().nullable(),
    remoteAddress: z.string().nullable(),
    orderNo: z.string().nullable(),
    noticeType: z.string().nullable(),
    digest: z.string().nullable().openapi({ description: 'SHA-256 of the body, hex.' }),
    bytes: z.int().nullable(),
  })
  .openapi('Callback');

const renderCallback = (row: CallbackRow): z.infer<typeof CallbackBody> => ({
  id: row.id,
  at: iso(row.at),
  channel: row.channel,
  verdict: row.verdict,
  reason: row.reason,
  detail: row.detail,
  remoteAddress: row.remote_address,
  orderNo: row.order_no,
  noticeType: row.notice_type,
  digest: row.digest,
  bytes: row.bytes,
});

const CallbackPlace = z.tuple([z.int(), z.string()]);
const placeOfCallback = (row: CallbackRow) => [row.at, row.id];
/** Unknown channels share one name, which no channel can have. */
const ChannelName = z.union([Id, z.literal('-')]);

export const records = newApp();

records.openapi(
  createRoute({
    method: 'get',
    path: '/callbacks',
    summary: 'List what providers sent, newest first',
    description: 'Accepted callbacks are all here; of the others samples are kept, and counts are exact.',
    middleware: requires('read'),
    request: { query: PageQuery.extend({ channel: ChannelName.optional(), verdict: z.enum(VERDICTS).optional() }) },
    responses: { 200: jsonOf('Arrivals, newest first.', pageOf('CallbackPage', CallbackBody)), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const place = placeOf(cursor, CallbackPlace);
    if (!place.ok) return refuse(c, place.error);
    const rows = await listCallbacks(c.env.DB, filter, place.value, limit);
    return c.json(cut(rows, limit, placeOfCallback, renderCallback), 200);
  },
);

export const RejectionPage = pageOf('RejectionPage', CallbackBody).extend({
  counts: z
    .array(z.object({ channel: z.string(), minute: Time, reason: z.string(), count: z.int() }))
    .openapi({ description: 'Exact counts by minute, newest first; on the first page alone.' }),
});

records.openapi(
  createRoute({
    method: 'get',
    path: '/rejections',
    summary: 'List refused callbacks, newest first, with exact counts',
    description: 'A flood is sampled: the last ones and the first of each reason and minute are kept whole.',
    middleware: requires('read'),
    request: {
      query: PageQuery.extend({
        channel: ChannelName.optional(),
        minutes: z.coerce
          .number()
          .int()
          .min(1)
          .max(COUNT_MINUTES_MAX)
          .default(COUNT_MINUTES_DEFAULT)
          .openapi({ description: 'How far back the counts go.' }),
      }),
    },
    responses: { 200: jsonOf('Refused callbacks, newest first.', RejectionPage), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, channel, minutes } = c.req.valid('query');
    const place = placeOf(cursor, CallbackPlace);
    if (!place.ok) return refuse(c, place.error);
    const since = Date.now() - minutes * 60_000;
    const [rows, counts] = await Promise.all([
      listCallbacks(c.env.DB, { channel, verdict: 'rejected' }, place.value, limit),
      place.value === null ? countRejections(c.env.DB, channel, since, COUNTS_MAX) : [],
    ]);
    return c.json({ ...cut(rows, limit, placeOfCallback, renderCallback), counts: counts.map(renderCount) }, 200);
  },
);

const renderCount = ({ minute, ...count }: RejectionCount) => ({ ...count, minute: iso(minute) });

export const DeliveryBody = z
  .object({
    eventId: z.string(),
    origin: z.string(),
    channel: z.string(),
    orderNo: z.string(),
    sequence: z.int(),
    state: z.enum(DELIVERY_STATES),
    reason: z.string().nullable(),
    attempts: z.int(),
    lastOutcome: z.string().nullable(),
    lastStatus: z.int().nullable(),
    dueAt: Time.nullable(),
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('Delivery');

const renderDelivery = (row: DeliveryRow): z.infer<typeof DeliveryBody> => ({
  eventId: row.event_id,
  origin: row.origin,
  channel: row.channel,
  orderNo: row.order_no,
  sequence: row.sequence,
  state: z.enum(DELIVERY_STATES).parse(row.state),
  reason: row.reason,
  attempts: row.attempts,
  lastOutcome: row.last_outcome,
  lastStatus: row.last_status,
  dueAt: isoOrNull(row.due_at),
  createdAt: iso(row.created_at),
  updatedAt: iso(row.updated_at),
});

records.openapi(
  createRoute({
    method: 'get',
    path: '/deliveries',
    summary: 'List deliveries, newest first',
    description: 'A delivery is listed from its first outcome on; an order shows its own at once.',
    middleware: requires('read'),
    request: {
      query: PageQuery.extend({
        state: z.enum(DELIVERY_STATES).optional(),
        channel: Id.optional().openapi({ description: 'Together with a state other than delivered.' }),
      }),
    },
    responses: { 200: jsonOf('Deliveries, newest first.', pageOf('DeliveryPage', DeliveryBody)), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const place = placeOf(cursor, z.tuple([z.int(), z.string(), z.string()]));
    if (!place.ok) return refuse(c, place.error);
    if (filter.channel !== undefined && (filter.state === undefined || filter.state === 'delivered')) {
      return refuse(c, invalid({ field: 'state', message: 'give a state other than delivered along with channel' }));
    }
    const rows = await listDeliveries(c.env.DB, filter, place.value, limit);
    return c.json(
      cut(rows, limit, (row) => [row.created_at, row.event_id, row.origin], renderDelivery),
      200,
    );
  },
);
