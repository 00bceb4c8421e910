// Orders as people look for them, read from the projection in D1: by time, by number, by a payment's or refund's id,
// each along an index. What no index knows is sifted from a bounded stretch of it. Never truth, never written here.
import { LIST_SCAN_MAX } from '../core/limits.ts';
import { all, given, readStretches, type Term, term, type Walk } from './stretch.ts';

export type OrderRow = {
  readonly channel: string;
  readonly order_no: string;
  readonly state: string;
  readonly flags: string;
  readonly amount_minor: number | null;
  readonly currency: string | null;
  readonly paid_minor: number | null;
  readonly refunded_minor: number | null;
  readonly sequence: number;
  readonly registered: number;
  readonly test: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly paid_at: number | null;
};

/** What `id` means to whoever looks: any number, or one of a kind. Each may be the beginning alone. */
export type IdKind = 'any' | 'order' | 'transaction' | 'refund';

export type OrderFilter = {
  readonly id?: { readonly kind: IdKind; readonly text: string };
  readonly channel?: string | undefined;
  readonly state?: string | undefined;
  readonly flag?: string | undefined;
  readonly currency?: string | undefined;
  /** Of the order's amount, in minor units, both ends included. */
  readonly amountMin?: number | undefined;
  readonly amountMax?: number | undefined;
  /** When the order was first heard of, epoch milliseconds; `to` is not included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
};

/** Where a page ended: the key of its walk (a time, or the number that was found), channel and order. */
export type OrderPlace = readonly [key: number | string, channel: string, orderNo: string];
/** `next`: a page may be short and yet have one, where a stretch held little of what was looked for. */
export type OrderPage = { readonly rows: readonly OrderRow[]; readonly next: OrderPlace | null };

/** Behind those that place an order, which a walk names its own way. */
const COLUMNS = `state, flags, amount_minor, currency, paid_minor, refunded_minor, sequence, registered, test,
  created_at, updated_at, paid_at`;
/** Numbers are visible ASCII: this sorts after every one that begins with the prefix. */
const AFTER_ALL = '\x7f';

const siftsOf = ({ state, flag, currency, amountMin, amountMax }: OrderFilter): Term[] =>
  given([
    state !== undefined && term('state = ?', state),
    // A list of plain words, as the ledger prints it: found as a text, thousands of rows for one page.
    flag !== undefined && term('instr(flags, ?) > 0', JSON.stringify(flag)),
    currency !== undefined && term('currency = ?', currency),
    amountMin !== undefined && term('amount_minor >= ?', amountMin),
    amountMax !== undefined && term('amount_minor <= ?', amountMax),
  ]);
const timesOf = ({ from, to }: OrderFilter): Term[] =>
  given([from !== undefined && term('created_at >= ?', from), to !== undefined && term('created_at < ?', to)]);
const channelOf = ({ channel }: OrderFilter): Term[] => given([channel !== undefined && term('channel = ?', channel)]);

/** Newest first, by the index that leaves the least to sift. */
function walkByTime(filter: OrderFilter, place: OrderPlace | null): Walk {
  const { channel, state, flag } = filter;
  const after = place && term('(created_at, channel, order_no) < (?, ?, ?)', ...place);
  const times = given([...timesOf(filter), after]);
  const [index, terms, sift] =
    flag !== undefined
      ? ['orders_flagged', [term("flags <> '[]'"), ...times], channelOf(filter)]
      : state !== undefined && state !== 'paid'
        ? ['orders_by_state', [term("state = ? AND state <> 'paid'", state), ...times], channelOf(filter)]
        : channel !== undefined
          ? ['orders_by_channel', [...channelOf(filter), ...timesOf(filter), ...behindIn(place)], []]
          : ['orders_by_time', times, []];
  const where = all(terms);
  return {
    columns: `channel, order_no, ${COLUMNS}`,
    by: ['created_at', 'channel', 'order_no'],
    along: {
      sql: `FROM orders INDEXED BY ${index} WHERE ${where.sql} ORDER BY created_at DESC, channel DESC, order_no DESC`,
      values: where.values,
    },
    isDown: true,
    sift: [...sift, ...siftsOf(filter)],
  };
}

/** Behind the place, within its channel: the index of a channel begins with it. */
const behindIn = (place: OrderPlace | null): Term[] =>
  place === null ? [] : [term('(created_at, order_no) < (?, ?)', place[0], place[2])];

/** One channel's orders whose number begins so, by number. */
function walkByNumber(filter: OrderFilter, channel: string, prefix: string, place: OrderPlace | null): Walk {
  const [key = '', last = ''] = place === null ? [] : [String(place[0]), place[1]];
  // Of other channels the number where the page ended may be to come still.
  const after = channel > last ? '>=' : '>';
  const where = all([
    term('channel = ? AND order_no >= ? AND order_no < ?', channel, prefix, prefix + AFTER_ALL),
    ...(place === null ? [] : [term(`order_no ${after} ?`, key)]),
  ]);
  return {
    columns: `channel, order_no, ${COLUMNS}`,
    by: ['order_no', 'channel', 'order_no'],
    along: { sql: `FROM orders WHERE ${where.sql} ORDER BY order_no`, values: where.values },
    isDown: false,
    sift: [...timesOf(filter).map(unindexed), ...siftsOf(filter)],
  };
}

/** A plus keeps SQLite from taking another index for the sake of this term. */
const unindexed = ({ sql, values }: Term): Term => ({ sql: `+${sql}`, values });

/** Orders with a payment or a refund whose id begins so, by that id. */
function walkById(filter: OrderFilter, kind: 'any' | 'transaction' | 'refund', text: string, place: OrderPlace | null) {
  const kinds = { any: null, transaction: ['transaction'], refund: ['refund', 'provider_refund'] }[kind];
  const where = all(
    given([
      term('i.id >= ? AND i.id < ?', text, text + AFTER_ALL),
      place !== null && term('(i.id, i.channel, i.order_no) > (?, ?, ?)', ...place),
    ]),
  );
  const walk: Walk = {
    columns: `o.channel, o.order_no, i.kind, ${COLUMNS}`,
    by: ['i.id', 'i.channel', 'i.order_no'],
    along: {
      sql: `FROM order_ids i CROSS JOIN orders o ON o.channel = i.channel AND o.order_no = i.order_no
        WHERE ${where.sql} ORDER BY i.id, i.channel, i.order_no`,
      values: where.values,
    },
    isDown: false,
    sift: given([
      ...channelOf(filter),
      ...timesOf(filter),
      ...siftsOf(filter),
      kinds !== null && term('kind IN (SELECT value FROM json_each(?))', JSON.stringify(kinds)),
    ]),
  };
  return walk;
}

/** One page. Reads a bounded stretch of each index, `scanMax` rows, however rare what is looked for may be. */
export async function searchOrders(
  db: D1Database,
  filter: OrderFilter,
  place: OrderPlace | null,
  limit: number,
  scanMax = Math.max(LIST_SCAN_MAX, limit + 1),
): Promise<OrderPage> {
  const walks = await walksOf(db, filter, place);
  const { rows, next } = await readStretches<OrderRow>(db, walks, limit, scanMax);
  // An order may be found by several of its ids.
  const once = new Map(rows.map((row) => [`${row.channel} ${row.order_no}`, row]));
  const [key, channel, orderNo] = next ?? [];
  const isEnd = key === undefined || channel === undefined || orderNo === undefined;
  return { rows: [...once.values()], next: isEnd ? null : [key, String(channel), String(orderNo)] };
}

async function walksOf(db: D1Database, filter: OrderFilter, place: OrderPlace | null): Promise<readonly Walk[]> {
  const { id, channel } = filter;
  if (id === undefined) return [walkByTime(filter, place)];
  const { kind, text } = id;
  const channels = kind !== 'any' && kind !== 'order' ? [] : channel === undefined ? await channelsIn(db) : [channel];
  const byNumber = channels.map((one) => walkByNumber(filter, one, text, place));
  return kind === 'order' ? byNumber : [...byNumber, walkById(filter, kind, text, place)];
}

/** Every channel that has orders: a look at the key for each, not at its orders. */
async function channelsIn(db: D1Database): Promise<readonly string[]> {
  const { results } = await db
    .prepare(
      `WITH RECURSIVE c (channel) AS (SELECT MIN(channel) FROM orders UNION ALL
         SELECT (SELECT MIN(o.channel) FROM orders o WHERE o.channel > c.channel) FROM c WHERE c.channel IS NOT NULL)
       SELECT channel FROM c WHERE channel IS NOT NULL`,
    )
    .all<{ channel: string }>();
  return results.map(({ channel }) => channel);
}
