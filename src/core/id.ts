// Ids: a word and 26 characters of Crockford base32, made from random bytes that the caller brings. Pure.

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Bytes that idOf needs: 128 bits. */
export const ID_BYTES = 16;

/** `idOf('evt', bytes)` is `evt_` and 26 characters; the same bytes give the same id. */
export function idOf(prefix: string, random: Uint8Array): string {
  let id = `${prefix}_`;
  let bits = 0;
  let held = 0;
  for (const byte of random) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      id += ALPHABET[(held >> bits) & 31];
    }
  }
  return bits > 0 ? id + ALPHABET[(held << (5 - bits)) & 31] : id;
}
