// One origin's gate: hands out permits by rate and concurrency. In memory alone: a restarted gate starts afresh.
import { DurableObject } from 'cloudflare:workers';
import { freshPermits, type PermitReply, type PermitRequest, type PermitState, takePermits } from '../core/permit.ts';

export class OriginGate extends DurableObject<Env> {
  #state: PermitState | null = null;

  take(request: PermitRequest): PermitReply {
    const now = Date.now();
    const [state, reply] = takePermits(this.#state ?? freshPermits(request.allowance, now), request, now);
    this.#state = state;
    return reply;
  }
}
