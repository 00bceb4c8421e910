// PayPal's resources as far as an order needs them: captures and sales, authorisations, refunds, orders, disputes.
// Details that cannot be read are left out; what a fact needs is named when it is missing.
import { z } from 'zod';
import { textAt } from '../../core/json-body.ts';
import { type Money, parseMoney } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';

const Text = z.string().max(256).nullish().catch(null);
const Id = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);
const Time = z.iso.datetime({ offset: true }).nullish().catch(null);

/** v2 says currency_code and value, v1 currency and total. */
const Amount = z.object({
  currency_code: z.string().max(8).nullish(),
  value: z.string().max(40).nullish(),
  currency: z.string().max(8).nullish(),
  total: z.string().max(40).nullish(),
});

const Link = z.object({ href: z.string().max(512), rel: z.string().max(64) });

/** A capture, sale, authorisation or refund. */
export const Transaction = z.object({
  id: Id,
  status: Text,
  state: Text,
  amount: Amount.nullish(),
  custom_id: Text,
  custom: Text,
  invoice_id: Text,
  invoice_number: Text,
  sale_id: Id.nullish().catch(null),
  note_to_payer: Text,
  /** Why a capture is not completed. */
  status_details: z.object({ reason: Text }).nullish().catch(null),
  create_time: Time,
  update_time: Time,
  links: z.array(Link).max(50).nullish().catch(null),
});
export type Transaction = z.infer<typeof Transaction>;

const Breakdown = z.object({ discount: Amount.nullish(), shipping_discount: Amount.nullish() });
const Unit = z.object({
  custom_id: Text,
  invoice_id: Text,
  amount: Amount.extend({ breakdown: Breakdown.nullish().catch(null) })
    .nullish()
    .catch(null),
});
export type Unit = z.infer<typeof Unit>;
export const Order = z.object({
  id: Id,
  status: Text,
  create_time: Time,
  update_time: Time,
  purchase_units: z.array(Unit).min(1).max(20),
});

export const Dispute = z.object({
  dispute_id: z.string().min(1).max(64),
  status: Text,
  reason: Text,
  create_time: Time,
  update_time: Time,
  dispute_amount: Amount.nullish(),
  dispute_outcome: z.object({ outcome_code: Text }).nullish().catch(null),
  disputed_transactions: z.array(z.object({ seller_transaction_id: Id.nullish() })).max(50),
});

/** Null where it cannot be read. */
export function moneyOf(amount: z.infer<typeof Amount> | null | undefined): Money | null {
  const read = parseMoney(amount?.value ?? amount?.total ?? '', amount?.currency_code ?? amount?.currency ?? '');
  return read.ok ? read.value : null;
}

type Named = Pick<Transaction, 'custom_id' | 'invoice_id'> & Partial<Pick<Transaction, 'custom' | 'invoice_number'>>;

export type OrderNoField = 'custom_id' | 'invoice_id' | 'order_id';

/**
 * The order number: in the field that the channel names, else in the first that can hold one. What the merchant put
 * elsewhere goes along.
 */
export function namesOf(
  object: Named,
  orderId: string | null,
  field: OrderNoField | undefined,
): { readonly orderNo: string | null; readonly attach?: string } {
  const [custom, invoice] = [object.custom_id ?? object.custom ?? '', object.invoice_id ?? object.invoice_number ?? ''];
  const fields = { custom_id: custom, invoice_id: invoice, order_id: orderId ?? '' };
  const names = field === undefined ? Object.values(fields) : [fields[field]];
  const orderNo = names.find((name) => ORDER_NO.test(name)) ?? null;
  const attach = [custom, invoice].find((name) => name !== '' && name !== orderNo);
  return attach === undefined ? { orderNo } : { orderNo, attach };
}

/** The capture or sale that a refund came out of, by its link `up`. */
export function paymentOf({ links, sale_id: sale }: Transaction): string | null {
  const href = links?.find(({ rel }) => rel === 'up')?.href ?? '';
  return /\/(?:captures|sale)\/([0-9A-Za-z-]{1,64})$/.exec(href)?.[1] ?? sale ?? null;
}

/** PayPal's own ID of the order that a capture or authorisation belongs to. */
export const orderIdOf = (resource: unknown): string | null =>
  textAt(resource, 'supplementary_data.related_ids.order_id');
