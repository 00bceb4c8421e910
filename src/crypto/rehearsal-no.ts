// Order numbers of test callbacks: a day, some chance, and a mark that only this gateway can make for this channel. By
// it the bytes of a test are known wherever they turn up. Never takes a number for a test because of how it begins.
import { fromBase64, utf8 } from './bytes.ts';
import { hmacSha256 } from './hmac.ts';

/** Other keys are derived from the master key elsewhere: each label is used for one thing. */
const LABEL = utf8('tollgate/rehearsal/v1');
const KEY_BYTES = 32;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHANCE_CHARS = 8;
const MARK_CHARS = 12;
const FORM = /^TEST-\d{6}[0-9A-HJKMNP-TV-Z]{20}$/;

/** Bytes of chance that a number needs. */
export const REHEARSAL_SEED_BYTES = CHANCE_CHARS;

const derived = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** Derives once an isolate (RFC 5869). */
function keyOf(masterKeyBase64: string): Promise<Uint8Array<ArrayBuffer>> {
  const known = derived.get(masterKeyBase64);
  if (known) return known;
  const deriving = derive(masterKeyBase64);
  derived.set(masterKeyBase64, deriving);
  return deriving;
}

async function derive(masterKeyBase64: string): Promise<Uint8Array<ArrayBuffer>> {
  const master = fromBase64(masterKeyBase64);
  if (master?.length !== KEY_BYTES) throw new Error('The master key must be 32 bytes in base64.');
  const source = await crypto.subtle.importKey('raw', master, 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: LABEL };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, source, KEY_BYTES * 8));
}

const letters = (bytes: Uint8Array, count: number): string =>
  Array.from(bytes.slice(0, count), (byte) => ALPHABET[byte & 31]).join('');

async function markOf(masterKey: string, head: string): Promise<string> {
  return letters(await hmacSha256(await keyOf(masterKey), utf8(head)), MARK_CHARS);
}

/** `TEST-`, six digits of the day and 20 letters: no provider takes fewer than 32 characters. */
export async function rehearsalNoOf(masterKey: string, day: string, seed: Uint8Array): Promise<string> {
  const head = `TEST-${day}${letters(seed, CHANCE_CHARS)}`;
  return head + (await markOf(masterKey, head));
}

/** Whether this gateway made the number, for whichever channel: two of them may have one secret. */
export async function isRehearsalNo(masterKey: string, orderNo: string): Promise<boolean> {
  if (!FORM.test(orderNo)) return false;
  const head = orderNo.slice(0, -MARK_CHARS);
  return orderNo === head + (await markOf(masterKey, head));
}
