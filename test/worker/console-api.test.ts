// What /v1 gained for the console: whose key this is, orders by how their number begins, the code that can be paid now.

import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { call, makeChannel, makeKey, unique } from './api-world.ts';
import { Visitor } from './console-world.ts';
import { Shop } from './order-world.ts';

describe('whose key', () => {
  it('is told to every key, with its scopes', async () => {
    expect((await call('GET', '/v1/me')).body).toEqual({ id: 'admin', scopes: ['admin'] });
    const { body } = await call('GET', '/v1/me', undefined, { key: await makeKey('metrics') });
    expect(body).toEqual({ id: expect.stringMatching(/^key_/), scopes: ['metrics'] });
  });
});

describe('orders by number', () => {
  const numbersOf = async (query: string) => {
    const { body } = await call('GET', `/v1/orders?${query}`);
    return { numbers: body.items?.map(({ orderNo }) => String(orderNo)), next: body.next };
  };

  it('are those that begin so, in their order, page by page, of one channel', async () => {
    const channel = await makeChannel();
    const put = (of: string, orderNo: string, state: string) =>
      env.DB.prepare(`INSERT INTO orders VALUES (?, ?, 1, ?, '[]', 1, 'CNY', NULL, NULL, 1, 1, 0, ?, 1, NULL)`).bind(
        of,
        orderNo,
        state,
        Math.floor(Math.random() * 1e6),
      );
    const all = ['A-1', 'A-10', 'A-2', 'A%', 'A_', 'B-1'];
    await env.DB.batch([
      ...all.map((orderNo) => put(channel, orderNo, orderNo === 'A-2' ? 'paid' : 'pending')),
      put(unique('other'), 'A-1', 'pending'),
    ]);
    const begin = `channel=${channel}&orderNo=A-`;
    expect((await numbersOf(begin)).numbers).toEqual(['A-1', 'A-10', 'A-2']);
    expect((await numbersOf(`channel=${channel}&orderNo=A-10`)).numbers).toEqual(['A-10']);
    expect((await numbersOf(`channel=${channel}&orderNo=A%25`)).numbers).toEqual(['A%']);
    expect((await numbersOf(`${begin}&state=paid`)).numbers).toEqual(['A-2']);
    const first = await numbersOf(`${begin}&limit=2`);
    expect(first.numbers).toEqual(['A-1', 'A-10']);
    expect(await numbersOf(`${begin}&limit=2&cursor=${first.next}`)).toEqual({ numbers: ['A-2'], next: null });
  });

  it('are of all channels where none is named', async () => {
    const [one, other] = [await makeChannel(), await makeChannel()];
    const begin = unique('EVERY');
    for (const [channel, n] of [
      [other, 1],
      [one, 2],
      [one, 1],
    ] as const) {
      await env.DB.prepare(`INSERT INTO orders VALUES (?, ?, 1, 'paid', '[]', 1, 'CNY', 1, 0, 1, 1, 0, 1, 1, NULL)`)
        .bind(channel, `${begin}-${n}`)
        .run();
    }
    const seen = await numbersOf(`orderNo=${begin}&limit=2`);
    expect(seen.numbers).toEqual([`${begin}-1`, `${begin}-1`]);
    expect((await numbersOf(`orderNo=${begin}&limit=2&cursor=${seen.next}`)).numbers).toEqual([`${begin}-2`]);
  });
});

describe('the code of an order', () => {
  it('is shown while it can be paid, and asked for by nobody', async () => {
    const shop = await Shop.open();
    const orderNo = await shop.sell({ closeOnExpiry: false });
    shop.calls.length = 0;
    const { payment } = (await shop.read(orderNo)).body;
    expect(String(payment?.codeUrl)).toMatch(/^weixin:/);
    expect(String(payment?.payUrl)).toContain('/pay/');
    expect(shop.asked()).toEqual([]);
    shop.payUnnoticed(orderNo);
    await shop.post(orderNo, 'query');
    expect((await shop.read(orderNo)).body.payment).toBeNull();
  });
});

describe('the page of an order', () => {
  it('shows callbacks that named it and changed nothing among its facts, each with its reason', async () => {
    const shop = await Shop.open();
    const orderNo = await shop.sell();
    const put = (id: string, verdict: string, reason: string | null, at: number) =>
      env.DB.prepare(`INSERT INTO callbacks (at, id, channel, verdict, reason, order_no) VALUES (?, ?, ?, ?, ?, ?)`)
        .bind(at, id, shop.channel, verdict, reason, orderNo)
        .run();
    await put(unique('c'), 'rejected', 'signature_invalid', Date.now() - 60_000);
    await put(unique('c'), 'duplicate', null, Date.now() + 60_000);
    await put(unique('c'), 'accepted', 'source_not_allowed', Date.now());
    const { text } = await (await Visitor.in()).open(`/console/orders/${shop.channel}/${orderNo}`);
    const [, timeline = ''] = text.split('class="timeline"');
    const titles = [...timeline.matchAll(/<strong>([^<]*)<\/strong>/g)].map(([, title]) => title);
    expect([titles[0], titles.at(-1)]).toEqual(['Callback: Refused', 'Callback: Duplicate']);
    expect(titles.filter((title) => title?.startsWith('Callback'))).toHaveLength(2);
    expect(timeline).toContain('Signature does not hold');
  });
});
