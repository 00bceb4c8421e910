// POST /v1/channels/{id}/test/echo: has the provider call the channel's own address, where it offers that, and waits
// for its notice. Genuine from end to end: it proves the way and the provider's keys, and changes no order.
import { type Asker, askerOf, askProvider, notifyUrlOf } from '../call-provider/ask.ts';
import { callbackLogNameOf } from '../core/arrival.ts';
import { AskBudget } from '../core/ask-budget.ts';
import { ASKS_PER_SECOND_MAX } from '../core/limits.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { actOf, requires, WriteHeaders } from './auth.ts';
import { IdParam, isoOrNull, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { disabledProblem } from './order-answer.ts';
import { problemResponse, refuse } from './problem.ts';
import { problemOf } from './provider-problem.ts';
import { refuseWrite } from './write-problem.ts';

/** A provider calls within a second or two; longer nobody waits at a page. */
const ARRIVES_WITHIN_MS = 6_000;
const LOOK_EVERY_MS = 300;
/** Machines that take callbacks have clocks of their own. */
const CLOCKS_DIFFER_MS = 2_000;

const budget = new AskBudget(ASKS_PER_SECOND_MAX);

export const EchoBody = z
  .object({
    channel: z.string(),
    notifyUrl: z.string().openapi({ description: 'Where the provider was told to call.' }),
    noticeType: z.string(),
    arrivedAt: Time.nullable().openapi({
      description: 'When its notice was taken; null: not within six seconds. GET /v1/callbacks shows a later one.',
    }),
  })
  .openapi('Echo');

export const channelEcho = newApp();

channelEcho.openapi(
  createRoute({
    method: 'post',
    path: '/channels/{id}/test/echo',
    summary: 'Have the provider call the channel',
    description:
      'Where the provider offers it (WeChat Pay v3): it is asked to call the address with a notice about nothing. ' +
      'Its notice is genuine, so this also proves the address, the allowlist and the provider’s keys.',
    middleware: requires('operate'),
    request: { params: IdParam, headers: WriteHeaders },
    responses: { 200: jsonOf('Whether its notice came.', EchoBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const record = await registryOf(c.env).readChannel(id);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const disabled = disabledProblem(record);
    if (disabled) return refuse(c, disabled);
    const asker = await askerOf(c.env, record);
    const { echo } = asker.provider;
    if (!echo) {
      const detail = `${record.channel.provider} calls nobody on request: send a test callback instead.`;
      return refuse(c, { code: 'test_not_supported', detail });
    }
    const notifyUrl = notifyUrlOf(c.env, record.channel);
    if (notifyUrl === null) {
      return refuse(c, { code: 'public_url_missing', detail: 'Set TOLLGATE_PUBLIC_URL: the provider has to call it.' });
    }
    const now = Date.now();
    if (!budget.take(record.channel.uid, 1, now)) {
      return refuse(c, { code: 'rate_limited', detail: 'The provider is asked too often: wait a second.' });
    }
    await registryOf(c.env).noteAct(actOf(c, { subject: `channel/${id}` }), now);
    const said = await ask(asker, echo, notifyUrl);
    if (!said.ok) return refuse(c, problemOf(said.error, 'Send the same request again to ask once more.'));
    const arrivedAt = await arrival(c.env, record.channel.uid, echo.noticeType, now);
    return c.json({ channel: id, notifyUrl, noticeType: echo.noticeType, arrivedAt: isoOrNull(arrivedAt) }, 200);
  },
);

const ask = (asker: Asker, echo: NonNullable<AnyProvider['echo']>, notifyUrl: string) =>
  askProvider(asker, {
    request: (context) => echo.request(notifyUrl, asker.credentials, asker.record.keys, context),
    read: (answer, keys, at) => echo.read(answer, asker.credentials, keys, at),
  });

/** When the notice was kept; null when it did not come in time. */
async function arrival(env: Env, uid: string, noticeType: string, since: number): Promise<number | null> {
  const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(uid));
  for (;;) {
    const at = await log.keptSince(noticeType, since - CLOCKS_DIFFER_MS);
    if (at !== null || Date.now() - since > ARRIVES_WITHIN_MS) return at;
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  }
}
