// BillMapping: how an operator's own table of a provider's trades is read, whatever its columns are called. The schema
// with words for people, and the layout that it makes. Pure; what it does not say is refused and never guessed.
import { z } from 'zod';
import { type BillRow, FEE_SCALE, localTime, ROW_KINDS, type RowKind, type RowState } from './bill.ts';
import type { BillLayout, Cell, LayoutColumn } from './bill-layout.ts';
import { type Decimal, decimalOf, rateOf } from './decimal.ts';
import { decimalsOf, type Money, money, parseMoney } from './money.ts';
import { err, ok, type Result } from './result.ts';

type Words = { readonly en: string; readonly zh: string };
const labelled = (label: Words, help: Words) => ({ label, help });

const Header = z.string().min(1).max(128);
const headerOf = (label: Words, help: Words) => Header.meta(labelled(label, help));
const optional = (label: Words, help: Words) => Header.optional().meta(labelled(label, help));

const Columns = z
  .strictObject({
    orderNo: headerOf(
      { en: 'Order number', zh: '商户订单号' },
      { en: 'The column with your own order number.', zh: '您自己的订单号所在列。' },
    ),
    transactionId: optional(
      { en: 'Transaction', zh: '交易号' },
      {
        en: 'The provider’s id of the payment. Without it nothing can be repaired.',
        zh: '平台的支付单号；缺少则无法自动补单。',
      },
    ),
    amount: headerOf(
      { en: 'Amount', zh: '金额' },
      { en: 'What the order or the refund is about, before fees.', zh: '订单或退款金额，未扣手续费。' },
    ),
    at: headerOf({ en: 'Time', zh: '时间' }, { en: 'When it was paid or given back.', zh: '支付或退款时间。' }),
    refundNo: optional(
      { en: 'Refund number', zh: '商户退款单号' },
      { en: 'Your own number of the refund.', zh: '您自己的退款单号。' },
    ),
    providerRefundId: optional(
      { en: 'Provider’s refund id', zh: '平台退款单号' },
      { en: 'The provider’s id of the refund.', zh: '平台的退款单号。' },
    ),
    kind: optional(
      { en: 'Kind', zh: '类型' },
      { en: 'Says payment or refund; its words go into kindWords.', zh: '区分支付与退款的列，取值写入 kindWords。' },
    ),
    state: optional(
      { en: 'State', zh: '状态' },
      {
        en: 'Without it every row has succeeded; its words go into stateWords.',
        zh: '缺省视为成功，取值写入 stateWords。',
      },
    ),
    currency: optional(
      { en: 'Currency', zh: '币种' },
      { en: 'Three capital letters; else give currency below.', zh: '三位大写字母；否则在下方填写 currency。' },
    ),
    settled: optional(
      { en: 'Settled', zh: '结算金额' },
      { en: 'What it moved in your account before fees.', zh: '未扣手续费的入账金额。' },
    ),
    payerAmount: optional(
      { en: 'Paid by the payer', zh: '用户实付' },
      { en: 'Where it is another amount than the order’s.', zh: '与订单金额不同时填写。' },
    ),
    fee: optional({ en: 'Fee', zh: '手续费' }, { en: 'What the provider kept.', zh: '平台收取的手续费。' }),
    feeRate: optional({ en: 'Fee rate', zh: '费率' }, { en: '0.60% or 0.006.', zh: '0.60% 或 0.006。' }),
  })
  .meta(labelled({ en: 'Columns', zh: '列' }, { en: 'The header name of each.', zh: '每一列的表头名称。' }));

const Kind = z.enum(ROW_KINDS);
const State = z.enum(['pending', 'succeeded', 'failed', 'needs_attention', 'closed']);
const WORDS_MAX = 100;
const words = <Value extends z.ZodType>(value: Value) =>
  z
    .record(z.string().max(64), value)
    .refine((all) => Object.keys(all).length <= WORDS_MAX, `must list at most ${WORDS_MAX} words.`)
    .default({});

export const BillMapping = z.strictObject({
  columns: Columns,
  charset: z
    .enum(['utf-8', 'gbk'])
    .default('utf-8')
    .meta(labelled({ en: 'Charset', zh: '字符集' }, { en: 'A byte order mark wins.', zh: '文件带 BOM 时以其为准。' })),
  separator: z
    .enum([',', ';', '\t', '|'])
    .default(',')
    .meta(labelled({ en: 'Separator', zh: '分隔符' }, { en: 'Between two cells.', zh: '单元格之间的分隔符。' })),
  comment: z
    .string()
    .regex(/^[^\w\s",;|]$/, 'comment is one sign, such as #.')
    .nullable()
    .default(null)
    .meta(labelled({ en: 'Remarks begin with', zh: '注释行首字符' }, { en: 'Such as #.', zh: '例如 #。' })),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'currency must be three capital letters, such as CNY.')
    .optional()
    .meta(
      labelled(
        { en: 'Currency', zh: '币种' },
        { en: 'Of every row, where no column says it.', zh: '没有币种列时使用。' },
      ),
    ),
  amounts: z
    .enum(['decimal', 'decimal_comma', 'minor'])
    .default('decimal')
    .meta(
      labelled(
        { en: 'Amounts', zh: '金额写法' },
        { en: '12.30, or 12,30, or 1230 in the smallest unit.', zh: '12.30、12,30 或以最小单位计的 1230。' },
      ),
    ),
  negativeIsRefund: z
    .boolean()
    .default(false)
    .meta(
      labelled(
        { en: 'Below zero is a refund', zh: '负数为退款' },
        { en: 'Where no column tells.', zh: '没有类型列时使用。' },
      ),
    ),
  feeIsNegative: z
    .boolean()
    .default(false)
    .meta(
      labelled(
        { en: 'Fees are below zero', zh: '手续费为负数' },
        { en: 'What is kept has a minus.', zh: '扣除的手续费带负号。' },
      ),
    ),
  kindWords: words(Kind).meta(
    labelled({ en: 'Words of kind', zh: '类型取值' }, { en: 'Each word and what it means.', zh: '每个取值的含义。' }),
  ),
  stateWords: words(State).meta(
    labelled({ en: 'Words of state', zh: '状态取值' }, { en: 'Each word and what it means.', zh: '每个取值的含义。' }),
  ),
  times: z
    .enum(['local', 'iso', 'seconds', 'milliseconds'])
    .default('local')
    .meta(
      labelled(
        { en: 'Times', zh: '时间写法' },
        {
          en: '2026-01-31 23:59:59 in its own zone, ISO 8601 with a zone, or since 1970.',
          zh: '本地时间、带时区的 ISO 8601，或 1970 年以来的秒/毫秒。',
        },
      ),
    ),
  offsetMinutes: z
    .int()
    .min(-840)
    .max(840)
    .default(480)
    .meta(
      labelled(
        { en: 'Zone', zh: '时区' },
        {
          en: 'Of local times and of the day, minutes ahead of UTC: 480 is Beijing.',
          zh: '本地时间与账单日的时区，比 UTC 早多少分钟：北京为 480。',
        },
      ),
    ),
});
export type BillMapping = z.infer<typeof BillMapping>;

type Column = keyof BillMapping['columns'];

/** Reads the operator's table as that mapping says. `test`: the channel's environment. */
export function mappedLayout(mapping: BillMapping, test: boolean): BillLayout<BillRow, Column> {
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
    read: (cell) => readRow(cell, mapping, test),
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

function readRow(cell: Cell<Column>, mapping: BillMapping, test: boolean): Result<BillRow, string> {
  const currency = cell('currency') || mapping.currency;
  if (currency === undefined) return err('no currency is named: give the column or currency');
  const signed = amountOf(cell('amount'), currency, mapping);
  if (!signed.ok) return signed;
  const kind = kindOf(cell('kind'), signed.value, mapping);
  if (kind === null) return err(`${show(cell('kind'))} is no word of kindWords: say what it means`);
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

function kindOf(word: string, { minor }: Money, { columns, kindWords, negativeIsRefund }: BillMapping): RowKind | null {
  if (columns.kind !== undefined) return Object.hasOwn(kindWords, word) ? (kindWords[word] ?? null) : null;
  return negativeIsRefund && minor < 0 ? 'refund' : 'payment';
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
