// Watches the pretend WeChat Pay and the pretend merchant: remembers what a driven payment needs, and once told to
// speak, prints each callback and each delivery as it happens.
import type { Attempt, Notice } from '../src/sandbox/courier.ts';
import type { ReceivedEvent } from '../src/sandbox/merchant.ts';
import { paint } from './terminal.ts';

/** What the outside world saw of one order: its first callback, and the event that says it is paid. */
export type Witness = {
  sentAt: number | null;
  attempt: Attempt | null;
  event: { readonly at: number; readonly event: ReceivedEvent } | null;
};

export class Onlooker {
  readonly #witnesses = new Map<string, Witness>();
  #speaks = false;

  /** From now on what this order does is remembered. */
  watch(orderNo: string): Witness {
    const witness: Witness = { sentAt: null, attempt: null, event: null };
    this.#witnesses.set(orderNo, witness);
    return witness;
  }

  speak(): void {
    this.#speaks = true;
  }

  sending({ orderNo }: Notice): void {
    const witness = this.#witnesses.get(orderNo);
    if (witness) witness.sentAt ??= performance.now();
  }

  attempted(notice: Notice, attempt: Attempt): void {
    const witness = this.#witnesses.get(notice.orderNo);
    if (witness) witness.attempt ??= attempt;
    const how = attempt.spoiled === null ? '' : ` ${paint('yellow', `(${attempt.spoiled})`)}`;
    const answer =
      attempt.status === null ? `no answer: ${attempt.answer}` : `${attempt.status} in ${attempt.tookMs} ms`;
    this.#say('callback', `${notice.eventType} ${notice.orderNo}${how} → ${answer}`);
  }

  received(event: ReceivedEvent): void {
    const { type, data } = event.body;
    const witness = this.#witnesses.get(data.order.orderNo);
    if (witness && type === 'payment.succeeded') witness.event ??= { at: performance.now(), event };
    this.#say('origin', `${type} ${data.order.orderNo}, event ${data.sequence} of its order: ${data.order.state}`);
  }

  failed(mode: string): void {
    this.#say('origin', paint('yellow', `told to ${mode}: the delivery failed`));
  }

  #say(hop: string, text: string): void {
    if (!this.#speaks) return;
    const time = new Date().toTimeString().slice(0, 8);
    console.log(`${paint('dim', time)}  ${paint('bold', hop.padEnd(9))} ${text}`);
  }
}
