// How Alipay writes the files of its bills: a zip of GBK tables, cells padded with tabs, remarks behind `#` that hold
// the period before the table and its sums after it (docs: business details, account details). Amounts are in yuan.
import { type BillRow, FEE_SCALE, type FlowRow, localTime, type RowKind } from '../../core/bill.ts';
import type { BillLayout, Cell } from '../../core/bill-layout.ts';
import { type Decimal, decimalOf } from '../../core/decimal.ts';
import { parseMoney } from '../../core/money.ts';
import { err, ok, type Result } from '../../core/result.ts';

const CURRENCY = 'CNY';

const TRADE_COLUMNS = {
  transactionId: { names: ['支付宝交易号'] },
  orderNo: { names: ['商户订单号'] },
  type: { names: ['业务类型'] },
  at: { names: ['完成时间'] },
  amount: { names: ['订单金额(元)', '订单金额'] },
  settled: { names: ['商家实收(元)', '商家实收'] },
  refundNo: { names: ['退款批次号/请求号', '退款批次号'], optional: true },
  fee: { names: ['服务费(元)', '服务费'], optional: true },
} as const;
type TradeColumn = keyof typeof TRADE_COLUMNS;

const PAYMENT = '交易';
const REFUND = '退款';

export const tradeLayout = (test: boolean): BillLayout<BillRow, TradeColumn> => ({
  grammar: { kind: 'plain', separator: ',' },
  charset: 'gb18030',
  columns: TRADE_COLUMNS,
  freeText: '商品名称',
  read: (cell) => readTrade(cell, test),
  totals: [
    { name: '交易合计', said: { remark: /^#交易合计[：:](\d+)笔/ }, adds: (cell) => countIf(cell, PAYMENT) },
    {
      name: '交易商家实收',
      said: { remark: /^#交易合计[：:].*?商家实收共([\d.,-]+)元/ },
      adds: (cell) => (cell('type') === PAYMENT ? cell('settled') : ''),
    },
    { name: '退款合计', said: { remark: /^#退款合计[：:](\d+)笔/ }, adds: (cell) => countIf(cell, REFUND) },
  ],
  ending: /^#-*业务明细列表结束/,
});

const countIf = (cell: Cell<TradeColumn>, type: string): string => (cell('type') === type ? '1' : '');

const show = (text: string): string => JSON.stringify(text.slice(0, 40));
const given = (text: string): string | null => (text === '' ? null : text);

/** What is taken is below zero in the file, what is given back above it: the other way round than ours. */
function feeOf(text: string): Decimal | null {
  const fee = decimalOf(text, FEE_SCALE);
  return fee === null ? null : { units: 0 - fee.units, scale: FEE_SCALE };
}

function readTrade(cell: Cell<TradeColumn>, test: boolean): Result<BillRow, string> {
  const type = cell('type');
  const kind: RowKind = type === PAYMENT ? 'payment' : type === REFUND ? 'refund' : 'other';
  const at = localTime(cell('at'));
  if (at === null) return err(`${show(cell('at'))} is no time`);
  const amount = parseMoney(cell('amount'), CURRENCY);
  if (!amount.ok) return amount;
  const settled = parseMoney(cell('settled'), CURRENCY);
  if (!settled.ok) return settled;
  if (kind === 'payment' && amount.value.minor < 0) return err(`a payment of ${cell('amount')} is below zero`);
  const fee = cell('fee') === '' ? null : feeOf(cell('fee'));
  if (cell('fee') !== '' && fee === null) return err(`${show(cell('fee'))} is no fee`);
  // Where a refund's row repeats what the order was about, only what it took back is below zero.
  const { minor } = kind === 'refund' && amount.value.minor > 0 ? settled.value : amount.value;
  const positive = (signed: number) => ({ minor: Math.abs(signed), currency: CURRENCY });
  return ok({
    kind,
    orderNo: given(cell('orderNo')),
    transactionId: given(cell('transactionId')),
    refundNo: kind === 'refund' ? given(cell('refundNo')) : null,
    providerRefundId: null,
    amount: positive(minor),
    settled: positive(settled.value.minor),
    payerAmount: null,
    fee,
    feeRate: null,
    state: kind === 'other' ? 'pending' : 'succeeded',
    providerState: type,
    at,
    test,
    isStranger: false,
  });
}

const FLOW_COLUMNS = {
  flowNo: { names: ['账务流水号'] },
  businessNo: { names: ['业务流水号'] },
  orderNo: { names: ['商户订单号'] },
  at: { names: ['发生时间'] },
  received: { names: ['收入金额(+元)', '收入金额'] },
  spent: { names: ['支出金额(-元)', '支出金额'] },
  balance: { names: ['账户余额(元)', '账户余额'] },
  type: { names: ['业务类型'], optional: true },
} as const;
type FlowColumn = keyof typeof FLOW_COLUMNS;

export const flowLayout: BillLayout<FlowRow, FlowColumn> = {
  grammar: { kind: 'plain', separator: ',' },
  charset: 'gb18030',
  columns: FLOW_COLUMNS,
  freeText: '商品名称',
  read: readFlow,
  totals: [
    {
      name: '支出合计',
      said: { remark: /^#支出合计[：:](\d+)笔/ },
      adds: (cell) => (isSome(cell('spent')) ? '1' : ''),
    },
    { name: '支出金额', said: { remark: /^#支出合计[：:].*?共([\d.,-]+)元/ }, adds: (cell) => unsigned(cell('spent')) },
    {
      name: '收入合计',
      said: { remark: /^#收入合计[：:](\d+)笔/ },
      adds: (cell) => (isSome(cell('received')) ? '1' : ''),
    },
    { name: '收入金额', said: { remark: /^#收入合计[：:].*?共([\d.,-]+)元/ }, adds: (cell) => cell('received') },
  ],
  ending: /^#-*账务明细列表结束/,
};

const isSome = (text: string): boolean => /[1-9]/.test(text);
/** Spent is printed with its sign or without. */
const unsigned = (text: string): string => text.replace(/^-/, '');

function flowKindOf(type: string): RowKind {
  if (/收费|服务费|手续费|退费/.test(type)) return 'fee';
  if (/退款/.test(type)) return 'refund';
  return /在线支付|交易付款|^交易$/.test(type) ? 'payment' : 'other';
}

function readFlow(cell: Cell<FlowColumn>): Result<FlowRow, string> {
  const at = localTime(cell('at'));
  if (at === null) return err(`${show(cell('at'))} is no time`);
  const received = parseMoney(cell('received') || '0', CURRENCY);
  if (!received.ok) return received;
  const spent = parseMoney(unsigned(cell('spent')) || '0', CURRENCY);
  if (!spent.ok) return spent;
  const balance = parseMoney(cell('balance'), CURRENCY);
  if (!balance.ok) return balance;
  return ok({
    kind: flowKindOf(cell('type')),
    flowNo: cell('flowNo'),
    businessNo: cell('businessNo'),
    orderNo: given(cell('orderNo')),
    amount: { minor: received.value.minor - spent.value.minor, currency: CURRENCY },
    balance: balance.value,
    name: cell('type'),
    at,
  });
}
