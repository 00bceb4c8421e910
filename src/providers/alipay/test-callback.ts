// Writes a test callback as Alipay would: a trade notice, signed with a key made for this test, because only Alipay has
// its own. Never with a key that a channel takes anywhere else.
import { printMoney } from '../../core/money.ts';
import { ok } from '../../core/result.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import { signRsaPem } from '../../crypto/rsa.ts';
import type { WriteTest } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';

const BEIJING_AHEAD_MS = 8 * 3_600_000;
const NOTIFY_TYPE = 'trade_status_sync';

const beijing = (at: number): string => new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19).replace('T', ' ');

export const write: WriteTest<Credentials> = async ({ orderNo, amount }, credentials, { now, nonce, makeKeys }) => {
  const [time, total] = [beijing(now), printMoney(amount)];
  const seller = credentials.sellerIds[0];
  const fields: Readonly<Record<string, string>> = {
    notify_time: time,
    notify_type: NOTIFY_TYPE,
    notify_id: nonce,
    app_id: credentials.appId,
    charset: 'utf-8',
    version: '1.0',
    trade_no: nonce.slice(0, 28),
    out_trade_no: orderNo,
    ...(seller === undefined ? {} : { seller_id: seller }),
    trade_status: 'TRADE_SUCCESS',
    total_amount: total,
    receipt_amount: total,
    buyer_pay_amount: total,
    subject: 'Test',
    gmt_create: time,
    gmt_payment: time,
  };
  const isCovered = credentials.signTypeSignedFor.includes(NOTIFY_TYPE);
  const signed = isCovered ? { ...fields, sign_type: 'RSA2' } : fields;
  const text = Object.entries(signed)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const { publicKey, privateKey } = await makeKeys('rsa');
  const sign = toBase64(await signRsaPem(privateKey, utf8(text)));
  const body = utf8(new URLSearchParams({ ...fields, sign_type: 'RSA2', sign }).toString());
  const { previousAlipayPublicKey: _, ...others } = credentials;
  const provedBy = { credentials: { ...others, alipayPublicKey: publicKey, signTypes: ['RSA2' as const] } };
  return ok({ contentType: 'application/x-www-form-urlencoded; charset=utf-8', headers: {}, body, provedBy });
};
