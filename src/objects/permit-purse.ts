// The permits one shard holds: takes from each origin's gate, tells it what settled and how. Never sends anything.
import type { DispatchOrigin } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import { type GateReply, type GateRequest, noOutcomes, type Outcomes, plus, quietSecondsOf } from '../core/gate.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, DISPATCH_DELAY_MS, PERMIT_TIMEOUT_MS } from '../core/limits.ts';
import { within } from '../core/within.ts';

type Account = {
  held: number;
  /** How attempts ended that the gate has not heard of. */
  outcomes: Outcomes;
  /** The breaker's probe is on its way from here. */
  probing: boolean;
  /** The gate counts more than we hold, or knows less than we know. */
  isUntold: boolean;
  lastGranted: number;
  /** Fewer permits were given than asked for: not asked again before this. */
  blockedUntil: number;
  /** The origin is left alone: a permit that comes back changes nothing. */
  shut: boolean;
};

/** What no gate said. */
const PLAIN = { probe: false, shut: false, slow: false } as const;
const NOTHING_LEFT = { perSecond: 0, concurrent: 0 };

export class PermitPurse {
  readonly #env: Env;
  readonly #shard: string;
  readonly #accounts = new Map<string, Account>();
  #failures = 0;

  constructor(env: Env, shard: string) {
    this.#env = env;
    this.#shard = shard;
  }

  giveBack(originId: string, count: number): void {
    if (count <= 0) return;
    const account = this.#of(originId);
    account.held = Math.max(0, account.held - count);
    account.isUntold = true;
  }

  /** The probe left with a delivery, or came back without having been made. */
  setProbing(originId: string, probing: boolean): void {
    this.#of(originId).probing = probing;
  }

  /** How an attempt ended; the gate hears of it with the next call. */
  note(originId: string, outcomes: Partial<Outcomes>): void {
    const account = this.#of(originId);
    account.outcomes = plus(account.outcomes, outcomes);
    account.isUntold = true;
  }

  /** When it is worth asking this gate for permits again. */
  blockedUntil(originId: string): number {
    return this.#accounts.get(originId)?.blockedUntil ?? 0;
  }

  /** The gate said last that the origin is left alone, or let one delivery through to try. */
  isNarrow(originId: string): boolean {
    const account = this.#accounts.get(originId);
    return account !== undefined && (account.shut || account.probing);
  }

  /** A permit came back: whoever was short of them may ask at once. True when somebody was. */
  unblock(originId: string): boolean {
    const account = this.#accounts.get(originId);
    if (!account || account.shut || account.blockedUntil === 0) return false;
    account.blockedUntil = 0;
    return true;
  }

  /** The origins changed: what their gates said last may be true no more. */
  unblockAll(): void {
    for (const account of this.#accounts.values()) {
      account.blockedUntil = 0;
      account.shut = false;
    }
  }

  get owes(): boolean {
    return [...this.#accounts.values()].some(({ isUntold }) => isUntold);
  }

  /** When to tell what is untold: soon, and ever more rarely while a gate is out of reach. */
  get tellAfterMs(): number {
    return this.#failures === 0 ? DISPATCH_DELAY_MS : backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
  }

  take(origin: DispatchOrigin, wanted: number, now: number): Promise<GateReply> {
    const { id, version, perSecond, concurrent, breaker, pauseAfterSeconds } = origin;
    const rules = { version, breaker, pauseAfterSeconds, quietSecondsMax: quietSecondsOf(origin.ladderSeconds) };
    return this.#ask(id, { wanted, allowance: { perSecond, concurrent }, rules }, now);
  }

  /** One call to the gate, which also tells what is held. A gate out of reach: half of what it last gave. */
  async #ask(
    originId: string,
    asked: Pick<GateRequest, 'wanted' | 'allowance' | 'rules'>,
    now: number,
  ): Promise<GateReply> {
    const { wanted, allowance } = asked;
    const account = this.#of(originId);
    const { held: holding, outcomes, probing } = account;
    if (wanted === 0 && !account.isUntold) return { granted: 0, retryAt: now, ...PLAIN };
    account.isUntold = false;
    account.outcomes = noOutcomes;
    try {
      const gate = this.#env.ORIGIN_GATE.getByName(`v1:${originId}`);
      const request: GateRequest = { shard: this.#shard, holding, outcomes, probing, ...asked };
      const reply = await within(gate.take(request), PERMIT_TIMEOUT_MS, `The gate of ${originId}`);
      if (wanted > 0) account.lastGranted = reply.granted;
      this.#failures = 0;
      return entered(account, wanted, reply);
    } catch (error) {
      this.#failures += 1;
      account.isUntold = true;
      account.outcomes = plus(outcomes, account.outcomes);
      const half = Math.max(1, Math.floor(account.lastGranted / 2));
      const granted = Math.max(0, Math.min(wanted, half, allowance.concurrent - holding));
      console.error(JSON.stringify({ hop: 'dispatch', origin: originId, error: String(error), granted }));
      return entered(account, wanted, { granted, retryAt: now + BACKOFF_MS_MIN, ...PLAIN });
    }
  }

  /** Tells the gates of origins that are no longer among these: nobody else would, and we would owe them for ever. */
  async leave(origins: readonly Pick<DispatchOrigin, 'id'>[], now: number): Promise<void> {
    const untold = [...this.#accounts].filter(([, { isUntold }]) => isUntold).map(([id]) => id);
    const left = untold.filter((id) => !origins.some((origin) => origin.id === id));
    await Promise.all(left.map((id) => this.#ask(id, { wanted: 0, allowance: NOTHING_LEFT }, now)));
  }

  #of(originId: string): Account {
    const known = this.#accounts.get(originId);
    if (known) return known;
    const account = {
      held: 0,
      outcomes: noOutcomes,
      probing: false,
      isUntold: false,
      lastGranted: 0,
      blockedUntil: 0,
      shut: false,
    };
    this.#accounts.set(originId, account);
    return account;
  }
}

function entered(account: Account, wanted: number, reply: GateReply): GateReply {
  account.held += reply.granted;
  if (wanted === 0) return reply;
  account.shut = reply.shut;
  account.blockedUntil = reply.granted < wanted ? reply.retryAt : 0;
  return reply;
}
