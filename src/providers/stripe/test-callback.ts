// Writes a test callback as Stripe would: a PaymentIntent that succeeded, signed with the endpoint's newest secret.
import { withText } from '../../core/json-body.ts';
import { concat, toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';
import { SIGNATURE_HEADER } from './notice.ts';
import { ORDER_NO_PATH } from './told.ts';

export const write: WriteShared<Credentials> = (
  { orderNo, amount, sandbox },
  { signingSecrets, accounts, orderNoPath = ORDER_NO_PATH },
  { now, nonce },
) => {
  const [created, livemode] = [Math.floor(now / 1_000), !sandbox];
  const intent = {
    id: `pi_${nonce}`,
    object: 'payment_intent',
    status: 'succeeded',
    // Stripe's integers are ours in the currency of its tests.
    amount: amount.minor,
    amount_received: amount.minor,
    currency: amount.currency.toLowerCase(),
    created,
    livemode,
    payment_method_types: ['card'],
  };
  const object = withText(intent, orderNoPath, orderNo);
  const [account] = accounts;
  const event = {
    id: `evt_${nonce}`,
    object: 'event',
    type: 'payment_intent.succeeded',
    livemode,
    created,
    ...(account === undefined ? {} : { account }),
    data: { object },
  };
  return jsonTest(event, async (body) => {
    const signature = await hmacSha256(utf8(signingSecrets[0] ?? ''), concat(utf8(`${created}.`), body));
    return { [SIGNATURE_HEADER]: `t=${created},v1=${toHex(signature)}` };
  });
};
