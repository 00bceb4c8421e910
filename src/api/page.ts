// Pages of lists: bounds, opaque cursors, and the shape {items, next}. A cursor names a place, never a number of rows.
import { PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX } from '../core/limits.ts';
import { err, ok, type Result } from '../core/result.ts';
import { fromUtf8, toBase64Url, utf8 } from '../crypto/bytes.ts';
import { z } from './kit.ts';
import { invalid, type Problem } from './problem.ts';

const CURSOR_CHARS_MAX = 1_000;

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_ITEMS_MAX).default(PAGE_ITEMS_DEFAULT),
  cursor: z
    .string()
    .max(CURSOR_CHARS_MAX)
    .optional()
    .openapi({ description: 'The `next` of the page before; leave it out for the first page.' }),
});
export type PageQuery = z.infer<typeof PageQuery>;

export const pageOf = <Item extends z.ZodType>(name: string, item: Item) =>
  z
    .object({
      items: z.array(item),
      next: z.string().nullable().openapi({ description: 'The cursor of the next page; null on the last one.' }),
    })
    .openapi(name);

const Place = z.array(z.union([z.string(), z.number()])).max(4);
export type Place = z.infer<typeof Place>;

export const toCursor = (place: Place): string => toBase64Url(utf8(JSON.stringify(place)));

/** The place a cursor names; null for the first page; a problem for anything that is no cursor of this list. */
export function placeOf<P extends Place>(
  cursor: string | undefined,
  schema: z.ZodType<P>,
  field = 'cursor',
): Result<P | null, Problem> {
  if (cursor === undefined) return ok(null);
  const parsed = schema.safeParse(parseCursor(cursor));
  if (parsed.success) return ok(parsed.data);
  return err(invalid({ field, message: 'is not a cursor of this list: take `next` of the page before' }));
}

function parseCursor(cursor: string): unknown {
  try {
    return JSON.parse(fromUtf8(Uint8Array.fromBase64(cursor, { alphabet: 'base64url' })) ?? '');
  } catch {
    return null; // not base64, not UTF-8 or not JSON: no cursor of ours
  }
}

/** Cuts one row more than asked into a page and the cursor after it. */
export function cut<Row, Item>(
  rows: readonly Row[],
  limit: number,
  placeIn: (row: Row) => Place,
  render: (row: Row) => Item,
): { items: Item[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? toCursor(placeIn(last)) : null;
  return { items: shown.map(render), next };
}

export const IdPlace = z.tuple([z.string()]);

/** A page of a short list that came whole, ordered by id. */
export function cutById<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  { limit, cursor }: PageQuery,
  render: (row: Row) => Item,
): Result<{ items: Item[]; next: string | null }, Problem> {
  const place = placeOf(cursor, IdPlace);
  if (!place.ok) return place;
  const after = place.value?.[0] ?? '';
  const rest = rows.filter(({ id }) => id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
  return ok(cut(rest, limit, ({ id }) => [id], render));
}
