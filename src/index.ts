// The Worker: which trigger runs which verb. No logic.
import { api } from './api/app.ts';
import { ask } from './ask.ts';
import { operators } from './console/app.tsx';
import type { DeliveryMessage } from './core/record.ts';
import type { AskMessage } from './core/timer.ts';
import { deliver, nudge } from './deliver.ts';
import { readConfig } from './env.ts';
import { payer } from './payer.ts';
import { pathOf } from './receive/request.ts';
import { receive } from './receive.ts';
import { poke } from './reconcile/poke.ts';

export { AlarmDesk } from './objects/alarm-desk.ts';
export { CallbackLog } from './objects/callback-log.ts';
export { Locator } from './objects/locator.ts';
export { OrderLedger } from './objects/order-ledger.ts';
export { OriginGate } from './objects/origin-gate.ts';
export { Reconciler } from './objects/reconciler.ts';
export { Registry } from './objects/registry.ts';
export { ReplayDesk } from './objects/replay-desk.ts';

export default {
  fetch(request, env, ctx) {
    const pathname = pathOf(request.url);
    if (pathname.startsWith('/pay/')) return payer(request, env);
    if (/^\/console(\/|$)/.test(pathname)) return operators.fetch(request, env, ctx);
    if (!pathname.startsWith('/callbacks/')) return api.fetch(request, env, ctx);
    readConfig(env);
    return receive(request, env, ctx);
  },
  queue(batch, env, ctx?: ExecutionContext) {
    if (batch.queue === 'ask') return ask(batch as MessageBatch<AskMessage>, env); // each queue carries one kind
    const deliveries = batch as MessageBatch<DeliveryMessage>; // the same
    if (batch.queue === 'deliver-dead') return nudge(deliveries, env);
    return deliver(deliveries, env, ctx ? (rest) => ctx.waitUntil(rest) : null);
  },
  scheduled(controller, env) {
    return poke(env, controller.scheduledTime);
  },
} satisfies ExportedHandler<Env, AskMessage | DeliveryMessage>;
