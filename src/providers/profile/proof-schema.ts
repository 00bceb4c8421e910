// What a profile says of proof: keys, signature, time, and the answers that go back. Schema, labels and the checks that
// keep a channel from being made whose signature would not cover what is believed. Never verifies anything.
import { z } from 'zod';
import { CLOCK_SKEW_SECONDS_MAX } from '../../core/limits.ts';
import { fromBase64, utf8 } from '../../crypto/bytes.ts';
import { pemKindOf } from '../../crypto/pem.ts';
import type { Format } from './document.ts';
import { or, said, TimeUnit } from './mapping-schema.ts';
import { type Path, PathField, topNamesOf } from './path.ts';

export const SECRET_BYTES_MIN = 16;
const KEYS_MAX = 10;
export const PEM_CHARS_MAX = 16_384;

export const Algorithm = z.enum(['hmac-sha256', 'hmac-sha512', 'md5', 'rsa-sha256', 'ed25519']);
export type Algorithm = z.infer<typeof Algorithm>;
export const isShared = (algorithm: Algorithm): boolean => algorithm !== 'rsa-sha256' && algorithm !== 'ed25519';

export const Content = z.enum(['raw', 'template', 'sorted-fields', 'sorted-json', 'base64-json']);
export const HEADER_NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const PrefixText = z.string().regex(/^[\x21-\x7e]{0,32}$/, 'must be at most 32 visible ASCII letters');

/** The words of a signed template and of a tail. */
export const wordsOf = (template: string): string[] =>
  [...template.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '');

/** How something is signed: a callback that comes in, or a request that goes out. */
export const Signing = z.strictObject({
  algorithm: Algorithm,
  in: z.enum(['header', 'field']),
  name: z.string().min(1).max(100),
  prefix: PrefixText.default(''),
  encoding: z.enum(['hex', 'base64']),
  content: Content,
  template: z.string().max(200).default('{timestamp}.{body}'),
  tail: z.string().max(100).optional(),
  skip: z.array(z.string().min(1).max(100)).max(20).default([]),
  skipEmpty: z.boolean().default(true),
});
export type Signing = z.output<typeof Signing>;

/** MD5 is no MAC: the secret goes behind what is signed, as those who use it write it. */
export const tailOf = ({ algorithm, content, tail }: Signing): string => {
  if (tail !== undefined) return tail;
  if (algorithm !== 'md5') return '';
  return content === 'sorted-fields' ? '&key={secret}' : '{secret}';
};

const TimestampParts = z.strictObject({
  in: z.enum(['header', 'field']),
  name: z.string().min(1).max(200),
  unit: TimeUnit.default('seconds'),
  toleranceSeconds: z.int().min(1).max(86_400).default(CLOCK_SKEW_SECONDS_MAX),
});
const Timestamp = TimestampParts.nullable();
export type Timestamp = z.output<typeof Timestamp>;

export const Secret = z.string().min(1, 'is empty').max(1_000);
export const SecretEncoding = z.enum(['utf8', 'hex', 'base64']);

/** Null when the text is not what its encoding says. */
export function secretBytes(text: string, encoding: z.infer<typeof SecretEncoding>): Uint8Array<ArrayBuffer> | null {
  if (encoding === 'utf8') return utf8(text);
  if (encoding === 'base64') return fromBase64(text);
  return /^(?:[0-9a-f]{2})*$/i.test(text)
    ? Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    : null;
}

export type ProofDefaults = {
  readonly signature: z.input<typeof Signing>;
  readonly timestamp: z.input<typeof TimestampParts>;
};

export function proofShape(defaults: ProofDefaults | null) {
  return {
    secrets: z
      .array(Secret)
      .max(KEYS_MAX)
      .default([])
      .meta(
        said(
          { en: 'Secrets', zh: '签名密钥' },
          {
            en: 'Shared with the provider, newest first, of 16 bytes or more; several while one replaces another.',
            zh: '与平台共享的密钥，新的在前；轮换期间可同时填写多个。至少 16 字节。',
          },
          { secret: true },
        ),
      ),
    secretEncoding: SecretEncoding.default('utf8').meta(
      said(
        { en: 'Encoding of secrets', zh: '密钥编码' },
        { en: 'utf8: used as written. hex, base64: decoded first.', zh: 'utf8：按原文使用；hex、base64：先解码。' },
      ),
    ),
    publicKeys: z
      .array(z.string().max(PEM_CHARS_MAX))
      .max(KEYS_MAX)
      .default([])
      .meta(
        said(
          { en: 'Public keys', zh: '平台公钥' },
          {
            en: 'PEM, for rsa-sha256 and ed25519; several at once while one replaces another.',
            zh: 'PEM 格式，用于 rsa-sha256 和 ed25519；轮换期间可同时填写多个。',
          },
          { rotates: true },
        ),
      ),
    signature: (defaults === null ? Signing : eachWith(Signing, defaults.signature)).meta(
      said(
        { en: 'Signature', zh: '签名方式' },
        {
          en:
            'algorithm, where it stands (in, name, prefix, encoding) and what it covers (content): the raw body, a ' +
            'template of {timestamp} and {body}, the fields sorted as k=v&…, or the JSON sorted or in base64. `tail` ' +
            'is added to it ({secret} stands for the secret), `skip` names fields left out.',
          zh:
            '算法、位置（in、name、prefix、encoding）与签名内容（content）：原始报文、由 {timestamp} 和 {body} 组成的模板、' +
            '按 k=v&… 排序的字段、排序或 base64 的 JSON。tail 附加在末尾（{secret} 代表密钥），skip 为不参与签名的字段。',
        },
      ),
    ),
    timestamp: (defaults === null ? Timestamp : eachWith(TimestampParts, defaults.timestamp).nullable()).meta(
      said(
        { en: 'Time of sending', zh: '发送时间' },
        {
          en: 'Where the signed time stands; off by toleranceSeconds or more is refused. null: callbacks have none.',
          zh: '已签名的发送时间所在位置；超出 toleranceSeconds 的回调会被拒绝。null 表示没有。',
        },
      ),
    ),
  };
}

/** The same parts with defaults, so that each may be changed alone. */
function eachWith<T>(parts: z.ZodObject & z.ZodType<T>, known: object): z.ZodType<T> {
  const defaults = new Map<string, unknown>(Object.entries(known));
  const entries = Object.entries(parts.shape).map(([name, schema]) => [
    name,
    or(schema as z.ZodType<unknown>, defaults.get(name)), // zod's own part of the shape
  ]);
  return or(z.strictObject(Object.fromEntries(entries)), {}) as z.ZodType<T>; // the same names and types
}

type Proof = {
  readonly secrets: readonly string[];
  readonly secretEncoding: z.infer<typeof SecretEncoding>;
  readonly publicKeys: readonly string[];
  readonly signature: Signing;
  readonly timestamp: Timestamp;
};

export type Complaint = { readonly path: readonly (string | number)[]; readonly message: string };

/** What is wrong with how callbacks are proved; each says where and how to mend it. */
export function proofComplaints(proof: Proof, mapped: readonly Path[], formats: readonly Format[]): Complaint[] {
  const { signature, timestamp } = proof;
  const complaints = [...keyComplaints(proof), ...signingComplaints(signature, ['timestamp', 'body'], 'signature')];
  const complain = (path: string, message: string) =>
    complaints.push({ path: path.split('.'), message: `${path} ${message}` });
  const words = signature.content === 'template' ? wordsOf(signature.template) : [];
  if (signature.content === 'template' && !words.includes('body')) {
    complain('signature.template', 'must contain {body}: else a signature would prove nothing of it.');
  }
  if (words.includes('timestamp') && timestamp?.in !== 'header') {
    complain('timestamp', 'must name the header whose value stands for {timestamp} in signature.template.');
  }
  if (timestamp?.in === 'header' && !words.includes('timestamp')) {
    complain('timestamp', 'stands in a header that the signature does not cover: sign a template with {timestamp}.');
  }
  if (timestamp?.in === 'header' && !HEADER_NAME.test(timestamp.name))
    complain('timestamp.name', 'is no header’s name.');
  if (timestamp?.in === 'field' && !PathField.safeParse(timestamp.name).success) {
    complain('timestamp.name', 'is no path of a field.');
  }
  const timePath = timestamp?.in === 'field' ? PathField.safeParse(timestamp.name).data : undefined;
  const believed = [...mapped, ...(timePath === undefined ? [] : [timePath])].flatMap(topNamesOf);
  const unsigned = signature.skip.find((name) => believed.includes(name));
  if (unsigned !== undefined) complain('signature.skip', `leaves out ${unsigned}, which is believed: sign it.`);
  if (signature.in === 'field' && believed.includes(signature.name)) {
    complain('signature.name', 'is mapped as a value too: the signature cannot cover itself.');
  }
  if (signature.content === 'base64-json' && formats.some((format) => format !== 'json')) {
    complain('formats', 'must be json alone where the signature is over base64 JSON.');
  }
  // Values that were signed as JSON may be sent again as a form: they must mean the same there.
  const isByValue = signature.content === 'sorted-fields' || signature.content === 'sorted-json';
  const places = mapped.map((path) => formats.map((format) => JSON.stringify(path[format])));
  if (isByValue && places.some((each) => new Set(each).size > 1)) {
    complain('formats', 'must be one where fields stand elsewhere in each and the signature covers values alone.');
  }
  return complaints;
}

/** What is wrong with one signature, whichever way it goes. */
export function signingComplaints(signing: Signing, known: readonly string[], at: string): Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (part: string, message: string) =>
    complaints.push({ path: [...at.split('.'), part], message: `${at}.${part} ${message}` });
  const { content, skip } = signing;
  if (signing.in === 'header' && !HEADER_NAME.test(signing.name)) complain('name', 'is no header’s name.');
  if (signing.in === 'field' && (content === 'raw' || content === 'template')) {
    complain('in', 'is a field of the very body that is signed: use sorted-fields, sorted-json or base64-json.');
  }
  if (skip.length > 0 && content !== 'sorted-fields' && content !== 'sorted-json') {
    complain('skip', 'is for sorted-fields and sorted-json: everything else is signed whole.');
  }
  const unknown = content === 'template' ? wordsOf(signing.template).find((word) => !known.includes(word)) : undefined;
  if (unknown !== undefined) complain('template', `has {${unknown}}: there are {${known.join('}, {')}}.`);
  const tail = wordsOf(tailOf(signing));
  if (tail.some((word) => word !== 'secret')) complain('tail', 'may hold {secret} and plain text.');
  if (signing.algorithm === 'md5' && !tail.includes('secret')) {
    complain('tail', 'must contain {secret}: MD5 without one proves nothing.');
  }
  if (!isShared(signing.algorithm) && tail.includes('secret'))
    complain('tail', 'has {secret}: this algorithm has none.');
  return complaints;
}

function keyComplaints({ secrets, secretEncoding, publicKeys, signature }: Proof): Complaint[] {
  const needsSecret = isShared(signature.algorithm);
  if (needsSecret && secrets.length === 0) {
    return [{ path: ['secrets'], message: `secrets is empty: ${signature.algorithm} needs the secret you share.` }];
  }
  if (!needsSecret && publicKeys.length === 0) {
    return [{ path: ['publicKeys'], message: `publicKeys is empty: ${signature.algorithm} needs the provider’s key.` }];
  }
  const complaints: Complaint[] = [];
  for (const [index, secret] of secrets.entries()) {
    const bytes = secretBytes(secret, secretEncoding);
    const path = ['secrets', index];
    if (bytes === null) complaints.push({ path, message: `secrets.${index} is not ${secretEncoding}.` });
    else if (bytes.length < SECRET_BYTES_MIN) {
      const mend = `${bytes.length} bytes; make one of at least ${SECRET_BYTES_MIN} and enter it at both ends.`;
      complaints.push({ path, message: `secrets.${index} has ${mend}` });
    }
  }
  for (const [index, pem] of publicKeys.entries()) {
    const kind = pemKindOf(pem);
    if (kind === 'public_key') continue;
    const mend =
      kind === 'certificate'
        ? 'holds a certificate: give its public key alone (openssl x509 -pubkey -noout).'
        : 'must hold one PEM public key: paste it whole, from -----BEGIN to the -----END line.';
    complaints.push({ path: ['publicKeys', index], message: `publicKeys.${index} ${mend}` });
  }
  return complaints;
}
