// Asks Alipay for a payment by QR code (alipay.trade.precreate) and reads the code. Never makes a call, and believes no
// answer whose signature does not verify.
import { z } from 'zod';
import { printMoney } from '../../core/money.ts';
import { ok } from '../../core/result.ts';
import type { Provider, ProviderProblem } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { beijingTime, problem, type Reply, readReply, signedRequest } from './gateway.ts';
import type { Notice } from './notice.ts';

const PRECREATE = 'alipay.trade.precreate';
/** A code works this long unless the order ends sooner (docs: precreate, qr_code_timeout_express). */
const CODE_VALID_MS = 2 * 3_600_000;
/** How long a payer has when the merchant did not say. */
const EXPIRY_DEFAULT_MS = 30 * 60_000;
const EXPIRY_MIN_MS = 60_000;
const SUBJECT_CHARS_MAX = 256;
/** 100 million yuan, in fen (docs: total_amount). */
const AMOUNT_FEN_MAX = 10_000_000_000;

type Pay = NonNullable<Provider<Credentials, Notice>['pay']>;

const Precreated = z.object({ out_trade_no: z.string(), qr_code: z.string().regex(/^https:\/\/[\x21-\x7e]{1,500}$/) });

/** Why there is no code, and what to do; for every other reason Alipay's own words (docs: precreate, error codes). */
const REFUSALS: Readonly<Record<string, readonly [code: ProviderProblem['code'], detail: string]>> = {
  'ACQ.TRADE_HAS_SUCCESS': ['already_paid', 'Alipay says that this order is paid (ACQ.TRADE_HAS_SUCCESS).'],
  'ACQ.TRADE_HAS_FINISHED': ['already_paid', 'Alipay says that this order is paid (ACQ.TRADE_HAS_FINISHED).'],
  'ACQ.TRADE_HAS_CLOSE': [
    'refused',
    'Alipay closed this order for good (ACQ.TRADE_HAS_CLOSE): register it under another orderNo.',
  ],
  'ACQ.CONTEXT_INCONSISTENT': [
    'refused',
    'Alipay knows this orderNo with another amount, subject or expiry (ACQ.CONTEXT_INCONSISTENT): choose another.',
  ],
};

function refusalOf({ subCode, detail }: Extract<Reply, { kind: 'failed' }>) {
  const [code, own] = (Object.hasOwn(REFUSALS, subCode) && REFUSALS[subCode]) || (['refused', detail] as const);
  return problem(code, own);
}

export const pay: Pay = {
  // Whatever is asked of one order is the same each time: Alipay refuses other content under a known number.
  request: async ({ orderNo, registration, notifyUrl }, credentials, context) => {
    const { amount, description, expiresAt } = registration;
    if (!/^[0-9A-Za-z_]{1,64}$/.test(orderNo)) {
      return problem(
        'refused',
        'Alipay takes order numbers of up to 64 letters, digits and _: choose another orderNo.',
      );
    }
    if (amount.currency !== 'CNY' || amount.minor < 1 || amount.minor > AMOUNT_FEN_MAX) {
      return problem('refused', 'Alipay takes amounts in CNY from 0.01 to 100000000: change the order’s amount.');
    }
    const payBy = expiresAt ?? context.now + EXPIRY_DEFAULT_MS;
    if (payBy < context.now + EXPIRY_MIN_MS) {
      return problem(
        'refused',
        'The order expires in less than a minute, which Alipay refuses: choose a later expiresAt.',
      );
    }
    // The documents forbid these letters in a subject.
    const subject = (description ?? `订单 ${orderNo}`).replace(/[/=&]/g, ' ');
    const content = {
      out_trade_no: orderNo,
      total_amount: printMoney(amount),
      subject: [...subject].slice(0, SUBJECT_CHARS_MAX).join(''),
      time_expire: beijingTime(payBy),
    };
    return signedRequest(PRECREATE, content, credentials, context, { notify_url: notifyUrl });
  },
  read: async (answer, credentials, _keys, now, expiresAt = null) => {
    const reply = await readReply(PRECREATE, answer, credentials, now);
    if (!reply.ok) return reply;
    if (reply.value.kind === 'failed') return refusalOf(reply.value);
    const parsed = Precreated.safeParse(reply.value.content);
    if (!parsed.success) return problem('malformed', 'Alipay answered the payment request without a qr_code.');
    const codeExpiresAt = Math.min(now + CODE_VALID_MS, expiresAt ?? now + EXPIRY_DEFAULT_MS);
    return ok({ codeUrl: parsed.data.qr_code, codeExpiresAt });
  },
};
