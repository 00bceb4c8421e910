// /v1/channels/{id}/test: sends a test callback, says how one stands, and what one would do. Counts in nothing, and
// reaches only origins that ask for tests.
import type { ChannelRecord } from '../core/channel.ts';
import { isRehearsalNo } from '../crypto/rehearsal-no.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import { requires, WriteHeaders } from './auth.ts';
import { PlanBody, TestBody } from './channel-test-shape.ts';
import { renderTest } from './channel-test-view.ts';
import { IdParam } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { notFound, problemResponse, refuse } from './problem.ts';
import { rehearse, testLedger } from './rehearse.ts';
import { refuseWrite } from './write-problem.ts';

export const channelTest = newApp();

channelTest.openapi(
  createRoute({
    method: 'get',
    path: '/channels/{id}/test',
    summary: 'Say what a test callback would do',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: {
      200: jsonOf('Whether one can be sent, and to which origins it would go.', PlanBody),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const record = await registryOf(c.env).readChannel(id);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    return c.json(await planOf(c.env, record), 200);
  },
);

channelTest.openapi(
  createRoute({
    method: 'post',
    path: '/channels/{id}/test',
    summary: 'Send a test callback',
    description:
      'It goes the way of a real one, from the proof of its signature to the origin. Its order number begins with ' +
      'TEST-, its events say test: true, it counts in no figure and no bill, and it is delivered only to origins ' +
      'whose acceptsTest is true. For all others the answer shows what they would have got. The answer comes when ' +
      'the callback is recorded; ask for it again to see it delivered. Ten a minute for one channel.',
    middleware: requires('operate'),
    request: { params: IdParam, headers: WriteHeaders },
    responses: { 200: jsonOf('What became of it so far.', TestBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const record = await registryOf(c.env).readChannel(id);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const outcome = await rehearse(c, record);
    if (!outcome.ok) return refuse(c, outcome.error);
    return c.json(await renderTest(c.env, record, outcome.value), 200);
  },
);

const TestParams = IdParam.extend({
  orderNo: z.string().openapi({ param: { name: 'orderNo', in: 'path' } }),
});

channelTest.openapi(
  createRoute({
    method: 'get',
    path: '/channels/{id}/test/{orderNo}',
    summary: 'Say how a test callback stands',
    middleware: requires('operate'),
    request: { params: TestParams },
    responses: { 200: jsonOf('What became of it so far.', TestBody), ...problemResponse },
  }),
  async (c) => {
    const { id, orderNo } = c.req.valid('param');
    const record = await registryOf(c.env).readChannel(id);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const isOurs = await isRehearsalNo(readConfig(c.env).masterKey, orderNo);
    const outcome = isOurs ? await testLedger(c.env, record, orderNo).readRehearsal(orderNo) : null;
    if (!outcome) return refuse(c, notFound(`Test ${orderNo} of channel ${id}, kept for a day or two,`));
    return c.json(await renderTest(c.env, record, outcome), 200);
  },
);

const DISABLED = {
  en: 'The channel is disabled: a test callback would be refused, as every other.',
  zh: '渠道已停用：测试回调会像其他回调一样被拒绝。',
};

async function planOf(env: Env, { channel }: ChannelRecord): Promise<z.infer<typeof PlanBody>> {
  const testCallback = providerOf(channel.provider)?.testCallback;
  const all = await registryOf(env).listOrigins();
  const origins = channel.origins.flatMap((id) => all.find((origin) => origin.id === id) ?? []);
  const writes = testCallback !== undefined && 'write' in testCallback ? testCallback : null;
  const without = testCallback !== undefined && 'without' in testCallback ? testCallback.without : null;
  return {
    channel: channel.id,
    possible: writes !== null,
    why: without ?? (channel.status === 'disabled' ? DISABLED : null),
    echo: providerOf(channel.provider)?.echo !== undefined,
    amount: writes && { minor: 1, currency: writes.currency },
    origins: origins.map(({ id, format, settings, status }) => ({
      ...{ origin: id, format, accepts: settings.acceptsTest },
      paused: status === 'paused' || channel.status === 'paused',
    })),
  };
}
