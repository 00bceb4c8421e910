// How WeChat Pay writes the file of a fund bill, whichever version of its API it is asked of: UTF-8 with a mark, CR LF,
// backticks before cells, yuan, a summary at its end (docs: fund bill, download fund flow). What is no movement of
// money into or out of the account is refused.
import { type FlowRow, localTime, type RowKind } from '../../core/bill.ts';
import type { BillLayout, Cell } from '../../core/bill-layout.ts';
import { parseMoney } from '../../core/money.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { show } from './trade-layout.ts';

const FLOW_COLUMNS = {
  at: { names: ['记账时间'] },
  businessNo: { names: ['微信支付业务单号'] },
  flowNo: { names: ['资金流水单号'] },
  type: { names: ['业务类型'] },
  direction: { names: ['收支类型'] },
  amount: { names: ['收支金额(元)', '收支金额'] },
  balance: { names: ['账户结余(元)', '账户结余'] },
} as const;
type FlowColumn = keyof typeof FLOW_COLUMNS;

const IN = '收入';
const OUT = '支出';

/** The account is in yuan: a fund bill names no currency. */
const CURRENCY = 'CNY';

export const flowLayout: BillLayout<FlowRow, FlowColumn> = {
  grammar: { kind: 'backtick' },
  charset: 'utf-8',
  columns: FLOW_COLUMNS,
  freeText: '备注',
  read: readFlow,
  totals: [
    { name: '资金流水总笔数', said: { headers: ['资金流水总笔数'] }, adds: () => '1' },
    { name: '收入笔数', said: { headers: ['收入笔数'] }, adds: (cell) => (cell('direction') === IN ? '1' : '') },
    { name: '收入金额', said: { headers: ['收入金额'] }, adds: (cell) => amountIf(cell, IN) },
    { name: '支出笔数', said: { headers: ['支出笔数'] }, adds: (cell) => (cell('direction') === OUT ? '1' : '') },
    { name: '支出金额', said: { headers: ['支出金额'] }, adds: (cell) => amountIf(cell, OUT) },
  ],
  ending: 'summary',
};

const amountIf = (cell: Cell<FlowColumn>, direction: string): string =>
  cell('direction') === direction ? cell('amount') : '';

// Fees are taken and given back under words of their own: 扣除交易手续费, 退回交易手续费.
function flowKindOf(type: string): RowKind {
  if (type.includes('手续费')) return 'fee';
  if (type === '交易') return 'payment';
  return type === '退款' ? 'refund' : 'other';
}

function readFlow(cell: Cell<FlowColumn>): Result<FlowRow, string> {
  const [time, direction, name] = [cell('at'), cell('direction'), cell('type')];
  const at = localTime(time);
  if (at === null) return err(`${show(time)} is no time`);
  if (direction !== IN && direction !== OUT) return err(`${show(direction)} is neither ${IN} nor ${OUT}`);
  const amount = parseMoney(cell('amount'), CURRENCY);
  if (!amount.ok) return amount;
  const balance = parseMoney(cell('balance'), CURRENCY);
  if (!balance.ok) return balance;
  const minor = direction === IN ? amount.value.minor : 0 - amount.value.minor;
  return ok({
    kind: flowKindOf(name),
    flowNo: cell('flowNo'),
    businessNo: cell('businessNo'),
    orderNo: null,
    amount: { minor, currency: CURRENCY },
    balance: balance.value,
    name,
    at,
  });
}
