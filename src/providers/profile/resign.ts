// Writes a callback of a configured dialect, for the merchant's own backend: a kept one signed anew with today's time,
// or a payment put where the mapping would look for it. Never for a public-key signature, and never what is not mapped.
import type { KeptCallback } from '../../core/callback.ts';
import { printMoney } from '../../core/money.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Retold, RetoldPayment } from '../../core/retold.ts';
import { printXml, xmlSafe } from '../../core/xml.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { type Fields, type Format, find, parseDocument, plainText, printJson, type Tree } from './document.ts';
import { FIELD_NAMES, type FieldName, type Mapping, type TimeUnit } from './mapping-schema.ts';
import { segmentsOf } from './path.ts';
import { isShared } from './proof-schema.ts';
import { type Proof, signatureOf, timeOf } from './signature.ts';

export type Profile = Proof & Mapping;
type Written = Mapping & Pick<Proof, 'formats' | 'timestamp'>;

const TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'text/xml; charset=utf-8',
};

/** When the kept callback says it was sent, and how long receivers that follow the same profile believe that. */
export function freshUntil({ headers, body }: KeptCallback, { timestamp }: Pick<Profile, 'timestamp'>): number | null {
  if (timestamp === null) return null;
  const { in: place, name, unit, toleranceSeconds } = timestamp;
  const text = place === 'header' ? (headers[name.toLowerCase()] ?? null) : fieldText(body, segmentsOf(name) ?? []);
  const at = text === null ? null : timeOf(text.trim(), unit);
  return at === null ? null : at + toleranceSeconds * 1_000 - 1;
}

function fieldText(body: Uint8Array, path: readonly string[]): string | null {
  const document = parseDocument(body);
  return document === null ? null : plainText(find(document.root, path));
}

export async function resign(
  retold: Retold,
  profile: Profile,
  { now }: { readonly now: number },
): Promise<Result<KeptCallback, string>> {
  const { signature, timestamp, secrets } = profile;
  if (!isShared(signature.algorithm) || secrets[0] === undefined) {
    return err('Only the provider can sign: the channel holds no secret that it shares.');
  }
  const { callback, payment } = retold;
  // A time or a signature within the body would change bytes that are kept as they came.
  const isApart = signature.in === 'header' && timestamp?.in !== 'field';
  if (callback !== null && isApart) return signed(callback.contentType, callback, new Map(), profile, now);
  if (payment === null) return err('Only a payment can be written anew.');
  const fields = fieldsOf(retold, payment, profile, now);
  return fields.ok ? printedAndSigned(fields.value, profile, now) : fields;
}

const timeText = (at: number, unit: TimeUnit): string => {
  if (unit === 'iso') return new Date(at).toISOString();
  return String(unit === 'seconds' ? Math.floor(at / 1_000) : at);
};

/** The first word that means it. */
const wordFor = <V>(words: Readonly<Record<string, V>>, meaning: V): string | null =>
  Object.entries(words).find(([, value]) => value === meaning)?.[0] ?? null;

/** Each mapped value where the mapping reads it. Numbers in JSON are what minor units and seconds usually are. */
export function fieldsOf(
  { orderNo, payer, attach, test, occurredAt }: Retold,
  { transactionId, amount, payerAmount, providerMethod }: RetoldPayment,
  profile: Written,
  now: number,
): Result<Fields, string> {
  const { amountUnit, timeUnit, statuses, kinds, merchantIds, testValues, fields: paths, timestamp } = profile;
  const money = (value: typeof amount): Tree =>
    amountUnit === 'minor' ? { number: String(value.minor) } : printMoney(value);
  const time = (at: number, unit: TimeUnit): Tree =>
    unit === 'iso' ? timeText(at, unit) : { number: timeText(at, unit) };
  const values: Readonly<Partial<Record<FieldName, Tree>>> = {
    kind: wordFor(kinds, 'payment'),
    orderNo,
    transactionId,
    status: wordFor(statuses.payment, 'succeeded'),
    amount: money(amount),
    payerAmount: payerAmount === null ? null : money(payerAmount),
    currency: amount.currency,
    occurredAt: time(occurredAt, timeUnit),
    payerId: payer?.id ?? null,
    payerAccount: payer?.account ?? null,
    payerName: payer?.name ?? null,
    method: providerMethod,
    attach,
    merchantId: merchantIds[0] ?? null,
    test: test ? (testValues[0] ?? null) : null,
  };
  const [format] = profile.formats;
  if (format === undefined) return err('The channel takes no format.');
  const root = new Map<string, Tree>();
  const put = (path: readonly string[] | null | undefined, value: Tree | undefined): boolean =>
    path == null || value == null || place(root, path, value);
  const isPlaced = FIELD_NAMES.every((name) => put(paths[name]?.[format], values[name]));
  const isDated = timestamp?.in !== 'field' || put(segmentsOf(timestamp.name), time(now, timestamp.unit));
  if (values.status == null || !isPlaced || !isDated) {
    return err('The mapping reads values from places that no new callback can have: lists, or words for no payment.');
  }
  return ok(root);
}

/** False where the way leads through a list, or through another value. */
function place(root: Map<string, Tree>, path: readonly string[], value: Tree): boolean {
  let at = root;
  for (const name of path.slice(0, -1)) {
    const below = at.get(name) ?? new Map<string, Tree>();
    if (/^\d+$/.test(name) || !(below instanceof Map)) return false;
    at.set(name, below);
    at = below;
  }
  const last = path.at(-1);
  if (last === undefined || /^\d+$/.test(last) || at.get(last) instanceof Map) return false;
  at.set(last, value);
  return true;
}

/** Null where the form cannot nest what the mapping nests. */
function printed(fields: Fields, format: Format): string | null {
  if (format === 'json') return printJson(fields, false);
  const flat = [...fields].map(([name, value]) => [name, plainText(value)] as const);
  if (flat.some(([, text]) => text === null)) return null;
  const texts = flat.map(([name, text]): [string, string] => [name, text ?? '']);
  return format === 'form' ? new URLSearchParams(texts).toString() : printXml('xml', Object.fromEntries(texts));
}

/** As a receiver reads it: beyond JSON all is text, and what XML cannot carry is gone before it is signed. */
function cleaned(fields: Fields, format: Format): Fields {
  if (format === 'json') return fields;
  const text = (value: Tree): Tree => {
    const plain = plainText(value);
    return plain === null ? value : format === 'xml' ? xmlSafe(plain.toWellFormed()) : plain.toWellFormed();
  };
  return new Map([...fields].map(([name, value]) => [name, text(value)]));
}

/** As the channel's first form, and not signed yet. */
export function unsignedOf(fields: Fields, { formats }: Pick<Proof, 'formats'>): Result<Unsigned, string> {
  const format = formats[0] ?? 'json';
  const clean = cleaned(fields, format);
  const text = printed(clean, format);
  if (text === null) return err(`A new callback as ${format} cannot hold nested values: put json first in formats.`);
  return ok({ format, clean, text, callback: { contentType: TYPES[format], headers: {}, body: utf8(text) } });
}

type Unsigned = {
  readonly format: Format;
  readonly clean: Fields;
  readonly text: string;
  readonly callback: KeptCallback;
};

/** Signed with the channel's secret; with this private key where the signature is a public-key one. */
export async function printedAndSigned(
  fields: Fields,
  profile: Profile,
  now: number,
  privateKey: string | null = null,
): Promise<Result<KeptCallback, string>> {
  const { signature } = profile;
  const written = unsignedOf(fields, profile);
  if (!written.ok) return written;
  const { format, clean, text, callback: unsigned } = written.value;
  const made = await signed(TYPES[format], unsigned, clean, profile, now, privateKey);
  if (!made.ok || signature.in === 'header') return made;
  const whole = new Map<string, Tree>([...clean, [signature.name, made.value.headers[signature.name] ?? '']]);
  return ok({ ...unsigned, body: utf8(printed(whole, format) ?? text) });
}

/** The callback with its time and signature among the headers; one that belongs into the body is found there too. */
async function signed(
  contentType: string | null,
  { headers, body }: KeptCallback,
  fields: Fields,
  { signature, timestamp, secrets, secretEncoding }: Profile,
  now: number,
  privateKey: string | null = null,
): Promise<Result<KeptCallback, string>> {
  const at = timestamp === null ? null : timeText(now, timestamp.unit);
  const words: Readonly<Record<string, string>> = at === null ? {} : { timestamp: at };
  const all = fields.size > 0 ? fields : (parseDocument(body)?.root ?? fields);
  const keys = { secret: secrets[0] ?? null, secretEncoding, privateKey };
  // Nothing to cut out: the signature's own field is not there yet.
  const made = await signatureOf({ ...signature, in: 'header' }, { body, fields: all, words }, keys);
  if (made === null) return err('The first of the channel’s secrets cannot be read.');
  const name = signature.in === 'header' ? signature.name.toLowerCase() : signature.name;
  const dated = at === null || timestamp?.in !== 'header' ? {} : { [timestamp.name.toLowerCase()]: at };
  return ok({ contentType, headers: { ...headers, ...dated, [name]: made }, body });
}
