// Deliveries for the example receivers: events as the order's own rules make them, rendered and signed as the gateway
// does it. Time and number are arguments; nothing is sent from here.
import type { PaymentEvent } from '../../src/core/event.ts';
import type { Order } from '../../src/core/order.ts';
import type { FormatSecret } from '../../src/formats/index.ts';
import { fresh, paid, refund, registered } from '../core/facts.ts';
import { inputOf, rendered } from '../formats/input.ts';

export type Delivery = { readonly headers: Record<string, string>; readonly body: Buffer };

/** The orders that the tests tell of: what happened to each, and which of its events is told. */
const STORIES = {
  paid: { start: registered(100), facts: [paid('4200001', 100)] },
  overpaid: { start: registered(100), facts: [paid('4200001', 150)] },
  unregistered: { start: fresh(), facts: [paid('4200001', 100)] },
  refundedFirst: { start: registered(100), facts: [refund('R1', 100), paid('4200001', 100)] },
  refunded: { start: registered(100), facts: [paid('4200001', 100), refund('R1', 30)] },
  paidTwice: { start: registered(100), facts: [paid('4200001', 100), paid('4200002', 100)] },
} satisfies Record<string, { start: Order; facts: PaymentEvent[] }>;
export type Story = keyof typeof STORIES;

/** The channel of every delivery. */
export const CHANNEL = 'shop';

type Given = {
  readonly story?: Story;
  readonly orderNo: string;
  /** Of the event; the order's number and story unless given. */
  readonly id?: string;
  readonly secrets: readonly FormatSecret[];
  readonly format: 'standard' | 'form';
  /** Epoch milliseconds of the attempt. */
  readonly now: number;
  readonly isReplay?: boolean;
};

export async function deliveryOf(given: Given): Promise<Delivery> {
  const { story = 'paid', orderNo, secrets, format, now, isReplay = false } = given;
  const { start, facts } = STORIES[story];
  const id = given.id ?? `evt_${story}_${Buffer.from(orderNo).toString('hex')}`;
  const { event, ...input } = inputOf({ start: { ...start, orderNo }, facts, secrets, now, isReplay });
  const data = event.data.replace('"evt_01"', JSON.stringify(id));
  const made = await rendered({ name: format }, { ...input, event: { ...event, id, data } });
  return { headers: { ...made.headers, 'content-type': made.contentType ?? '' }, body: Buffer.from(made.body) };
}
