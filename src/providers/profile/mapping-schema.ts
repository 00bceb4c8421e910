// What a profile says of a callback's content: where each value stands and what its words mean. Schema and labels only;
// never reads a callback.
import { z } from 'zod';
import { type Path, PathField } from './path.ts';

type Words = { readonly en: string; readonly zh: string };
export const said = (label: Words, help: Words, more: { readonly secret?: true; readonly rotates?: true } = {}) => ({
  label,
  help,
  ...more,
});

/** A schema with its default, where there is one; a dialect without defaults asks for every one of these. */
export const or = <T>(schema: z.ZodType<T>, value: unknown): z.ZodType<T> =>
  value === undefined ? schema : schema.prefault(value as never); // parsed like anything entered

const FIELDS = {
  orderNo: ['Order number', '商户订单号', 'The number that the merchant gave the order.', '商户下单时使用的订单号。'],
  transactionId: [
    'Transaction id',
    '平台交易号',
    'The provider’s number of the payment. Where a provider has none, leave it out: the order number stands in.',
    '支付平台的交易号；平台没有时留空，以订单号代替。',
  ],
  status: ['Status', '状态', 'The word that `statuses` translates.', '由 statuses 翻译的状态值。'],
  amount: ['Amount', '金额', 'The order’s amount, in the unit of `amountUnit`.', '订单金额，单位见 amountUnit。'],
  payerAmount: ['Amount paid by the payer', '实付金额', 'After discounts, same unit.', '优惠后的实付金额，单位相同。'],
  currency: ['Currency', '币种', 'Three letters; `currency` stands in.', '三字母代码；缺省时用 currency。'],
  occurredAt: [
    'Time of the change',
    '变更时间',
    'When it happened, in the unit of `timeUnit`; else when it was sent, else when it arrived.',
    '状态变更的时间，单位见 timeUnit；缺省为发送时间或到达时间。',
  ],
  kind: [
    'Kind of notice',
    '通知类型',
    'The word that `kinds` translates. Without one, a refund number makes a refund and all else is a payment.',
    '由 kinds 翻译；没有时，带退款单号的为退款，其余为支付。',
  ],
  noticeId: ['Notice id', '通知编号', 'Shown to people, never used to deduplicate.', '仅供查看，不用于去重。'],
  refundNo: ['Refund number', '退款单号', 'The merchant’s number of the refund.', '商户退款单号。'],
  refundId: ['Provider’s refund id', '平台退款号', 'The provider’s own number of the refund.', '支付平台的退款号。'],
  refundAmount: ['Refund amount', '退款金额', 'Of this refund alone, same unit.', '本次退款金额，单位相同。'],
  reason: ['Reason', '原因', 'Why it was refunded, for people.', '退款原因，供查看。'],
  payerId: ['User id', '用户标识', 'The payer at the provider.', '付款用户在平台的标识。'],
  payerAccount: ['User account', '用户账号', 'An e-mail address, card tail or wallet.', '邮箱、卡尾号或钱包等。'],
  payerName: ['User name', '用户姓名', 'The payer’s name.', '付款用户姓名。'],
  method: ['Method', '支付方式', 'The provider’s word for how it was paid.', '平台的支付方式名称。'],
  attach: ['Attached text', '附加数据', 'What the merchant attached to the order.', '商户下单时附带的数据。'],
  merchantId: ['Merchant id', '商户号', 'Compared with `merchantIds`.', '与 merchantIds 比对。'],
  test: [
    'Test mark',
    '测试标记',
    'Says that no real money moved; see `testValues`.',
    '标明未发生真实资金变动，见 testValues。',
  ],
} as const satisfies Readonly<Record<string, readonly [string, string, string, string]>>;
export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[]; // the keys of a literal, and nothing else

/** An amount or order number cannot be done without. */
const NEEDED: readonly FieldName[] = ['orderNo', 'status'];

export type PathInput = z.input<typeof PathField>;
export type MappingDefaults = {
  readonly fields: Partial<Record<FieldName, PathInput>>;
  readonly kinds: Record<string, 'payment' | 'refund'>;
  readonly payments: Record<string, z.infer<typeof PaymentStatus>>;
  readonly refunds: Record<string, z.infer<typeof RefundState>>;
  readonly formats: z.infer<typeof FormatName>[];
  readonly amountUnit: z.infer<typeof AmountUnit>;
  readonly timeUnit: z.infer<typeof TimeUnit>;
  readonly methods: Record<string, string>;
};

const PaymentStatus = z.enum(['pending', 'succeeded', 'failed', 'closed']);
const RefundState = z.enum(['pending', 'succeeded', 'failed', 'needs_attention']);
const FormatName = z.enum(['json', 'form', 'xml']);
const AmountUnit = z.enum(['minor', 'decimal']);
export const TimeUnit = z.enum(['seconds', 'milliseconds', 'iso']);
export type TimeUnit = z.infer<typeof TimeUnit>;

const WORDS_MAX = 100;
const Word = z.string().min(1).max(100);
const wordsFor = <V extends z.ZodType>(value: V) =>
  z
    .record(Word, value)
    .refine((words) => Object.keys(words).length <= WORDS_MAX, `holds more than ${WORDS_MAX} words: leave some out`);

function fieldsSchema(defaults: MappingDefaults | null) {
  const entries = FIELD_NAMES.map((name) => {
    const [en, zh, helpEn, helpZh] = FIELDS[name];
    const known = defaults?.fields[name];
    const schema = known === undefined && !NEEDED.includes(name) ? PathField.optional() : or(PathField, known);
    return [name, schema.meta(said({ en, zh }, { en: helpEn, zh: helpZh }))] as const;
  });
  const shape = Object.fromEntries(entries) as Record<FieldName, z.ZodType<Path | undefined>>; // one entry a name
  const schema = z.strictObject(shape) as z.ZodType<Partial<Record<FieldName, Path>>>; // says the same of absence
  return defaults === null ? schema : or(schema, {});
}

function statusesSchema(defaults: MappingDefaults | null) {
  const schema = z.strictObject({
    payment: or(wordsFor(PaymentStatus), defaults?.payments),
    refund: or(wordsFor(RefundState), defaults === null ? {} : defaults.refunds),
  });
  return defaults === null ? schema : or(schema, {});
}

/** The part that says what a callback means. Null: nothing is assumed, and what is needed must be said. */
export const mappingShape = (defaults: MappingDefaults | null) => ({
  ...wordsShape(defaults),
  ...unitsShape(defaults),
  ...ownShape(defaults?.methods ?? {}),
});

function wordsShape(defaults: MappingDefaults | null) {
  return {
    formats: or(z.array(FormatName).min(1, 'must name json, form or xml'), defaults?.formats).meta(
      said(
        { en: 'Body formats', zh: '报文格式' },
        {
          en: 'Which forms a body may have; several at once are told apart by its bytes and its Content-Type.',
          zh: '允许的报文格式；可同时允许多种，按内容与 Content-Type 区分。',
        },
      ),
    ),
    fields: fieldsSchema(defaults).meta(
      said(
        { en: 'Field mapping', zh: '字段映射' },
        {
          en:
            'Where each value stands: a field’s name, a JSON pointer (/data/order_id), for XML the elements below ' +
            'the root; or {"json", "form", "xml"} where they differ.',
          zh: '各值的位置：字段名、JSON 指针（/data/order_id），XML 为根元素以下的路径；各格式不同时写成 {"json", "form", "xml"}。',
        },
      ),
    ),
    kinds: or(wordsFor(z.enum(['payment', 'refund'])), defaults === null ? {} : defaults.kinds).meta(
      said(
        { en: 'Kinds of notice', zh: '通知类型对照' },
        {
          en: 'What the words at `fields.kind` mean. Others are acknowledged, kept, and touch no order.',
          zh: 'fields.kind 各值的含义；其他类型会被确认并留存，不影响订单。',
        },
      ),
    ),
    statuses: statusesSchema(defaults).meta(
      said(
        { en: 'Status values', zh: '状态值对照' },
        {
          en: 'What the words at `fields.status` mean, for payments and for refunds; letters’ case counts.',
          zh: 'fields.status 各值在支付和退款中的含义，区分大小写。',
        },
      ),
    ),
  };
}

function unitsShape(defaults: MappingDefaults | null) {
  return {
    unknownStatus: z
      .enum(['refuse', 'acknowledge'])
      .default('refuse')
      .meta(
        said(
          { en: 'Unknown status', zh: '未知状态' },
          {
            en: 'refuse: the provider calls again until `statuses` has the word. acknowledge: kept, no order touched.',
            zh: 'refuse：拒绝，平台会重发，直到 statuses 收录该值。acknowledge：确认并留存，不影响订单。',
          },
        ),
      ),
    amountUnit: or(AmountUnit, defaults?.amountUnit).meta(
      said(
        { en: 'Unit of amounts', zh: '金额单位' },
        { en: 'minor: 100 is 1.00. decimal: "1.00".', zh: 'minor：100 表示 1.00 元。decimal："1.00"。' },
      ),
    ),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be three capital letters, such as CNY')
      .optional()
      .meta(
        said(
          { en: 'Currency', zh: '默认币种' },
          { en: 'Where a message names none, such as CNY.', zh: '报文未注明币种时使用，如 CNY。' },
        ),
      ),
    timeUnit: or(TimeUnit, defaults === null ? 'seconds' : defaults.timeUnit).meta(
      said(
        { en: 'Unit of times', zh: '时间单位' },
        {
          en: 'Of `fields.occurredAt`: seconds or milliseconds since 1970, or iso (RFC 3339 with its offset).',
          zh: 'fields.occurredAt 的单位：1970 年起的秒或毫秒，或 iso（带时区的 RFC 3339）。',
        },
      ),
    ),
  };
}

function ownShape(methods: Record<string, string>) {
  return {
    merchantIds: z
      .array(Word)
      .max(1_000)
      .default([])
      .meta(
        said(
          { en: 'Merchant ids', zh: '商户号' },
          {
            en: 'Yours at the provider. A callback that names another at `fields.merchantId` is refused and alarmed.',
            zh: '您在平台的商户号；fields.merchantId 为其他商户的回调会被拒绝并告警。',
          },
        ),
      ),
    testValues: z
      .array(Word)
      .max(20)
      .default(['true', '1', 'test', 'sandbox'])
      .meta(
        said(
          { en: 'Test values', zh: '测试标记值' },
          { en: 'The words at `fields.test` that mean a test.', zh: 'fields.test 为这些值时视为测试。' },
        ),
      ),
    methods: or(wordsFor(z.string().regex(/^[a-z][a-z_]{0,31}$/, 'must be a word such as card')), methods).meta(
      said(
        { en: 'Methods', zh: '支付方式对照' },
        {
          en: 'What the words at `fields.method` mean at every provider: card, wallet, bank_transfer, crypto, …',
          zh: 'fields.method 各值的通用含义：card、wallet、bank_transfer、crypto 等。',
        },
      ),
    ),
    linkByTransaction: z
      .boolean()
      .default(false)
      .meta(
        said(
          { en: 'Refunds name the transaction alone', zh: '退款仅带交易号' },
          {
            en: 'Set it where refund callbacks carry no order number: payments are then found by their transaction id.',
            zh: '退款回调不带订单号时开启，届时按交易号查找订单。',
          },
        ),
      ),
  };
}

const Mapping = z.strictObject(mappingShape(null));
export type Mapping = z.output<typeof Mapping>;
