// BillMapping: what an operator says of his own table of a provider's trades, whatever its columns are called. The
// schema, with words for people. Pure; mapped-bill.ts reads by it.
import { z } from 'zod';
import { ROW_KINDS } from './bill.ts';

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
