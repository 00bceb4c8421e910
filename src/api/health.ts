// /healthz: does each part answer? Names the part that does not, and nothing that is secret. Open to anybody.
import { REGISTRY_READ_TIMEOUT_MS } from '../core/limits.ts';
import { readConfig } from '../env.ts';
import { pingProjection } from '../store/lists.ts';
import { registryOf } from './kit.ts';

/** Anybody may ask, so the parts are asked once in this time and isolate at most. */
const ASKED_AGAIN_MS = 1_000;

type Finding = 'ok' | 'failed';
type Parts = Readonly<Record<'configuration' | 'registry' | 'projection', Finding>>;

const found = new WeakMap<Env, { readonly at: number; readonly parts: Parts }>();

export async function health(env: Env, now: number): Promise<Response> {
  const known = found.get(env);
  const parts = known && now - known.at < ASKED_AGAIN_MS ? known.parts : await examine(env);
  found.set(env, { at: parts === known?.parts ? known.at : now, parts });
  const isHealthy = Object.values(parts).every((part) => part === 'ok');
  const body = { status: isHealthy ? 'ok' : 'failed', parts };
  return Response.json(body, { status: isHealthy ? 200 : 503, headers: { 'cache-control': 'no-store' } });
}

async function examine(env: Env): Promise<Parts> {
  const [registry, projection] = await Promise.all([
    answers(async () => registryOf(env).ping()),
    answers(() => pingProjection(env.DB)),
  ]);
  return { configuration: configurationOf(env), registry, projection };
}

function configurationOf(env: Env): Finding {
  try {
    readConfig(env);
    return 'ok';
  } catch (error) {
    console.error(JSON.stringify({ hop: 'healthz', error: String(error) })); // names the bad vars, never their values
    return 'failed';
  }
}

async function answers(ask: () => Promise<unknown>): Promise<Finding> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Finding>((decide) => {
    timer = setTimeout(() => decide('failed'), REGISTRY_READ_TIMEOUT_MS);
  });
  try {
    return await Promise.race([ask().then((): Finding => 'ok'), late]);
  } catch {
    return 'failed'; // that is the answer; the part itself logs what is wrong with it
  } finally {
    clearTimeout(timer);
  }
}
