// What is asked of a ledger and changes nothing in it: orders, their proof, what they told. A shard without tables
// answers that it has nothing.
import type { KeptCallback, StoredCallback } from '../core/callback.ts';
import type { LedgerOrder } from '../core/compare-rules.ts';
import { TRIAL_CALLBACKS_MAX, TRIAL_FACTS_MAX } from '../core/limits.ts';
import { expiryOf, type Order, stateOf } from '../core/order.ts';
import type { HeldReply, HeldRequest } from '../core/reconciliation.ts';
import type { EvidenceEntry, OrderDetail, PaymentView, ToldEvent, WhichEvent } from '../core/record.ts';
import * as book from '../store/ledger-book.ts';
import { readDetail } from '../store/ledger-detail.ts';
import { callbackAt, evidenceOf, recentCallbacks, toldAt } from '../store/ledger-events.ts';
import { heldOf, heldOrders } from '../store/ledger-held.ts';
import { RehearsingLedger } from './rehearsing-ledger.ts';

export class ReadableLedger extends RehearsingLedger {
  readOrder(orderNo: string): OrderDetail | null {
    const dispatcher = this.life.known()?.dispatcher;
    if (!dispatcher) return null;
    return readDetail(this.life.sql, orderNo, {
      isFlying: (seq, originId) => dispatcher.flights.has(seq, originId),
      isPaused: (originId) => dispatcher.isPaused(originId),
      firstOriginId: dispatcher.config.origins[0]?.id ?? null,
    });
  }

  /** Of these numbers the orders that are here, as a bill is compared with them. */
  readOrdersFor(orderNos: readonly string[]): readonly LedgerOrder[] {
    return this.life.known() ? heldOrders(this.life.sql, orderNos) : [];
  }

  /** A page of the orders in which something happened in a time: what a bill of that time should have. */
  readHeld(request: HeldRequest): HeldReply {
    return this.life.known() ? heldOf(this.life.sql, request) : { orders: [], next: null };
  }

  /** What a payer may see, and whoever asks for the payment needs. */
  readPayment(orderNo: string): PaymentView | null {
    const order = this.life.known() && book.readOrder(this.life.sql, orderNo);
    if (!order) return null;
    const { paymentRequest: request, registration } = order;
    return { state: stateOf(order), amount: registration?.amount ?? null, request, payBy: expiryOf(order) };
  }

  /** Everything that proves the order. */
  readEvidence(orderNo: string): { order: Order; entries: EvidenceEntry[] } | null {
    const order = this.life.known() && book.readOrder(this.life.sql, orderNo);
    return order ? { order, entries: evidenceOf(this.life.sql, orderNo) } : null;
  }

  /** The callback that told of an event, as it came; null when none did. */
  readCallback(seq: number): KeptCallback | null {
    return this.life.known() ? callbackAt(this.life.sql, seq) : null;
  }

  /** A few of the last callbacks, whole: new credentials are tried with them before they are switched to. */
  readRecentCallbacks(): readonly StoredCallback[] {
    return this.life.known() ? recentCallbacks(this.life.sql, TRIAL_FACTS_MAX, TRIAL_CALLBACKS_MAX) : [];
  }

  /** One event as it goes out. */
  readTold(orderNo: string, which: WhichEvent): ToldEvent | null {
    return this.life.known() ? toldAt(this.life.sql, orderNo, which) : null;
  }
}
