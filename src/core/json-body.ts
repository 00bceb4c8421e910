// A JSON body from outside: bytes to a value, and the text that stands at a dotted path. Pure. Never throws for hostile
// input, and never finds what every object inherits.

/** The value; undefined when the bytes are not JSON in UTF-8, which no schema accepts. */
export function parseJsonBody(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined; // not JSON, or not UTF-8: an expected form of hostile input
  }
}

/** Names joined by dots, such as `metadata.orderNo`. */
export const DOTTED_PATH = /^[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){0,7}$/;

/** Text, or a whole number in digits, at a dotted path below own members; null where there is none. */
export function textAt(value: unknown, path: string): string | null {
  let at: unknown = value;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return null;
    at = (at as Readonly<Record<string, unknown>>)[name]; // an object, as the line before saw
  }
  if (typeof at === 'string') return at;
  return typeof at === 'number' && Number.isSafeInteger(at) ? String(at) : null;
}

/** The object with this text at a dotted path below it, and with everything else that it had. */
export function withText(object: Readonly<Record<string, unknown>>, path: string, text: string): object {
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...object, [name]: text };
  const below = Object.hasOwn(object, name) ? object[name] : undefined;
  const inner = typeof below === 'object' && below !== null ? { ...below } : {};
  return { ...object, [name]: withText(inner, rest.join('.'), text) };
}

/** What a table says of a word from outside; undefined for one it does not hold, `constructor` included. */
export const own = <Value>(table: Readonly<Record<string, Value>>, word: string): Value | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;
