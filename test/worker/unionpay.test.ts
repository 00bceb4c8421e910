// UnionPay in workerd, through the Worker's own door: the certificate in a notice, its chain and its signature are
// proved by the runtime that serves them, and what was paid is in the ledger.
import { describe, expect, it, vi } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import fixture from '../fixtures/unionpay/signed.json';
import { call, makeChannel } from './api-world.ts';

const { entered, callbacks, answer } = fixture;
const ORDER_NO = '20260101103012';

const channelOf = (credentials: object = entered.today) => makeChannel({ provider: 'unionpay', credentials });

async function send(channel: string, body: string): Promise<readonly [number, string]> {
  const { headers } = callbacks.today;
  const { status, text } = await call('POST', `/callbacks/${channel}`, body, { key: null, headers });
  return [status, text];
}

const orderOf = (channel: string) => call('GET', `/v1/orders/${channel}/${ORDER_NO}`);

describe('a notice', () => {
  it.each(['today', 'older'] as const)(
    'of the chain of %s, signed with SHA-256 or SHA-1, pays its order',
    async (name) => {
      const channel = await channelOf(entered[name]);
      expect(await send(channel, callbacks[name].body)).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'paid',
        paid: { minor: 2599, currency: 'CNY' },
        payments: [{ transactionId: '662601011030121234568' }],
        flags: [],
      });
    },
  );

  it('that comes again is acknowledged and counted once', async () => {
    const channel = await channelOf();
    for (let n = 0; n < 3; n++) expect(await send(channel, callbacks.today.body)).toEqual([200, '']);
    expect([...((await orderOf(channel)).body.order?.payments ?? [])]).toHaveLength(1);
  });

  it('of a refund finds its order by the payment, also when it comes first (pitfall 9)', async () => {
    const channel = await channelOf();
    expect(await send(channel, callbacks.refund.body)).toEqual([200, '']);
    expect((await orderOf(channel)).status).toBe(404);
    expect(await send(channel, callbacks.today.body)).toEqual([200, '']);
    await vi.waitFor(async () => {
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'partially_refunded',
        refunded: { minor: 1000, currency: 'CNY' },
      });
    });
  });
});

describe('a forged notice', () => {
  const { body } = callbacks.today;
  const forged: Readonly<Record<string, string>> = {
    'with another amount': body.replace('txnAmt=2599', 'txnAmt=1'),
    'with another order': body.replace(`orderId=${ORDER_NO}`, 'orderId=20260101103099'),
    'with a signature that is none': body.replace(/signature=[^&]*/, 'signature=AAAA'),
    'without a signature': body.replace(/&?signature=[^&]*/, ''),
    'with another certificate of the chain': body.replace(
      /signPubKeyCert=[^&]*/,
      certificateOf(callbacks.customer.body),
    ),
    'with a certificate that its sender made': callbacks.selfMade.body,
    'of another customer of the authority': callbacks.customer.body,
    'of another chain': callbacks.older.body,
  };

  it.each(Object.entries(forged))('%s is refused and changes nothing', async (_what, text) => {
    expect(text).not.toBe(body);
    const channel = await channelOf();
    const [status, said] = await send(channel, text);
    expect([401, 503]).toContain(status);
    expect(said).toBe('');
    expect((await orderOf(channel)).status).toBe(404);
    expect(await send(channel, body)).toEqual([200, '']);
    expect((await orderOf(channel)).body.order).toMatchObject({ state: 'paid', paid: { minor: 2599 } });
  });
});

function certificateOf(form: string): string {
  return /signPubKeyCert=[^&]*/.exec(form)?.[0] ?? '';
}

it('reads certificates when a channel is made, and an answer of the gateway', async () => {
  const provider = providerOf('unionpay');
  for (const credentials of Object.values(entered)) {
    const parsed = provider?.credentials.parse(credentials);
    expect(await provider?.inspectCredentials?.(parsed)).toEqual({ ok: true, value: null });
  }
  const parsed = provider?.credentials.parse(entered.today);
  const target = { orderNo: '20260101103013', metadata: { txnTime: ORDER_NO } };
  const read = async (text: string) => {
    const body = new TextEncoder().encode(text);
    return provider?.query?.read({ status: 200, headers: {}, body }, target, parsed, [], Date.now());
  };
  expect(await read(answer)).toMatchObject({ ok: true, value: { events: [{ status: 'succeeded' }] } });
  const forged = answer.replace('txnAmt=2599', 'txnAmt=9999');
  expect(await read(forged)).toMatchObject({ ok: false, error: { code: 'unverified' } });
});
