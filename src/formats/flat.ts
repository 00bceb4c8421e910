// An event as flat fields, for the formats `form` and `xml`: which there are, what they are called, how they are
// written. Pure. Never sends a field without a value, so that what is signed is what arrives.
import { z } from 'zod';
import type { Result } from '../core/result.ts';
import { type EventData, type FormatInput, type FormatProblem, readData, said } from './format.ts';
import { type Field, FieldName, Signature, withSignature } from './house-signature.ts';
import {
  AMOUNT_UNITS,
  type AmountUnit,
  TIME_FORMS,
  type TimeForm,
  UTC_OFFSET_MINUTES_MAX,
  writeAmount,
  writeTime,
} from './written.ts';

/** What each is called unless the origin says otherwise. */
const NAMES = {
  eventId: 'event_id',
  type: 'event_type',
  sequence: 'sequence',
  occurredAt: 'occurred_at',
  sentAt: 'sent_at',
  source: 'source',
  channel: 'channel',
  provider: 'provider',
  test: 'test',
  orderNo: 'order_no',
  state: 'state',
  providerState: 'provider_state',
  flags: 'flags',
  dispute: 'dispute',
  amountChecked: 'amount_checked',
  amount: 'amount',
  paid: 'paid',
  refunded: 'refunded',
  currency: 'currency',
  transactionId: 'transaction_id',
  payerAmount: 'payer_amount',
  method: 'method',
  bank: 'bank',
  paidAt: 'paid_at',
  payerId: 'payer_id',
  payerAccount: 'payer_account',
  attach: 'attach',
  refundNo: 'refund_no',
  refundId: 'refund_id',
  refundAmount: 'refund_amount',
  refundState: 'refund_state',
  refundReason: 'refund_reason',
  refundAt: 'refund_at',
} as const;
type Name = keyof typeof NAMES;
export const FLAT_FIELD_NAMES = Object.keys(NAMES) as readonly Name[]; // the keys of a literal, and nothing else

/** A body without these could be taken for another order's, or be believed twice. */
const NEEDED: readonly Name[] = ['eventId', 'type', 'orderNo'];

const Fields = z
  .partialRecord(z.enum(FLAT_FIELD_NAMES), FieldName)
  .optional()
  .meta(
    said(
      { en: 'Fields', zh: '字段' },
      {
        en:
          'Which fields are sent, and under which names: {"orderNo": "out_trade_no", …}; these and no others. Left ' +
          'out: all of them under their own names.',
        zh: '发送哪些字段及其名称：{"orderNo": "out_trade_no", …}，仅发送列出的字段。留空则以默认名称发送全部字段。',
      },
    ),
  );

/** The options that both formats have. */
export const flatShape = {
  fields: Fields,
  amountUnit: z
    .enum(AMOUNT_UNITS, 'amountUnit is minor or decimal.')
    .default('minor')
    .meta(
      said(
        { en: 'Unit of amounts', zh: '金额单位' },
        { en: 'minor: 100 is 1.00. decimal: 1.00.', zh: 'minor：100 表示 1.00 元。decimal：1.00。' },
      ),
    ),
  timeForm: z
    .enum(TIME_FORMS, `timeForm is one of ${TIME_FORMS.join(', ')}.`)
    .default('seconds')
    .meta(
      said(
        { en: 'Form of times', zh: '时间格式' },
        {
          en: 'seconds or milliseconds since 1970, iso, plain (2026-01-01 08:00:00) or compact (20260101080000).',
          zh: '1970 年起的 seconds 或 milliseconds、iso、plain（2026-01-01 08:00:00）或 compact（20260101080000）。',
        },
      ),
    ),
  utcOffsetMinutes: z
    .int()
    .min(-UTC_OFFSET_MINUTES_MAX)
    .max(UTC_OFFSET_MINUTES_MAX)
    .default(0)
    .meta(
      said(
        { en: 'Clock of times', zh: '时区偏移（分钟）' },
        {
          en: 'Minutes ahead of UTC for iso, plain and compact; 480 is Beijing.',
          zh: '用于 iso、plain、compact；北京时间为 480。',
        },
      ),
    ),
  signature: Signature.prefault({}).meta(
    said(
      { en: 'Signature', zh: '签名' },
      { en: 'How the fields are signed, in a field of their own.', zh: '字段的签名方式，签名放在单独的字段中。' },
    ),
  ),
};
const Shape = z.strictObject(flatShape);
export type FlatOptions = z.output<typeof Shape>;

/** What is wrong with the names; each says where and how to mend it. */
export function nameComplaints({ fields, signature }: FlatOptions): { path: (string | number)[]; message: string }[] {
  const complaints: { path: (string | number)[]; message: string }[] = [];
  const missing = fields === undefined ? undefined : NEEDED.find((name) => fields[name] === undefined);
  if (missing !== undefined) {
    complaints.push({ path: ['fields'], message: `fields lacks ${missing}, which no receiver can do without.` });
  }
  const taken = new Set<string>();
  for (const { path, name } of namesOf(fields, signature)) {
    if (taken.has(name))
      complaints.push({ path, message: `${path.join('.')} is ${name}, as another field already is.` });
    taken.add(name);
  }
  return complaints;
}

function namesOf(fields: FlatOptions['fields'], { field, algorithmField }: Signature) {
  const own = Object.entries(fields ?? NAMES).map(([key, name]) => ({ path: ['fields', key], name: String(name) }));
  const algorithm = algorithmField === null ? [] : [{ path: ['signature', 'algorithmField'], name: algorithmField }];
  return [...own, ...algorithm, { path: ['signature', 'field'], name: field }];
}

type Writing = { readonly unit: AmountUnit; readonly form: TimeForm; readonly utcOffsetMinutes: number };

/** Every field as text; null for what the event does not know. */
function valuesOf(input: FormatInput, data: EventData, writing: Writing): Readonly<Record<Name, string | null>> {
  const { order, payer, refund } = data;
  const amount = (money: { readonly minor: number; readonly currency: string } | null | undefined) =>
    money == null ? null : writeAmount(money, writing.unit);
  const time = (at: number | string | null | undefined) =>
    at == null ? null : writeTime(new Date(at).getTime(), writing.form, writing.utcOffsetMinutes);
  const mark = (is: boolean) => (is ? '1' : '0'); // the text "false" is true in some languages
  const latest = order.payments.at(-1);
  return {
    eventId: input.event.id,
    type: input.event.type,
    sequence: String(data.sequence),
    occurredAt: time(input.event.occurredAt),
    sentAt: time(input.now),
    source: data.source,
    channel: data.channel,
    provider: data.provider,
    test: mark(data.test),
    orderNo: order.orderNo,
    state: order.state,
    providerState: order.providerState,
    flags: order.flags.join(','),
    dispute: order.dispute,
    amountChecked: mark(order.amountChecked),
    amount: amount(order.amount),
    paid: amount(order.paid),
    refunded: amount(order.refunded),
    currency: order.amount?.currency ?? null,
    transactionId: latest?.transactionId ?? null,
    payerAmount: amount(latest?.payerAmount),
    method: latest?.method ?? null,
    bank: latest?.bank ?? null,
    paidAt: time(order.paidAt),
    payerId: payer?.id ?? null,
    payerAccount: payer?.account ?? null,
    attach: order.attach,
    refundNo: refund?.refundNo ?? null,
    refundId: refund?.providerRefundId ?? null,
    refundAmount: amount(refund?.amount),
    refundState: refund?.state ?? null,
    refundReason: refund?.reason ?? null,
    refundAt: time(refund?.at),
  };
}

/** The fields with their signature, in a fixed order. `clean` makes of a text what the body's form can carry. */
export async function flatFields(
  input: FormatInput,
  options: FlatOptions,
  clean: (text: string) => string,
): Promise<Result<readonly Field[], FormatProblem>> {
  const { amountUnit: unit, timeForm: form, utcOffsetMinutes } = options;
  const values = valuesOf(input, readData(input.event), { unit, form, utcOffsetMinutes });
  const names: Readonly<Partial<Record<Name, string>>> = options.fields ?? NAMES;
  const fields = FLAT_FIELD_NAMES.flatMap((key): readonly Field[] => {
    const [name, value] = [names[key], clean(values[key] ?? '')];
    return name === undefined || value === '' ? [] : [[name, value]];
  });
  return withSignature(fields, options.signature, input.secrets);
}
