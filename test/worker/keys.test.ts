// Keys that end, and keys that change: people hear of an end in time, and new credentials are tried before they count.
import { env } from 'cloudflare:workers';
import { createHmac, createPrivateKey } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { DAY_MS } from '../../src/core/limits.ts';
import { makeCertificate } from '../../src/sandbox/certificate.ts';
import { call, credentials, identity, type Json, makeChannel, makeKey, unique } from './api-world.ts';
import { post } from './receive-world.ts';

const registry = () => env.REGISTRY.getByName('registry');
const privateKey = createPrivateKey(identity.merchant.privatePem);
const END = Math.floor(Date.now() / 1_000) * 1_000 + 400 * DAY_MS;

const certificate = (serial: string, notAfter: number) =>
  makeCertificate({ serial, notBefore: new Date(END - 800 * DAY_MS), notAfter: new Date(notAfter), privateKey });

const { mchId, appIds, apiV3Key } = credentials;
const withKeys = (platformKeys: object) => ({ mchId, appIds, apiV3Key, platformKeys });

async function warningsOf(channel: string): Promise<readonly Json[]> {
  const { body } = await call('GET', '/v1/alarms?limit=200');
  return [...(body.items ?? [])].filter(
    ({ code, subject }) => String(code) === 'key_expiring' && String(subject).startsWith(`channel/${channel}/`),
  );
}

describe('the end of a certificate', () => {
  it('is counted down beside the channel, with the field that holds it', async () => {
    const pem = certificate('AB01', END);
    const id = await makeChannel({ credentials: withKeys({ AB01: pem }) });
    const days = Math.floor((END - Date.now()) / DAY_MS);
    const { body } = await call('GET', `/v1/channels/${id}`);
    expect(body.keys).toMatchObject([{ serial: 'AB01', source: 'configured', field: 'platformKeys', daysLeft: days }]);
    expect(body.keys?.map(({ expiresAt }) => expiresAt)).toEqual([new Date(END).toISOString()]);
    const listed = await call('GET', '/v1/channels?limit=200');
    expect(listed.body.items?.find((one) => String(one.id) === id)?.keys).toEqual(body.keys);
    expect(listed.text).not.toContain(apiV3Key);
  });

  it('is told 30, 7 and 1 days before, once each, however often cron runs', async () => {
    const id = await makeChannel({ credentials: withKeys({ AB02: certificate('AB02', END) }) });
    const counts: number[] = [];
    for (const days of [31, 30, 29.5, 20, 7, 6.9, 1, 0.9, -1, -5]) {
      for (const minutes of [0, 1, 61, 122]) await registry().tick(END - days * DAY_MS + minutes * 60_000);
      const [warning] = await warningsOf(id);
      counts.push(Number(warning?.count ?? 0));
    }
    expect(counts).toEqual([0, 1, 1, 1, 2, 2, 3, 3, 3, 3]);
    const [warning] = await warningsOf(id);
    expect(String(warning?.subject)).toBe(`channel/${id}/AB02`);
    expect(String(warning?.detail)).toMatch(/AB02 in platformKeys ends on .*, in 1 day: get the next one/);
  });

  it('is nobody’s business while another of the same field outlasts it', async () => {
    const keys = { AB03: certificate('AB03', END), AB04: certificate('AB04', END + 300 * DAY_MS) };
    const id = await makeChannel({ credentials: withKeys(keys) });
    await registry().tick(END - 3 * DAY_MS + 200 * 60_000);
    expect(await warningsOf(id)).toEqual([]);
    const days = Math.ceil((END - Date.now()) / DAY_MS);
    const endsOf = async (withinDays: number) =>
      (await call('GET', `/v1/stats/keys?channel=${id}&withinDays=${withinDays}`)).body.items?.map(
        ({ serial }) => serial,
      );
    expect(await endsOf(days + 1)).toEqual([]);
    expect(await endsOf(days + 301)).toEqual(['AB04']);
  });
});

describe('a trial of new credentials', () => {
  const [OLD, NEW] = ['the-old-secret-of-this-shop', 'the-new-secret-of-this-shop'];
  const allowlist = { mode: 'off', ranges: [] };
  const coins = () => {
    const secrets = { ipnSecret: OLD, apiKey: 'ABCDEFG-HIJKLMN-OPQRSTU' };
    return makeChannel({ provider: 'nowpayments', credentials: secrets, allowlist });
  };

  async function pay(id: string, secret: string, orderNo = unique('TRY')) {
    const fact = { actually_paid: 15, order_id: orderNo, pay_amount: 15, pay_currency: 'usdttrc20' };
    const rest = { payment_id: 5_100_000_000 + orderNo.length, payment_status: 'finished', price_amount: 15 };
    const body = JSON.stringify({ ...fact, ...rest, price_currency: 'usd', updated_at: 1_767_262_980_000 });
    const signature = createHmac('sha512', secret).update(body).digest('hex');
    const sent = await post(id, body, { 'content-type': 'application/json', 'x-nowpayments-sig': signature });
    expect(sent.status).toBe(200);
  }

  const attempt = (id: string, body: object, options = {}) =>
    call('POST', `/v1/channels/${id}/rotate`, { dryRun: true, ...body }, options);

  it('says how many stored callbacks the new and the old verify, and changes nothing', async () => {
    const id = await coins();
    await pay(id, OLD);
    await pay(id, OLD);
    const before = (await call('GET', `/v1/channels/${id}`)).body;
    const { status, body, text } = await attempt(id, { credentials: { ipnSecret: NEW } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ dryRun: true, checked: 2, both: 0, newOnly: 0, oldOnly: 2, neither: 0 });
    expect(text).not.toMatch(/secret-of-this-shop/);
    expect((await attempt(id, { credentials: {} })).body).toMatchObject({ checked: 2, both: 2, oldOnly: 0 });
    expect((await call('GET', `/v1/channels/${id}`)).body).toEqual(before);
    await pay(id, OLD);
  });

  it('tells a rotation that goes well from one that loses callbacks', async () => {
    const id = await coins();
    expect((await attempt(id, { credentials: { ipnSecret: NEW } })).body.detail).toMatch(/^Nothing to try with/);
    await pay(id, OLD);
    await call('POST', `/v1/channels/${id}/rotate`, { credentials: { ipnSecret: NEW } });
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 11_000);
    await pay(id, NEW);
    vi.restoreAllMocks();
    const found = await attempt(id, { credentials: {} });
    expect(found.body).toMatchObject({ checked: 2, both: 1, neither: 1 });
    const back = await attempt(id, { credentials: { ipnSecret: OLD } });
    expect(back.body).toMatchObject({ newOnly: 1, oldOnly: 1 });
    expect(back.body.detail).toMatch(/keep an overlap/);
  });

  it('refuses what a rotation would refuse, and whoever may not rotate', async () => {
    const id = await coins();
    expect((await attempt(id, { credentials: { ipnSecret: 'x' } })).status).toBe(422);
    const key = await makeKey('operate', 'read');
    expect((await attempt(id, { credentials: {} }, { key })).status).toBe(403);
    expect((await attempt('no-such', { credentials: {} })).status).toBe(404);
  });
});
