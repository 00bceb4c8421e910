// Reads an operator's own table of a provider's trades as its mapping says. Pure; what the mapping does not say is
// refused and never guessed.
import { type BillKind, type BillRow, FEE_SCALE, localTime, type RowKind, type RowState } from './bill.ts';
import type { BillLayout, Cell, LayoutColumn } from './bill-layout.ts';
import type { BillMapping } from './bill-mapping.ts';
import { type Decimal, decimalOf, rateOf } from './decimal.ts';
import { decimalsOf, type Money, money, parseMoney } from './money.ts';
import { err, ok, type Result } from './result.ts';

type Column = keyof BillMapping['columns'];

type TradeKind = Exclude<BillKind, 'fundflow'>;

/** Reads the operator's table as that mapping says. `test`: the channel's environment. `bill`: what it is to be. */
export function mappedLayout(mapping: BillMapping, test: boolean, bill: TradeKind): BillLayout<BillRow, Column> {
  const named = Object.entries(mapping.columns).flatMap(([column, name]): [string, LayoutColumn][] =>
    name === undefined ? [] : [[column, { names: [name] }]],
  );
  // What the mapping does not name is in no header, and its cell is empty.
  const columns = Object.fromEntries(named) as Readonly<Record<Column, LayoutColumn>>; // read by its entries alone
  return {
    grammar: { kind: 'quoted', separator: mapping.separator, comment: mapping.comment },
    charset: mapping.charset === 'gbk' ? 'gb18030' : 'utf-8',
    columns,
    freeText: null,
    read: (cell) => readRow(cell, mapping, test, bill),
    totals: [],
    ending: null,
  };
}

const show = (text: string): string => JSON.stringify(text.slice(0, 40));
const given = (text: string): string | null => (text === '' ? null : text);

/** What an order, a payment or a refund is known by from then on: a letter that could not be read makes another one. */
const OF_ORDERS = ['orderNo', 'transactionId'] as const;
const OF_REFUNDS = ['refundNo', 'providerRefundId'] as const;
const NUMBER_CHARS_MAX = 256;
const isDamaged = (text: string): boolean => text.length > NUMBER_CHARS_MAX || /[\p{Cc}\ufffd]/u.test(text);

function readRow(cell: Cell<Column>, mapping: BillMapping, test: boolean, bill: TradeKind): Result<BillRow, string> {
  const currency = cell('currency') || mapping.currency;
  if (currency === undefined) return err('no currency is named: give the column or currency');
  const signed = amountOf(cell('amount'), currency, mapping);
  if (!signed.ok) return signed;
  const kind = kindOf(cell('kind'), signed.value, mapping, bill);
  if (kind === null) return err(`${show(cell('kind'))} is no word of kindWords: say what it means`);
  // Read as one, a list of refunds would pay the orders that it gives money back for.
  if (kind === 'payment' && bill === 'refund')
    return err('is a payment in a bill of refunds: upload it with kind=trade');
  const state = stateOf(cell('state'), mapping);
  if (state === null) return err(`${show(cell('state'))} is no word of stateWords: say what it means`);
  const at = timeOf(cell('at'), mapping);
  if (at === null) return err(`${show(cell('at'))} is no time as times says`);
  if (kind === 'payment' && signed.value.minor < 0) return err(`a payment of ${cell('amount')} is below zero`);
  const settled = optionalAmount(cell('settled'), currency, mapping);
  if (!settled.ok) return settled;
  const payerAmount = optionalAmount(cell('payerAmount'), currency, mapping);
  if (!payerAmount.ok) return payerAmount;
  const fee = feeOf(cell('fee'), currency, mapping);
  if (fee === null && cell('fee') !== '') return err(`${show(cell('fee'))} is no fee`);
  const feeRate = rateOf(cell('feeRate'));
  if (feeRate === null && cell('feeRate') !== '') return err(`${show(cell('feeRate'))} is no fee rate`);
  const numbers = kind === 'refund' ? [...OF_ORDERS, ...OF_REFUNDS] : OF_ORDERS;
  const damaged = numbers.find((column) => isDamaged(cell(column)));
  if (damaged !== undefined) {
    return err(`${damaged} ${show(cell(damaged))} is no number that a provider gives: is the charset the right one?`);
  }
  return ok({
    kind,
    orderNo: given(cell('orderNo')),
    transactionId: given(cell('transactionId')),
    refundNo: kind === 'refund' ? given(cell('refundNo')) : null,
    providerRefundId: kind === 'refund' ? given(cell('providerRefundId')) : null,
    amount: positive(signed.value),
    settled: settled.value === null ? null : positive(settled.value),
    payerAmount: payerAmount.value === null ? null : positive(payerAmount.value),
    fee,
    feeRate,
    state,
    providerState: cell('state') || cell('kind') || state,
    at,
    test,
    isStranger: false,
  });
}

const positive = ({ minor, currency }: Money): Money => ({ minor: Math.abs(minor), currency });

/** Without blanks and marks of thousands, with a point. Empty where a mark stands anywhere else: 1,5 is no 15. */
function plain(text: string, { amounts }: BillMapping): string {
  const [thousand, point] = amounts === 'decimal_comma' ? ['.', ','] : [',', '.'];
  const [whole = '', ...rest] = text
    .replace(/[\s\u00a0']/g, '')
    .replace(/^\+/, '')
    .split(point);
  const [first = '', ...groups] = whole.split(thousand);
  const isGrouped = /^-?\d{1,3}$/.test(first) && groups.every((group) => /^\d{3}$/.test(group));
  const isPlain = groups.length === 0 && !rest.some((part) => part.includes(thousand));
  return isPlain || isGrouped ? [first + groups.join(''), ...rest].join('.') : '';
}

function amountOf(text: string, currency: string, mapping: BillMapping): Result<Money, string> {
  const bare = plain(text, mapping);
  if (mapping.amounts !== 'minor') return parseMoney(bare, currency);
  return /^-?\d{1,15}$/.test(bare) ? money(Number(bare) || 0, currency) : err(`${show(text)} is no whole number`);
}

const optionalAmount = (text: string, currency: string, mapping: BillMapping): Result<Money | null, string> =>
  text === '' ? ok(null) : amountOf(text, currency, mapping);

function kindOf(word: string, { minor }: Money, mapping: BillMapping, bill: TradeKind): RowKind | null {
  const { columns, kindWords, negativeIsRefund } = mapping;
  if (columns.kind !== undefined) return Object.hasOwn(kindWords, word) ? (kindWords[word] ?? null) : null;
  return bill === 'refund' || (negativeIsRefund && minor < 0) ? 'refund' : 'payment';
}

function stateOf(word: string, { columns, stateWords }: BillMapping): RowState | null {
  if (columns.state === undefined) return 'succeeded';
  return Object.hasOwn(stateWords, word) ? (stateWords[word] ?? null) : null;
}

function timeOf(text: string, { times, offsetMinutes }: BillMapping): number | null {
  switch (times) {
    case 'local':
      return localTime(text, offsetMinutes);
    case 'iso': {
      const at = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)
        ? Date.parse(text)
        : Number.NaN;
      return Number.isNaN(at) ? null : at;
    }
    case 'seconds':
      return /^\d{1,11}$/.test(text) ? Number(text) * 1_000 : null;
    case 'milliseconds':
      return /^\d{1,14}$/.test(text) ? Number(text) : null;
  }
}

/** Of the main unit, or of the smallest one, where amounts are. */
function feeOf(text: string, currency: string, mapping: BillMapping): Decimal | null {
  if (text === '') return null;
  const read = decimalOf(plain(text, mapping), FEE_SCALE);
  if (read === null) return null;
  const units = mapping.amounts === 'minor' ? read.units / 10 ** decimalsOf(currency) : read.units;
  if (!Number.isSafeInteger(units)) return null;
  return { units: mapping.feeIsNegative ? 0 - units : units, scale: FEE_SCALE };
}
