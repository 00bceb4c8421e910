// What somebody we posted to answered, and what is kept of it: bounded, and with nothing in it that
// opens a door. Never judges.
import { ORIGIN_RESPONSE_BYTES_MAX, ORIGIN_RESPONSE_KEPT_CHARS } from './core/limits.ts';

/** The start of the answer. Bounded, and never a reason to doubt a status that has arrived. */
export async function readStart(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array();
  const start = new Uint8Array(ORIGIN_RESPONSE_BYTES_MAX);
  let length = 0;
  try {
    while (length < start.length) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, start.length - length);
      start.set(part, length);
      length += part.length;
    }
    await reader.cancel();
  } catch {
    // The status has arrived already; a body that breaks off is as much as there is of it.
  }
  return start.subarray(0, length);
}

const MASK = '•••';

/** `name: value` and `"name": "value"` of things that prove somebody; the name stays. */
const TELLING =
  /((?:authorization|cookie|password|passwd|secret|token|api[-_]?key|signature)["']?\s*[:=]\s*["']?)[^\s"',;&}<]+/gi;
/** Schemes and shapes that are secret wherever they stand. */
const SHAPES = /\b(?:Bearer|Basic)\s+[\w+/.=~-]{8,}|\b(?:whsec|whsk|tg)_[\w+/=-]{8,}/gi;

/** A shorter one would be read off from where it is masked. */
const MASKED_FROM_CHARS = 4;

/** Text for people. What the origin was sent as proof is masked even where it repeats it bare. */
export function keptText(text: string, secrets: readonly string[]): string {
  if (text === '') return ''; // as most answers are
  const longestFirst = secrets
    .filter((secret) => secret.length >= MASKED_FROM_CHARS)
    .sort((a, b) => b.length - a.length);
  const bare = longestFirst.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
  return bare.replace(SHAPES, MASK).replace(TELLING, `$1${MASK}`).slice(0, ORIGIN_RESPONSE_KEPT_CHARS);
}
