// Stories: everything that may happen to one order, in any order, and a ledger without a database that lives through
// them. Its rules are the ledger's: a known key is a duplicate, an unregistered order parks where the channel says so.
import fc from 'fast-check';
import type { Applied } from '../../src/core/applied.ts';
import { withOutcome } from '../../src/core/booking.ts';
import type { EventType, PaymentEvent } from '../../src/core/event.ts';
import { newOrder, type Order, type Registration } from '../../src/core/order.ts';
import { dropRequest, reserveRefund } from '../../src/core/refund-request.ts';
import { registerOrder } from '../../src/core/registration.ts';
import { admit } from '../../src/core/repeat.ts';
import { applyFact } from '../../src/core/transition.ts';
import { anyFacts, anyStory, cny, refund, registration, T0 } from './facts.ts';

export type Step =
  | { readonly do: 'tell'; readonly fact: PaymentEvent }
  | { readonly do: 'register'; readonly registration: Registration }
  | { readonly do: 'ask'; readonly refundNo: string; readonly minor: number }
  | { readonly do: 'drop'; readonly refundNo: string };

/** What one step did: `none` where no order was there, `same` where nothing changed. */
export type Outcome = Applied['verdict'] | 'duplicate' | 'parked' | 'registered' | 'asked' | 'dropped' | 'same';
export type Told = { readonly type: EventType; readonly sequence: number; readonly order: Order };

export class Book {
  readonly #mode: 'open' | 'registered';
  readonly #keys = new Set<string>();
  #parked: PaymentEvent[] = [];
  order: Order = newOrder('N1', T0);
  /** What left, in the order it left. */
  readonly events: Told[] = [];

  constructor(mode: 'open' | 'registered' = 'open') {
    this.#mode = mode;
  }

  do(step: Step, now = T0): Outcome {
    switch (step.do) {
      case 'tell':
        return this.#tell(step.fact, now);
      case 'register':
        return this.#register(step.registration, now);
      case 'ask': {
        const { refundNo, minor } = step;
        const request = { refundNo, amount: cny(minor), reason: null, transactionId: null, requestedAt: now };
        const reply = reserveRefund(this.order, request, now);
        if (reply.kind !== 'reserved') return 'same';
        this.order = reply.order;
        return 'asked';
      }
      case 'drop': {
        const before = this.order;
        this.order = dropRequest(before, step.refundNo, now);
        return this.order === before ? 'same' : 'dropped';
      }
    }
  }

  #tell(fact: PaymentEvent, now: number): Outcome {
    const admitted = admit(this.order, fact, (key) => this.#keys.has(key));
    if (admitted.kind === 'known') {
      this.order = admitted.order;
      return 'duplicate';
    }
    this.#keys.add(admitted.key);
    if (this.#mode === 'registered' && this.order.registration === null) {
      this.#parked.push(fact);
      this.order = { ...this.order, parkedAt: this.order.parkedAt ?? now, version: this.order.version + 1 };
      return 'parked';
    }
    const before = this.order;
    const { verdict, type, order: next } = applyFact(before, fact, 'callback', now);
    const currency = fact.kind === 'payment' ? fact.amount?.currency : undefined;
    const order = withOutcome(before, next, fact.occurredAt, currency);
    this.order = order;
    if (type !== null) this.events.push({ type, sequence: order.sequence, order });
    return verdict;
  }

  #register(what: Registration, now: number): Outcome {
    const { order } = this;
    const isParked = order.parkedAt !== null;
    const before = isParked ? { ...newOrder('N1', T0), version: order.version } : order;
    const result = registerOrder(before, what, now);
    if (result.kind !== 'created') return 'same';
    this.order = result.order;
    const isNews = result.order.sequence > before.sequence;
    if (isNews) this.events.push({ type: 'order.flagged', sequence: result.order.sequence, order: result.order });
    const facts = this.#parked;
    this.#parked = [];
    if (isParked) this.#keys.clear();
    for (const fact of facts) this.#tell(fact, now);
    return 'registered';
  }
}

export function live(steps: readonly Step[], mode: 'open' | 'registered' = 'open'): Book {
  const book = new Book(mode);
  for (const [index, step] of steps.entries()) book.do(step, T0 + index);
  return book;
}

export const tell = (fact: PaymentEvent): Step => ({ do: 'tell', fact });

const anyRegistration = fc
  .tuple(
    fc.constantFrom(cny(100), cny(100), cny(40), { minor: 100, currency: 'USD' }),
    fc.constantFrom(null, null, T0 + 2 * 86_400_000),
  )
  .map(([amount, expiresAt]) => registration(0, { amount, expiresAt }));

const anyRequest: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('ask' as const),
    refundNo: fc.constantFrom('r1', 'r2', 'q1', 'q2'),
    minor: fc.constantFrom(1, 20, 60, 100),
  }),
  fc.record({ do: fc.constant('drop' as const), refundNo: fc.constantFrom('r1', 'r2', 'q1', 'q2') }),
);

/**
 * One refund that succeeds, is taken back and succeeds after all, as its provider tells it in time, with any of what
 * was told before told again in between.
 */
const anyComeback: fc.Arbitrary<PaymentEvent[]> = fc
  .tuple(fc.subarray([0, 1, 2, 3]), fc.array(fc.nat(), { maxLength: 4 }))
  .map(([days, picks]) => {
    const told: PaymentEvent[] = [];
    for (const [index, day] of days.entries()) {
      const state = day % 2 === 0 ? 'succeeded' : 'failed';
      told.push(refund('r9', 10, state, { occurredAt: T0 + day * 86_400_000 }));
      const repeated = told[(picks[index] ?? 0) % (told.length + 1)];
      if (repeated) told.push(repeated);
    }
    return told;
  });

/** The facts, each told once or more often, in any order; those of the comeback in theirs. */
export const anyTelling = (
  facts: readonly PaymentEvent[],
  comeback: readonly PaymentEvent[] = [],
): fc.Arbitrary<PaymentEvent[]> =>
  fc
    .array(fc.nat(), { maxLength: 4 })
    .map((picks) => picks.flatMap((pick) => facts[pick % Math.max(1, facts.length)] ?? []))
    .chain((repeats) => {
      const all = [...facts, ...repeats, ...comeback.map(() => null)];
      return fc.shuffledSubarray(all, { minLength: all.length });
    })
    .map((all) => {
      const rest = [...comeback];
      return all.flatMap((fact) => fact ?? rest.shift() ?? []);
    });

/** Anything: contradictions, repeats, registrations at any point, refunds that are asked for and dropped. */
export const anySteps: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.oneof(anyFacts, anyStory),
    anyComeback,
    fc.array(anyRegistration, { maxLength: 2 }),
    fc.array(anyRequest, { maxLength: 5 }),
  )
  .chain(([facts, comeback, registrations, requests]) =>
    anyTelling(facts, comeback).chain((told) => {
      const steps: Step[] = [
        ...told.map(tell),
        ...registrations.map((what): Step => ({ do: 'register', registration: what })),
        ...requests,
      ];
      return fc.shuffledSubarray(steps, { minLength: steps.length });
    }),
  );

/** The same facts told in two ways, with the registration first in one and anywhere in the other; or with none. */
export const anyTwoTellings = fc.tuple(anyFacts, fc.option(anyRegistration), fc.nat()).chain(([facts, what, at]) =>
  fc.record({
    facts: fc.constant(facts),
    what: fc.constant(what),
    at: fc.constant(at),
    one: anyTelling(facts),
    other: anyTelling(facts),
  }),
);

/** Facts in any order with repeats and a refund that comes back, and the registration that they may wait for. */
export const anyParked = fc
  .tuple(fc.oneof(anyFacts, anyStory), anyComeback, anyRegistration)
  .chain(([facts, comeback, what]) => fc.record({ told: anyTelling(facts, comeback), what: fc.constant(what) }));
