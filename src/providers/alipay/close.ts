// Asks Alipay to close an order that nobody has paid (alipay.trade.close), and reads what became of it. Never cancels:
// alipay.trade.cancel gives a paid trade's money back.
import { ok } from '../../core/result.ts';
import type { Provider } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { problem, readReply, signedRequest } from './gateway.ts';
import type { Notice } from './notice.ts';

const CLOSE = 'alipay.trade.close';

type Close = NonNullable<Provider<Credentials, Notice>['close']>;

/**
 * What a reason means (docs: close, error codes). A QR code makes the trade only when it is scanned. Only a trade that
 * waits for its payer can be closed: three words say that it no longer does, of which payment is what must be feared.
 */
const MEANINGS: Readonly<Record<string, 'closed' | 'paid' | 'unknown'>> = {
  'ACQ.TRADE_NOT_EXIST': 'unknown',
  'ACQ.TRADE_HAS_CLOSE': 'closed',
  'ACQ.TRADE_HAS_SUCCESS': 'paid',
  'ACQ.TRADE_HAS_FINISHED': 'paid',
  'ACQ.TRADE_STATUS_ERROR': 'paid',
  'ACQ.REASON_TRADE_STATUS_INVALID': 'paid',
  'ACQ.REASON_ILLEGAL_STATUS': 'paid',
};

export const close: Close = {
  request: ({ orderNo }, credentials, context) => signedRequest(CLOSE, { out_trade_no: orderNo }, credentials, context),
  read: async (answer, credentials, _keys, now) => {
    const reply = await readReply(CLOSE, answer, credentials, now);
    if (!reply.ok) return reply;
    if (reply.value.kind === 'done') return ok('closed');
    const { subCode, detail } = reply.value;
    const meaning = Object.hasOwn(MEANINGS, subCode) ? MEANINGS[subCode] : undefined;
    return meaning === undefined ? problem('refused', detail) : ok(meaning);
  },
};
