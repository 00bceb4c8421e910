// Writes a test callback as UnionPay would: a back notice with the certificate that signed it. Only UnionPay's own
// authority vouches for real ones, so key, certificate and authority are made for this test and handed over with it.
import { ok } from '../../core/result.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import { makeCertificate } from '../../crypto/certificate-maker.ts';
import { signRsaPem } from '../../crypto/rsa.ts';
import type { WriteTest } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';
import { digestOf } from './notice.ts';

const VALID_MS = 600_000;
const BEIJING_AHEAD_MS = 8 * 3_600_000;
const [ROOT, MIDDLE] = ['Tollgate test root', 'Tollgate test authority'];
/** The third part says whose it is. */
const LEAF = '041@TEST@中国银联股份有限公司@TEST';

const beijing = (at: number): string => new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19).replace(/\D/g, '');

export const write: WriteTest<Credentials> = async ({ orderNo, amount }, credentials, { now, nonce, makeKeys }) => {
  const { publicKey, privateKey } = await makeKeys('rsa');
  const made = (subject: string, issuer: string) =>
    makeCertificate({
      ...{ subject, issuer, isAuthority: subject !== LEAF, publicKey, privateKey },
      ...{ from: now - VALID_MS, until: now + VALID_MS },
    });
  const [rootCert, middleCert, leaf] = [await made(ROOT, ROOT), await made(MIDDLE, ROOT), await made(LEAF, MIDDLE)];
  const time = beijing(now);
  const form = new Map([
    ['version', '5.1.0'],
    ['encoding', 'UTF-8'],
    ['signMethod', '01'],
    ['txnType', '01'],
    ['txnSubType', '01'],
    ['bizType', '000201'],
    ['accessType', '0'],
    ['merId', credentials.merId],
    ['orderId', orderNo],
    ['queryId', nonce.slice(0, 21)],
    ['txnTime', time],
    ['traceTime', time.slice(4)],
    ['txnAmt', String(amount.minor)],
    ['currencyCode', '156'],
    ['respCode', '00'],
    ['respMsg', 'success'],
    ['signPubKeyCert', leaf],
  ]);
  const signature = toBase64(await signRsaPem(privateKey, await digestOf(form, [...form.keys()])));
  const body = utf8(new URLSearchParams([...form, ['signature', signature]]).toString());
  const provedBy = { credentials: { ...credentials, rootCert, middleCert } };
  return ok({ contentType: 'application/x-www-form-urlencoded; charset=utf-8', headers: {}, body, provedBy });
};
