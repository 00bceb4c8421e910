// Trace: one id for a callback and all that comes of it, in the W3C's form, so that the merchant's own log joins ours.
// Pure: randomness is an argument. https://www.w3.org/TR/trace-context/#traceparent-header (read 2026-11)

/** Bytes that a trace and a span need. */
export const TRACE_BYTES = 16;
export const SPAN_BYTES = 8;

/** 32 hex digits from 16 random bytes; 16 from 8. */
export const traceFrom = (bytes: Uint8Array): string => bytes.toHex();

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The trace of an event that was committed without one: the random bytes of its own id. */
export function traceOfEvent(eventId: string): string {
  const digits = [...eventId.slice(eventId.indexOf('_') + 1)].map((letter) => ALPHABET.indexOf(letter.toLowerCase()));
  const value = digits.slice(0, 26).reduce((sum, digit) => (sum << 5n) | BigInt(Math.max(0, digit)), 0n);
  return (value >> 2n)
    .toString(16)
    .padStart(32, '0')
    .slice(-32)
    .replace(/^0{32}$/, `${'0'.repeat(31)}1`);
}

/** Version 00, sampled. */
export const traceparentOf = (trace: string, span: string): string => `00-${trace}-${span}-01`;
