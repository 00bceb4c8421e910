// The calls that the pretend Alipay takes, the words in numbers that each listens to, and what it says of itself.
import { z } from 'zod';
import { BILL_METHOD } from './alipay-bill-desk.ts';
import { ALIPAY_SPOILS, ALIPAY_VARIANTS } from './alipay-courier.ts';
import type { AlipayIdentity } from './alipay-identity.ts';
import { MAGIC_WORDS } from './magic.ts';

/** The calls there are, and the magic words that each listens to. */
export const WORDS: Readonly<Record<string, readonly (keyof typeof MAGIC_WORDS)[]>> = {
  'alipay.trade.precreate': ['timeout', 'lost', 'systemerror', 'unsigned'],
  'alipay.trade.query': [],
  'alipay.trade.close': ['timeout', 'lost', 'systemerror', 'unsigned'],
  'alipay.trade.refund': ['timeout', 'lost', 'systemerror', 'unsigned', 'notenough', 'slow'],
  'alipay.trade.fastpay.refund.query': ['slow'],
  [BILL_METHOD]: [],
};

const Numbers = z.object({ out_trade_no: z.string().optional(), out_request_no: z.string().optional() });

/** A refund misbehaves by its own number, everything else by the order's. */
export function numberIn(method: string, input: unknown): string {
  const { out_trade_no: order, out_request_no: refund } = Numbers.safeParse(input).data ?? {};
  return (method.includes('refund') ? refund : order) ?? '';
}

/** GET /sandbox/alipay: what this is and what it can do, for people with curl. */
export const describe = ({ appId, sellerId }: AlipayIdentity): unknown => ({
  what: 'A pretend Alipay: it verifies, signs and repeats like the real one, and moves no money.',
  merchant: { appId, sellerId },
  api: Object.keys(WORDS).map((method) => `POST /gateway.do ${method}`),
  make: {
    'POST /sandbox/alipay/scan': '{"outTradeNo"}: the payer scans the code; before that there is no trade',
    'POST /sandbox/alipay/pay': '{"outTradeNo", "amount"?: fen, "charset"?: "gbk", "misbehave"?, …}: the payer pays',
    'POST /sandbox/alipay/refund': '{"outTradeNo", "outRequestNo"?, "amount"?}: a refund made in Alipay’s console',
    'POST /sandbox/alipay/finish': '{"outTradeNo"}: TRADE_FINISHED, as months later',
  },
  misbehave: { ...ALIPAY_SPOILS, ...ALIPAY_VARIANTS },
  magicWords: MAGIC_WORDS,
  look: ['GET /sandbox/alipay/notices', 'GET /sandbox/alipay/trades', 'GET /sandbox/alipay/credentials'],
});
