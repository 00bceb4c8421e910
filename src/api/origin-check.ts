// POST /v1/origins/{id}/check: whether an origin's address is reached, by a HEAD and never a POST, the way deliveries
// would go. What would be sent, the routes show that it names. Changes nothing, and counts for no breaker.

import { fill } from '../core/language.ts';
import type { Origin } from '../core/origin.ts';
import { addressProblem } from '../core/origin-address.ts';
import { reached } from '../core/reached-texts.ts';
import { bindingOf, readConfig } from '../env.ts';
import { requires } from './auth.ts';
import { IdParam } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { problemResponse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const Verdict = z.enum(['ok', 'problem', 'unknown']);
export const OriginCheckBody = z
  .object({
    verdict: Verdict,
    code: z.string().openapi({ description: 'Stable: programs may branch on it.' }),
    seen: z.string(),
    given: z.record(z.string(), z.union([z.string(), z.number()])),
    channels: z.array(z.string()).openapi({
      description: 'Channels that name it: POST /v1/channels/{id}/test shows and, where it may, sends a test.',
    }),
  })
  .openapi('OriginCheck');

type Code = keyof typeof reached extends infer Key ? (Key extends `reached.${infer Word}` ? Word : never) : never;
type Found = { readonly code: Code; readonly given: Readonly<Record<string, string | number>> };

const VERDICTS: Readonly<Record<Code, z.infer<typeof Verdict>>> = {
  answered: 'ok',
  post_only: 'ok',
  nothing_there: 'unknown',
  guarded: 'unknown',
  redirect: 'problem',
  failing: 'problem',
  unreachable: 'problem',
  timed_out: 'problem',
  not_sent: 'problem',
};

export const originCheck = newApp();

originCheck.openapi(
  createRoute({
    method: 'post',
    path: '/origins/{id}/check',
    summary: 'See whether an origin’s address is reached',
    description: 'Sends a HEAD the way that deliveries go, and never a POST: a backend might act on it.',
    middleware: requires('operate'),
    request: { params: IdParam },
    responses: { 200: jsonOf('What was found.', OriginCheckBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const [origin, records] = await Promise.all([registryOf(c.env).readOrigin(id), registryOf(c.env).listChannels()]);
    if (!origin) return refuseWrite(c, { kind: 'missing' }, `Origin ${id}`);
    const { code, given } = await lookAt(c.env, origin);
    const channels = records.map(({ channel }) => channel).filter(({ origins }) => origins.includes(id));
    const seen = fill(reached[`reached.${code}`].en, given);
    const names = channels.map((channel) => channel.id);
    return c.json({ verdict: VERDICTS[code], code, seen, given: { ...given }, channels: names }, 200);
  },
);

async function lookAt(env: Env, { url, timeoutMs, settings: { binding } }: Origin): Promise<Found> {
  const { isLocal, publicUrl } = readConfig(env);
  const problem = addressProblem(url, { isLocal, publicUrl, binding });
  if (problem !== null) return { code: 'not_sent', given: { why: `the URL ${problem}.` } };
  const bound = binding === null ? null : bindingOf(env, binding);
  if (binding !== null && bound === null) {
    return { code: 'not_sent', given: { why: `this deployment has no binding ${binding}.` } };
  }
  const startedAt = Date.now();
  const signal = AbortSignal.timeout(timeoutMs);
  const init = { method: 'HEAD', redirect: 'manual', signal } as const;
  try {
    const response = await (bound === null ? fetch(url, init) : bound.fetch(url, init));
    await response.body?.cancel();
    const { status } = response;
    return { code: codeOf(status), given: { status, ms: Date.now() - startedAt } };
  } catch {
    if (signal.aborted) return { code: 'timed_out', given: { ms: timeoutMs } };
    return { code: 'unreachable', given: {} };
  }
}

function codeOf(status: number): Code {
  if (status >= 500 && status !== 501) return 'failing';
  if (status >= 300 && status < 400) return 'redirect';
  if (status === 405 || status === 501) return 'post_only';
  if (status === 404 || status === 410) return 'nothing_there';
  return status === 401 || status === 403 ? 'guarded' : 'answered';
}
