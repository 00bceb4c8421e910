// DER: the elements that certificates and keys are made of (X.690), read from bytes that may be hostile. Never throws
// and never trusts a stated length; null says that the bytes were not DER.

export type DerElement = {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
  /** Tag, length and content: the bytes that are hashed or compared. */
  readonly whole: Uint8Array<ArrayBuffer>;
};

export const DER = {
  integer: 0x02,
  bitString: 0x03,
  objectId: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
} as const;

/** Lengths past four bytes are longer than anything that is read here. */
const LENGTH_BYTES_MAX = 4;

/** The one element that these bytes are; null when they are none, or when anything follows it. */
export function derOf(bytes: Uint8Array<ArrayBuffer>): DerElement | null {
  const element = elementAt(bytes, 0);
  return element !== null && element.whole.length === bytes.length ? element : null;
}

/** The elements inside a sequence, set or context tag, in order; null when they do not fill it exactly. */
export function derChildren(element: DerElement): readonly DerElement[] | null {
  const children: DerElement[] = [];
  for (let at = 0; at < element.content.length; ) {
    const child = elementAt(element.content, at);
    if (child === null) return null;
    children.push(child);
    at += child.whole.length;
  }
  return children;
}

function elementAt(bytes: Uint8Array<ArrayBuffer>, at: number): DerElement | null {
  const [tag, first] = bytes.subarray(at, at + 2);
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return null; // long tags are not used here
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    const digits = bytes.subarray(start, start + count);
    if (count === 0 || count > LENGTH_BYTES_MAX || digits.length < count) return null;
    length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
    start += count;
    if (length < 0x80 || digits[0] === 0) return null; // DER takes the shortest form alone
  }
  if (start + length > bytes.length) return null;
  return { tag, content: bytes.slice(start, start + length), whole: bytes.slice(at, start + length) };
}

/** An object identifier in dots; null for anything else. */
export function derObjectId({ tag, content }: DerElement): string | null {
  const last = content.at(-1);
  if (tag !== DER.objectId || last === undefined || last >= 0x80 || content.length > 32) return null;
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of content) {
    arc = arc * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [head = 0n, ...rest] = arcs;
  const top = head < 40n ? 0n : head < 80n ? 1n : 2n;
  return [top, head - top * 40n, ...rest].join('.');
}

/** UTCTime or GeneralizedTime in whole seconds and Zulu, as RFC 5280 4.1.2.5 wants them; null for anything else. */
export function derTime({ tag, content }: DerElement): number | null {
  if (tag !== DER.utcTime && tag !== DER.generalizedTime) return null;
  const text = String.fromCharCode(...content.subarray(0, 20));
  const short = tag === DER.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(short);
  if (!match) return null;
  const [, year, month, day, hour, minute, second] = match;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isFinite(at) ? at : null;
}
