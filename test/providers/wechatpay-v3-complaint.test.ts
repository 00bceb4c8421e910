// WeChat Pay v3 complaints: a notice names the complaint alone, so the orders are asked for, and each is flagged.
import { describe, expect, it } from 'vitest';
import { factKey } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, Translation } from '../../src/providers/provider.ts';
import { answered, asked, context, unsigned } from '../fixtures/wechatpay-v3/calls.ts';
import { entered, NOW, noticeOf, signed } from '../fixtures/wechatpay-v3/merchant.ts';

const provider = providerOf('wechatpay-v3');
const query = provider?.query;
if (!provider || !query) throw new Error('wechatpay-v3 lacks its query');

const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });
const ID = '200201820200101080076610000';
const target = { reference: `complaint/${ID}` };

/** As the documents show it; the telephone number is sealed there. */
const complaint = {
  complaint_id: ID,
  complaint_time: '2026-01-01T10:34:35.120+08:00',
  complaint_detail: '反馈一个重复扣费的问题',
  complaint_state: 'PENDING',
  complainted_mchid: '1900000109',
  payer_phone: 'sGdNeTHMQGlxCWiUyHu6XNO9GCYln2Luv4HhwJzZBfcL12sB',
  payer_openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
  complaint_order_info: [
    { transaction_id: '4200000404201909069117582536', out_trade_no: 'TG20260101-0001', amount: 3 },
  ],
  user_complaint_times: 1,
};

async function told(type: string, content: unknown, changes: object = {}): Promise<Translation> {
  const credentials = credentialsOf(changes);
  const notice = await provider?.verify(signed(noticeOf(type, content)), credentials, [], NOW);
  if (!notice?.ok) throw new Error(notice?.error.detail);
  const translated = provider?.translate(notice.value, credentials);
  if (!translated?.ok) throw new Error(translated?.error.detail);
  return translated.value;
}

const read = (answer: ProviderAnswer, changes: object = {}) =>
  query.read(answer, target, credentialsOf(changes), [], NOW);

async function flagsOf(content: object, changes: object = {}) {
  const answer = await read(answered(content), changes);
  if (!answer.ok) throw new Error(answer.error.detail);
  expect(answer.value.events).toEqual([]);
  return answer.value.flags ?? [];
}

describe('a notice of a complaint', () => {
  it.each([
    ['COMPLAINT.CREATE', 'CREATE_COMPLAINT'],
    ['COMPLAINT.STATE_CHANGE', 'MERCHANT_CONFIRM_COMPLETE'],
  ])('%s says which complaint to ask about, and changes nothing by itself', async (type, action_type) => {
    const { events, flags, hints, unconfirmed } = await told(type, { complaint_id: ID, action_type });
    expect({ events, flags, hints, unconfirmed }).toEqual({ events: [], hints: [target] });
  });

  it('is told to a person where nobody can be asked', async () => {
    const bare = { merchantSerial: undefined, merchantPrivateKey: undefined };
    const keyless = await told('COMPLAINT.CREATE', { complaint_id: ID }, bare);
    expect([keyless.hints, keyless.unconfirmed]).toEqual([undefined, expect.stringMatching(/merchantPrivateKey/)]);
    for (const content of [{}, { complaint_id: '../refund' }, { complaint_id: 7 }]) {
      const unnamed = await told('COMPLAINT.CREATE', content);
      expect([unnamed.hints, unnamed.unconfirmed]).toEqual([undefined, expect.stringMatching(/merchant portal/)]);
    }
  });

  it('is asked about with a signed request', async () => {
    const request = await query.request(target, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    const path = `/v3/merchant-service/complaints-v2/${ID}`;
    expect(asked(request.value)).toMatchObject({ method: 'GET', path, body: null });
    const odd = await query.request({ reference: 'complaint/../../pay?x' }, credentialsOf(), context);
    expect(odd.ok && odd.value.url).toMatch(/complaints-v2\/\.\.%2F\.\.%2Fpay%3Fx$/);
  });
});

describe('what WeChat Pay says of a complaint', () => {
  it('flags the order for review, and tells nothing that the payer said', async () => {
    const flags = await flagsOf(complaint);
    expect(flags).toEqual([
      {
        kind: 'flag',
        flag: 'risk_review',
        about: ID,
        orderNo: 'TG20260101-0001',
        occurredAt: Date.parse(complaint.complaint_time),
        providerState: 'PENDING',
        test: false,
      },
    ]);
  });

  it('flags every order that it is about, each once', async () => {
    const orders = ['A-00001', 'A-00002', 'A-00001'].map((out_trade_no) => ({ out_trade_no, amount: 3 }));
    const flags = await flagsOf({ ...complaint, complaint_order_info: orders });
    expect(flags.map(({ orderNo }) => orderNo)).toEqual(['A-00001', 'A-00002']);
  });

  it('is the same fact whatever has become of it since', async () => {
    const [first] = await flagsOf(complaint);
    const [later] = await flagsOf({ ...complaint, complaint_state: 'PROCESSED' });
    if (!first || !later) throw new Error('both flag the order');
    expect(factKey(later)).toBe(factKey(first));
  });

  it('flags nothing where no order is named, or another merchant is meant', async () => {
    expect(await flagsOf({ ...complaint, complaint_order_info: undefined })).toEqual([]);
    expect(await flagsOf({ ...complaint, complainted_mchid: '1999999999' })).toEqual([]);
    const partner = { spMchId: '1230000109', subMchIds: ['1900000777'] };
    const ofSub = { ...complaint, complainted_mchid: '1900000777' };
    expect(await flagsOf(ofSub, { partner })).toHaveLength(1);
    expect(await flagsOf({ ...complaint, complainted_mchid: '1900000778' }, { partner })).toEqual([]);
  });

  it('is not believed unsigned, unreadable or about another complaint', async () => {
    expect(await read(unsigned(answered(complaint)))).toMatchObject({ error: { code: 'unverified' } });
    expect(await read(answered({ ...complaint, complaint_id: '7' }))).toMatchObject({ error: { code: 'malformed' } });
    expect(await read(answered({ ...complaint, complaint_time: 'x' }))).toMatchObject({ error: { code: 'malformed' } });
  });
});
