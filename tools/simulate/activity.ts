// What goes on in the simulation's Worker: alarms that wait, in played time; messages on their way; handlers that run.
// Knows when nothing more will happen before the clock moves. Never part of the gateway.
import { playedNow, realNow, realTimeOf } from './clock.ts';

/** The bindings whose objects have alarms. */
export type Binding =
  | 'LEDGER'
  | 'REGISTRY'
  | 'ORIGIN_GATE'
  | 'CALLBACK_LOG'
  | 'LOCATOR'
  | 'REPLAYS'
  | 'ALARM_DESK'
  | 'RECONCILER';
export type Waiting = { readonly binding: Binding; readonly id: string; readonly at: number; readonly realAt: number };

const waiting = new Map<string, Waiting>();
let running = 0;
let queued = 0;

/** The platform's alarm rings by the machine's clock: the object sets and reads it by the played one. */
export function onClock(ctx: DurableObjectState, binding: Binding): DurableObjectState {
  const { storage } = ctx;
  const id = ctx.id.toString();
  const set = storage.setAlarm.bind(storage);
  const get = storage.getAlarm.bind(storage);
  const drop = storage.deleteAlarm.bind(storage);
  storage.setAlarm = (time, options) => {
    const at = Number(time);
    const realAt = Math.max(1, realTimeOf(at));
    waiting.set(id, { binding, id, at, realAt });
    return set(realAt, options);
  };
  storage.getAlarm = async (options) => {
    const real = await get(options);
    return real === null ? null : (waiting.get(id)?.at ?? real);
  };
  storage.deleteAlarm = (options) => {
    waiting.delete(id);
    return drop(options);
  };
  const wait = ctx.waitUntil.bind(ctx);
  ctx.waitUntil = (promise) => wait(counted(Promise.resolve(promise)));
  return ctx;
}

/** An alarm of this object rings: it waits no more. */
export const rang = (ctx: DurableObjectState): void => void waiting.delete(ctx.id.toString());

/** Whose alarm should have rung by the played clock, and will not by the machine's. */
export const overslept = (): readonly Waiting[] =>
  [...waiting.values()].filter(({ at, realAt }) => at <= playedNow() && realAt > realNow());

export async function counted<T>(work: Promise<T>): Promise<T> {
  running += 1;
  try {
    return await work;
  } finally {
    running -= 1;
  }
}

const envs = new WeakMap<Env, Env>();

/** The same bindings, with queues that are counted. One copy each: the gateway remembers what it read from it. */
export function countedEnv(env: Env): Env {
  const known = envs.get(env);
  if (known) return known;
  const made: Env = {
    ...env,
    DELIVER: counting(env.DELIVER),
    DELIVER_SLOW: counting(env.DELIVER_SLOW),
    ASK: counting(env.ASK),
  };
  envs.set(env, made);
  envs.set(made, made);
  return made;
}

function counting<Body>(queue: Queue<Body>): Queue<Body> {
  const send: Queue<Body>['send'] = (body, options) => {
    queued += 1;
    return queue.send(body, options);
  };
  const sendBatch: Queue<Body>['sendBatch'] = (messages, options) => {
    const all = [...messages];
    queued += all.length;
    return queue.sendBatch(all, options);
  };
  return { send, sendBatch } as Queue<Body>; // the gateway sends, and nothing else
}

export function arrived(batch: MessageBatch<unknown>): void {
  for (const { attempts } of batch.messages) if (attempts === 1) queued = Math.max(0, queued - 1);
}

export const isBusy = (): boolean =>
  running > 0 || queued > 0 || [...waiting.values()].some(({ at }) => at <= playedNow());

export const activity = () => {
  const next = [...waiting.values()].sort((a, b) => a.at - b.at)[0];
  return { now: playedNow(), nextAt: next?.at ?? null, next: next?.binding ?? null, running, queued };
};
