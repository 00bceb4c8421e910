// What an origin would get: shown as it would be sent, sent to nobody, and signed as its own only where it chose it.
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { call, type Json, makeKey } from './api-world.ts';
import { dispatchOf, makeOrigin, makeShop, record, type ScriptedOrigin, type Shop, settled } from './delivery-world.ts';
import { fact, ledger, paid, unique } from './ledger-kit.ts';

let origin: ScriptedOrigin;
let shop: Shop;
let orderNo: string;
beforeEach(async () => {
  origin = await makeOrigin();
  shop = await makeShop(origin);
  orderNo = unique('V');
  await record(shop, paid(orderNo));
  await settled(shop, orderNo);
});

const preview = (more: object = {}) =>
  call('POST', `/v1/origins/${origin.id}/preview`, { channel: shop.channelId, orderNo, sequence: 1, ...more });

const verifies = ({ headers, body }: Json, secret: string) => {
  const given = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
  try {
    new Webhook(secret).verify(String(body), given);
    return true;
  } catch (error) {
    return error instanceof SyntaxError; // it verifies first, and then wants JSON
  }
};

describe('a preview', () => {
  it('is what was sent, but for the moment of its signature, and is sent to nobody', async () => {
    const { status, body } = await preview();
    const [post] = origin.posts;
    expect([status, body]).toMatchObject([200, { method: 'POST', url: `https://${origin.id}.example/hooks` }]);
    expect([body.body, body.bodyEncoding, body.sampleSecret]).toEqual([post?.body, 'text', null]);
    expect(body.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': post?.id });
    expect(verifies(body, origin.secrets[0] ?? '')).toBe(true);
    expect(origin.posts).toHaveLength(1);
  });

  it('finds an event by its id, once it is projected', async () => {
    const eventId = origin.posts[0]?.id;
    const byId = () => call('POST', `/v1/origins/${origin.id}/preview`, { eventId });
    await vi.waitUntil(
      async () => (await env.DB.prepare('SELECT 1 FROM events WHERE event_id = ?').bind(eventId).first()) !== null,
      {
        timeout: 8_000,
        interval: 100,
      },
    );
    expect((await byId()).body.body).toBe(origin.posts[0]?.body);
  });

  it('is signed as theirs for an admin alone: whoever may operate could post it, held or not', async () => {
    const key = await makeKey('operate');
    const asked = { channel: shop.channelId, orderNo, sequence: 1 };
    const { status, body } = await call('POST', `/v1/origins/${origin.id}/preview`, asked, { key });
    expect([status, body.body]).toEqual([200, origin.posts[0]?.body]);
    expect(verifies(body, origin.secrets[0] ?? '')).toBe(false);
    expect(verifies(body, String(body.sampleSecret))).toBe(true);
  });

  it('of another format is signed with a secret of its own, so that nothing forged looks genuine', async () => {
    const fields = [{ name: 'verdict', constant: 'PAID' }];
    const { body } = await preview({ format: 'mapped', formatOptions: { fields } });
    expect(JSON.parse(String(body.body))).toEqual({ verdict: 'PAID' });
    expect(verifies(body, origin.secrets[0] ?? '')).toBe(false);
    expect(verifies(body, String(body.sampleSecret))).toBe(true);
  });

  it.each(['standard', 'cloudevents', 'form', 'xml'])('shows %s, and changes nothing of the origin', async (format) => {
    const { status, body } = await preview({ format });
    expect(status).toBe(200);
    expect(String(body.body)).toContain(orderNo);
    expect((await call('GET', `/v1/origins/${origin.id}`)).body).toMatchObject({ format: 'standard', version: 1 });
  });

  it('masks what the origin asks to see', async () => {
    const auth = [
      { kind: 'basic', user: 'till', password: 'correct horse' },
      { kind: 'header', name: 'X-Api-Key', value: 'battery staple' },
    ];
    await call('PATCH', `/v1/origins/${origin.id}`, { auth });
    const { body, text } = await preview();
    expect(body.headers).toMatchObject({ authorization: '•••', 'x-api-key': '•••' });
    expect(text).not.toMatch(/correct horse|battery|Basic/);
  });

  it('shows a callback as it came, in base64 where it is no text', async () => {
    const bytes = new Uint8Array([0, 255, 254]);
    const other = unique('V');
    const told = fact(paid(other));
    const evidence = told.evidence && { ...told.evidence, body: bytes };
    await ledger(shop.shard).record({ v: 1, facts: [{ ...told, evidence }], dispatch: await dispatchOf(shop) });
    const more = { format: 'passthrough', formatOptions: { fallback: { name: 'standard' } } };
    const { body } = await preview({ ...more, orderNo: other });
    expect([body.body, body.bodyEncoding]).toEqual([bytes.toBase64(), 'base64']);
    expect((await preview(more)).body).toMatchObject({ body: '{"raw":true}', bodyEncoding: 'text' });
  });

  it('says why where the event cannot be told, as a delivery would', async () => {
    const { status, body } = await preview({
      format: 'form',
      formatOptions: { signature: { algorithm: 'rsa-sha256' } },
    });
    expect([status, body]).toMatchObject([
      422,
      { code: 'not_renderable', detail: expect.stringMatching(/no rsa secret/) },
    ]);
  });

  it.each<[string, object, number]>([
    ['nothing named', { sequence: undefined }, 422],
    ['an unknown format', { format: 'toml' }, 422],
    ['options that the format has not', { formatOptions: { color: 'red' } }, 422],
    ['a member that nobody knows', { color: 'red' }, 422],
    ['an event that there is not', { sequence: 9 }, 404],
    ['an order that there is not', { orderNo: 'nobody' }, 404],
    ['a channel that there is not', { channel: 'nobody' }, 404],
    ['an id that there is not', { eventId: 'evt_none', channel: undefined }, 404],
  ])('with %s is refused', async (_, more, status) => {
    expect((await preview(more)).status).toBe(status);
  });

  it('needs more than a key that reads', async () => {
    const [reads, operates] = [await makeKey('read'), await makeKey('operate')];
    const body = { channel: shop.channelId, orderNo, sequence: 1 };
    const statuses = [reads, operates].map(
      async (key) => (await call('POST', `/v1/origins/${origin.id}/preview`, body, { key })).status,
    );
    expect(await Promise.all(statuses)).toEqual([403, 200]);
    expect((await call('POST', '/v1/origins/nobody/preview', body)).status).toBe(404);
  });
});
