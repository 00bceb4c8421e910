// Pages of lists in D1: along indexes, newest or lowest first, from behind a place. What no index knows is sifted from
// a bounded stretch of one, so that no page depends on how rare its rows are. Knows no table.

export type Term = { readonly sql: string; readonly values: readonly (string | number)[] };
export const term = (sql: string, ...values: readonly (string | number)[]): Term => ({ sql, values });

/** The terms that are there. */
export const given = (terms: readonly (Term | false | null | undefined)[]): Term[] =>
  terms.filter((one) => one !== false && one !== null && one !== undefined);

export const all = (terms: readonly Term[]): Term => ({
  sql: terms.length === 0 ? '1' : terms.map(({ sql }) => sql).join(' AND '),
  values: terms.flatMap(({ values }) => values),
});

/** Where a page ended: the values of the columns that the walk goes by. */
export type Place = readonly (string | number)[];

/** One way along one index. */
export type Walk = {
  /** From the table on, with its order and without a limit. */
  readonly along: Term;
  readonly columns: string;
  /** The columns that the walk goes by; the last ones make them unique. */
  readonly by: readonly string[];
  readonly isDown: boolean;
  /** What the walk itself does not see to, in the names of `columns`. */
  readonly sift: readonly Term[];
};

/** `next`: a page may be short, or empty, and yet have one, where a stretch held little of what was looked for. */
export type Page<Row> = { readonly rows: readonly Row[]; readonly next: Place | null };

type Placed = Readonly<Record<`p${number}`, string | number>>;

/** One page of all these walks together, in their common order. Reads `scanMax` rows of each at most, three times. */
export async function readStretches<Row>(
  db: D1Database,
  walks: readonly Walk[],
  limit: number,
  scanMax: number,
): Promise<Page<Row>> {
  const [first] = walks;
  if (!first) return { rows: [], next: null };
  const { pages, ends } = await readPages<Row>(db, walks, limit, scanMax);
  const compare = (a: Place, b: Place) => (first.isDown ? -1 : 1) * inOrder(a, b);
  const placeOf = (row: Placed): Place => first.by.map((_, n) => row[`p${n}`] ?? '');
  // No walk may show what lies behind the place that another has not looked past yet.
  const [end = null] = ends.map(placeOf).sort(compare);
  const rows = pages
    .flatMap(({ results }) => results)
    .filter((row) => end === null || compare(placeOf(row), end) <= 0)
    .sort((a, b) => compare(placeOf(a), placeOf(b)));
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, next: rows.length > limit && last ? placeOf(last) : end };
}

const namedBy = ({ by }: Walk): string => by.map((column, n) => `${column} AS p${n}`).join(', ');

/** One row more than a page, so that it is known whether another follows. */
function pageOf(db: D1Database, walk: Walk, limit: number, scanMax: number): D1PreparedStatement {
  const { along, columns, sift } = walk;
  const most = sift.length === 0 ? limit + 1 : scanMax;
  const wanted = all(sift);
  return db
    .prepare(`SELECT * FROM (SELECT ${namedBy(walk)}, ${columns} ${along.sql} LIMIT ?) WHERE ${wanted.sql} LIMIT ?`)
    .bind(...along.values, most, ...wanted.values, limit + 1);
}

/**
 * The pages, and where each sifted stretch ended that was looked through to its end; none of those that reached the
 * last row. Both as they stood at one moment: between two, a row that goes would let another slip past an end unseen.
 */
async function readPages<Row>(
  db: D1Database,
  walks: readonly Walk[],
  limit: number,
  scanMax: number,
): Promise<{ readonly pages: D1Result<Row & Placed>[]; readonly ends: readonly Placed[] }> {
  const pagesOf = () => walks.map((walk) => pageOf(db, walk, limit, scanMax));
  const first = await db.batch<Row & Placed>(pagesOf());
  const isShort = first.some(({ results }, at) => walks[at]?.sift.length !== 0 && results.length <= limit);
  if (!isShort) return { pages: first, ends: [] };
  const sifted = walks.filter(({ sift }) => sift.length > 0);
  const both = await db.batch<Row & Placed>([...pagesOf(), ...sifted.map((walk) => endOf(db, walk, scanMax))]);
  const pages = both.slice(0, walks.length);
  return { pages, ends: both.slice(walks.length).flatMap(({ results }) => results) };
}

const endOf = (db: D1Database, walk: Walk, scanMax: number): D1PreparedStatement =>
  db.prepare(`SELECT ${namedBy(walk)} ${walk.along.sql} LIMIT 1 OFFSET ?`).bind(...walk.along.values, scanMax - 1);

function inOrder(a: Place, b: Place): number {
  for (const [index, one] of a.entries()) {
    const other = b[index] ?? '';
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
