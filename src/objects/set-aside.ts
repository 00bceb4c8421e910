// What D1 refuses for itself, order by order: kept out of the projection's walk, told to a person, and tried again by
// the hour. Never judges whether D1 is there: the projector does.
import { ASIDE_AGAIN_MS, ASIDE_ORDERS_MAX } from '../core/limits.ts';
import { dropAside, hurryAside, putAside, readAside, type SetAside } from '../store/ledger-aside.ts';
import { putAlarm } from '../store/ledger-outbox.ts';

export class Aside {
  readonly #storage: DurableObjectStorage;
  #orders: Map<string, SetAside>;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#orders = this.#read();
  }

  #read(): Map<string, SetAside> {
    return new Map(readAside(this.#storage.sql).map((one) => [one.orderNo, one]));
  }

  has(orderNo: string): boolean {
    return this.#orders.size > 0 && this.#orders.has(orderNo);
  }

  /** So many are refused that D1 is to blame, and nobody should be told of each. */
  get isFull(): boolean {
    return this.#orders.size >= ASIDE_ORDERS_MAX;
  }

  nextAt(): number | null {
    return this.#orders.size === 0 ? null : Math.min(...[...this.#orders.values()].map(({ dueAt }) => dueAt));
  }

  /** One that is to be tried again. */
  due(now: number): SetAside | null {
    return [...this.#orders.values()].find(({ dueAt }) => dueAt <= now) ?? null;
  }

  /** D1 refused it, for the first time or once more. A person is told the first time. */
  put(
    channelId: string,
    { orderNo, fromSeq }: Pick<SetAside, 'orderNo' | 'fromSeq'>,
    error: string,
    now: number,
  ): void {
    const known = this.#orders.get(orderNo);
    const one = { orderNo, fromSeq, since: now, ...known, dueAt: now + ASIDE_AGAIN_MS };
    const detail =
      `The lists and the feed lack what order ${orderNo} did: D1 refuses it (${error.slice(0, 200)}). Its deliveries ` +
      'go on. It is tried again every hour; POST /v1/projection/rebuild tries it at once.';
    this.#storage.transactionSync(() => {
      putAside(this.#storage.sql, one, error);
      if (!known) putAlarm(this.#storage.sql, { ...alarmOf(channelId, orderNo), detail, at: now });
    });
    this.#orders.set(orderNo, one);
  }

  /** D1 has all of it. */
  end(channelId: string, orderNo: string, now: number): void {
    this.#storage.transactionSync(() => {
      dropAside(this.#storage.sql, orderNo);
      putAlarm(this.#storage.sql, { ...alarmOf(channelId, orderNo), detail: '', at: now, ended: true });
    });
    this.#orders.delete(orderNo);
  }

  hurry(now: number): void {
    if (this.#orders.size === 0) return;
    hurryAside(this.#storage.sql, now);
    this.#orders = this.#read();
  }
}

const alarmOf = (channelId: string, orderNo: string) =>
  ({ code: 'projection_refused', subject: `order/${channelId}/${orderNo}` }) as const;
