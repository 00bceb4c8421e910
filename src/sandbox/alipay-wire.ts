// How the pretend Alipay reads requests and signs answers and notices, in UTF-8 or GBK, over the bytes of that charset.
// Written apart from the gateway's own code, so that the two can disagree.
import { sign, verify } from 'node:crypto';
import type { SandboxAnswer, SandboxRequest } from './http.ts';

export type Charset = 'utf-8' | 'gbk';
export type Params = Readonly<Record<string, string>>;

export const charsetOf = (name: string): Charset => (/^gb/i.test(name) ? 'gbk' : 'utf-8');

/** The parameters of the address and the form, each decoded once, in the charset that the address names. */
export function paramsOf({ query, target, body }: SandboxRequest): { params: Params; charset: Charset } {
  const charset = charsetOf(query.get('charset') ?? '');
  const decoder = new TextDecoder(charset === 'gbk' ? 'gb18030' : 'utf-8');
  const [, search = ''] = target.split('?', 2);
  const pairs = `${search}&${body.toString('latin1')}`.split('&').filter((pair) => pair.includes('='));
  const read = (text: string) => decoder.decode(unescaped(text));
  const entries = pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), read(pair.slice(pair.indexOf('=') + 1))]);
  return { params: Object.fromEntries(entries), charset };
}

function unescaped(text: string): Buffer {
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}

/** Name and value of all but the empty ones and those left out, sorted, as bytes in the charset. */
const signedText = (params: Params, left: readonly string[], charset: Charset): Buffer =>
  encoded(
    Object.entries(params)
      .filter(([name, value]) => value !== '' && !left.includes(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
    charset,
  );

/** Requests are signed with everything but the signature itself. */
export const isGenuine = (params: Params, charset: Charset, publicPem: string): boolean =>
  verify('sha256', signedText(params, ['sign'], charset), publicPem, Buffer.from(params.sign ?? '', 'base64'));

/** An answer as Alipay words it: slashes escaped, the signature over the raw text of its one member. */
export function answerOf(method: string, content: unknown, charset: Charset, privatePem: string | null): SandboxAnswer {
  const raw = JSON.stringify(content).replaceAll('/', '\\/');
  const member = method === '' ? 'error_response' : `${method.replaceAll('.', '_')}_response`;
  const made = privatePem === null ? null : sign('sha256', encoded(raw, charset), privatePem).toString('base64');
  const bytes = encoded(`{"${member}":${raw}${made === null ? '' : `,"sign":"${made}"`}}`, charset);
  return { status: 200, headers: { 'content-type': `text/html;charset=${charset}` }, bytes };
}

/** A notice's body: a form, signed without `sign` and `sign_type`. */
export function noticeBody(fields: Params, charset: Charset, privatePem: string): string {
  const message = signedText(fields, ['sign', 'sign_type'], charset);
  return formOf({ ...fields, sign: sign('sha256', message, privatePem).toString('base64') }, charset);
}

export const formOf = (fields: Params, charset: Charset): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${escaped(encoded(value, charset))}`)
    .join('&');

function escaped(bytes: Buffer): string {
  const letters = [...bytes].map((byte) => {
    const letter = String.fromCharCode(byte);
    if (/[A-Za-z0-9.*_-]/.test(letter)) return letter;
    return letter === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return letters.join('');
}

export function encoded(text: string, charset: Charset): Buffer {
  if (charset === 'utf-8') return Buffer.from(text);
  const letters = gbkLetters();
  const known = (letter: string) => letters.get(letter) ?? letters.get('?') ?? [];
  return Buffer.from([...text].flatMap((letter) => (letter < '\x80' ? [letter.charCodeAt(0)] : known(letter))));
}

let gbk: Map<string, readonly number[]> | null = null;

/** GBK by asking the decoder about every pair of bytes: Node has no encoder for it. */
function gbkLetters(): ReadonlyMap<string, readonly number[]> {
  if (gbk !== null) return gbk;
  gbk = new Map([['?', [0x3f]]]);
  const decoder = new TextDecoder('gbk');
  for (let high = 0x81; high <= 0xfe; high += 1) {
    for (let low = 0x40; low <= 0xfe; low += 1) {
      if (low !== 0x7f) gbk.set(decoder.decode(Uint8Array.of(high, low)), [high, low]);
    }
  }
  return gbk;
}
