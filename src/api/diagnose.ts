// POST /v1/channels/{id}/diagnose: "why did I not get it?", answered step by step, in words and in codes. Asks the
// provider and the channel's own address where the key may; what the provider says is recorded as a query is.

import { alarmWords } from '../alarm/words.ts';
import { inEnglish } from '../core/diagnosis/say.ts';
import { type Act, type Diagnosis, diagnose, type Finding, type Next, STEPS } from '../core/diagnosis.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { actOf, requires } from './auth.ts';
import { gather } from './diagnosis-facts.ts';
import { Id, IdParam, iso, OrderNo, Time } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { notFound, problemResponse, refuse } from './problem.ts';

const DiagnoseInput = z
  .strictObject({
    orderNo: OrderNo.optional().openapi({ description: 'The order that is missing.' }),
    transactionId: OrderNo.optional().openapi({ description: 'Or the provider’s number of its payment.' }),
    at: z.iso.datetime({ offset: true }).optional().openapi({
      description: 'When it should have come; ten minutes before and after are looked at. Left out: when it was paid.',
    }),
  })
  .openapi('DiagnoseInput');

const Verdict = z.enum(['ok', 'problem', 'unknown']);
const NextBody = z.object({ act: z.string(), method: z.string(), path: z.string() });
const FindingBody = z
  .object({
    code: z.string().openapi({ description: 'Stable: programs may branch on it.' }),
    verdict: Verdict,
    seen: z.string().openapi({ description: 'What was seen, in one sentence.' }),
    fix: z.string().nullable().openapi({ description: 'How to mend it; null where there is nothing to mend.' }),
    given: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .openapi({ description: 'What the sentences are about.' }),
    next: z.array(NextBody).openapi({ description: 'What may be done or looked at next, as requests of this API.' }),
  })
  .openapi('Finding');
export const DiagnosisBody = z
  .object({
    channel: z.string(),
    orderNo: z.string().nullable(),
    from: Time,
    to: Time,
    cause: z
      .object({ step: z.enum(STEPS), finding: FindingBody })
      .nullable()
      .openapi({ description: 'Where to begin; null when no problem was found.' }),
    answer: z
      .object({ step: z.enum(STEPS), finding: FindingBody })
      .nullable()
      .openapi({ description: 'What explains it where nothing is wrong: it was not paid, or the origin took it.' }),
    steps: z.array(z.object({ step: z.enum(STEPS), verdict: Verdict, findings: z.array(FindingBody) })),
    remarks: z
      .array(FindingBody)
      .openapi({ description: 'Alarms of the channel that explain nothing of this; look at them another time.' }),
  })
  .openapi('Diagnosis');

export const diagnosing = newApp();

diagnosing.openapi(
  createRoute({
    method: 'post',
    path: '/channels/{id}/diagnose',
    summary: 'Find out why an order, or anything at all, did not arrive',
    description:
      'Walks the way from the provider to the origin. With the scope operate the provider is asked about the order, ' +
      'and what it says is recorded as POST …/query does; and the callback URL is called once from outside.',
    middleware: requires('read', 'operate'),
    request: { params: IdParam, body: bodyOf(DiagnoseInput) },
    responses: { 200: jsonOf('What was seen at each step, and how to mend it.', DiagnosisBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const { orderNo, transactionId, at } = c.req.valid('json');
    const now = Date.now();
    const record = Id.safeParse(id).success ? await readChannelCopy(c.env, id, now) : null;
    if (!record) return refuse(c, notFound(`Channel ${id}`));
    const { scopes } = c.get('principal');
    const facts = await gather(
      c.env,
      record,
      {
        orderNo: orderNo ?? null,
        transactionId: transactionId ?? null,
        at: at === undefined ? null : Date.parse(at),
        mayCall: scopes.includes('operate') || scopes.includes('admin'),
      },
      now,
    );
    // What the provider said was recorded: whoever asked has done something.
    if (facts.asked.kind === 'found') {
      await registryOf(c.env).noteAct(actOf(c, { subject: `channel/${id}`, about: facts.orderNo ?? '' }), now);
    }
    const { from, to } = facts;
    const place = { channel: id, orderNo: facts.orderNo };
    return c.json({ ...place, from: iso(from), to: iso(to), ...render(diagnose(facts), place) }, 200);
  },
);

type Place = { readonly channel: string; readonly orderNo: string | null };

function render({ steps, cause, answer, remarks }: Diagnosis, place: Place) {
  const shown = (finding: Finding) => ({
    code: finding.code,
    verdict: finding.judgement,
    ...inEnglish(finding, alarmWords),
    given: { ...finding.given },
    next: finding.next.map((next) => requestOf(next, place)),
  });
  return {
    cause: cause && { step: cause.step, finding: shown(cause.finding) },
    answer: answer && { step: answer.step, finding: shown(answer.finding) },
    steps: steps.map(({ step, judgement, findings }) => ({ step, verdict: judgement, findings: findings.map(shown) })),
    remarks: remarks.map(shown),
  };
}

const REQUESTS: Readonly<Record<Act, readonly [method: string, path: string]>> = {
  enable_channel: ['POST', '/v1/channels/{channel}/enable'],
  resume_channel: ['POST', '/v1/channels/{channel}/resume'],
  rotate_channel: ['POST', '/v1/channels/{channel}/rotate'],
  change_allowlist: ['PATCH', '/v1/channels/{channel}'],
  see_channel: ['GET', '/v1/channels/{channel}'],
  see_callbacks: ['GET', '/v1/callbacks?channel={channel}'],
  see_refusals: ['GET', '/v1/rejections?channel={channel}'],
  see_alarms: ['GET', '/v1/alarms'],
  see_order: ['GET', '/v1/orders/{channel}/{orderNo}'],
  register_order: ['POST', '/v1/orders'],
  release_order: ['POST', '/v1/orders/{channel}/{orderNo}/release'],
  replay_order: ['POST', '/v1/orders/{channel}/{orderNo}/replay'],
  resume_origin: ['POST', '/v1/origins/{origin}/resume'],
  see_origin: ['GET', '/v1/origins/{origin}'],
  test_channel: ['POST', '/v1/channels/{channel}/test'],
  see_deliveries: ['GET', '/v1/deliveries?state=dead'],
};

function requestOf({ act, origin }: Next, { channel, orderNo }: Place): z.infer<typeof NextBody> {
  const [method, path] = REQUESTS[act];
  const names: Readonly<Record<string, string>> = { channel, orderNo: orderNo ?? '', origin };
  return { act, method, path: path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? '')) };
}
