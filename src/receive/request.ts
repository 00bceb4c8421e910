// Reads a provider's request within bounds: path, headers, body. Judges nothing, parses nothing.
import { CALLBACK_BODY_BYTES_MAX, CALLBACK_HEADER_BYTES_MAX } from '../core/limits.ts';
import { within } from '../core/within.ts';
import { concat } from '../crypto/bytes.ts';

/** What may name a channel; anything else is unknown without asking. */
const CHANNEL_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** What the path says after `/callbacks/`, as untrusted text. */
export const channelIdOf = (url: string): string => pathOf(url).slice('/callbacks/'.length);

/** The path of an address as the platform hands it over: whole and normal already, so that nothing has to be parsed. */
export const pathOf = (url: string): string =>
  url.slice(url.indexOf('/', url.indexOf('://') + 3)).split(/[?#]/, 1)[0] ?? '';

export const mayNameChannel = (text: string): boolean => CHANNEL_ID.test(text);

/** Null when the header block is too large: names, values, and four bytes a line as HTTP/1.1 writes them. */
export function readHeaders(headers: Headers): Record<string, string> | null {
  const read: Record<string, string> = {};
  let size = 0;
  headers.forEach((value, name) => {
    size += name.length + value.length + 4;
    read[name] = value;
  });
  return size > CALLBACK_HEADER_BYTES_MAX ? null : read;
}

export type BodyRead = Uint8Array<ArrayBuffer> | 'too_large' | 'broken_off';

/** Exactly the bytes that arrived, or why there are none: too many, or not all in time. Never a part of them. */
export async function readBody(request: Request, timeoutMs: number): Promise<BodyRead> {
  try {
    return (await within(readWhole(request), timeoutMs, 'The sender')) ?? 'too_large';
  } catch {
    return 'broken_off'; // the sender hung up, or is in no hurry: nothing of ours failed
  }
}

/** Null as soon as there are too many. */
async function readWhole(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > CALLBACK_BODY_BYTES_MAX) return null;
  if (request.body === null) return new Uint8Array(0);
  if (declared === null || request.headers.has('transfer-encoding')) {
    return readUpTo(request.body, CALLBACK_BODY_BYTES_MAX);
  }
  const body = new Uint8Array(await request.arrayBuffer()); // HTTP framing ends it at the declared length
  return body.length > CALLBACK_BODY_BYTES_MAX ? null : body;
}

async function readUpTo(stream: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > bytesMax) return null; // leaving the loop cancels the rest
    chunks.push(chunk);
  }
  return concat(...chunks);
}
