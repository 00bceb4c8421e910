// The form that Alipay posts, as names and original bytes: decoded once, never twice, and never to text before the
// signature over those bytes has held. Never throws for hostile input; null says it was no such form.

/** A notice has some thirty parameters. */
const PARAMETERS_MAX = 200;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

const latin1 = new TextDecoder('latin1');

/** Values as the bytes that were signed, in the charset that the notice names. */
export type Form = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Null for anything but name=value pairs, each name once. */
export function readForm(body: Uint8Array): Form | null {
  const form = new Map<string, Uint8Array<ArrayBuffer>>();
  // ASCII stays as it is; whatever else there is, is refused below.
  const text = latin1.decode(body);
  const pairs = text.split('&');
  if (pairs.length > PARAMETERS_MAX) return null;
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), unescaped(pair.slice(at + 1))];
    if (at < 1 || !NAME.test(name) || value === null || form.has(name)) return null;
    form.set(name, value);
  }
  return form;
}

/** Undoes form encoding: `+` is a space, `%xx` a byte. Nothing else may stand outside printable ASCII. */
function unescaped(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^(?:[\x21-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    const isEscape = letter === '%';
    bytes[length++] = isEscape ? Number.parseInt(text.slice(at + 1, at + 3), 16) : byteOf(letter);
    if (isEscape) at += 2;
  }
  return bytes.slice(0, length);
}

const byteOf = (letter: string): number => (letter === '+' ? 0x20 : letter.charCodeAt(0));

// GB18030 holds GBK, which holds GB 2312; one decoder reads all three (WHATWG Encoding, legacy Chinese encodings).
const DECODERS: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  gbk: 'gb18030',
  gb2312: 'gb18030',
  gb18030: 'gb18030',
};

// Made once each: making them anew was a fifth of what a notice of thirty parameters takes.
const decoders = new Map<string, TextDecoder>();

function decoderOf(label: string): TextDecoder {
  const known = decoders.get(label);
  if (known) return known;
  const made = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  decoders.set(label, made);
  return made;
}

export const isCharset = (name: string): boolean => Object.hasOwn(DECODERS, name.toLowerCase());

/** The text that the bytes mean; null when they mean none in this charset. */
export function decodeText(bytes: Uint8Array, charset: string): string | null {
  const label = DECODERS[charset.toLowerCase()];
  if (label === undefined) return null;
  try {
    return decoderOf(label).decode(bytes);
  } catch {
    decoders.delete(label); // nothing of what broke it may be left in the next text
    return null; // not in this charset
  }
}

/** A parameter that is ASCII in every charset; null when it is missing, empty or something else. */
export function plainOf(form: Form, name: string): string | null {
  const bytes = form.get(name);
  if (bytes === undefined || bytes.length === 0 || bytes.some((byte) => byte >= 0x80)) return null;
  return decodeText(bytes, 'utf-8');
}
