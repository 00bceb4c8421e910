// The odd outcomes of money, each by its name: what is told, and all that the merchant receives, word by word. Pure
// data, played by odd-outcomes.test.ts; docs/odd-outcomes.md has a row for each.
import type { EventType, Fact, PaymentFact, RefundFact } from '../../src/core/event.ts';
import type { Flag, Registration } from '../../src/core/order.ts';
import type { RenderedOrder } from '../../src/formats/order.ts';

export const ORDER_NO = 'A1';
export const AT = Date.parse('2026-01-01T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export type Act =
  /** Each in a call of its own, all at the same instant. */
  { readonly tell: readonly Fact[] } | { readonly register: Registration } | { readonly pass: 'parkAge' };
type Change = Partial<RenderedOrder>;
export type Told = {
  readonly type: EventType;
  readonly source?: 'merchant';
  /** How the order differs from that of the event before. */
  readonly order: Change;
  readonly refundNo?: string;
};
export type Outcome = {
  readonly name: string;
  readonly mode?: 'registered';
  readonly hold?: readonly Flag[];
  readonly acts: readonly Act[];
  readonly told: readonly Told[];
};

// — facts —

export const cny = (minor: number) => ({ minor, currency: 'CNY' });
const base = { orderNo: ORDER_NO, test: false } as const;

const paid = (transactionId: string, minor: number, change: Partial<PaymentFact> = {}): PaymentFact => ({
  ...base,
  kind: 'payment',
  status: 'succeeded',
  transactionId,
  amount: cny(minor),
  occurredAt: AT,
  providerState: 'SUCCESS',
  ...change,
});
const unpaid = (status: 'pending' | 'failed' | 'closed', change: Partial<PaymentFact> = {}): PaymentFact =>
  paid('', 0, { status, transactionId: null, amount: null, providerState: status.toUpperCase(), ...change });

const refund = (
  refundNo: string,
  minor: number,
  state: RefundFact['state'],
  occurredAt = AT + HOUR,
  providerState = state.toUpperCase(),
): RefundFact => ({
  ...base,
  kind: 'refund',
  state,
  refundNo,
  providerRefundId: `p-${refundNo}`,
  transactionId: 't1',
  amount: cny(minor),
  occurredAt,
  providerState,
});

const dispute = (state: 'open' | 'won' | 'lost', occurredAt: number): Fact => ({
  ...base,
  kind: 'dispute',
  disputeId: 'D1',
  state,
  amount: cny(100),
  occurredAt,
  providerState: state,
});

const tell = (...facts: readonly Fact[]): Act => ({ tell: facts });
const register = (minor: number, change: Partial<Registration> = {}): Act => ({
  register: {
    amount: cny(minor),
    description: null,
    expiresAt: null,
    metadata: { basket: 'b-17' },
    registeredAt: AT,
    ...change,
  },
});

// — what an origin reads —

const iso = (at: number) => new Date(at).toISOString();

const payment = (transactionId: string, minor: number, change: object = {}): RenderedOrder['payments'][number] => ({
  transactionId,
  amount: cny(minor),
  payerAmount: null,
  discounts: [],
  method: null,
  providerMethod: null,
  bank: null,
  received: null,
  paidAt: iso(AT),
  ...change,
});
const refundAs = (
  refundNo: string,
  minor: number,
  state: RefundFact['state'],
  at = AT + HOUR,
): RenderedOrder['refunds'][number] => ({
  refundNo,
  providerRefundId: `p-${refundNo}`,
  amount: cny(minor),
  state,
  reason: null,
  at: iso(at),
});

/** Before anything is told: of an order that a callback makes, and of a registered one. */
export const NOTHING: RenderedOrder = {
  orderNo: ORDER_NO,
  state: 'pending',
  dispute: null,
  flags: [],
  amountChecked: false,
  amount: null,
  paid: null,
  refunded: null,
  paidAt: null,
  providerState: null,
  payments: [],
  refunds: [],
  attach: null,
  metadata: {},
  expiresAt: null,
};
const sold = (minor = 100): Change => ({
  amountChecked: true,
  amount: cny(minor),
  paid: cny(0),
  refunded: cny(0),
  metadata: { basket: 'b-17' },
});
const PAID: Change = {
  state: 'paid',
  amount: cny(100),
  paid: cny(100),
  refunded: cny(0),
  paidAt: iso(AT),
  providerState: 'SUCCESS',
  payments: [payment('t1', 100)],
};
const succeeded = (change: Change = {}): Told => ({
  type: 'payment.succeeded',
  order: { ...sold(), ...PAID, ...change },
});

const wholeCases: readonly Outcome[] = [
  {
    name: 'paid after close',
    acts: [register(100), tell(unpaid('closed')), tell(paid('t1', 100))],
    told: [
      { type: 'payment.closed', order: { ...sold(), state: 'closed', providerState: 'CLOSED' } },
      succeeded({ flags: ['paid_after_close'] }),
    ],
  },
  {
    name: 'paid after the expiry',
    acts: [register(100, { expiresAt: AT - HOUR }), tell(paid('t1', 100))],
    told: [succeeded({ flags: ['late_payment'], expiresAt: iso(AT - HOUR) })],
  },
  {
    name: 'paid twice, by two transactions',
    acts: [register(100), tell(paid('t1', 100)), tell(paid('t2', 100, { occurredAt: AT + HOUR }))],
    told: [
      succeeded(),
      {
        type: 'order.flagged',
        order: {
          flags: ['overpaid', 'paid_twice'],
          paid: cny(200),
          payments: [payment('t1', 100), payment('t2', 100, { paidAt: iso(AT + HOUR) })],
        },
      },
    ],
  },
  {
    name: 'a pending notice after the success',
    acts: [register(100), tell(paid('t1', 100)), tell(unpaid('pending', { occurredAt: AT + HOUR }))],
    told: [succeeded()],
  },
  {
    name: 'a failure before the success',
    acts: [register(100), tell(unpaid('failed')), tell(paid('t1', 100))],
    told: [{ type: 'payment.failed', order: { ...sold(), state: 'failed', providerState: 'FAILED' } }, succeeded()],
  },
  {
    name: 'one callback twice at the same instant',
    acts: [register(100), tell(paid('t1', 100), paid('t1', 100))],
    told: [succeeded()],
  },
  {
    name: 'the provider contradicts itself',
    acts: [register(100), tell(paid('t1', 100)), tell(paid('t1', 90)), tell(unpaid('closed'))],
    told: [succeeded(), { type: 'order.flagged', order: { flags: ['provider_disagrees'] } }],
  },
  {
    name: 'a success without its amount',
    acts: [register(100), tell(paid('t1', 0, { amount: null })), tell(paid('t1', 100))],
    told: [{ type: 'order.flagged', order: { ...sold(), flags: ['incomplete'] } }, succeeded({ flags: [] })],
  },
];

const partCases: readonly Outcome[] = [
  {
    name: 'underpaid',
    acts: [register(100), tell(paid('t1', 60))],
    told: [
      {
        type: 'payment.pending',
        order: {
          ...sold(),
          flags: ['underpaid'],
          paid: cny(60),
          providerState: 'SUCCESS',
          payments: [payment('t1', 60)],
        },
      },
    ],
  },
  {
    name: 'underpaid in crypto',
    acts: [register(100), tell(unpaid('pending', { providerState: 'partially_paid', flags: ['underpaid'] }))],
    told: [{ type: 'payment.pending', order: { ...sold(), flags: ['underpaid'], providerState: 'partially_paid' } }],
  },
  {
    name: 'overpaid',
    acts: [register(100), tell(paid('t1', 150))],
    told: [succeeded({ flags: ['overpaid'], paid: cny(150), payments: [payment('t1', 150)] })],
  },
  {
    name: 'overpaid in crypto',
    acts: [
      register(100),
      tell(
        paid('t1', 100, {
          flags: ['overpaid'],
          received: { amount: '0.00210000', asset: 'BTC', network: 'bitcoin' },
        }),
      ),
    ],
    told: [
      succeeded({
        flags: ['overpaid'],
        payments: [payment('t1', 100, { received: { amount: '0.00210000', asset: 'BTC', network: 'bitcoin' } })],
      }),
    ],
  },
  {
    name: 'part-payments that add up',
    acts: [register(100), tell(paid('t1', 60)), tell(paid('t2', 40, { occurredAt: AT + HOUR }))],
    told: [
      {
        type: 'payment.pending',
        order: {
          ...sold(),
          flags: ['underpaid'],
          paid: cny(60),
          providerState: 'SUCCESS',
          payments: [payment('t1', 60)],
        },
      },
      {
        type: 'payment.succeeded',
        order: {
          state: 'paid',
          flags: [],
          paid: cny(100),
          paidAt: iso(AT + HOUR),
          payments: [payment('t1', 60), payment('t2', 40, { paidAt: iso(AT + HOUR) })],
        },
      },
    ],
  },
  {
    name: 'paid in another currency',
    acts: [register(100), tell(paid('t1', 0, { amount: { minor: 100, currency: 'USD' } }))],
    told: [
      {
        type: 'order.flagged',
        order: {
          ...sold(),
          flags: ['currency_mismatch'],
          providerState: 'SUCCESS',
          payments: [payment('t1', 0, { amount: { minor: 100, currency: 'USD' } })],
        },
      },
    ],
  },
];

const refundCases: readonly Outcome[] = [
  {
    name: 'a refund before its payment',
    acts: [register(100), tell(refund('R1', 40, 'succeeded')), tell(paid('t1', 100))],
    told: [
      {
        type: 'refund.succeeded',
        refundNo: 'R1',
        order: {
          ...sold(),
          flags: ['refund_before_payment'],
          refunded: cny(40),
          refunds: [refundAs('R1', 40, 'succeeded')],
        },
      },
      { type: 'payment.succeeded', order: { ...PAID, state: 'partially_refunded', refunded: cny(40) } },
    ],
  },
  {
    name: 'partial refunds up to the total',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell(refund('R1', 30, 'succeeded')),
      tell(refund('R2', 30, 'succeeded', AT + 2 * HOUR)),
      tell(refund('R3', 40, 'succeeded', AT + 3 * HOUR)),
    ],
    told: [
      succeeded(),
      {
        type: 'refund.succeeded',
        refundNo: 'R1',
        order: { state: 'partially_refunded', refunded: cny(30), refunds: [refundAs('R1', 30, 'succeeded')] },
      },
      {
        type: 'refund.succeeded',
        refundNo: 'R2',
        order: {
          refunded: cny(60),
          refunds: [refundAs('R1', 30, 'succeeded'), refundAs('R2', 30, 'succeeded', AT + 2 * HOUR)],
        },
      },
      {
        type: 'refund.succeeded',
        refundNo: 'R3',
        order: {
          state: 'refunded',
          refunded: cny(100),
          refunds: [
            refundAs('R1', 30, 'succeeded'),
            refundAs('R2', 30, 'succeeded', AT + 2 * HOUR),
            refundAs('R3', 40, 'succeeded', AT + 3 * HOUR),
          ],
        },
      },
    ],
  },
  {
    name: 'refunds beyond the total',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell(refund('R1', 60, 'succeeded')),
      tell(refund('R2', 60, 'succeeded', AT + 2 * HOUR)),
    ],
    told: [
      succeeded(),
      {
        type: 'refund.succeeded',
        refundNo: 'R1',
        order: { state: 'partially_refunded', refunded: cny(60), refunds: [refundAs('R1', 60, 'succeeded')] },
      },
      {
        type: 'order.flagged',
        refundNo: 'R2',
        order: {
          state: 'refunded',
          flags: ['refund_exceeds_payment'],
          refunded: cny(120),
          refunds: [refundAs('R1', 60, 'succeeded'), refundAs('R2', 60, 'succeeded', AT + 2 * HOUR)],
        },
      },
    ],
  },
  {
    name: 'a refund that is stuck and later succeeds',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell(refund('R1', 40, 'needs_attention', AT + HOUR, 'ABNORMAL')),
      tell(refund('R1', 40, 'succeeded', AT + DAY)),
    ],
    told: [
      succeeded(),
      {
        type: 'order.flagged',
        refundNo: 'R1',
        order: { flags: ['refund_abnormal'], refunds: [refundAs('R1', 40, 'needs_attention')] },
      },
      {
        type: 'refund.succeeded',
        refundNo: 'R1',
        order: {
          state: 'partially_refunded',
          flags: [],
          refunded: cny(40),
          refunds: [refundAs('R1', 40, 'succeeded', AT + DAY)],
        },
      },
    ],
  },
  {
    name: 'a refund that is closed',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell(refund('R1', 40, 'pending')),
      tell(refund('R1', 40, 'failed', AT + 2 * HOUR, 'CLOSED')),
    ],
    told: [
      succeeded(),
      { type: 'refund.pending', refundNo: 'R1', order: { refunds: [refundAs('R1', 40, 'pending')] } },
      {
        type: 'refund.failed',
        refundNo: 'R1',
        order: { refunds: [refundAs('R1', 40, 'failed', AT + 2 * HOUR)] },
      },
    ],
  },
  {
    name: 'a refund that is reversed',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell(refund('R1', 40, 'succeeded')),
      tell(refund('R1', 40, 'failed', AT + DAY)),
    ],
    told: [
      succeeded(),
      {
        type: 'refund.succeeded',
        refundNo: 'R1',
        order: { state: 'partially_refunded', refunded: cny(40), refunds: [refundAs('R1', 40, 'succeeded')] },
      },
      {
        type: 'refund.failed',
        refundNo: 'R1',
        order: {
          state: 'paid',
          flags: ['refund_reversed'],
          refunded: cny(0),
          refunds: [refundAs('R1', 40, 'failed', AT + DAY)],
        },
      },
    ],
  },
];

const disputeCases: readonly Outcome[] = [
  {
    name: 'a dispute that is won',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell(dispute('open', AT + DAY)),
      tell(dispute('won', AT + 9 * DAY)),
      tell(dispute('open', AT + 10 * DAY)),
    ],
    told: [
      succeeded(),
      { type: 'dispute.opened', order: { dispute: 'open' } },
      { type: 'dispute.won', order: { dispute: 'won' } },
    ],
  },
  {
    name: 'a dispute that is lost',
    acts: [register(100), tell(paid('t1', 100)), tell(dispute('open', AT + DAY)), tell(dispute('lost', AT + 9 * DAY))],
    told: [
      succeeded(),
      { type: 'dispute.opened', order: { dispute: 'open' } },
      { type: 'dispute.lost', order: { dispute: 'lost' } },
    ],
  },
  {
    name: 'the provider doubts the payment',
    acts: [
      register(100),
      tell(paid('t1', 100)),
      tell({
        ...base,
        kind: 'flag',
        flag: 'risk_review',
        about: 't1',
        occurredAt: AT + HOUR,
        providerState: 'review.opened',
      }),
    ],
    told: [succeeded(), { type: 'order.flagged', order: { flags: ['risk_review'] } }],
  },
];

const registrationCases: readonly Outcome[] = [
  {
    name: 'parked and never registered',
    mode: 'registered',
    acts: [tell(paid('t1', 100)), { pass: 'parkAge' }],
    told: [],
  },
  {
    name: 'parked, then registered with another amount',
    mode: 'registered',
    acts: [tell(paid('t1', 100)), { pass: 'parkAge' }, register(150)],
    told: [
      {
        type: 'payment.pending',
        order: {
          ...sold(150),
          flags: ['underpaid'],
          paid: cny(100),
          providerState: 'SUCCESS',
          payments: [payment('t1', 100)],
        },
      },
    ],
  },
  {
    name: 'registered after the callback, with another amount',
    acts: [tell(paid('t1', 100)), register(150)],
    told: [
      { type: 'payment.succeeded', order: PAID },
      {
        type: 'order.flagged',
        source: 'merchant',
        order: {
          flags: ['amount_mismatch', 'underpaid'],
          amountChecked: true,
          amount: cny(150),
          metadata: { basket: 'b-17' },
        },
      },
    ],
  },
  {
    name: 'registered after the callback, in another currency',
    acts: [tell(paid('t1', 100)), register(0, { amount: { minor: 100, currency: 'USD' } })],
    told: [
      { type: 'payment.succeeded', order: PAID },
      {
        type: 'order.flagged',
        source: 'merchant',
        order: {
          flags: ['currency_mismatch'],
          amountChecked: true,
          amount: { minor: 100, currency: 'USD' },
          paid: { minor: 0, currency: 'USD' },
          refunded: { minor: 0, currency: 'USD' },
          metadata: { basket: 'b-17' },
        },
      },
    ],
  },
  {
    name: 'held and released',
    hold: ['overpaid'],
    acts: [register(100), tell(paid('t1', 150)), tell(refund('R1', 50, 'succeeded'))],
    told: [
      succeeded({ flags: ['overpaid'], paid: cny(150), payments: [payment('t1', 150)] }),
      {
        type: 'refund.succeeded',
        refundNo: 'R1',
        order: { state: 'partially_refunded', refunded: cny(50), refunds: [refundAs('R1', 50, 'succeeded')] },
      },
    ],
  },
];

export const OUTCOMES: readonly Outcome[] = [
  ...wholeCases,
  ...partCases,
  ...refundCases,
  ...disputeCases,
  ...registrationCases,
];

/** Played in the dialects they are about, by odd-outcomes-dialects.test.ts. */
export const IN_DIALECTS: Readonly<Record<'finished' | 'reused', { name: string; told: readonly Told[] }>> = {
  finished: {
    name: 'TRADE_FINISHED months later',
    told: [{ type: 'payment.succeeded', order: {} }],
  },
  reused: {
    name: 'one transaction on two orders',
    told: [
      { type: 'payment.succeeded', order: {} },
      { type: 'order.flagged', order: { flags: ['transaction_reused'] } },
    ],
  },
};

/** Each order as its event carries it. */
export function ordersOf(told: readonly Told[]): RenderedOrder[] {
  const orders: RenderedOrder[] = [];
  for (const { order } of told) orders.push({ ...(orders.at(-1) ?? NOTHING), ...order });
  return orders;
}

/** What the page says that the merchant receives: types in order, each with the flags that its order carries. */
export function receivedOf({ told }: { readonly told: readonly Told[] }): string {
  const orders = ordersOf(told);
  const words = told.map(({ type }, index) => {
    const flags = (orders[index]?.flags ?? []).map((flag) => `\`${flag}\``);
    return `\`${type}\`${flags.length > 0 ? ` (${flags.join(', ')})` : ''}`;
  });
  return words.length > 0 ? words.join(' → ') : 'nothing';
}
