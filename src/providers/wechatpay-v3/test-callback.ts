// Writes a test callback as WeChat Pay v3 would: sealed with the APIv3 key that both sides have, signed with a key made
// for this test, because only WeChat Pay has its own. That key has a serial that no channel keeps.
import { ok } from '../../core/result.ts';
import { sealGcm } from '../../crypto/aes.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import { signRsaPem } from '../../crypto/rsa.ts';
import type { WriteTest } from '../provider/test-callback.ts';
import { type Credentials, payeesOf } from './credentials.ts';

const KEY_FOR_MS = 600_000;
/** Stands where a channel takes notices for any AppID, or any sub-merchant. */
const ANY_APP = 'wx0000000000000000';
const ANY_PAYEE = '1900000001';

export const write: WriteTest<Credentials> = async ({ orderNo, amount }, credentials, { now, nonce, makeKeys }) => {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, '+00:00');
  const content = {
    ...merchantOf(credentials),
    out_trade_no: orderNo,
    transaction_id: nonce.slice(0, 28),
    trade_type: 'NATIVE',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    bank_type: 'OTHERS',
    success_time: time,
    payer: { openid: `test-${nonce.slice(0, 16)}` },
    amount: { total: amount.minor, payer_total: amount.minor, currency: 'CNY', payer_currency: 'CNY' },
  };
  const sealNonce = nonce.slice(0, 12);
  const key = utf8(credentials.apiV3Key);
  const sealed = await sealGcm(key, utf8(sealNonce), utf8('transaction'), utf8(JSON.stringify(content)));
  const envelope = {
    id: `EV-${nonce}`,
    create_time: time,
    resource_type: 'encrypt-resource',
    event_type: 'TRANSACTION.SUCCESS',
    summary: '支付成功',
    resource: {
      original_type: 'transaction',
      algorithm: 'AEAD_AES_256_GCM',
      ciphertext: toBase64(sealed),
      associated_data: 'transaction',
      nonce: sealNonce,
    },
  };
  const text = JSON.stringify(envelope);
  const { publicKey, privateKey } = await makeKeys('rsa');
  const [serial, timestamp] = [`PUB_KEY_ID_TEST_${nonce.toUpperCase()}`, String(Math.floor(now / 1_000))];
  const headers = {
    'wechatpay-serial': serial,
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-signature': toBase64(await signRsaPem(privateKey, utf8(`${timestamp}\n${nonce}\n${text}\n`))),
    'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
  };
  const testKey = { serial, pem: publicKey, effectiveAt: now - KEY_FOR_MS, expiresAt: now + KEY_FOR_MS };
  // RSA, also where the channel takes SM2 alone.
  const provedBy = { credentials: { ...credentials, signatureTypes: ['RSA' as const] }, keys: [testKey] };
  return ok({ contentType: 'application/json', headers, body: utf8(text), provedBy });
};

function merchantOf(credentials: Credentials) {
  const { mchId, appIds, partner } = credentials;
  if (partner === undefined) return { mchid: mchId, appid: appIds[0] ?? ANY_APP };
  return {
    sp_mchid: partner.spMchId,
    sp_appid: partner.spAppId ?? ANY_APP,
    sub_mchid: payeesOf(credentials)[0] ?? ANY_PAYEE,
    ...(appIds[0] === undefined ? {} : { sub_appid: appIds[0] }),
  };
}
