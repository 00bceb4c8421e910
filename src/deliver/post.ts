// One POST to an origin and what became of it. Whatever the origin does is an outcome; only our own faults throw.
// Never follows a redirect, never sends where the address rules do not let it.

import { keptText, readStart } from '../answer.ts';
import { parseRetryAfter } from '../core/delivery.ts';
import { contradictionOf } from '../core/echo.ts';
import { ORIGIN_RESPONSE_KEPT_CHARS } from '../core/limits.ts';
import type { Origin } from '../core/origin.ts';
import { addressProblem } from '../core/origin-address.ts';
import type { Settlement } from '../core/record.ts';
import { err, ok, type Result } from '../core/result.ts';
import { bindingOf, readConfig } from '../env.ts';
import { formatOf, type Material, type Prepared, prepare, type Told } from '../prepare.ts';
import { newId, newSpan } from '../record.ts';

export type Outcome = Pick<
  Settlement,
  'outcome' | 'at' | 'ms' | 'status' | 'detail' | 'retryAfterSeconds' | 'disagreement'
>;

type Ready = { readonly prepared: Prepared; readonly send: (init: RequestInit) => Promise<Response> };

export async function post(origin: Origin | null, told: Told, material: Material, env: Env): Promise<Outcome> {
  const at = Date.now();
  const failed = { at, ms: 0, status: null, retryAfterSeconds: null };
  const notSent = (why: string): Outcome => {
    const detail = `Not sent: ${why}`.slice(0, ORIGIN_RESPONSE_KEPT_CHARS);
    return { ...failed, outcome: 'unreachable', detail };
  };
  if (!origin) return notSent('the origin is no longer configured.');
  const ready = await readyOf(origin, told, material, env, at);
  if (!ready.ok) return notSent(ready.error);
  const { prepared, send } = ready.value;
  const { headers, body } = prepared;
  const kept = (text: string) => keptText(text, prepared.secrets);
  const signal = AbortSignal.timeout(origin.timeoutMs);
  const startedAt = Date.now();
  try {
    const response = await send({ method: 'POST', redirect: 'manual', headers, body, signal });
    const { status } = response;
    const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), Date.now());
    const answer = await readStart(response);
    const taken = prepared.judge(status, answer) === 'accepted';
    const text = kept(new TextDecoder().decode(answer));
    const detail = !taken && response.ok ? kept(`Answered ${status}, but not as agreed: ${text}`) : text;
    const ms = Date.now() - startedAt;
    if (!taken) return { outcome: 'refused', at, ms, status, detail, retryAfterSeconds };
    const otherwise = origin.settings.echoCheck ? contradictionOf(told.event.data, answer) : null;
    const disagreement = otherwise === null ? {} : { disagreement: { eventId: newId('evt'), detail: kept(otherwise) } };
    return { outcome: 'delivered', at, ms, status, detail, retryAfterSeconds, ...disagreement };
  } catch (error) {
    const ms = Date.now() - startedAt;
    if (signal.aborted)
      return { ...failed, ms, outcome: 'timed_out', detail: `No answer within ${origin.timeoutMs} ms.` };
    return { ...failed, ms, outcome: 'unreachable', detail: kept(String(error)) };
  }
}

// Looked at once per copy of the origin, which is a new one every few seconds.
const problems = new WeakMap<Origin, string | null>();

/** What was allowed when it was entered may not be allowed here: rules, deployment and bindings change. */
function problemOf(origin: Origin, env: Env): string | null {
  const known = problems.get(origin);
  if (known !== undefined) return known;
  const { isLocal, publicUrl } = readConfig(env);
  const problem = addressProblem(origin.url, { isLocal, publicUrl, binding: origin.settings.binding });
  problems.set(origin, problem);
  return problem;
}

/** Or why not, for a person. What throws in here would throw each time: it must end dead and alarmed, not unseen. */
async function readyOf(
  origin: Origin,
  told: Told,
  material: Material,
  env: Env,
  at: number,
): Promise<Result<Ready, string>> {
  const { binding } = origin.settings;
  const problem = problemOf(origin, env);
  if (problem !== null) return err(`the origin's URL ${problem}. Change it.`);
  const bound = binding === null ? null : bindingOf(env, binding);
  if (binding !== null && bound === null) {
    return err(`this deployment has no binding ${binding}: add it to wrangler.toml and deploy, or change the origin.`);
  }
  try {
    const span = newSpan();
    const prepared = await prepare(env, { origin, format: formatOf(origin), told, material, now: at, span });
    if (!prepared.ok) return err(prepared.error);
    const send = (init: RequestInit) => (bound === null ? fetch(origin.url, init) : bound.fetch(origin.url, init));
    return ok({ prepared: prepared.value, send });
  } catch (error) {
    return err(`the gateway could not prepare it: ${String(error)}`);
  }
}
