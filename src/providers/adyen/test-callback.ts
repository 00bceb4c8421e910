// Writes a test callback as Adyen would: one AUTHORISATION item, signed with the webhook's own HMAC key.
import { err } from '../../core/result.ts';
import { fromHex, toBase64, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';

export const write: WriteShared<Credentials> = async (
  { orderNo, amount, sandbox },
  { hmacKeys, merchantAccounts },
  { now, nonce },
) => {
  const key = fromHex(hmacKeys[0] ?? '');
  if (key === null) return err('The first of hmacKeys cannot be read.');
  const [pspReference, account] = [nonce.slice(0, 16).toUpperCase(), merchantAccounts[0] ?? ''];
  const [eventCode, success] = ['AUTHORISATION', 'true'];
  // Seven fields and an empty place for an original reference (docs: verify HMAC signatures).
  const signed = [pspReference, '', account, orderNo, amount.minor, amount.currency, eventCode, success].join(':');
  const item = {
    additionalData: { hmacSignature: toBase64(await hmacSha256(key, utf8(signed))) },
    amount: { currency: amount.currency, value: amount.minor },
    eventCode,
    eventDate: new Date(now).toISOString(),
    merchantAccountCode: account,
    merchantReference: orderNo,
    paymentMethod: 'visa',
    pspReference,
    success,
  };
  const live = String(!sandbox);
  return jsonTest({ live, notificationItems: [{ NotificationRequestItem: item }] }, async () => ({}));
};
