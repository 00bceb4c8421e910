// GET /v1/orders: find orders by number, transaction, refund, state, flag, channel, time and amount; as pages, or as
// one table. Asks D1 alone.
import { EXPORT_PAGE_ITEMS } from '../core/limits.ts';
import { isCurrency, type Money as MoneyValue, printMoney } from '../core/money.ts';
import { FLAGS } from '../core/order.ts';
import { type OrderFilter, type OrderPlace, type OrderRow, searchOrders } from '../store/order-search.ts';
import { requires } from './auth.ts';
import { Id, iso, isoOrNull, OrderNo, When } from './fields.ts';
import { createRoute, newApp, z } from './kit.ts';
import { ORDER_STATES, OrderItem } from './order-shape.ts';
import { PageQuery, pageOf, placeOf, toCursor } from './page.ts';
import { invalid, problemResponse, refuse } from './problem.ts';
import { Format, jsonOrCsv, tableOf } from './table.ts';

const BY_NUMBER = 'Whole, or how it begins; then the list is by what was found.';
const FoundId = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters without spaces');
const Minor = z.coerce
  .number()
  .int('must be a whole number of the smallest unit: 100 is 1.00 CNY')
  .min(0, 'must not be below 0')
  .max(Number.MAX_SAFE_INTEGER);

export const OrderQuery = PageQuery.extend({
  search: FoundId.optional().openapi({ description: `An order, transaction or refund number. ${BY_NUMBER}` }),
  orderNo: OrderNo.optional().openapi({ description: `The merchant's number. ${BY_NUMBER}` }),
  transactionId: FoundId.optional().openapi({ description: `The provider's number of a payment. ${BY_NUMBER}` }),
  refundNo: FoundId.optional().openapi({ description: `A refund's number, ours or the provider's. ${BY_NUMBER}` }),
  channel: Id.optional(),
  state: z.enum(ORDER_STATES).optional(),
  flag: z.enum(FLAGS).optional(),
  from: When.optional().openapi({ description: 'First heard of then or later.' }),
  to: When.optional().openapi({ description: 'First heard of before then.' }),
  currency: z.string().refine(isCurrency, 'must be three capital letters, such as CNY').optional(),
  amountMin: Minor.optional().openapi({ description: 'Of the order’s amount, in the smallest unit; with currency.' }),
  amountMax: Minor.optional().openapi({ description: 'The same, included.' }),
  format: Format,
});
type OrderQuery = z.infer<typeof OrderQuery>;

const OrderPlaceOf = z.tuple([z.union([z.int(), z.string()]), z.string(), z.string()]);

const OrderPage = pageOf('OrderPage', OrderItem);

export const orderList = newApp();

orderList.openapi(
  createRoute({
    method: 'get',
    path: '/orders',
    summary: 'Find orders, newest first',
    description:
      'A page may be short, or empty, and still have a next: what no index knows is looked for in a bounded stretch ' +
      'at a time. The list is over when next is null.',
    middleware: requires('read', 'orders'),
    request: { query: OrderQuery },
    responses: {
      200: jsonOrCsv('Orders.', OrderPage),
      ...problemResponse,
    },
  }),
  async (c) => {
    const query = c.req.valid('query');
    const place = placeOf(query.cursor, OrderPlaceOf);
    if (!place.ok) return refuse(c, place.error);
    const wrong = wrongIn(query, place.value);
    if (wrong !== null) return refuse(c, invalid(wrong));
    const filter = filterOf(query);
    if (query.format === 'csv') {
      return tableOf<OrderPlace>('orders', HEADER, async (after) => {
        const page = await searchOrders(c.env.DB, filter, after, EXPORT_PAGE_ITEMS);
        return { lines: page.rows.map(lineOf), next: page.next };
      });
    }
    const { rows, next } = await searchOrders(c.env.DB, filter, place.value, query.limit);
    return c.json({ items: rows.map(renderItem), next: next && toCursor([...next]) }, 200);
  },
);

/** What one field alone cannot tell. */
function wrongIn(query: OrderQuery, place: OrderPlace | null): { field: string; message: string } | null {
  const { currency, amountMin, amountMax, from, to } = query;
  const ids = (['search', 'orderNo', 'transactionId', 'refundNo'] as const).filter((name) => query[name] !== undefined);
  if (ids.length > 1) return { field: ids[1] ?? '', message: `give one of ${ids.join(' and ')}` };
  if (currency === undefined && (amountMin ?? amountMax) !== undefined) {
    return { field: 'currency', message: 'give the currency of the amount, such as CNY' };
  }
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
    return { field: 'to', message: 'must be later than from' };
  }
  if (place !== null && (typeof place[0] === 'string') !== ids.length > 0) {
    return { field: 'cursor', message: 'is of another list: take `next` of the page before, with the same filter' };
  }
  return null;
}

function filterOf({ search, orderNo, transactionId, refundNo, from, to, ...query }: OrderQuery): OrderFilter {
  const { channel, state, flag, currency, amountMin, amountMax } = query;
  const ids = { any: search, order: orderNo, transaction: transactionId, refund: refundNo } as const;
  const named = (['any', 'order', 'transaction', 'refund'] as const).flatMap((kind) => {
    const text = ids[kind];
    return text === undefined ? [] : [{ kind, text }];
  });
  const [id] = named;
  return {
    ...(id === undefined ? {} : { id }),
    ...{ channel, state, flag, currency, amountMin, amountMax },
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  };
}

const moneyOf = (minor: number | null, currency: string | null): MoneyValue | null =>
  minor === null || currency === null ? null : { minor, currency };

function renderItem(row: OrderRow): z.infer<typeof OrderItem> {
  return {
    channel: row.channel,
    orderNo: row.order_no,
    state: z.enum(ORDER_STATES).parse(row.state),
    flags: JSON.parse(row.flags),
    amountChecked: row.registered === 1,
    amount: moneyOf(row.amount_minor, row.currency),
    paid: moneyOf(row.paid_minor, row.currency),
    refunded: moneyOf(row.refunded_minor, row.currency),
    sequence: row.sequence,
    test: row.test === 1,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
    paidAt: isoOrNull(row.paid_at),
  };
}

const HEADER = [
  ...['channel', 'orderNo', 'state', 'flags', 'currency', 'amount', 'paid', 'refunded', 'amountChecked', 'test'],
  ...['createdAt', 'updatedAt', 'paidAt'],
];

function lineOf(row: OrderRow): readonly unknown[] {
  const { channel, orderNo, state, flags, amount, paid, refunded, amountChecked, test, ...times } = renderItem(row);
  const sums = [amount, paid, refunded].map((sum) => (sum === null ? null : printMoney(sum)));
  const { createdAt, updatedAt, paidAt } = times;
  const rest = [amountChecked, test, createdAt, updatedAt, paidAt];
  return [channel, orderNo, state, flags.join(' '), row.currency, ...sums, ...rest];
}
