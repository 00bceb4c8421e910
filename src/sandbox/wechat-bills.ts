// The files of the pretend WeChat Pay's daily bills, for API v3 and v2 alike: UTF-8 with a mark, CR LF, backticks
// before cells, yuan, a summary at the end (docs: trade bill, fund bill). Written apart from the gateway's reader.
import {
  type AccountLine,
  type Day,
  feeOf,
  inOrder,
  isIn,
  linesOf,
  localTimeOf,
  type Moved,
  sumOf,
  yuanOf,
} from './account.ts';
import type { SandboxOrder, SandboxRefund } from './orders.ts';

const TRADE_COLUMNS =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,' +
  '应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,' +
  '手续费,费率,订单金额,申请退款金额,费率备注';
/** Files of refunds alone tell their times beside. */
const REFUND_TIMES = ',退款申请时间,退款成功时间';
const TRADE_SUMMARY = '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';
const FLOW_COLUMNS =
  '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,' +
  '备注,业务凭证号';
const FLOW_SUMMARY = '资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额';

const REFUND_WORDS = { SUCCESS: 'SUCCESS', PROCESSING: 'PROCESSING', ABNORMAL: 'CHANGE', CLOSED: 'FAIL' } as const;

type Movement = Moved & {
  readonly order: SandboxOrder;
  readonly transactionId: string;
  readonly refund: SandboxRefund | null;
};

/** All movements in their order. A refund counts from when it was asked for; one that was closed moved nothing. */
const movementsOf = (orders: readonly SandboxOrder[]): Movement[] =>
  inOrder(orders.flatMap((order) => [...paymentsOf(order), ...refundsOf(order)]));

function paymentsOf(order: SandboxOrder): Movement[] {
  const { transactionId, paidAt, total, earlier = [] } = order;
  if (transactionId === null || paidAt === null) return [];
  const rest = { kind: 'payment' as const, order, refund: null, fen: total, feeFen: order.feeFen ?? feeOf(total) };
  return [...earlier, { transactionId, paidAt }].map((one) => ({
    ...{ ...rest, transactionId: one.transactionId },
    at: one.paidAt,
  }));
}

function refundsOf(order: SandboxOrder): Movement[] {
  const { transactionId, refunds } = order;
  if (transactionId === null) return [];
  return refunds
    .filter(({ status }) => status !== 'CLOSED')
    .map((refund) => {
      const { amount: fen, createdAt: at } = refund;
      return { kind: 'refund', order, transactionId, refund, fen, feeFen: 0 - feeOf(fen), at };
    });
}

export type BillName = 'ALL' | 'REFUND' | 'FUND';

/** The file of a day; null where nothing happened. */
export function billOf(name: BillName, orders: readonly SandboxOrder[], day: Day): string | null {
  const movements = movementsOf(orders);
  if (name === 'FUND') {
    const lines = linesOf(movements, day);
    return lines.length === 0 ? null : fileOf([FLOW_COLUMNS, ...lines.map(flowLine), FLOW_SUMMARY, flowSums(lines)]);
  }
  const isRefunds = name === 'REFUND';
  const ofDay = movements.filter((one) => isIn(day, one) && (!isRefunds || one.kind === 'refund'));
  if (ofDay.length === 0) return null;
  const header = isRefunds ? TRADE_COLUMNS + REFUND_TIMES : TRADE_COLUMNS;
  const rows = ofDay.map((one) => line([...tradeCells(one), ...(isRefunds ? timesOf(one) : [])]));
  return fileOf([header, ...rows, TRADE_SUMMARY, tradeSums(ofDay)]);
}

const fileOf = (lines: readonly string[]): string => `\uFEFF${lines.join('\r\n')}\r\n`;
const line = (cells: readonly string[]): string => cells.map((cell) => `\`${cell}`).join(',');

const timesOf = ({ at, refund }: Movement): string[] => {
  const succeededAt = refund?.succeededAt ?? null;
  return [localTimeOf(at), succeededAt === null ? '' : localTimeOf(succeededAt)];
};

function tradeCells({ kind, order, transactionId, refund, fen, feeFen, at }: Movement): string[] {
  const isRefund = kind === 'refund';
  const [paid, back] = isRefund ? ['0.00', yuanOf(fen)] : [yuanOf(fen), '0.00'];
  const whose = [order.appId, order.mchId, order.partner?.subMchId ?? '0', ''];
  const ids = [transactionId, order.outTradeNo, order.openid, 'NATIVE', isRefund ? 'REFUND' : 'SUCCESS'];
  const coupon = yuanOf(isRefund ? 0 : order.coupon);
  const refundIds = refund === null ? ['0', '0'] : [refund.refundId, refund.outRefundNo];
  const refundState = refund === null ? ['', ''] : ['ORIGINAL', REFUND_WORDS[refund.status]];
  return [
    ...[localTimeOf(at), ...whose, ...ids, 'OTHERS', order.currency, paid, coupon, ...refundIds, back, '0.00'],
    // A comma and a backtick part the cells: the one thing that a name cannot hold.
    ...[...refundState, order.description.replaceAll(',`', ' '), order.attach ?? ''],
    ...[(feeFen / 100).toFixed(5), '0.60%', paid, back, ''],
  ];
}

function tradeSums(movements: readonly Movement[]): string {
  const of = (kind: Moved['kind']) => yuanOf(sumOf(movements.flatMap((one) => (one.kind === kind ? [one.fen] : []))));
  const fees = (sumOf(movements.map(({ feeFen }) => feeFen)) / 100).toFixed(5);
  const [paid, back] = [of('payment'), of('refund')];
  return line([`${movements.length}`, paid, back, '0.00', fees, paid, back]);
}

function flowLine({ of, isFee, fen, heldFen }: AccountLine<Movement>): string {
  const type = isFee ? (fen < 0 ? '扣除交易手续费' : '退回交易手续费') : of.kind === 'payment' ? '交易' : '退款';
  const id = of.refund?.refundId ?? of.transactionId;
  const amounts = [fen < 0 ? '支出' : '收入', yuanOf(Math.abs(fen)), yuanOf(heldFen)];
  const flowNo = `${id}${isFee ? '9' : '1'}`;
  return line([localTimeOf(of.at), isFee ? of.transactionId : id, flowNo, type, type, ...amounts, 'system', '', id]);
}

function flowSums(lines: readonly AccountLine<Movement>[]): string {
  const [came, went] = [lines.filter(({ fen }) => fen > 0), lines.filter(({ fen }) => fen < 0)];
  const total = (some: typeof lines) => yuanOf(Math.abs(sumOf(some.map(({ fen }) => fen))));
  return line([`${lines.length}`, `${came.length}`, total(came), `${went.length}`, total(went)]);
}
