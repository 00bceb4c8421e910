// One origin's gate: hands out permits by rate, concurrency and the breaker, and tells people and the registry when the
// origin only fails. What is granted lives in memory alone; that it is left alone, or has failed for long, outlives it.
import { DurableObject } from 'cloudflare:workers';
import type { Alarm } from '../core/channel.ts';
import {
  askGate,
  freshGate,
  type GateNews,
  type GateReply,
  type GateRequest,
  type GateState,
  type GateView,
  lastingOf,
  viewOfGate,
} from '../core/gate.ts';

const KEY = 'judgement';

export class OriginGate extends DurableObject<Env> {
  #state: GateState;
  #written: string | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#written = ctx.storage.kv.get<string>(KEY) ?? null;
    this.#state = { ...freshGate, ...JSON.parse(this.#written ?? '{}') };
  }

  take(request: GateRequest): GateReply {
    const now = Date.now();
    const [state, reply, news] = askGate(this.#state, request, now);
    this.#state = state;
    this.#keep(now);
    if (news) this.ctx.waitUntil(this.#tell(news, now));
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

  /** Told again with a later failure when the registry cannot be reached. */
  async #tell({ kind, run }: GateNews, now: number): Promise<void> {
    const id = (this.ctx.id.name ?? '').replace(/^v1:/, '');
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
