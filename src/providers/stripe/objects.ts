// Stripe's objects as far as an order needs them, and their amounts. Every member that an order can do without may be
// missing. Never says what an object means.
import { z } from 'zod';
import { decimalsOf, type Money, money } from '../../core/money.ts';

const Id = z.string().regex(/^[A-Za-z0-9_]{1,255}$/);
/** An id, or the object itself where it was expanded. */
const Reference = z.union([Id, z.looseObject({ id: Id })]);
const Word = z.string().max(64);
const FreeText = z.string().nullish();
const Amount = z.int().nonnegative();
const Currency = z.string().regex(/^[A-Za-z]{3}$/);
const Seconds = z.int().nonnegative().max(1e11);
const Metadata = z.unknown().optional();
const Presentment = z.object({ presentment_amount: Amount, presentment_currency: Currency }).nullish().catch(null);

export const Intent = z.looseObject({
  id: Id,
  object: z.literal('payment_intent'),
  metadata: Metadata,
  status: Word,
  amount: Amount,
  amount_received: Amount.nullish(),
  currency: Currency,
  created: Seconds,
  livemode: z.boolean(),
  latest_charge: Reference.nullish(),
  customer: Reference.nullish(),
  receipt_email: FreeText,
  payment_method_types: z.array(Word).nullish().catch(null),
  presentment_details: Presentment,
  review: Reference.nullish().catch(null),
});
export type Intent = z.infer<typeof Intent>;

export const Refund = z.looseObject({
  id: Id,
  object: z.literal('refund'),
  metadata: Metadata,
  status: Word.nullish(),
  amount: Amount,
  currency: Currency,
  created: Seconds,
  charge: Reference.nullish(),
  payment_intent: Reference.nullish(),
  reason: FreeText,
  failure_reason: FreeText,
  destination_details: z.object({ type: Word }).nullish().catch(null),
});
export type Refund = z.infer<typeof Refund>;

export const Charge = z.looseObject({
  id: Id,
  object: z.literal('charge'),
  metadata: Metadata,
  status: Word,
  amount: Amount,
  amount_captured: Amount.nullish(),
  captured: z.boolean(),
  refunded: z.boolean(),
  currency: Currency,
  created: Seconds,
  livemode: z.boolean(),
  payment_intent: Reference.nullish(),
  customer: Reference.nullish(),
  receipt_email: FreeText,
  billing_details: z.object({ email: FreeText, name: FreeText }).nullish().catch(null),
  payment_method_details: z.looseObject({ type: Word }).nullish().catch(null),
  presentment_details: Presentment,
  outcome: z.looseObject({ type: Word }).nullish().catch(null),
  review: Reference.nullish().catch(null),
  /** Only in API versions before 2022-11-15, or where it was expanded. */
  refunds: z.object({ data: z.array(Refund).max(100) }).nullish(),
});
export type Charge = z.infer<typeof Charge>;

export const Session = z.looseObject({
  id: Id,
  object: z.literal('checkout.session'),
  metadata: Metadata,
  mode: Word,
  status: Word.nullish(),
  payment_status: Word,
  amount_total: Amount.nullish(),
  currency: Currency.nullish(),
  created: Seconds,
  livemode: z.boolean(),
  client_reference_id: FreeText,
  payment_intent: Reference.nullish(),
  invoice: Reference.nullish(),
  subscription: Reference.nullish(),
  customer: Reference.nullish(),
  customer_details: z.object({ email: FreeText, name: FreeText }).nullish().catch(null),
  payment_method_types: z.array(Word).nullish().catch(null),
  total_details: z.object({ amount_discount: Amount }).nullish().catch(null),
  discounts: z
    .array(z.object({ coupon: Reference.nullish(), promotion_code: Reference.nullish() }))
    .nullish()
    .catch(null),
  presentment_details: Presentment,
});
export type Session = z.infer<typeof Session>;

export const Dispute = z.looseObject({
  id: Id,
  object: z.literal('dispute'),
  metadata: Metadata,
  status: Word,
  amount: Amount,
  currency: Currency,
  created: Seconds,
  livemode: z.boolean(),
  charge: Reference.nullish(),
  payment_intent: Reference.nullish(),
  reason: FreeText,
});
export type Dispute = z.infer<typeof Dispute>;

/** Stripe's doubt about a payment: its own review, or a warning that the card's bank sent. */
export const Doubt = z.looseObject({
  id: Id,
  object: z.enum(['review', 'radar.early_fraud_warning']),
  created: Seconds,
  livemode: z.boolean(),
  charge: Reference.nullish(),
  payment_intent: Reference.nullish(),
  /** Of a review. */
  open: z.boolean().nullish(),
});
export type Doubt = z.infer<typeof Doubt>;

export const StripeObject = z.discriminatedUnion('object', [Intent, Charge, Session, Refund, Dispute, Doubt]);
export type StripeObject = z.infer<typeof StripeObject>;

export const idOf = (reference: z.infer<typeof Reference> | null | undefined): string | null =>
  reference == null ? null : typeof reference === 'string' ? reference : reference.id;

// How many decimals Stripe's integers have, where it is not 2 (docs: currencies, read 2026-11). ISK and UGX have no
// decimals and are still sent with two that are always 00; MGA is sent without the decimals that ISO 4217 gives it.
// biome-ignore format: a table reads better in rows
const STRIPE_DECIMALS: Readonly<Record<string, number>> = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, JPY: 0, KMF: 0, KRW: 0, MGA: 0, PYG: 0, RWF: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0,
  XPF: 0, BHD: 3, JOD: 3, KWD: 3, OMR: 3, TND: 3,
};

/** Stripe's integer as ours; null where it is no whole number of our minor units. */
export function moneyOf(amount: number, currency: string): Money | null {
  const code = currency.toUpperCase();
  const more = decimalsOf(code) - (STRIPE_DECIMALS[code] ?? 2);
  const minor = more >= 0 ? amount * 10 ** more : amount / 10 ** -more;
  const made = money(minor, code);
  return made.ok ? made.value : null;
}
