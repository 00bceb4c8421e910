// Flights: deliveries that left for the queue and have not settled, in one shard's memory. Knows no SQL and no network.

export type Flight = {
  readonly seq: number;
  readonly orderNo: string;
  readonly originId: string;
  readonly eventId: string;
  readonly trace: string | null;
  readonly attempt: number;
  /** False while only the events table and this memory know of it. */
  hasRow: boolean;
  /** To be sent at the next flush. */
  ready: boolean;
  /** Holds a permit of the origin's gate. */
  permit: boolean;
  /** That permit is the breaker's probe. */
  probe: boolean;
  /** Who may post it: null until a consumer claims it. */
  claim: string | null;
  /** When the message or the claim is given up for lost. */
  until: number;
};

type Named = 'seq' | 'orderNo' | 'originId' | 'eventId' | 'trace' | 'attempt' | 'hasRow' | 'until';
export type NewFlight = Pick<Flight, Named> & Partial<Pick<Flight, 'ready' | 'permit' | 'probe'>>;

export class Flights {
  readonly #flights = new Map<string, Flight>();
  readonly #lanes = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#flights.size;
  }

  add(flight: NewFlight): void {
    const { seq, orderNo, originId } = flight;
    const key = keyOf(seq, originId);
    if (!this.#flights.has(key)) this.#count(originId, 1);
    this.#flights.set(key, { ready: false, permit: false, probe: false, ...flight, claim: null });
    this.#lanes.set(laneOf(orderNo, originId), seq);
  }

  get(seq: number, originId: string): Flight | undefined {
    return this.#flights.get(keyOf(seq, originId));
  }

  has(seq: number, originId: string): boolean {
    return this.#flights.has(keyOf(seq, originId));
  }

  /** One event of an order is in flight to an origin at a time. */
  laneBusy(orderNo: string, originId: string): boolean {
    return this.#lanes.has(laneOf(orderNo, originId));
  }

  /** How many there are to this origin. */
  countOf(originId: string): number {
    return this.#counts.get(originId) ?? 0;
  }

  #count(originId: string, change: number): void {
    const count = this.countOf(originId) + change;
    if (count > 0) this.#counts.set(originId, count);
    else this.#counts.delete(originId);
  }

  land(flight: Flight): void {
    if (this.#flights.delete(keyOf(flight.seq, flight.originId))) this.#count(flight.originId, -1);
    if (this.#lanes.get(laneOf(flight.orderNo, flight.originId)) === flight.seq) {
      this.#lanes.delete(laneOf(flight.orderNo, flight.originId));
    }
  }

  /** What was sent or claimed and never heard of again goes once more, in the same attempt. */
  expire(now: number): void {
    for (const flight of this.#flights.values()) if (flight.until <= now) makeReady(flight);
  }

  /** Gives a message up for lost at once. */
  lose(flight: Flight): void {
    makeReady(flight);
  }

  markSent(flights: readonly Flight[], until: number): void {
    for (const flight of flights) {
      flight.ready = false;
      flight.until = until;
    }
  }

  ready(limit: number): Flight[] {
    const ready: Flight[] = [];
    for (const flight of this.#flights.values()) {
      if (ready.length >= limit) break;
      if (flight.ready && flight.permit) ready.push(flight);
    }
    return ready;
  }

  /** Those that nobody has: neither the queue nor a consumer. */
  idle(): Flight[] {
    return [...this.#flights.values()].filter((flight) => flight.ready);
  }

  /** After a restart the permits of the former life are gone: what is sent again needs a new one. */
  readyWithoutPermit(): Flight[] {
    return [...this.#flights.values()].filter((flight) => flight.ready && !flight.permit);
  }

  withoutRow(): Flight[] {
    return [...this.#flights.values()].filter((flight) => !flight.hasRow);
  }

  /** When something here wants attention: the earliest lease to run out; null when nothing flies. */
  nextUntil(): number | null {
    let next: number | null = null;
    for (const { ready, until } of this.#flights.values()) if (!ready && (next === null || until < next)) next = until;
    return next;
  }
}

function makeReady(flight: Flight): void {
  flight.ready = true;
  flight.claim = null;
  flight.until = Number.MAX_SAFE_INTEGER;
}

const keyOf = (seq: number, originId: string) => `${seq}/${originId}`;
const laneOf = (orderNo: string, originId: string) => `${originId}/${orderNo}`;
