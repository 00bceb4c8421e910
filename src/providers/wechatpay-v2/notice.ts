// Opens a WeChat Pay v2 callback: XML behind core/xml's locked door, then the signature, or for a refund the seal that
// stands in its place. Never believes a refund notice: what ECB opens is not proved.
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fieldsOf, parseXml } from '../../core/xml.ts';
import { openEcb } from '../../crypto/aes.ts';
import { fromBase64, fromUtf8, toHex, utf8 } from '../../crypto/bytes.ts';
import { md5 } from '../../crypto/md5.ts';
import type { Credentials } from './credentials.ts';
import { type Fields, signatureProblem } from './signature.ts';

/** `product` is the request of Native mode 1; `contract` and all else touch no order. */
export type Notice =
  | { readonly kind: 'payment' | 'product' | 'contract' | 'unknown'; readonly fields: Fields }
  /** `fields` name whom to ask, `refund` what to ask about; neither is proved. */
  | { readonly kind: 'refund'; readonly fields: Fields; readonly refund: Fields };

/** A flat document under this root; no provider's own nests. */
export function readFields(bytes: Uint8Array, root: string): Result<Fields, string> {
  const text = fromUtf8(bytes);
  if (text === null) return err('it is not UTF-8');
  const parsed = parseXml(text, { depthMax: 2 });
  if (!parsed.ok) return parsed;
  return parsed.value.name === root ? fieldsOf(parsed.value) : err(`its root is not <${root}>`);
}

export async function openNotice(body: Uint8Array, credentials: Credentials): Promise<Result<Notice, Rejection>> {
  const read = readFields(body, 'xml');
  if (!read.ok) return err(reject('malformed', `No WeChat Pay v2 message: ${read.error}.`));
  const fields = read.value;
  const sealed = fields.get('req_info') ?? '';
  // A refund notice carries no sign; all else does, and where there is one it holds.
  const problem = sealed === '' || fields.has('sign') ? await signatureProblem(fields, credentials) : null;
  if (problem !== null) return err(problem);
  return sealed === '' ? ok({ kind: kindOf(fields), fields }) : openRefund(fields, sealed, credentials);
}

function kindOf(fields: Fields): Exclude<Notice['kind'], 'refund'> {
  if (fields.has('product_id') && !fields.has('result_code')) return 'product';
  if (fields.has('change_type')) return 'contract';
  return fields.has('out_trade_no') && fields.has('result_code') ? 'payment' : 'unknown';
}

function openRefund(fields: Fields, sealed: string, credentials: Credentials): Result<Notice, Rejection> {
  const bytes = fromBase64(sealed.replace(/\s/g, ''));
  const plain = bytes === null ? null : openEcb(refundKeyOf(credentials), bytes);
  const refund = plain === null ? null : readFields(plain, 'root');
  // Anybody may send such a thing, so it is a wrong signature and no alarm.
  return refund?.ok
    ? ok({ kind: 'refund', fields, refund: refund.value })
    : err(reject('signature_invalid', 'req_info does not open with apiKey: compare it with the APIv2 key.'));
}

/** The 32 digits of the key's MD5, leading zeros kept, as text (docs: refund result notice). */
const refundKeyOf = ({ apiKey }: Credentials): Uint8Array => utf8(toHex(md5(utf8(apiKey))));
