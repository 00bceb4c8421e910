// What a ledger does for test callbacks, where it is one of those that are kept for them. What happens to their orders
// is what happens to real ones.
import { DurableObject } from 'cloudflare:workers';
import type { RehearsalOutcome, RehearsalReply, RehearsalRequest } from '../core/rehearsal.ts';
import { LedgerLife } from './ledger-life.ts';
import { beginRehearsal, keepOutcome, readOutcome } from './rehearsal-desk.ts';

export class RehearsingLedger extends DurableObject<Env> {
  /** Not to be called from outside: no method of the prototype. */
  protected readonly life: LedgerLife;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.life = new LedgerLife(ctx, env);
  }

  /** A person sends a test callback. */
  beginRehearsal(request: RehearsalRequest): RehearsalReply {
    return this.life.transact(() => {
      const { dispatcher } = this.life.open(request.dispatch);
      dispatcher.configure(request.dispatch, Date.now());
      dispatcher.again(Date.now());
      this.life.arm();
      return beginRehearsal(this.life.sql, request, Date.now());
    });
  }

  /** Keeps what became of a test callback; the first word of it stands. */
  keepRehearsal(outcome: RehearsalOutcome): void {
    if (this.life.known()) keepOutcome(this.ctx.storage, outcome);
  }

  readRehearsal(orderNo: string): RehearsalOutcome | null {
    return this.life.known() ? readOutcome(this.ctx.storage, orderNo) : null;
  }
}
