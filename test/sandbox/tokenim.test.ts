// The pretend Tokenim over real HTTP: callbacks in every form, every way to misbehave, and an API that wants its key
// and its signature. The gateway's own engine judges what it sends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import { type Listening, serve } from '../../src/sandbox/http.ts';
import { startTokenim, TOKENIM_SPOILS, type Tokenim, type TokenimSpoil } from '../../src/sandbox/tokenim.ts';
import { SECRET, scheme } from '../fixtures/tokenim/merchant.ts';

const provider = providerOf('tokenim');
if (provider === null) throw new Error('tokenim is not registered');
const credentials = provider.credentials.parse({ secrets: [SECRET] });

let receiver: Listening;
let api: Listening & { tokenim: Tokenim };
const verdicts: string[] = [];

beforeAll(async () => {
  receiver = await serve(0, async ({ headers, body }) => {
    const now = Date.now();
    const callback = { channelId: 'shop', headers, body, remoteAddress: null, receivedAt: now };
    const notice = await provider.verify(callback, credentials, [], now);
    verdicts.push(notice.ok ? 'accepted' : notice.error.reason);
    return { status: notice.ok ? 200 : 503 };
  });
  api = await startTokenim(0, { scheme: scheme(), apiKey: 'k-123' });
});
afterAll(async () => {
  await receiver.close();
  await api.close();
});

const FORMS = ['json', 'form', 'xml'] as const;
/** What the engine must make of each. */
const WANTED: Readonly<Record<TokenimSpoil, readonly string[]>> = {
  duplicate: ['accepted', 'accepted'],
  stale: ['timestamp_stale'],
  early: ['timestamp_stale'],
  tampered: ['signature_invalid'],
  forged: ['signature_invalid'],
  unsigned: ['header_missing'],
  relabelled: ['malformed'],
};

describe.each(FORMS)('a callback in %s', (form) => {
  it('is accepted when it is genuine, a refund as well', async () => {
    verdicts.length = 0;
    const order = api.tokenim.open(`ok-${form}`, 100);
    order.refunds.set('R1', { amount: 30, state: 'PROCESSING' });
    const sent = await api.tokenim.pay(order.orderId, form, receiver.url);
    await api.tokenim.refunded(order.orderId, 'R1', form, receiver.url);
    expect(verdicts).toEqual(['accepted', 'accepted']);
    expect(sent.map(({ status }) => status)).toEqual([200]);
  });

  it.each(Object.entries(TOKENIM_SPOILS))('that is %s (%s) gets the verdict it deserves', async (name) => {
    const spoil = name as TokenimSpoil; // the keys of that very table
    verdicts.length = 0;
    api.tokenim.open(`${spoil}-${form}`, 4_321);
    await api.tokenim.pay(`${spoil}-${form}`, form, receiver.url, spoil);
    expect(verdicts).toEqual(WANTED[spoil]);
  });
});

describe('the API', () => {
  const post = async (path: string, body: object, authorization = 'Bearer k-123') => {
    const response = await fetch(api.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };

  it('wants its key and its signature', async () => {
    expect(await post('/api/query', { order_id: '1' }, 'Bearer wrong')).toMatchObject([401, { code: 'NO_AUTH' }]);
    expect(await post('/api/query', { order_id: '1', sign: 'x' })).toMatchObject([401, { code: 'BAD_SIGN' }]);
  });

  it('tells an order to whoever has its key', async () => {
    const { orderId } = api.tokenim.open('looked-up', 7);
    const response = await fetch(`${api.url}/api/orders/${orderId}`, { headers: { authorization: 'Bearer k-123' } });
    expect(await response.json()).toMatchObject({ code: 'OK', order_id: orderId, status: 'PENDING', amount: 7 });
  });
});
