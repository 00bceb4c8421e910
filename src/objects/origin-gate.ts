// One origin's gate: hands out permits by rate and concurrency. In memory alone: a restarted gate starts afresh.
import { DurableObject } from 'cloudflare:workers';
import { freshPermits, type PermitReply, type PermitRequest, type PermitState, takePermits } from '../core/permit.ts';

export class OriginGate extends DurableObject<Env> {
  #state: PermitState = freshPermits;

  take(request: PermitRequest): PermitReply {
    const [state, reply] = takePermits(this.#state, request, Date.now());
    this.#state = state;
    return reply;
  }
}
