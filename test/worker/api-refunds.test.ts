// Refunds through /v1: one refund at the provider for each refund number, never more than was paid, and an answer that
// says what is known, whatever became of the question.
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxOrder } from '../../src/sandbox/orders.ts';
import { HMAC_KEY } from '../fixtures/adyen/objects.ts';
import { makeKey, type ProviderCall } from './api-world.ts';
import { fact, paid } from './ledger-kit.ts';
import { down, forged, hanging, later, MINUTE_MS, Shop, shortenProviderWaits, startClock } from './order-world.ts';

let shop: Shop;

beforeEach(async () => {
  startClock();
  shop = await Shop.open();
});
afterEach(() => vi.restoreAllMocks());

const cny = (minor: number) => ({ minor, currency: 'CNY' });
const refundOf = (minor = 300, more: object = {}) => ({ refundNo: 'R1', amount: cny(minor), reason: '退茶', ...more });
const refundsAt = (orderNo: string): SandboxOrder['refunds'] => shop.book.get(orderNo)?.refunds ?? [];
const isSend = ({ url, init }: ProviderCall) => init.method === 'POST' && url.endsWith('/refund/domestic/refunds');
const sends = () => shop.calls.filter(isSend).map(({ init }) => String(init.body));
const ASK = 'GET domestic/refunds/R1';
const SEND = 'POST domestic/refunds';

const listed = async (orderNo: string) => {
  const { body } = await shop.read(orderNo, '/refunds');
  return {
    refundable: body.refundable,
    items: [...(body.items ?? [])].map(({ refundNo, state }) => `${refundNo} ${state}`),
  };
};

/** The provider's money is not enough. */
const notEnough = () => new Response('{"code":"NOT_ENOUGH","message":"基本账户余额不足"}', { status: 403 });

describe('a refund', () => {
  it('is asked for with what was paid, and is pending until the provider says more', async () => {
    const orderNo = await shop.sellPaid();
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      refund: { refundNo: 'R1', amount: cny(300), state: 'pending', reason: '退茶' },
      order: { state: 'paid', refunds: [{ refundNo: 'R1', state: 'pending' }] },
      detail: null,
    });
    expect(JSON.parse(sends()[0] ?? '')).toMatchObject({
      transaction_id: shop.book.get(orderNo)?.transactionId,
      out_refund_no: 'R1',
      reason: '退茶',
      notify_url: `http://127.0.0.1:8787/callbacks/${shop.channel}`,
      amount: { refund: 300, total: 1_000, currency: 'CNY' },
    });
    expect(await listed(orderNo)).toEqual({ refundable: cny(700), items: ['R1 pending'] });
  });

  it('is one refund, however often and however fast it is asked for', async () => {
    const orderNo = await shop.sellPaid();
    const replies = await Promise.all([1, 2, 3].map(() => shop.post(orderNo, 'refunds', refundOf())));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(refundsAt(orderNo)).toHaveLength(1);
    shop.calls.length = 0;
    const again = await shop.post(orderNo, 'refunds', refundOf());
    expect([again.status, again.body.refund?.state]).toEqual([200, 'pending']);
    expect(shop.calls).toEqual([]);
    expect(await listed(orderNo)).toEqual({ refundable: cny(700), items: ['R1 pending'] });
  });

  it.each<[object, string]>([
    [{ amount: cny(301) }, 'amount'],
    [{ transactionId: 'another' }, 'transactionId'],
  ])('under a number that stands for another is refused, naming the field: %j', async (change, field) => {
    shortenProviderWaits();
    const orderNo = await shop.sellPaid();
    shop.play(hanging);
    expect((await shop.post(orderNo, 'refunds', refundOf())).status).toBe(202);
    const reply = await shop.post(orderNo, 'refunds', { ...refundOf(), ...change });
    expect([reply.status, reply.body.code]).toEqual([409, 'refund_conflict']);
    expect(reply.body.errors?.map((one) => one.field)).toEqual([field]);
  });

  it('of more than is left is refused, and says what is left; of an unpaid or unknown order too', async () => {
    const orderNo = await shop.sellPaid();
    await shop.post(orderNo, 'refunds', refundOf(800));
    shop.calls.length = 0;
    const reply = await shop.post(orderNo, 'refunds', refundOf(201, { refundNo: 'R2' }));
    expect([reply.status, reply.body.code]).toEqual([409, 'refund_exceeds_payment']);
    expect(reply.body.detail).toContain('200 CNY');
    const unpaid = await shop.post(await shop.sell(), 'refunds', refundOf());
    expect([unpaid.status, unpaid.body.code]).toEqual([409, 'wrong_status']);
    expect((await shop.post('NOBODYKNOWS', 'refunds', refundOf())).status).toBe(404);
    expect(sends()).toEqual([]);
  });

  it('of an order with several payments that names none says so, where the provider cannot tell either', async () => {
    const orderNo = await shop.sellPaid();
    const record = await env.REGISTRY.getByName('registry').readChannel(shop.channel);
    if (!record) throw new Error('the channel is gone');
    const second = fact(paid(orderNo, { amount: cny(1_000) }));
    await (await shop.ledger(orderNo)).record({ v: 1, facts: [second], dispatch: record.dispatch });
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect([reply.status, reply.body.code]).toEqual([422, 'provider_refused']);
    expect(reply.body.detail).toContain('transactionId');
    const transactionId = shop.book.get(orderNo)?.transactionId;
    expect((await shop.post(orderNo, 'refunds', refundOf(300, { transactionId }))).status).toBe(201);
  });

  it('beside another at the same instant never exceeds what was paid', async () => {
    const orderNo = await shop.sellPaid();
    const replies = await Promise.all(
      ['R1', 'R2', 'R3'].map((refundNo) => shop.post(orderNo, 'refunds', refundOf(400, { refundNo }))),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 201, 409]);
    expect(refundsAt(orderNo)).toHaveLength(2);
    expect((await listed(orderNo)).refundable).toEqual(cny(200));
  });

  it('needs a provider that takes it and a key that may operate', async () => {
    const credentials = { hmacKeys: [HMAC_KEY], merchantAccounts: ['TollgateTestECOM'] };
    const mute = await Shop.open({ provider: 'adyen', credentials });
    const refused = await mute.post(await mute.sell({ pay: false }), 'refunds', refundOf());
    expect([refused.status, refused.body.code]).toEqual([422, 'refund_not_supported']);
    const key = await makeKey('orders', 'read');
    expect((await shop.post('ANY', 'refunds', refundOf(), key)).status).toBe(403);
  });

  it.each<[object, string]>([
    [{ refundNo: '' }, 'refundNo'],
    [{ amount: cny(0) }, 'amount.minor'],
    [{ reason: ' ' }, 'reason'],
    [{ amonut: 1 }, 'amonut'],
  ])('with a field to mend is refused, naming it: %j', async (change, field) => {
    const reply = await shop.post('ANY', 'refunds', { ...refundOf(), ...change });
    expect(reply.status).toBe(422);
    expect(reply.body.errors?.map((one) => one.field)).toEqual([field]);
  });
});

describe('a refund that nobody answers', () => {
  beforeEach(() => shortenProviderWaits());

  it('and that was taken is found, and not sent again', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(async (asked, genuine) => {
      const answer = await genuine();
      return isSend(asked) ? hanging(asked) : answer;
    });
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect([reply.status, reply.body.refund?.state]).toEqual([201, 'pending']);
    expect(shop.asked()).toEqual([SEND, ASK]);
    expect(refundsAt(orderNo)).toHaveLength(1);
  });

  it('and that was not taken is sent once more under the same number', async () => {
    const orderNo = await shop.sellPaid();
    let sent = 0;
    shop.play((asked, genuine) => (isSend(asked) && sent++ === 0 ? hanging(asked) : genuine()));
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect([reply.status, reply.body.refund?.state]).toEqual([201, 'pending']);
    expect(shop.asked()).toEqual([SEND, ASK, SEND]);
    expect(new Set(sends()).size).toBe(1);
    expect(refundsAt(orderNo)).toHaveLength(1);
  });

  it('stays set aside while the provider is away, and the same request takes it up again', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(down);
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({ refund: { refundNo: 'R1', state: 'requested', providerRefundId: null } });
    expect(reply.body.detail).toContain('500');
    expect(await listed(orderNo)).toEqual({ refundable: cny(700), items: ['R1 requested'] });
    shop.play();
    const again = await shop.post(orderNo, 'refunds', refundOf());
    expect([again.status, again.body.refund?.state]).toEqual([200, 'pending']);
    expect(shop.asked()).toEqual([ASK, SEND]);
  });

  it('but with a probe’s signature is not believed, and asked about', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(async (asked, genuine) => (isSend(asked) ? forged(await genuine()) : genuine()));
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect([reply.status, reply.body.refund?.state]).toEqual([201, 'pending']);
    expect(shop.asked()).toEqual([SEND, SEND, SEND, ASK]);
    expect(refundsAt(orderNo)).toHaveLength(1);
  });
});

describe('a refund that is refused for good', () => {
  it('is free again, and its number may be used again', async () => {
    const orderNo = await shop.sellPaid();
    shop.play((asked, genuine) => (isSend(asked) ? notEnough() : genuine()));
    const reply = await shop.post(orderNo, 'refunds', refundOf(1_000));
    expect([reply.status, reply.body.code]).toEqual([409, 'insufficient_balance']);
    expect(await listed(orderNo)).toEqual({ refundable: cny(1_000), items: [] });
    const acts = [...((await shop.read(orderNo)).body.timeline ?? [])].map(({ act }) => act && String(act));
    expect(acts.filter(Boolean)).toEqual(['queried', 'refund_requested', 'refund_refused']);
    shop.play();
    expect((await shop.post(orderNo, 'refunds', refundOf(1_000))).status).toBe(201);
    expect(refundsAt(orderNo)).toHaveLength(1);
  });

  it('is not, when another request for the same refund was taken meanwhile', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(async (asked, genuine) => {
      const answer = await genuine();
      return isSend(asked) ? notEnough() : answer;
    });
    const reply = await shop.post(orderNo, 'refunds', refundOf());
    expect([reply.status, reply.body.refund?.state]).toEqual([201, 'pending']);
    expect(await listed(orderNo)).toEqual({ refundable: cny(700), items: ['R1 pending'] });
  });

  it('stays set aside while nobody can say that it was not taken', async () => {
    const orderNo = await shop.sellPaid();
    shop.play((asked) => (isSend(asked) ? notEnough() : down()));
    expect((await shop.post(orderNo, 'refunds', refundOf())).status).toBe(202);
    expect((await listed(orderNo)).items).toEqual(['R1 requested']);
  });
});

describe('giving up a refund that is set aside', () => {
  const GIVE_UP = 'refunds/R1/abandon';
  const why = { reason: 'the customer took another cup' };

  /** An order whose refund nobody answered; the provider answers again. */
  async function withOpenRefund(): Promise<string> {
    const orderNo = await shop.sellPaid();
    shop.play(down);
    expect((await shop.post(orderNo, 'refunds', refundOf(1_000))).status).toBe(202);
    shop.play();
    later(3 * MINUTE_MS);
    return orderNo;
  }
  /** What was done about refunds: by asking, the shop learnt of the payment before. */
  const actsOf = async (orderNo: string) =>
    [...((await shop.read(orderNo)).body.timeline ?? [])].filter(({ act }) => String(act ?? '').startsWith('refund_'));

  it('frees its amount once the provider says it knows none, and says who gave it up', async () => {
    const orderNo = await withOpenRefund();
    const reply = await shop.post(orderNo, GIVE_UP, why, await makeKey('operate'));
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ refundable: cny(1_000), order: { orderNo, state: 'paid' } });
    expect(shop.asked()).toEqual([ASK]);
    expect(await listed(orderNo)).toEqual({ refundable: cny(1_000), items: [] });
    const [, act] = await actsOf(orderNo);
    expect(act).toMatchObject({ act: 'refund_abandoned', about: 'R1', ...why });
    expect(String(act?.actor)).toMatch(/^key_/);
    expect((await shop.post(orderNo, 'refunds', refundOf(1_000, { refundNo: 'R2' }))).status).toBe(201);
    expect((await shop.post(orderNo, GIVE_UP, why)).status).toBe(404);
  });

  it('is refused where the provider knows it, which is recorded and named', async () => {
    shortenProviderWaits();
    const orderNo = await shop.sellPaid();
    shop.play(async (asked, genuine) => {
      if (isSend(asked)) await genuine();
      return down();
    });
    expect((await shop.post(orderNo, 'refunds', refundOf())).status).toBe(202);
    shop.play();
    later(3 * MINUTE_MS);
    const reply = await shop.post(orderNo, GIVE_UP, why);
    expect([reply.status, reply.body.code]).toEqual([409, 'wrong_status']);
    expect(reply.body.detail).toContain('pending');
    expect(await listed(orderNo)).toEqual({ refundable: cny(700), items: ['R1 pending'] });
    shop.calls.length = 0;
    expect((await shop.post(orderNo, GIVE_UP, why)).status).toBe(409);
    expect(shop.asked()).toEqual([]);
  });

  it.each<[string, () => Response | Promise<never>, number]>([
    ['is away', down, 502],
    ['refuses the question', () => new Response('{"code":"NO_AUTH"}', { status: 403 }), 422],
  ])('frees nothing while the provider %s', async (_what, answer, status) => {
    const orderNo = await withOpenRefund();
    shop.play(answer);
    expect((await shop.post(orderNo, GIVE_UP, why)).status).toBe(status);
    expect(await listed(orderNo)).toEqual({ refundable: cny(0), items: ['R1 requested'] });
    expect((await actsOf(orderNo)).map(({ act }) => String(act))).toEqual(['refund_requested']);
  });

  it('waits until a request that is on its way must have arrived', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(down);
    await shop.post(orderNo, 'refunds', refundOf());
    shop.calls.length = 0;
    const reply = await shop.post(orderNo, GIVE_UP, why);
    expect([reply.status, reply.body.code]).toEqual([409, 'wrong_status']);
    expect(shop.asked()).toEqual([]);
    expect((await listed(orderNo)).items).toEqual(['R1 requested']);
  });

  it('needs a reason, a key that may operate, and a refund', async () => {
    const orderNo = await withOpenRefund();
    expect((await shop.post(orderNo, GIVE_UP, {})).status).toBe(422);
    expect((await shop.post(orderNo, GIVE_UP, why, await makeKey('orders', 'read'))).status).toBe(403);
    expect((await shop.post(orderNo, 'refunds/R9/abandon', why)).status).toBe(404);
    expect((await shop.post('NOBODYKNOWS', GIVE_UP, why)).status).toBe(404);
    expect((await listed(orderNo)).items).toEqual(['R1 requested']);
  });
});
