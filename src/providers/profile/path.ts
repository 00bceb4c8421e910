// Where a value stands in a callback: a name, a JSON pointer, or one of these for each form a body can have. Checked
// when a channel is made. Only ever looks things up: nothing here is run.
import { z } from 'zod';
import { type Document, type Format, find, plainText } from './document.ts';

const PATH_CHARS_MAX = 200;

/** Null where a body of that form does not carry the value. */
export type Path = Readonly<Record<Format, readonly string[] | null>>;

/** RFC 6901; what does not begin with a slash is one name, taken literally. Null when it is neither. */
export function segmentsOf(text: string): readonly string[] | null {
  if (text === '' || text.length > PATH_CHARS_MAX) return null;
  if (!text.startsWith('/')) return [text];
  const segments = text.slice(1).split('/');
  if (segments.some((segment) => segment === '' || /~(?![01])/.test(segment))) return null;
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const PATH_FORM = `a name (order_id) or a JSON pointer (/data/order_id) of at most ${PATH_CHARS_MAX} letters`;
const PathText = z
  .string(`must be ${PATH_FORM}`)
  .refine((text) => segmentsOf(text) !== null, `must be ${PATH_FORM}; ~ is written ~0 and / within a name ~1`);

const everywhere = (text: string): Path => ({ json: segmentsOf(text), form: segmentsOf(text), xml: segmentsOf(text) });

/** In a form the name of a field; in XML the elements below the root. */
export const PathField = z
  .union(
    [PathText, z.strictObject({ json: PathText.optional(), form: PathText.optional(), xml: PathText.optional() })],
    `must be ${PATH_FORM}, or such a path for each of json, form and xml`,
  )
  .transform((path): Path => {
    if (typeof path === 'string') return everywhere(path);
    const one = (text: string | undefined) => (text === undefined ? null : segmentsOf(text));
    return { json: one(path.json), form: one(path.form), xml: one(path.xml) };
  });

/** The plain text there; null where the document has none. */
export function textAt({ format, root }: Document, path: Path | undefined): string | null {
  const segments = path?.[format] ?? null;
  return segments === null ? null : plainText(find(root, segments));
}

/** The first names of a path: what a signature over top-level fields must not leave out. */
export const topNamesOf = (path: Path): string[] =>
  [path.json, path.form, path.xml].flatMap((segments) => segments?.slice(0, 1) ?? []);
