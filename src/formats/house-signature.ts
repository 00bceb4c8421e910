// The house's own rule for signatures that stand in the body: every value that is not empty but the signature itself,
// sorted by name, as `name=value` joined by &, with a tail; then MD5, HMAC-SHA256 or RSA-SHA256. Never guesses a key.
import { z } from 'zod';
import { ok, type Result } from '../core/result.ts';
import { toBase64, toHex, utf8 } from '../crypto/bytes.ts';
import { hmacSha256 } from '../crypto/hmac.ts';
import { md5 } from '../crypto/md5.ts';
import { importRsaPrivateKey, signRsa } from '../crypto/rsa.ts';
import { type FormatProblem, type FormatSecret, problem, said } from './format.ts';

export const ALGORITHMS = ['hmac-sha256', 'md5', 'rsa-sha256'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

/** A name that a form, an XML element, PHP, Java and .NET all take as it is. */
export const FieldName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, 'must begin with a letter and hold letters, digits, _ and - alone.');

const SECRET = '{secret}';
const TAILS: Readonly<Record<Algorithm, string>> = { md5: `&key=${SECRET}`, 'hmac-sha256': '', 'rsa-sha256': '' };

export const Signature = z
  .strictObject({
    algorithm: z
      .enum(ALGORITHMS, 'algorithm is hmac-sha256, md5 or rsa-sha256.')
      .default('hmac-sha256')
      .meta(
        said(
          { en: 'Algorithm', zh: '签名算法' },
          {
            en: 'hmac-sha256 unless your code has another. md5 is weak: only for code that cannot be changed.',
            zh: '默认使用 hmac-sha256。md5 强度弱，仅用于无法修改的既有代码。',
          },
        ),
      ),
    field: FieldName.default('sign').meta(
      said(
        { en: 'Field of the signature', zh: '签名字段' },
        { en: 'The field that holds it; it is not signed itself.', zh: '存放签名的字段，自身不参与签名。' },
      ),
    ),
    algorithmField: FieldName.nullable()
      .default(null)
      .meta(
        said(
          { en: 'Field of the algorithm', zh: '算法字段' },
          {
            en: 'Sends the algorithm’s name in this field, signed; null: not sent.',
            zh: '发送算法名称并参与签名；null 表示不发送。',
          },
        ),
      ),
    letters: z
      .enum(['upper', 'lower'], 'letters is upper or lower.')
      .default('upper')
      .meta(
        said(
          { en: 'Letters of the hexadecimal', zh: '十六进制大小写' },
          {
            en: 'Of md5 and hmac-sha256; rsa-sha256 is base64.',
            zh: '适用于 md5 与 hmac-sha256；rsa-sha256 为 base64。',
          },
        ),
      ),
    tail: z
      .string()
      .max(64)
      .optional()
      .meta(
        said(
          { en: 'Tail', zh: '签名串结尾' },
          {
            en: 'Added to what is signed; {secret} is the secret. Left out: &key={secret} for md5, else nothing.',
            zh: '附加在签名串末尾，{secret} 代表密钥。留空时 md5 为 &key={secret}，其他为空。',
          },
        ),
      ),
  })
  .superRefine(({ algorithm, tail }, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', path: ['tail'], message });
    if (tail === undefined) return;
    if (algorithm === 'md5' && !tail.includes(SECRET)) complain('tail must contain {secret}: else anybody can sign.');
    if (algorithm === 'rsa-sha256' && tail.includes(SECRET)) complain('tail has {secret}, and rsa-sha256 has none.');
  });
export type Signature = z.output<typeof Signature>;

export type Field = readonly [name: string, value: string];

/** By code units; for names of ASCII that is the order of their bytes. */
export const signedText = (fields: readonly Field[], own: string): string =>
  fields
    .filter(([name, value]) => name !== own && value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** The fields with their signature behind them. */
export async function withSignature(
  fields: readonly Field[],
  signature: Signature,
  secrets: readonly FormatSecret[],
): Promise<Result<readonly Field[], FormatProblem>> {
  const { algorithm, algorithmField, field } = signature;
  const all: readonly Field[] = algorithmField === null ? fields : [...fields, [algorithmField, NAMES[algorithm]]];
  const made = await sign(signedText(all, field), signature, secrets);
  return made.ok ? ok([...all, [field, made.value]]) : made;
}

const NAMES: Readonly<Record<Algorithm, string>> = {
  md5: 'MD5',
  'hmac-sha256': 'HMAC-SHA256',
  'rsa-sha256': 'RSA-SHA256',
};

async function sign(
  text: string,
  { algorithm, letters, tail }: Signature,
  secrets: readonly FormatSecret[],
): Promise<Result<string, FormatProblem>> {
  const kind = algorithm === 'rsa-sha256' ? 'rsa' : 'hmac';
  // There is room for one signature. The oldest secret signs until its overlap ends, so that a receiver which by then
  // takes both never sees one that it cannot check.
  const secret = secrets.findLast((one) => one.kind === kind)?.secret;
  if (secret === undefined) {
    return problem('secret_missing', `The origin has no ${kind} secret, which ${algorithm} needs: rotate it to one.`);
  }
  const message = utf8(text + (tail ?? TAILS[algorithm]).replaceAll(SECRET, () => secret));
  const cased = (hex: string) => (letters === 'upper' ? hex.toUpperCase() : hex);
  switch (algorithm) {
    case 'md5':
      return ok(cased(toHex(md5(message))));
    case 'hmac-sha256':
      return ok(cased(toHex(await hmacSha256(utf8(secret), message))));
    case 'rsa-sha256': {
      const key = await importRsaPrivateKey(secret);
      if (key === null)
        return problem('secret_unreadable', 'The origin’s RSA key cannot be read: paste its PEM whole.');
      return ok(toBase64(await signRsa(key, message)));
    }
  }
}
