// The pretend merchant over real HTTP: what it proves, keeps and how it fails on request.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Merchant, startMerchant } from '../../src/sandbox/merchant.ts';

const secret = `whsec_${randomBytes(24).toString('base64')}`;
let merchant: Merchant;
let seen: string[] = [];

beforeEach(async () => {
  seen = [];
  merchant = await startMerchant({ port: 0, secrets: [secret], onEvent: (event) => seen.push(event.id) });
});
afterEach(() => merchant.close());

const bodyOf = (id: string, sequence: number, orderNo = 'A1') =>
  JSON.stringify({
    type: 'payment.succeeded',
    timestamp: new Date().toISOString(),
    data: { id, sequence, channel: 'shop', order: { orderNo, state: 'paid' } },
  });

function send(id: string, body: string, options: { secret?: string; at?: Date; signature?: string } = {}) {
  const { at = new Date() } = options;
  const signature = options.signature ?? new Webhook(options.secret ?? secret).sign(id, at, body);
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  return fetch(merchant.webhookUrl, { method: 'POST', headers, body });
}
const setMode = (mode: object) => fetch(`${merchant.url}/mode`, { method: 'POST', body: JSON.stringify(mode) });

it('keeps an event once by its id and counts what comes again', async () => {
  expect((await send('evt_1', bodyOf('evt_1', 1))).status).toBe(204);
  expect((await send('evt_1', bodyOf('evt_1', 1))).status).toBe(204);
  expect(merchant.report()).toMatchObject({ received: 1, duplicates: 1, refused: 0 });
  expect(seen).toEqual(['evt_1']);
});

it('counts an event of an order that comes after a later one', async () => {
  await send('evt_2', bodyOf('evt_2', 2));
  await send('evt_1', bodyOf('evt_1', 1));
  await send('evt_9', bodyOf('evt_9', 1, 'B1'));
  expect(merchant.report()).toMatchObject({ received: 3, outOfOrder: 1 });
});

it('refuses a wrong secret, an old timestamp, a changed body and an id that is not the event', async () => {
  const other = `whsec_${randomBytes(24).toString('base64')}`;
  expect((await send('evt_1', bodyOf('evt_1', 1), { secret: other })).status).toBe(401);
  expect((await send('evt_1', bodyOf('evt_1', 1), { at: new Date(Date.now() - 301_000) })).status).toBe(401);
  const signature = new Webhook(secret).sign('evt_1', new Date(), bodyOf('evt_1', 1));
  expect((await send('evt_1', bodyOf('evt_1', 2), { signature })).status).toBe(401);
  expect((await send('evt_1', bodyOf('evt_7', 1))).status).toBe(401);
  expect(merchant.report()).toMatchObject({ received: 0, refused: 4 });
});

it('takes either secret while one replaces the other', async () => {
  const next = `whsec_${randomBytes(24).toString('base64')}`;
  expect((await send('evt_1', bodyOf('evt_1', 1), { secret: next })).status).toBe(401);
  const trust = (secret: string) =>
    fetch(`${merchant.url}/trust`, { method: 'POST', body: JSON.stringify({ secret }) });
  expect((await trust('guess')).status).toBe(400);
  expect((await trust(next)).status).toBe(204);
  expect((await send('evt_1', bodyOf('evt_1', 1), { secret: next })).status).toBe(204);
  expect((await send('evt_2', bodyOf('evt_2', 2))).status).toBe(204);
});

it('proves ed25519 deliveries by the public key', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  merchant.trust(`whpk_${raw.toString('base64')}`);
  const at = new Date();
  const message = `evt_1.${Math.floor(at.getTime() / 1000)}.${bodyOf('evt_1', 1)}`;
  const body = message.slice(message.indexOf('{'));
  const signature = `v1a,${sign(null, Buffer.from(message), privateKey).toString('base64')}`;
  expect((await send('evt_1', body, { at, signature })).status).toBe(204);
  expect((await send('evt_1', `${body} `, { at, signature })).status).toBe(401);
});

it('answers 500, 410 and 429 with Retry-After when told to, then recovers', async () => {
  await setMode({ mode: 'fail', status: 502, times: 2 });
  expect((await send('evt_1', bodyOf('evt_1', 1))).status).toBe(502);
  expect((await send('evt_1', bodyOf('evt_1', 1))).status).toBe(502);
  expect((await send('evt_1', bodyOf('evt_1', 1))).status).toBe(204);
  await setMode({ mode: 'busy', retryAfterSeconds: 7 });
  const busy = await send('evt_2', bodyOf('evt_2', 2));
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '7']);
  await setMode({ mode: 'gone' });
  expect((await send('evt_2', bodyOf('evt_2', 2))).status).toBe(410);
  await setMode({ mode: 'ok' });
  expect((await send('evt_2', bodyOf('evt_2', 2))).status).toBe(204);
  expect(merchant.report()).toMatchObject({ received: 2, duplicates: 0, failed: 4 });
});

it('hangs when told to, and keeps nothing of it', async () => {
  await setMode({ mode: 'hang', times: 1 });
  const headers = { 'webhook-id': 'evt_1' };
  const signal = AbortSignal.timeout(100);
  await expect(fetch(merchant.webhookUrl, { method: 'POST', headers, body: '{}', signal })).rejects.toThrow();
  expect((await send('evt_1', bodyOf('evt_1', 1))).status).toBe(204);
  expect(merchant.report()).toMatchObject({ received: 1, failed: 1 });
});

it('says what is wrong with a mode it does not know', async () => {
  expect((await setMode({ mode: 'explode' })).status).toBe(400);
  expect((await fetch(`${merchant.url}/mode`, { method: 'POST', body: 'no json' })).status).toBe(400);
});
