// One origin's gate: hands out permits by rate, concurrency and the breaker, and tells people and the registry when the
// origin only fails. What is granted lives in memory alone; that it is left alone, or has failed for long, outlives it.
import { DurableObject } from 'cloudflare:workers';
import type { Alarm } from '../core/alarm.ts';
import {
  askGate,
  freshGate,
  type GateNews,
  type GateReply,
  type GateRequest,
  type GateState,
  type GateView,
  lastingOf,
  turnsOf,
  viewOfGate,
} from '../core/gate.ts';

const KEY = 'judgement';
const OPENED = 'failed too often and is left alone: one delivery asks again now and then, and the others wait.';

export class OriginGate extends DurableObject<Env> {
  /** Turns that the registry could not be told. */
  readonly #untold = new Map<Alarm['code'], Alarm>();
  #state: GateState;
  #written: string | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#written = ctx.storage.kv.get<string>(KEY) ?? null;
    this.#state = { ...freshGate, ...JSON.parse(this.#written ?? '{}') };
  }

  take(request: GateRequest): GateReply {
    const now = Date.now();
    const before = this.#state;
    const [state, reply, news] = askGate(before, request, now);
    this.#state = state;
    this.#keep(now);
    if (news) this.ctx.waitUntil(this.#tell(news, now));
    const turns = turnsOf(before, state);
    if (turns.length > 0) this.ctx.waitUntil(this.#turn(turns, now));
    return reply;
  }

  state(): GateView {
    return viewOfGate(this.#state, Date.now());
  }

  /** A row is written when the judgement changes, which is rare; an origin that is well never has one. */
  #keep(now: number): void {
    const lasting = lastingOf(this.#state, now);
    const text = lasting === null ? null : JSON.stringify(lasting);
    if (text === this.#written) return;
    this.#written = text;
    if (text === null) this.ctx.storage.kv.delete(KEY);
    else this.ctx.storage.kv.put(KEY, text);
  }

  get #id(): string {
    return (this.ctx.id.name ?? '').replace(/^v1:/, '');
  }

  /** What the registry was not told is told with the next turn: the last one stands. */
  async #turn(turns: ReturnType<typeof turnsOf>, at: number): Promise<void> {
    const subject = `origin/${this.#id}`;
    const open = { code: 'breaker_open', subject, at } as const;
    for (const turn of turns) {
      if (turn === 'well')
        this.#untold.set('origin_failing', { ...open, code: 'origin_failing', detail: '', ended: true });
      else if (turn === 'closed') this.#untold.set('breaker_open', { ...open, detail: '', ended: true });
      else this.#untold.set('breaker_open', { ...open, detail: `${this.#id} ${OPENED}` });
    }
    const told = [...this.#untold];
    try {
      await this.env.REGISTRY.getByName('registry').raiseAlarms(told.map(([, alarm]) => alarm));
      for (const [code, alarm] of told) if (this.#untold.get(code) === alarm) this.#untold.delete(code);
    } catch (error) {
      console.error(JSON.stringify({ hop: 'gate', origin: this.#id, error: String(error) }));
    }
  }

  /** Told again with a later failure when the registry cannot be reached. */
  async #tell({ kind, run }: GateNews, now: number): Promise<void> {
    const id = this.#id;
    const registry = this.env.REGISTRY.getByName('registry');
    const subject = `origin/${id}`;
    const told = `${id} took nothing since ${new Date(run.since).toISOString()}, in ${run.failures} attempts.`;
    try {
      if (kind === 'pause') {
        const { version } = this.#state;
        const origin = await registry.pauseOrigin({ id, version, reason: 'failing', now });
        if (origin?.pauseReason !== 'failing') return; // changed meanwhile: somebody has it in hand
      }
      const next =
        kind === 'pause'
          ? 'It was paused and its events wait; mend it, then resume it: they go in order.'
          : 'Its events wait and are tried again; mend it, or pause it.';
      const code = kind === 'pause' ? 'origin_paused' : 'origin_failing';
      await registry.raiseAlarms([{ code, subject, detail: `${told} ${next}`, at: now } satisfies Alarm]);
    } catch (error) {
      this.#state = { ...this.#state, ...(kind === 'pause' ? { pausedAt: 0 } : { alarmedAt: 0 }) };
      console.error(JSON.stringify({ hop: 'gate', origin: id, error: String(error) }));
    }
  }
}
