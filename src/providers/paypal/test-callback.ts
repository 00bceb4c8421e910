// Writes a test callback as PayPal would: a completed capture, signed with a key made for this test, because only
// PayPal has its own. The key stands for a certificate that was fetched, and is handed over with the callback alone.
import { printMoney } from '../../core/money.ts';
import { ok } from '../../core/result.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import { crc32 } from '../../crypto/crc32.ts';
import { signRsaPem } from '../../crypto/rsa.ts';
import type { WriteTest } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';

const KEY_FOR_MS = 600_000;
const HOSTS = { live: 'api.paypal.com', sandbox: 'api.sandbox.paypal.com' } as const;

export const write: WriteTest<Credentials> = async ({ orderNo, amount }, credentials, { now, nonce, makeKeys }) => {
  const { environment, orderNoFrom = 'custom_id', webhookId } = credentials;
  const time = new Date(now).toISOString();
  const named =
    orderNoFrom === 'order_id'
      ? { supplementary_data: { related_ids: { order_id: orderNo } } }
      : { [orderNoFrom]: orderNo };
  const resource = {
    id: nonce.slice(0, 17).toUpperCase(),
    status: 'COMPLETED',
    amount: { currency_code: amount.currency, value: printMoney(amount) },
    create_time: time,
    update_time: time,
    ...named,
  };
  const event = { id: `WH-${nonce}`, event_type: 'PAYMENT.CAPTURE.COMPLETED', create_time: time, resource };
  const body = utf8(JSON.stringify(event));
  const { publicKey, privateKey } = await makeKeys('rsa');
  const url = `https://${HOSTS[environment]}/v1/notifications/certs/TEST-${nonce}`;
  const signed = utf8([nonce, time, webhookId, crc32(body)].join('|'));
  const headers = {
    'paypal-transmission-id': nonce,
    'paypal-transmission-time': time,
    'paypal-transmission-sig': toBase64(await signRsaPem(privateKey, signed)),
    'paypal-cert-url': url,
    'paypal-auth-algo': 'SHA256withRSA',
  };
  const key = { serial: url, pem: publicKey, effectiveAt: now - KEY_FOR_MS, expiresAt: now + KEY_FOR_MS };
  return ok({ contentType: 'application/json', headers, body, provedBy: { credentials, keys: [key] } });
};
