// /v1/callbacks, /v1/rejections, /v1/deliveries: what arrived, what was refused, what went out. Lists from D1 alone.
import { EXPORT_PAGE_ITEMS } from '../core/limits.ts';
import { REJECTION_REASONS } from '../core/rejection.ts';
import {
  type CallbackRow,
  countRejections,
  type DeliveryRow,
  listCallbacks,
  listDeliveries,
  type RejectionCount,
} from '../store/lists.ts';
import type { Page } from '../store/stretch.ts';
import { requires } from './auth.ts';
import { Id, iso, isoOrNull, OrderNo, Time, When } from './fields.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { DELIVERY_STATES } from './order-shape.ts';
import { PageQuery, pageOf, placeOf, toCursor } from './page.ts';
import { problemResponse, refuse } from './problem.ts';
import { Format, jsonOrCsv, tableOf } from './table.ts';

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
type CallbackPlace = z.infer<typeof CallbackPlace>;
const CALLBACK_HEADER = [
  ...(['at', 'id', 'channel', 'verdict', 'reason', 'detail'] as const),
  ...(['remoteAddress', 'orderNo', 'noticeType', 'digest', 'bytes'] as const),
] as const;
/** Unknown channels share one name, which no channel can have. */
const ChannelName = z.union([Id, z.literal('-')]);

/** What arrived is looked for by. */
const CallbackQuery = PageQuery.extend({
  channel: ChannelName.optional(),
  verdict: z.enum(VERDICTS).optional(),
  reason: z.enum(REJECTION_REASONS).optional(),
  orderNo: OrderNo.optional().openapi({
    description: 'That it named, unproved where it was refused; quick together with channel.',
  }),
  from: When.optional().openapi({ description: 'It came then or later.' }),
  to: When.optional().openapi({ description: 'It came before then.' }),
  format: Format,
});

const spanOf = ({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }) => ({
  from: from === undefined ? undefined : Date.parse(from),
  to: to === undefined ? undefined : Date.parse(to),
});

const shown = <Row, Item>({ rows, next }: Page<Row>, render: (row: Row) => Item) => ({
  items: rows.map(render),
  next: next && toCursor([...next]),
});

export const records = newApp();

records.openapi(
  createRoute({
    method: 'get',
    path: '/callbacks',
    summary: 'List what providers sent, newest first',
    description: 'Accepted callbacks are all here; of the others samples are kept, and counts are exact.',
    middleware: requires('read'),
    request: { query: CallbackQuery },
    responses: { 200: jsonOrCsv('Arrivals, newest first.', pageOf('CallbackPage', CallbackBody)), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, format, from, to, ...rest } = c.req.valid('query');
    const place = placeOf(cursor, CallbackPlace);
    if (!place.ok) return refuse(c, place.error);
    const filter = { ...rest, ...spanOf({ from, to }) };
    if (format === 'csv') {
      return tableOf<CallbackPlace>('callbacks', CALLBACK_HEADER, async (after) => {
        const { rows, next } = await listCallbacks(c.env.DB, filter, after, EXPORT_PAGE_ITEMS);
        const lines = rows.map(renderCallback).map((item) => CALLBACK_HEADER.map((name) => item[name]));
        return { lines, next: next && CallbackPlace.parse(next) };
      });
    }
    return c.json(shown(await listCallbacks(c.env.DB, filter, place.value, limit), renderCallback), 200);
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
    const [page, counts] = await Promise.all([
      listCallbacks(c.env.DB, { channel, verdict: 'rejected' }, place.value, limit),
      place.value === null ? countRejections(c.env.DB, channel, since, COUNTS_MAX) : [],
    ]);
    return c.json({ ...shown(page, renderCallback), counts: counts.map(renderCount) }, 200);
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

const DeliveryPlace = z.tuple([z.int(), z.string(), z.string()]);
type DeliveryPlace = z.infer<typeof DeliveryPlace>;
const DELIVERY_HEADER = [
  ...(['createdAt', 'eventId', 'origin', 'channel', 'orderNo', 'sequence', 'state', 'reason', 'attempts'] as const),
  ...(['lastOutcome', 'lastStatus', 'dueAt', 'updatedAt'] as const),
] as const;

records.openapi(
  createRoute({
    method: 'get',
    path: '/deliveries',
    summary: 'List deliveries, newest first',
    description:
      'A delivery is listed from its first outcome on; an order shows its own at once. A page may be short and still ' +
      'have a next: the list is over when next is null.',
    middleware: requires('read'),
    request: {
      query: PageQuery.extend({
        state: z.enum(DELIVERY_STATES).optional(),
        channel: Id.optional(),
        origin: Id.optional(),
        orderNo: OrderNo.optional(),
        from: When.optional().openapi({ description: 'The event came then or later.' }),
        to: When.optional().openapi({ description: 'The event came before then.' }),
        format: Format,
      }),
    },
    responses: {
      200: jsonOrCsv('Deliveries, newest first.', pageOf('DeliveryPage', DeliveryBody)),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { limit, cursor, format, from, to, ...rest } = c.req.valid('query');
    const place = placeOf(cursor, DeliveryPlace);
    if (!place.ok) return refuse(c, place.error);
    const filter = { ...rest, ...spanOf({ from, to }) };
    if (format === 'csv') {
      return tableOf<DeliveryPlace>('deliveries', DELIVERY_HEADER, async (after) => {
        const { rows, next } = await listDeliveries(c.env.DB, filter, after, EXPORT_PAGE_ITEMS);
        const lines = rows.map(renderDelivery).map((item) => DELIVERY_HEADER.map((name) => item[name]));
        return { lines, next: next && DeliveryPlace.parse(next) };
      });
    }
    return c.json(shown(await listDeliveries(c.env.DB, filter, place.value, limit), renderDelivery), 200);
  },
);
