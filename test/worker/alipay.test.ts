// Alipay in workerd, through the Worker's own door: charsets, certificates and signatures hold in the runtime that
// serves them, and what was paid is in the ledger.
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS, ledgerNameOf } from '../../src/core/channel.ts';
import { SEAL_IV_BYTES, seal } from '../../src/crypto/seal.ts';
import { providerOf } from '../../src/providers/index.ts';
import fixture from '../fixtures/alipay/signed.json';
import { call, channelInput } from './api-world.ts';
import { post, registry } from './receive-world.ts';

const { callbacks, entered } = fixture;
let channels = 0;

async function makeChannel(credentials: object): Promise<string> {
  channels += 1;
  const [id, uid] = [`alipay-${channels}`, `alipayuid${channels}`];
  const iv = crypto.getRandomValues(new Uint8Array(SEAL_IV_BYTES));
  const created = await registry().createChannel(
    {
      id,
      uid,
      provider: 'alipay',
      mode: 'open',
      settings: DEFAULT_CHANNEL_SETTINGS,
      environment: 'live',
      shards: 2,
      locationHint: null,
      origins: [],
      allowlist: { mode: 'off', ranges: [] },
      credentials: await seal(JSON.stringify(credentials), env.TOLLGATE_MASTER_KEY, `channel/${uid}`, iv),
    },
    { now: Date.now(), key: null, digest: '' },
  );
  if (created.kind !== 'done') throw new Error(`the channel was not made: ${created.kind}`);
  return id;
}

async function send(channelId: string, name: keyof typeof callbacks): Promise<string> {
  const { headers, body } = callbacks[name];
  const response = await post(channelId, body, headers);
  return `${response.status} ${await response.text()}`;
}

async function orderOf(channelId: string, orderNo: string) {
  const record = await registry().readChannel(channelId);
  if (record === null) throw new Error('no such channel');
  return (await env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo)).readOrder(orderNo))?.order;
}

describe.each(Object.entries(entered))('in workerd, in %s', (_mode, credentials) => {
  it('reads the keys', async () => {
    const provider = providerOf('alipay');
    expect(await provider?.inspectCredentials?.(provider.credentials.parse(credentials))).toEqual({
      ok: true,
      value: null,
    });
  });

  it('takes a callback in UTF-8 and one in GBK, and keeps what they say', async () => {
    const channelId = await makeChannel(credentials);
    expect(await send(channelId, 'utf8')).toBe('200 success');
    expect(await send(channelId, 'gbk')).toBe('200 success');
    expect(await orderOf(channelId, 'TG_UTF8_1')).toMatchObject({
      paymentState: 'paid',
      payments: [{ amount: { minor: 8888, currency: 'CNY' }, discounts: [{ name: '新年券' }] }],
    });
    expect(await orderOf(channelId, 'TG_GBK_1')).toMatchObject({ paymentState: 'paid', payer: { account: '王小***' } });
  });

  it('counts a payment once when its refund repeats it', async () => {
    const channelId = await makeChannel(credentials);
    expect(await send(channelId, 'refund')).toBe('200 success');
    expect(await send(channelId, 'utf8')).toBe('200 success');
    expect(await orderOf(channelId, 'TG_UTF8_1')).toMatchObject({
      payments: [{ amount: { minor: 8888 } }],
      refunds: [{ refundNo: 'R1', amount: { minor: 1000 } }],
      flags: [],
    });
  });

  it('holds what was paid against what was registered (pitfall 13)', async () => {
    const channelId = await makeChannel(credentials);
    const registered = { channel: channelId, orderNo: 'TG_UTF8_1', amount: { minor: 8889, currency: 'CNY' } };
    expect((await call('POST', '/v1/orders', registered)).status).toBe(201);
    expect(await send(channelId, 'utf8')).toBe('200 success');
    expect(await orderOf(channelId, 'TG_UTF8_1')).toMatchObject({ paymentState: 'pending', flags: ['underpaid'] });
  });

  it('refuses a stranger’s signature and one with SHA-1', async () => {
    const channelId = await makeChannel(credentials);
    expect(await send(channelId, 'stranger')).toBe('401 fail');
    expect(await send(channelId, 'rsa')).toBe('401 fail');
    const allowing = await makeChannel({ ...credentials, signTypes: ['RSA2', 'RSA'] });
    expect(await send(allowing, 'rsa')).toBe('200 success');
  });
});

it('has no allowlist unless one is given: no ranges are published to watch for', async () => {
  const input = channelInput({ provider: 'alipay', credentials: entered.keyMode });
  expect((await call('POST', '/v1/channels', input)).body.allowlist).toEqual({ mode: 'off', ranges: [] });
});
