// A payer's complaint from notice to flag: the notice names nothing but the complaint, and its order is asked for.
import { exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { newComplaint } from '../../src/sandbox/complaints.ts';
import { bodyOf, type NoticeContent, postOf, signingKeyOf } from '../../src/sandbox/notice.ts';
import { newTransactionId, OrderBook } from '../../src/sandbox/orders.ts';
import { call, credentials, identity, makeChannel, playProvider, unique } from './api-world.ts';

const DOWN = () => new Response('{"code":"SYSTEM_ERROR","message":"later"}', { status: 500 });

/** An order that was registered, paid and complained about; WeChat Pay knows all of it. */
async function complainedAbout(more: object = {}) {
  const channel = await makeChannel(more);
  const [orderNo, book] = [unique('ORDER'), new OrderBook(null)];
  playProvider(undefined, 'public-key', book);
  const input = { channel, orderNo, amount: { minor: 500, currency: 'CNY' }, pay: true };
  const registered = await call('POST', '/v1/orders', input);
  if (registered.status !== 201) throw new Error(registered.text);
  const order = book.get(orderNo);
  if (!order) throw new Error('the provider was not asked');
  const complaint = newComplaint(Date.now());
  const paid = { state: 'SUCCESS' as const, transactionId: newTransactionId(), paidAt: Date.now() };
  book.put({ ...order, ...paid, complaints: [complaint] });
  return { channel, orderNo, book, complaint };
}

const noticeOf = (id: string, eventType = 'COMPLAINT.CREATE'): NoticeContent => ({
  eventType,
  originalType: 'complaint',
  summary: '产生新投诉',
  resource: { complaint_id: id, action_type: 'CREATE_COMPLAINT' },
});

async function notify(channel: string, content: NoticeContent): Promise<number> {
  const now = Date.now();
  const body = bodyOf(crypto.randomUUID(), content, identity, now);
  const post = postOf({ body, content }, null, identity, signingKeyOf(identity, 'public-key'), now);
  const url = `http://127.0.0.1:8787/callbacks/${channel}`;
  return (await exports.default.fetch(new Request(url, { method: 'POST', ...post }))).status;
}

it('flags the order for review, once however often it is told, and whatever becomes of it', async () => {
  const { channel, orderNo, complaint } = await complainedAbout();
  expect(await notify(channel, noticeOf(complaint.id))).toBe(204);
  expect(await notify(channel, noticeOf(complaint.id))).toBe(204);
  expect(await notify(channel, noticeOf(complaint.id, 'COMPLAINT.STATE_CHANGE'))).toBe(204);
  const { body } = await call('GET', `/v1/orders/${channel}/${orderNo}`);
  expect(body.order?.flags).toEqual(['risk_review']);
  expect(body.order?.sequence ?? body.sequence).toBe(1);
});

it('is told again where WeChat Pay cannot be asked, and is not lost', async () => {
  const { channel, orderNo, book, complaint } = await complainedAbout();
  playProvider(DOWN, 'public-key', book);
  expect(await notify(channel, noticeOf(complaint.id))).toBe(503);
  playProvider(undefined, 'public-key', book);
  expect(await notify(channel, noticeOf(complaint.id))).toBe(204);
  const { body } = await call('GET', `/v1/orders/${channel}/${orderNo}`);
  expect(body.order?.flags).toEqual(['risk_review']);
});

it('that WeChat Pay knows nothing of is kept, and touches no order', async () => {
  const { channel, orderNo } = await complainedAbout();
  expect(await notify(channel, noticeOf('200201820200101080076610000'))).toBe(204);
  const { body } = await call('GET', `/v1/orders/${channel}/${orderNo}`);
  expect(body.order?.flags).toEqual([]);
});

it('is a person’s business where the channel cannot ask', async () => {
  const { merchantSerial: _, merchantPrivateKey: __, ...keyless } = credentials;
  const channel = await makeChannel({ credentials: keyless });
  expect(await notify(channel, noticeOf('200201820200101080076610000'))).toBe(204);
  const alarms = await call('GET', '/v1/alarms?limit=200');
  const [alarm] = alarms.body.items?.filter((one) => String(one.subject) === `channel/${channel}`) ?? [];
  expect(alarm).toMatchObject({ code: 'unconfirmed_notice', detail: expect.stringContaining('merchantPrivateKey') });
});
