// The simulation's Worker: the gateway as it is, on a clock that can be moved ahead, and below /simulate the hand that
// moves it. Never deployed, never a part of the gateway.
import './clock-worker.ts';
import type { DeliveryMessage } from '../../src/core/record.ts';
import type { AskMessage } from '../../src/core/timer.ts';
import * as gateway from '../../src/index.ts';
import { activity, arrived, counted, countedEnv, isBusy, onClock, overslept, rang, type Waiting } from './activity.ts';
import { moveClockTo } from './clock.ts';

export class OrderLedger extends gateway.OrderLedger {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'LEDGER'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
}
export class Registry extends gateway.Registry {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'REGISTRY'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
  override refreshKeys(...asked: Parameters<gateway.Registry['refreshKeys']>) {
    return counted(super.refreshKeys(...asked));
  }
}
export class CallbackLog extends gateway.CallbackLog {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'CALLBACK_LOG'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
}
export class Locator extends gateway.Locator {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'LOCATOR'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
}
export class ReplayDesk extends gateway.ReplayDesk {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'REPLAYS'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
}
export class AlarmDesk extends gateway.AlarmDesk {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'ALARM_DESK'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
}
export class Reconciler extends gateway.Reconciler {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'RECONCILER'), countedEnv(env));
  }
  realign(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }
  override alarm(): Promise<void> {
    rang(this.ctx);
    return counted(super.alarm());
  }
}
/** It has no alarm, and tells the registry of what it judged. */
export class OriginGate extends gateway.OriginGate {
  constructor(ctx: DurableObjectState, env: Env) {
    super(onClock(ctx, 'ORIGIN_GATE'), countedEnv(env));
  }
}

// A class that is missing here would sleep by the machine's clock: then this does not compile.
void ({ OrderLedger, Registry, CallbackLog, Locator, ReplayDesk, AlarmDesk, Reconciler, OriginGate } satisfies Record<
  Exclude<keyof typeof gateway, 'default'>,
  unknown
>);

const LOOK_MS = 1;
/** Looks in a row that must find nothing to do. */
const CALM_LOOKS = 2;
/** Nothing of the gateway takes so long by the machine's clock: what is left then is told. */
const REST_MS_MAX = 20_000;

/** An alarm that was set before the clock moved would ring too late: its object sets it again. */
async function wake({ binding, id, at }: Waiting, env: Env): Promise<void> {
  const objects: DurableObjectNamespace = env[binding];
  const stub = objects.get(objects.idFromString(id));
  await (stub as unknown as { realign: (at: number) => Promise<void> }).realign(at); // every class above has it
}

/** Waits until nothing is left to do before the clock moves again; false when that takes too long. */
async function rest(env: Env): Promise<boolean> {
  const looksMax = REST_MS_MAX / LOOK_MS;
  for (let calm = 0, looks = 0; calm < CALM_LOOKS; looks++) {
    if (looks > looksMax) return false;
    await Promise.all(overslept().map((one) => wake(one, env)));
    await scheduler.wait(LOOK_MS);
    calm = isBusy() ? 0 : calm + 1;
  }
  return true;
}

const tick = (): ScheduledController => ({ cron: '* * * * *', scheduledTime: Date.now(), noRetry: () => {} });

async function simulate(request: Request, env: Env): Promise<Response> {
  const asked = new URL(request.url).searchParams;
  const to = asked.get('to');
  if (to !== null) moveClockTo(Number(to));
  if (asked.has('tick')) await counted(gateway.default.scheduled(tick(), countedEnv(env)));
  const isAtRest = !asked.has('rest') || (await rest(env));
  return Response.json({ ...activity(), isAtRest });
}

export default {
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname === '/simulate') return simulate(request, env);
    return counted(Promise.resolve(gateway.default.fetch(request, countedEnv(env), ctx)));
  },
  queue(batch, env, ctx) {
    arrived(batch);
    const { waitUntil } = ctx;
    ctx.waitUntil = (promise) => waitUntil.call(ctx, counted(Promise.resolve(promise)));
    return counted(Promise.resolve(gateway.default.queue(batch, countedEnv(env), ctx)));
  },
  /** The launcher's own, each minute of the machine's clock: one tick more does no harm. */
  scheduled(_controller, env) {
    return counted(gateway.default.scheduled(tick(), countedEnv(env)));
  },
} satisfies ExportedHandler<Env, AskMessage | DeliveryMessage>;
