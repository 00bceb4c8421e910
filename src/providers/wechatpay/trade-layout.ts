// How WeChat Pay writes the files of its trade bills, whichever version of its API they are asked of: UTF-8 with a
// mark, CR LF, backticks before cells, amounts in yuan, a summary at the end (docs: trade bill, download bill). Columns
// go by name: there are fewer in older and in refund files.
import { type BillRow, FEE_SCALE, localTime, type RowKind, type RowState } from '../../core/bill.ts';
import type { BillLayout, Cell } from '../../core/bill-layout.ts';
import { decimalOf, rateOf } from '../../core/decimal.ts';
import { parseMoney } from '../../core/money.ts';
import { err, ok, type Result } from '../../core/result.ts';

const TRADE_COLUMNS = {
  at: { names: ['交易时间'] },
  appId: { names: ['公众账号ID'], optional: true },
  mchId: { names: ['商户号'] },
  subMchId: { names: ['特约商户号', '子商户号'], optional: true },
  transactionId: { names: ['微信订单号'] },
  orderNo: { names: ['商户订单号'] },
  state: { names: ['交易状态'] },
  currency: { names: ['货币种类'] },
  settled: { names: ['应结订单金额', '总金额'] },
  coupon: { names: ['代金券金额', '代金券或立减优惠金额', '企业红包金额'], optional: true },
  providerRefundId: { names: ['微信退款单号'], optional: true },
  refundNo: { names: ['商户退款单号'], optional: true },
  refunded: { names: ['退款金额'], optional: true },
  couponRefunded: { names: ['充值券退款金额', '代金券或立减优惠退款金额', '企业红包退款金额'], optional: true },
  refundState: { names: ['退款状态'], optional: true },
  fee: { names: ['手续费'] },
  rate: { names: ['费率'], optional: true },
  amount: { names: ['订单金额'], optional: true },
  asked: { names: ['申请退款金额'], optional: true },
  askedAt: { names: ['退款申请时间'], optional: true },
  refundedAt: { names: ['退款成功时间'], optional: true },
} as const;
type TradeColumn = keyof typeof TRADE_COLUMNS;

/** Whether a row is another shop's on the same account; a sentence where the whole file is another merchant's. */
export type StrangerOf = (cell: Cell<TradeColumn>) => boolean | string;

export const tradeLayout = (strangerOf: StrangerOf): BillLayout<BillRow, TradeColumn> => ({
  grammar: { kind: 'backtick' },
  charset: 'utf-8',
  columns: TRADE_COLUMNS,
  freeText: '商品名称',
  read: (cell) => readTrade(cell, strangerOf(cell)),
  totals: [
    { name: '总交易单数', said: { headers: ['总交易单数'] }, adds: () => '1' },
    { name: '应结订单总金额', said: { headers: ['应结订单总金额', '总交易额'] }, adds: (cell) => cell('settled') },
    { name: '退款总金额', said: { headers: ['退款总金额', '总退款金额'] }, adds: (cell) => cell('refunded') },
    {
      name: '充值券退款总金额',
      said: { headers: ['充值券退款总金额', '总代金券或立减优惠退款金额', '总企业红包退款金额'] },
      adds: (cell) => cell('couponRefunded'),
    },
    { name: '手续费总金额', said: { headers: ['手续费总金额'] }, adds: (cell) => cell('fee') },
    { name: '订单总金额', said: { headers: ['订单总金额'] }, adds: (cell) => cell('amount') },
    { name: '申请退款总金额', said: { headers: ['申请退款总金额'] }, adds: (cell) => cell('asked') },
  ],
  ending: 'summary',
});

/** A row of no refund says `0` where a refund's numbers stand. */
const given = (text: string): string | null => (text === '' || text === '0' ? null : text);

const REFUND_STATES: Readonly<Record<string, RowState>> = {
  SUCCESS: 'succeeded',
  PROCESSING: 'pending',
  FAIL: 'failed',
  CLOSED: 'failed',
  CHANGE: 'needs_attention',
  ABNORMAL: 'needs_attention',
};

/** REVOKED takes a paid order back; any other word would be new. */
function kindOf(state: string, providerRefundId: string | null): RowKind {
  if (state === 'REFUND' || (state === 'REVOKED' && providerRefundId !== null)) return 'refund';
  return state === 'SUCCESS' ? 'payment' : 'other';
}

function stateOf(kind: RowKind, state: string, refundState: string): RowState {
  if (kind === 'payment') return 'succeeded';
  if (kind === 'refund')
    return Object.hasOwn(REFUND_STATES, refundState) ? (REFUND_STATES[refundState] ?? 'pending') : 'pending';
  return state === 'REVOKED' ? 'closed' : 'pending';
}

function readTrade(cell: Cell<TradeColumn>, stranger: boolean | string): Result<BillRow, string> {
  if (typeof stranger === 'string') return err(stranger);
  const providerRefundId = given(cell('providerRefundId'));
  const kind = kindOf(cell('state'), providerRefundId);
  const isRefund = kind === 'refund';
  const time = (isRefund && (cell('refundedAt') || cell('askedAt'))) || cell('at');
  const at = localTime(time);
  if (at === null) return err(`${show(time)} is no time`);
  const currency = cell('currency') || 'CNY';
  const settled = parseMoney(cell(isRefund ? 'refunded' : 'settled') || '0', currency);
  if (!settled.ok) return settled;
  // What was asked for includes the merchant's own coupons, as callbacks do; older files know one amount only.
  const told = cell(isRefund ? 'asked' : 'amount');
  const amount = /[1-9]/.test(told) ? parseMoney(told, currency) : settled;
  if (!amount.ok) return amount;
  const coupon = isRefund ? null : parseMoney(cell('coupon') || '0', currency);
  if (coupon !== null && !coupon.ok) return coupon;
  const [feeText, rateText] = [cell('fee'), cell('rate')];
  const fee = feeText === '' ? null : decimalOf(feeText, FEE_SCALE);
  if (feeText !== '' && fee === null) return err(`${show(feeText)} is no fee`);
  return ok({
    kind,
    orderNo: given(cell('orderNo')),
    transactionId: given(cell('transactionId')),
    refundNo: isRefund ? given(cell('refundNo')) : null,
    providerRefundId: isRefund ? providerRefundId : null,
    amount: amount.value,
    settled: settled.value,
    // The payer's own coupons pay a part of what is settled.
    payerAmount: coupon === null ? null : { minor: Math.max(0, settled.value.minor - coupon.value.minor), currency },
    fee,
    feeRate: rateOf(rateText),
    state: stateOf(kind, cell('state'), cell('refundState')),
    providerState: isRefund ? cell('refundState') || cell('state') : cell('state'),
    at,
    test: false,
    isStranger: stranger,
  });
}

export const show = (text: string): string => JSON.stringify(text.slice(0, 40));
