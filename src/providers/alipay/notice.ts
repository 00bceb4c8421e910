// Opens a notice: form, proof, then text in the charset that it names. Never judges what the notice says.
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Credentials } from './credentials.ts';
import { decodeText, isCharset, plainOf, readForm } from './form.ts';
import { proveForm } from './signature.ts';

/** An authentic notice in Alipay's words. */
export type Notice = {
  readonly type: string;
  readonly id: string | null;
  /** By name, without the empty ones. Null: the bytes mean nothing in the notice's charset. */
  readonly fields: Readonly<Record<string, string | null>>;
};

export async function openNotice(
  body: Uint8Array,
  credentials: Credentials,
  now: number,
): Promise<Result<Notice, Rejection>> {
  const form = readForm(body);
  if (form === null) return err(reject('malformed', 'The body is no form of name=value pairs, each name once.'));
  const proof = await proveForm(form, credentials, now);
  if (!proof.ok) return proof;
  const charset = plainOf(form, 'charset') ?? credentials.charset;
  if (!isCharset(charset)) {
    return err(
      reject('malformed', `An authentic notice in charset ${JSON.stringify(charset.slice(0, 40))}, which is not read.`),
    );
  }
  const filled = [...form].filter(([, bytes]) => bytes.length > 0);
  // A title cut within a character must not cost the payment: who needs the field finds null and says so.
  const fields = Object.fromEntries(filled.map(([name, bytes]) => [name, decodeText(bytes, charset)]));
  return ok({ type: fields.notify_type ?? 'unknown', id: fields.notify_id ?? null, fields });
}
