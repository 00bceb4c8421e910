// Bytes and their texts: UTF-8, base64, hex, digest, comparison. Never throws for hostile input; null says it was none.
import { timingSafeEqual } from 'node:crypto';

// Made once: making them anew was a sixth of the CPU that verifying a callback takes.
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>; // the encoder never gives shared memory
}

/** Decodes UTF-8; null when the bytes are not valid UTF-8 (never a replacement character). */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null; // not UTF-8: an expected form of hostile input
  }
}

/** Decodes canonical base64 (padding required, no whitespace); null for anything else. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (/\s/.test(text)) return null;
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch {
    return null; // not base64: an expected form of hostile input
  }
}

export const toBase64 = (bytes: Uint8Array): string => bytes.toBase64();

/** Base64 with the URL alphabet and without padding. */
export const toBase64Url = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: 'base64url', omitPadding: true });

/** Decodes hex of either case; null for anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.fromHex(text);
  } catch {
    return null; // not hex: an expected form of hostile input
  }
}

export const toHex = (bytes: Uint8Array): string => bytes.toHex();

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Compares without telling by time where they differ; unequal lengths are unequal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}
