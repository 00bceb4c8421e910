// Callbacks through the Worker's own door: what is accepted, what is refused, and what the provider is told.
import { createExecutionContext, listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callbackLogNameOf, UNKNOWN_LOG } from '../../src/core/arrival.ts';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { CALLBACK_BODY_BYTES_MAX, CALLBACK_HEADER_BYTES_MAX } from '../../src/core/limits.ts';
import { receive } from '../../src/receive.ts';
import {
  arrivals,
  changeKeys,
  makeChannel,
  makeSigner,
  noticeOf,
  paid,
  platform,
  post,
  registry,
  requestTo,
  setStatus,
  signatureHeaders,
  transactionOf,
} from './receive-world.ts';

afterEach(() => {
  vi.useRealTimers();
});

const FAILURE = '{"code":"FAIL","message":"失败"}';

const orderAt = async (uid: string, orderNo: string) =>
  env.LEDGER.getByName(ledgerNameOf({ uid, shards: 2 }, orderNo)).readOrder(orderNo);

const alarmCodes = async (channelId: string) =>
  (await registry().listAlarms({ limit: 100, after: null }))
    .filter(({ subject }) => subject === `channel/${channelId}`)
    .map(({ code }) => code);

async function expectRefusal(answer: Response, status: number) {
  expect([answer.status, await answer.text()]).toEqual([status, FAILURE]);
}

describe('an accepted callback', () => {
  it('is committed with its evidence and acknowledged as the provider asks (pitfall 7)', async () => {
    const { id, uid } = await makeChannel();
    const { body, headers } = await paid('A1');
    const answer = await post(id, body, headers);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    const order = await orderAt(uid, 'A1');
    expect(order?.order).toMatchObject({ orderNo: 'A1', paymentState: 'paid' });
    const evidence = await runInDurableObject(env.LEDGER.getByName(ledgerNameOf({ uid, shards: 2 }, 'A1')), (_, ctx) =>
      ctx.storage.sql.exec('SELECT event_id, content_type, headers, body, remote_address, digest FROM events').one(),
    );
    expect(evidence).toMatchObject({ content_type: 'application/json', remote_address: '101.226.103.7' });
    expect(evidence.event_id).toMatch(/^evt_[0-9a-z]{26}$/);
    expect(new TextDecoder().decode(evidence.body as ArrayBuffer)).toBe(body);
    expect(Object.keys(JSON.parse(String(evidence.headers))).sort()).toEqual(
      Object.keys(headers)
        .filter((name) => name.startsWith('wechatpay-'))
        .sort(),
    );
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)));
    expect(evidence.digest).toBe(digest.toHex());
  });

  it('is acknowledged again when it is repeated, changes nothing, and is seen as a duplicate (pitfall 6)', async () => {
    const { id, uid } = await makeChannel();
    const first = await paid('A2');
    expect((await post(id, first.body, first.headers)).status).toBe(204);
    const before = (await orderAt(uid, 'A2'))?.order;
    for (let n = 0; n < 2; n++) {
      expect((await post(id, first.body, await signatureHeaders(first.body))).status).toBe(204);
    }
    expect((await orderAt(uid, 'A2'))?.order).toEqual(before);
    expect(await arrivals(id, callbackLogNameOf(uid), 2)).toMatchObject([
      { verdict: 'duplicate', order_no: 'A2', reason: null, notice_type: 'TRANSACTION.SUCCESS' },
      { verdict: 'duplicate', order_no: 'A2' },
    ]);
  });

  it('is read from a chunked body too', async () => {
    const { id, uid } = await makeChannel();
    const { body, headers } = await paid('A3');
    expect((await post(id, chunks(body, 700), headers)).status).toBe(204);
    expect(await orderAt(uid, 'A3')).not.toBeNull();
  });

  it('is committed and acknowledged while the channel is paused', async () => {
    const { id, uid } = await makeChannel();
    await setStatus(id, 'paused');
    const { body, headers } = await paid('A4');
    expect((await post(id, body, headers)).status).toBe(204);
    expect(await orderAt(uid, 'A4')).not.toBeNull();
  });

  it('without an order is kept whole, acknowledged, and touches no order', async () => {
    const { id, uid } = await makeChannel();
    const body = await noticeOf({ anything: 1 }, 'COUPON.USE');
    for (let n = 0; n < 2; n++) expect((await post(id, body, await signatureHeaders(body))).status).toBe(204);
    const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(uid));
    const kept = await runInDurableObject(log, (_, { storage }) =>
      storage.sql
        .exec('SELECT body, headers FROM notices')
        .toArray()
        .map((row) => row.body as ArrayBuffer),
    );
    expect(kept.map((bytes) => new TextDecoder().decode(bytes))).toEqual([body]);
    expect(await arrivals(id, callbackLogNameOf(uid), 2)).toMatchObject([
      { verdict: 'ignored', notice_type: 'COUPON.USE', order_no: null },
    ]);
    expect(await ledgersOf(uid)).toBe(0);
  });
});

describe('a refused callback', () => {
  const strangers = makeSigner('PUB_KEY_ID_UNKNOWN');
  const imposter = makeSigner();
  const now = () => Date.now();
  const NAMING = ['header_missing', 'timestamp_stale', 'unknown_key', 'signature_invalid'];

  it.concurrent.each<[string, number, () => Promise<{ body: BodyInit; headers: Record<string, string> }>]>([
    ['header_missing', 401, async () => ({ ...(await paid('R')), headers: { 'cf-connecting-ip': '101.226.103.7' } })],
    ['timestamp_stale', 401, () => paid('R', platform, now() - 301_000)],
    ['timestamp_stale', 401, () => paid('R', platform, now() + 302_000)],
    ['unknown_key', 503, async () => paid('R', await strangers)],
    ['signature_invalid', 401, async () => paid('R', await imposter)],
    ['signature_invalid', 401, async () => ({ ...(await paid('R')), body: await noticeOf(transactionOf('R2')) })],
    ['malformed', 400, () => genuine('{"id":')],
    ['decrypt_failed', 503, async () => genuine(await noticeOf(transactionOf('R'), undefined, 'x'.repeat(32)))],
    ['wrong_merchant', 503, async () => genuine(await noticeOf(transactionOf('R', { mchid: '1900000999' })))],
    ['too_large', 413, () => genuine('x'.repeat(CALLBACK_BODY_BYTES_MAX + 1))],
    [
      'too_large',
      413,
      async () => ({ ...(await paid('R')), body: chunks('x'.repeat(CALLBACK_BODY_BYTES_MAX + 1), 9_000) }),
    ],
    ['too_large', 413, async () => withHeader(await paid('R'), 'x-filler', 'x'.repeat(CALLBACK_HEADER_BYTES_MAX))],
  ])(
    "for %s is answered %d in the provider's words, seen with its reason, and changes no order",
    async (reason, status, make) => {
      const { id, uid } = await makeChannel();
      const { body, headers } = await make();
      await expectRefusal(await post(id, body, headers), status);
      const [seen, ...more] = await arrivals(id, callbackLogNameOf(uid));
      // Sealed with the channel's own key, it names an order, proved or not: people find it there.
      const named = NAMING.includes(reason) ? expect.stringMatching(/^R2?$/) : null;
      expect(seen).toMatchObject({ verdict: 'rejected', reason, remote_address: '101.226.103.7', order_no: named });
      expect(more).toEqual([]);
      expect(seen?.digest === null).toBe(reason === 'too_large');
      expect(await ledgersOf(uid)).toBe(0);
      const wantsPerson = ['decrypt_failed', 'wrong_merchant'].includes(reason);
      if (wantsPerson) await vi.waitUntil(async () => (await alarmCodes(id)).length > 0);
      expect(await alarmCodes(id)).toEqual(wantsPerson ? [reason] : []);
    },
  );

  it('takes a body of exactly the limit for what it is', async () => {
    const { id } = await makeChannel();
    const { body, headers } = await genuine('x'.repeat(CALLBACK_BODY_BYTES_MAX));
    await expectRefusal(await post(id, body, headers), 400);
  });

  it('by another method is told which one is meant', async () => {
    const { id } = await makeChannel();
    const answer = await exports.default.fetch(new Request(`https://gate.example/callbacks/${id}`));
    expect(answer.headers.get('allow')).toBe('POST');
    await expectRefusal(answer, 405);
  });

  it('of a disabled channel is asked to come again, and accepted once the channel is resumed', async () => {
    const { id, uid } = await makeChannel();
    await setStatus(id, 'disabled');
    const { body, headers } = await paid('R8');
    await expectRefusal(await post(id, body, headers), 503);
    expect(await arrivals(id, callbackLogNameOf(uid))).toMatchObject([{ reason: 'channel_disabled' }]);
    await setStatus(id, 'active');
    vi.setSystemTime(now() + 11_000); // the isolate's copy is 10 s old at most
    expect((await post(id, body, await signatureHeaders(body))).status).toBe(204);
  });

  it('of the other environment is refused and alarmed', async () => {
    const { id } = await makeChannel({ environment: 'test' });
    const { body, headers } = await paid('R9');
    await expectRefusal(await post(id, body, headers), 503);
    await vi.waitUntil(async () => (await alarmCodes(id)).includes('wrong_environment'));
  });
});

describe('a signature probe', () => {
  it('gets what a wrong signature gets, leaves a count alone, and hinders no good delivery (pitfall 2)', async () => {
    const { id, uid } = await makeChannel();
    const { body, headers } = await paid('P1');
    const probe = { ...headers, 'wechatpay-signature': `WECHATPAY/SIGNTEST/${headers['wechatpay-signature']}` };
    const wrong = { ...headers, 'wechatpay-signature': headers['wechatpay-signature'].replace(/^..../, 'AAAA') };
    const [probed, refused] = [await post(id, body, probe), await post(id, body, wrong)];
    expect([...probed.headers]).toEqual([...refused.headers]);
    expect([probed.status, await probed.text()]).toEqual([refused.status, await refused.text()]);
    const sampled = { reason: 'signature_invalid', order_no: 'P1' }; // unproved, and under the order that it names
    expect(await arrivals(id, callbackLogNameOf(uid), 2)).toMatchObject([sampled]);
    expect(await countOf(id, 'signature_probe')).toBe(1);
    expect([await alarmCodes(id), await ledgersOf(uid)]).toEqual([[], 0]);
    expect((await post(id, body, await signatureHeaders(body))).status).toBe(204);
    expect(await orderAt(uid, 'P1')).not.toBeNull();
  });
});

describe('an allowlist', () => {
  const ranges = ['203.0.113.0/24', '2001:db8::/32'];
  const from = async (address: string | null) => {
    const { body, headers } = await paid('L1');
    const { 'cf-connecting-ip': _, ...rest } = headers;
    return { body, headers: address === null ? rest : { ...rest, 'cf-connecting-ip': address } };
  };

  it.each([
    ['203.0.113.9', 204],
    ['::ffff:203.0.113.9', 204],
    ['2001:db8::9', 204],
    ['198.51.100.1', 503],
    [null, 503],
  ])('that is enforced answers %s with %d', async (address, status) => {
    const { id } = await makeChannel({ allowlist: { mode: 'enforce', ranges } });
    const { body, headers } = await from(address);
    expect((await post(id, body, headers)).status).toBe(status);
  });

  it("believes no header but the platform's own (pitfall 20)", async () => {
    const { id } = await makeChannel({ allowlist: { mode: 'enforce', ranges } });
    const { body, headers } = await from('198.51.100.1');
    const forged = {
      ...headers,
      'x-forwarded-for': '203.0.113.9',
      'x-real-ip': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
    };
    await expectRefusal(await post(id, body, forged), 503);
  });

  it('that is enforced refuses before anything of the body is read', async () => {
    const { id, uid } = await makeChannel({ allowlist: { mode: 'enforce', ranges } });
    const { body, headers } = await from('198.51.100.1');
    const [request, ctx] = [requestTo(id, body, headers), createExecutionContext()];
    await expectRefusal(await receive(request, env, ctx), 503);
    expect(request.bodyUsed).toBe(false);
    expect(await arrivals(id, callbackLogNameOf(uid))).toMatchObject([{ reason: 'source_not_allowed', digest: null }]);
  });

  it('that only monitors accepts, and shows whom it would have refused', async () => {
    const { id, uid } = await makeChannel({ allowlist: { mode: 'monitor', ranges } });
    const { body, headers } = await from('198.51.100.1');
    expect((await post(id, body, headers)).status).toBe(204);
    expect(await arrivals(id, callbackLogNameOf(uid))).toMatchObject([
      { verdict: 'accepted', reason: 'source_not_allowed', remote_address: '198.51.100.1', order_no: 'L1' },
    ]);
  });

  it('that is off looks at no address', async () => {
    const { id, uid } = await makeChannel({ allowlist: { mode: 'off', ranges } });
    const { body, headers } = await from('198.51.100.1');
    expect((await post(id, body, headers)).status).toBe(204);
    await post(id, body, await signatureHeaders(body)); // a duplicate, so that something is to be seen
    expect(await arrivals(id, callbackLogNameOf(uid))).toMatchObject([{ verdict: 'duplicate', reason: null }]);
  });
});

describe('an unknown channel', () => {
  it('is answered without a word and leaves no object but the log that all unknown channels share', async () => {
    const { body, headers } = await paid('U1');
    const objects = async () => (await listDurableObjectIds(env.LEDGER)).length;
    const before = await objects();
    for (const id of ['nobody', 'a/b', '..%2Fx', 'x'.repeat(300), '', '-']) {
      const answer = await post(id, body, headers);
      expect([answer.status, await answer.text()]).toEqual([404, '']);
    }
    expect(await arrivals('-', UNKNOWN_LOG, 6)).toHaveLength(6);
    expect(await objects()).toBe(before);
    const logs = (await listDurableObjectIds(env.CALLBACK_LOG)).map(String);
    expect(logs).toContain(String(env.CALLBACK_LOG.idFromName(UNKNOWN_LOG)));
    expect(logs).not.toContain(String(env.CALLBACK_LOG.idFromName(callbackLogNameOf('nobody'))));
  });
});

describe('keys', () => {
  it('that were revoked are refused within ten seconds', async () => {
    const channel = await makeChannel();
    const other = await makeSigner('PUB_KEY_ID_OTHER');
    const first = await paid('K1');
    expect((await post(channel.id, first.body, first.headers)).status).toBe(204);
    await changeKeys(channel, { [other.serial]: other.pem });
    const at = Date.now() + 10_001;
    vi.setSystemTime(at);
    const second = await paid('K2', platform, at);
    await expectRefusal(await post(channel.id, second.body, second.headers), 503);
    const third = await paid('K3', other, at);
    expect((await post(channel.id, third.body, third.headers)).status).toBe(204);
  });
});

const genuine = async (body: string) => ({ body, headers: await signatureHeaders(body) });
const withHeader = <T extends { headers: Record<string, string> }>(callback: T, name: string, value: string) => ({
  ...callback,
  headers: { ...callback.headers, [name]: value },
});

/** A body whose length nobody was told. */
function chunks(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

/** How many of the channel's shards exist. */
async function ledgersOf(uid: string): Promise<number> {
  const ids = (await listDurableObjectIds(env.LEDGER)).map(String);
  return [0, 1].filter((shard) => ids.includes(String(env.LEDGER.idFromName(`v1:${uid}:2:${shard}`)))).length;
}

async function countOf(channelId: string, reason: string): Promise<number> {
  const query = 'SELECT sum(count) n FROM callback_counts WHERE channel = ? AND reason = ?';
  return Number(await env.DB.prepare(query).bind(channelId, reason).first('n'));
}
