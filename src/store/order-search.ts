// Orders as people look for them, read from the projection in D1: by time, by number, by a payment's or refund's id,
// each along an index. What no index knows is sifted from a bounded stretch of it. Never truth, never written here.
import { ORDER_SCAN_MAX } from '../core/limits.ts';

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

type Term = { readonly sql: string; readonly values: readonly (string | number)[] };
const term = (sql: string, ...values: readonly (string | number)[]): Term => ({ sql, values });
const all = (terms: readonly Term[]): Term => ({
  sql: terms.length === 0 ? '1' : terms.map(({ sql }) => sql).join(' AND '),
  values: terms.flatMap(({ values }) => values),
});

/** One way along one index. `key` is the column that its order begins with. */
type Walk = {
  readonly key: string;
  /** From the table on, with its order and without a limit. */
  readonly along: Term;
  readonly isDown: boolean;
  /** The order's own columns that place a row behind its key. */
  readonly place: string;
  /** What the walk itself does not see to. */
  readonly sift: readonly Term[];
};

type Keyed = OrderRow & { readonly walk_key: number | string };
type Placed = { readonly key: number | string; readonly channel: string; readonly order_no: string };

const COLUMNS = `state, flags, amount_minor, currency, paid_minor, refunded_minor, sequence, registered, test,
  created_at, updated_at, paid_at`;
/** Numbers are visible ASCII: this sorts after every one that begins with the prefix. */
const AFTER_ALL = '\x7f';

const given = (terms: readonly (Term | false | undefined)[]): Term[] => terms.filter((one) => one !== false && !!one);
const siftsOf = ({ state, flag, currency, amountMin, amountMax }: OrderFilter): Term[] =>
  given([
    state !== undefined && term('state = ?', state),
    flag !== undefined && term('EXISTS (SELECT 1 FROM json_each(flags) f WHERE f.value = ?)', flag),
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
  const times = given([...timesOf(filter), after ?? undefined]);
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
    key: 'created_at',
    along: {
      sql: `FROM orders INDEXED BY ${index} WHERE ${where.sql} ORDER BY created_at DESC, channel DESC, order_no DESC`,
      values: where.values,
    },
    isDown: true,
    place: 'channel, order_no',
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
    key: 'order_no',
    along: { sql: `FROM orders WHERE ${where.sql} ORDER BY order_no`, values: where.values },
    isDown: false,
    place: 'channel, order_no',
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
    key: 'i.id',
    along: {
      sql: `FROM order_ids i CROSS JOIN orders o ON o.channel = i.channel AND o.order_no = i.order_no
        WHERE ${where.sql} ORDER BY i.id, i.channel, i.order_no`,
      values: where.values,
    },
    isDown: false,
    place: 'o.channel, o.order_no, i.kind',
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
  scanMax = Math.max(ORDER_SCAN_MAX, limit + 1),
): Promise<OrderPage> {
  const walks = await walksOf(db, filter, place);
  if (walks.length === 0) return { rows: [], next: null };
  const pages = await db.batch<Keyed>(walks.map((walk) => pageOf(db, walk, limit, scanMax)));
  const ends = await endsOf(
    db,
    walks.filter((walk, index) => walk.sift.length > 0 && (pages[index]?.results.length ?? 0) <= limit),
    scanMax,
  );
  return merged(
    pages.flatMap(({ results }) => results),
    ends,
    walks[0]?.isDown ?? false,
    limit,
  );
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

/** One row more than a page, so that the caller knows whether another follows. */
function pageOf(db: D1Database, { key, along, place, sift }: Walk, limit: number, scanMax: number) {
  const most = sift.length === 0 ? limit + 1 : scanMax;
  const wanted = all(sift);
  return db
    .prepare(
      `SELECT * FROM (SELECT ${key} AS walk_key, ${place}, ${COLUMNS} ${along.sql} LIMIT ?)
       WHERE ${wanted.sql} LIMIT ?`,
    )
    .bind(...along.values, most, ...wanted.values, limit + 1);
}

/** Where each stretch ended that was looked through to its end; none of those that reached the last order. */
async function endsOf(db: D1Database, walks: readonly Walk[], scanMax: number): Promise<readonly Placed[]> {
  if (walks.length === 0) return [];
  const statements = walks.map(({ key, along, place }) =>
    db.prepare(`SELECT ${key} AS key, ${place} ${along.sql} LIMIT 1 OFFSET ?`).bind(...along.values, scanMax - 1),
  );
  return (await db.batch<Placed>(statements)).flatMap(({ results }) => results);
}

function merged(found: readonly Keyed[], ends: readonly Placed[], isDown: boolean, limit: number): OrderPage {
  const compare = (a: OrderPlace, b: OrderPlace) => (isDown ? -1 : 1) * inOrder(a, b);
  const placeOf = ({ walk_key: key, channel, order_no: orderNo }: Keyed): OrderPlace => [key, channel, orderNo];
  // No walk may show what lies behind the place that another has not looked past yet.
  const [end = null] = ends
    .map(({ key, channel, order_no: orderNo }): OrderPlace => [key, channel, orderNo])
    .sort(compare);
  const rows = [...found]
    .filter((row) => end === null || compare(placeOf(row), end) <= 0)
    .sort((a, b) => compare(placeOf(a), placeOf(b)));
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last ? placeOf(last) : end;
  return { rows: onceEach(shown), next };
}

function inOrder(a: OrderPlace, b: OrderPlace): number {
  for (const [index, one] of a.entries()) {
    const other = b[index] ?? '';
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

/** An order may be found by several of its ids. */
const onceEach = (rows: readonly Keyed[]): readonly OrderRow[] => [
  ...new Map(rows.map((row) => [`${row.channel} ${row.order_no}`, row])).values(),
];
