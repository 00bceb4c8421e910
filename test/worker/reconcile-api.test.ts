// What people do with reconciliations through /v1: bring a bill of their own, look at differences, say what they are
// about, take them away as a table.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { locatorNameOf } from '../../src/core/channel.ts';
import { recordTold } from '../../src/record.ts';
import { looseFiles, newFile, putPart, putRunAct, runActs } from '../../src/store/reconcile-runs.ts';
import { ADMIN_KEY, call, makeKey, unique } from './api-world.ts';
import { BASE, Visitor } from './console-world.ts';
import { refunded } from './ledger-kit.ts';
import { alarmsOf, CNY, DAY, filesOf, Merchant, refundOf, START, signed, told, trade } from './reconcile-world.ts';

vi.setConfig({ testTimeout: 30_000 });
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const mapping = {
  columns: { orderNo: 'Order', transactionId: 'Payment', amount: 'Amount', at: 'Time', fee: 'Fee' },
  ...{ currency: 'CNY', times: 'iso', offsetMinutes: 480 },
};
const at = new Date(START + 3_600_000).toISOString();
const table = (...orderNos: string[]) =>
  `Order,Payment,Amount,Time,Fee\n${orderNos.map((no) => `${no},42${no},10.00,${at},0.06\n`).join('')}`;

/** Sends a file as it is. */
const bring = (merchant: Merchant, body: string | Uint8Array, query = '', key?: string) =>
  call('POST', `/v1/reconciliations/bills?channel=${merchant.channel}&day=${DAY}${query}`, body, {
    headers: { 'content-type': 'text/csv', ...(key === undefined ? {} : { 'idempotency-key': key }) },
  });

const mappedSettings = { billMapping: mapping, exclusive: true };
const mapped = (more: object = {}) =>
  Merchant.open({ trade: null, fundflow: null }, { settings: { ...mappedSettings, ...more } });

describe('a bill that somebody brings', () => {
  it('is read by the mapping of the channel, compared and repaired by', async () => {
    const merchant = await mapped();
    await merchant.hear(told(trade('A-1')), told(trade('A-3'), { amount: CNY(1_000) }));
    const reply = await bring(merchant, table('A-1', 'A-2'), '&covers=all');
    expect([reply.status, reply.body.begunBy]).toEqual([202, 'upload']);
    const body = await merchant.until('done');
    expect(merchant.asked).toEqual([]);
    expect([...(body.bills ?? [])]).toMatchObject([{ kind: 'trade', source: 'upload', rows: 2, checksum: null }]);
    const kinds = (await merchant.discrepancies()).map(({ kind, orderNo }) => `${kind} ${orderNo}`).sort();
    expect(kinds).toEqual(['missing_here A-2', 'missing_there A-3']);
    expect((await merchant.order('A-2')).body.order).toMatchObject({ state: 'paid' });
  });

  it('says what it has in full, and only of that is told what it lacks', async () => {
    const merchant = await mapped();
    const payment = trade('A-1');
    await merchant.hear(told(payment), told(refundOf('A-1')), told(trade('A-3')));
    const lacks = async (query: string) => {
      await bring(merchant, table('A-1'), query);
      const [bill] = [...((await merchant.until('done')).bills ?? [])];
      const open = await merchant.discrepancies('&status=open');
      const found = open.map(({ kind, about, orderNo }) => `${kind} ${about} ${orderNo}`).sort();
      return [String(bill?.covers), Number(bill?.tally?.unjudged), ...found];
    };
    const [ofPayment, ofRefund] = ['missing_there payment A-3', 'missing_there refund A-1'];
    expect(await lacks('')).toEqual(['part', 2]);
    expect(await lacks('&covers=payments')).toEqual(['payments', 1, ofPayment]);
    expect(await lacks('&covers=all')).toEqual(['all', 0, ofPayment, ofRefund]);
    // What a part says nothing of stays as it is; what it has is no more.
    expect(await lacks('&covers=part')).toEqual(['part', 2, ofPayment, ofRefund]);
    await bring(merchant, table('A-3'), '&covers=part');
    await merchant.until('done');
    expect(await merchant.discrepancies('&status=open')).toMatchObject([{ about: 'refund' }]);
    expect(await lacks('&covers=refunds')).toEqual(['refunds', 1, ofRefund]);
  });

  it('of refunds has no payment in it, and pays no order', async () => {
    const merchant = await mapped();
    await bring(merchant, table('A-9'), '&kind=refund');
    await merchant.until('done');
    expect((await merchant.order('A-9')).status).toBe(404);
    expect(await merchant.discrepancies()).toMatchObject([{ kind: 'missing_here', about: 'refund', status: 'open' }]);
    const kinds = { billMapping: { ...mapping, columns: { ...mapping.columns, kind: 'Fee' } } };
    const worded = { ...kinds.billMapping, kindWords: { '0.06': 'payment' } };
    await call('PATCH', `/v1/channels/${merchant.channel}`, { settings: { billMapping: worded } });
    await bring(merchant, table('A-9'), '&kind=refund');
    expect(String((await merchant.until('refused')).problem)).toContain('kind=trade');
    for (const query of ['&kind=refund&covers=payments', '&kind=fundflow&covers=part']) {
      expect((await bring(merchant, table('A-9'), query)).body).toMatchObject({ errors: [{ field: 'covers' }] });
    }
  });

  it('of a part of the day stands for no bill that is waited for', async () => {
    const merchant = await Merchant.open(filesOf([trade('A-1')]), { settings: mappedSettings });
    merchant.instead = () => signed({ code: 'STATEMENT_CREATING', message: 'later' }, 400);
    await merchant.start();
    await merchant.until('waiting');
    const refused = await bring(merchant, table('A-1'), '&covers=part');
    expect(refused).toMatchObject({ status: 409, body: { code: 'wrong_status' } });
    expect(String(refused.body.detail)).toContain('covers=all');
    expect(await merchant.view()).toMatchObject({ body: { state: 'waiting', runs: 1 } });
    // Nor for one that is here while another is waited for.
    merchant.instead = (path) =>
      path.includes('fund') ? signed({ code: 'STATEMENT_CREATING', message: 'later' }, 400) : null;
    await merchant.start();
    await vi.waitUntil(
      async () => (await merchant.until('waiting')).bills?.map(({ state }) => String(state))[0] === 'here',
    );
    expect((await bring(merchant, table('A-1'), '&covers=part')).status).toBe(409);
    expect((await bring(merchant, table('A-1'), '&covers=all')).status).toBe(202);
    const [bill] = [...((await merchant.view()).body.bills ?? [])];
    expect(bill).toMatchObject({ source: 'upload', covers: 'all' });
  });

  it.each([
    ['packed', gzipSync(table('A-1', 'A-2'))],
    ['larger than any other body may be', table(...Array.from({ length: 4_000 }, (_, n) => `A-${n}`))],
  ])('may be %s', async (_, file) => {
    const merchant = await mapped();
    expect((await bring(merchant, file)).status).toBe(202);
    const [bill] = [...((await merchant.until('done')).bills ?? [])];
    expect([2, 4_000]).toContain(Number(bill?.rows));
    expect(Number(bill?.bytes)).toBeLessThan(100_000);
  });

  it('is read as the provider writes its own where the channel has no mapping', async () => {
    const files = filesOf([trade('A-1')]);
    const merchant = await Merchant.open(files, { settings: { exclusive: true } });
    expect((await bring(merchant, merchant.text('trade'))).status).toBe(202);
    await merchant.until('done');
    expect((await merchant.order('A-1')).body.order).toMatchObject({ state: 'paid' });
    expect((await bring(merchant, merchant.text('fundflow'), '&kind=fundflow')).status).toBe(202);
    const body = await merchant.until('done');
    expect([...(body.settlement ?? [])]).toMatchObject([{ gross: '10.00000', difference: '0.00000' }]);
    expect(body.untied).toBeNull();
  });

  it('leads later notices, which name the payment alone, to its order', async () => {
    const merchant = await Merchant.open({ trade: null, fundflow: null }, { ...razorpay, settings: mappedSettings });
    const record = await merchant.record();
    const now = Date.now();
    const recording = { env, record, deadline: now + 60_000, receivedAt: now, evidence: null };
    const refund = (orderNo: string, refundNo: string) => {
      const { orderNo: _, ...fact } = refunded(orderNo, refundNo, { amount: CNY(400), occurredAt: now });
      const unlinked = [{ ...fact, linkId: `42${orderNo}` }];
      return {
        source: 'callback',
        translation: { events: [], unlinked, noticeType: 'refund', noticeId: null },
      } as const;
    };
    expect(await recordTold(recording, [refund('A-1', 'before')])).toEqual(['parked']);
    await bring(merchant, table('A-1'));
    await merchant.until('done');
    await vi.waitUntil(async () => {
      await runDurableObjectAlarm(env.LOCATOR.getByName(locatorNameOf(record.channel, '42A-1')));
      const { order } = (await merchant.order('A-1')).body;
      return String(order?.state) === 'partially_refunded';
    });
    expect(await recordTold(recording, [refund('A-1', 'after')])).toEqual(['applied']);
  });

  it('that cannot be read is refused in words, and not tried again', async () => {
    const merchant = await mapped();
    await bring(merchant, 'Order,Amount\nA-1,10.00\n');
    const body = await merchant.until('refused');
    expect(String(body.problem)).toContain('Time');
    expect(body.retryAt).toBeNull();
    expect(await alarmsOf(merchant.channel)).toEqual(['bill_refused']);
  });

  it('that is empty, or of a kind that nobody can read, changes nothing', async () => {
    const merchant = await Merchant.open({ trade: null, fundflow: null }, { ...razorpay, settings: mappedSettings });
    await bring(merchant, table('A-1'));
    await merchant.until('done');
    expect((await bring(merchant, new Uint8Array())).body).toMatchObject({ errors: [{ field: 'body' }] });
    const account = await bring(merchant, table('A-1'), '&kind=fundflow');
    expect(account.body).toMatchObject({ errors: [{ field: 'kind' }] });
    expect((await merchant.view()).body).toMatchObject({ state: 'done', runs: 1 });
  });

  it('comes once under one Idempotency-Key', async () => {
    const merchant = await mapped();
    const key = unique('key');
    await bring(merchant, table('A-1'), '', key);
    await merchant.until('done');
    expect((await bring(merchant, table('A-1'), '', key)).body).toMatchObject({ runs: 1, state: 'done' });
    expect((await bring(merchant, table('A-1'), '&kind=refund', key)).body).toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('is never taken for another file of its key, and may come again when the day was busy', async () => {
    const merchant = await mapped();
    const [key, other] = [unique('key'), unique('key')];
    await bring(merchant, table('A-1'), '', key);
    expect(await bring(merchant, table('A-2'), '', other)).toMatchObject({
      status: 409,
      body: { code: 'wrong_status' },
    });
    await merchant.until('done');
    expect((await bring(merchant, table('A-2'), '', key)).body).toMatchObject({ code: 'idempotency_key_reused' });
    expect((await bring(merchant, table('A-2'), '', other)).body).toMatchObject({ runs: 2 });
    await merchant.until('done');
    expect((await merchant.order('A-2')).body.order).toMatchObject({ state: 'paid' });
  });

  it('and broke off with a restart is let go of by the next nudge', async () => {
    const merchant = await mapped();
    await bring(merchant, table('A-1'));
    await merchant.until('done');
    const reconciler = await merchant.reconciler();
    const files = () => runInDurableObject(reconciler, (_, { storage }) => looseFiles(storage.sql).length);
    await runInDurableObject(reconciler, (_, { storage }) => {
      putPart(storage.sql, newFile(storage.sql, Date.now()), 0, new Uint8Array(1_000));
    });
    expect(await files()).toBe(1);
    await call('PATCH', `/v1/channels/${merchant.channel}`, { settings: { fetchBills: false } });
    await reconciler.poke(merchant.channel);
    await vi.waitUntil(async () => (await files()) === 0, { timeout: 5_000 });
  });

  it('needs a channel that says how to read it, and a day', async () => {
    const merchant = await Merchant.open({ trade: null, fundflow: null }, razorpay);
    expect((await bring(merchant, table('A-1'))).body).toMatchObject({ errors: [{ field: 'channel' }] });
    expect((await merchant.start()).body).toMatchObject({ errors: [{ field: 'channel' }] });
    const other = await mapped();
    const wrong = `/v1/reconciliations/bills?channel=${other.channel}&day=2026-02-30`;
    expect((await call('POST', wrong, 'x', { headers: { 'content-type': 'text/csv' } })).status).toBe(422);
  });
});

const razorpay = { provider: 'razorpay', credentials: { webhookSecrets: ['a-webhook-secret-of-razorpay'] } };

describe('a run begun by hand', () => {
  it('is refused for a day that is not over, an unknown channel, and a kind that the provider has not', async () => {
    const merchant = await Merchant.open(filesOf([]));
    const today = new Date(Date.now() + 28_800_000).toISOString().slice(0, 10);
    expect((await merchant.start({ day: today })).body).toMatchObject({ errors: [{ field: 'day' }] });
    expect((await merchant.start({ channel: 'nobody' })).status).toBe(404);
    expect((await merchant.start({ kinds: [] })).status).toBe(422);
    expect((await call('GET', '/v1/reconciliations/nobody~2026-01-01')).status).toBe(404);
    expect((await call('GET', '/v1/reconciliations/x')).status).toBe(404);
    expect((await merchant.view()).status).toBe(404);
  });

  it('and begun twice at once is one, and wants the scope operate', async () => {
    const merchant = await Merchant.open(filesOf([trade('A-1')]));
    const [one, two] = [await merchant.start(), await merchant.start()];
    expect([one.body.runs, two.body.runs]).toEqual([1, 1]);
    const key = await makeKey('read');
    expect((await call('POST', '/v1/reconciliations', {}, { key })).status).toBe(403);
    await merchant.until('done');
    const { body } = await call('GET', '/v1/reconciliations?state=done&limit=1', undefined, { key });
    expect([...(body.items ?? [])]).toMatchObject([{ state: 'done' }]);
  });
});

describe('a discrepancy', () => {
  const opened = async () => {
    const merchant = await Merchant.open(filesOf([trade('=A-1'), trade('A-2')]));
    await merchant.run();
    const items = await merchant.discrepancies('&status=open');
    return { merchant, ids: items.map(({ id }) => String(id)).sort() };
  };
  const path = (id = '') => `/v1/discrepancies/${encodeURIComponent(id)}`;

  it('is called explained with a note, by an owner, and stays so in the next run', async () => {
    const { merchant, ids } = await opened();
    const [id] = ids;
    expect((await call('PATCH', path(id), { status: 'explained' })).body).toMatchObject({
      errors: [{ field: 'note' }],
    });
    expect((await call('PATCH', path(id), {})).status).toBe(422);
    const change = { status: 'explained', note: 'the branch in Wuhan', owner: 'finance' };
    expect((await call('PATCH', path(id), change)).body).toMatchObject(change);
    expect((await call('GET', path(id))).body).toMatchObject(change);
    await merchant.run();
    expect(await merchant.discrepancies('&status=explained&owner=finance')).toMatchObject([{ id, ...change }]);
    const { body } = await call('GET', '/v1/audit?act=discrepancy.change');
    expect([...(body.items ?? [])].find(({ subject }) => String(subject) === `discrepancy/${id}`)).toMatchObject({
      reason: 'the branch in Wuhan',
      actor: 'admin',
    });
    expect((await call('PATCH', path('nobody~2026-01-01~fee~x'), change)).status).toBe(404);
    expect((await call('GET', path('x'))).status).toBe(404);
  });

  it('that many people say something of is all in the audit log, without another nudge', async () => {
    const { merchant, ids } = await opened();
    const subject = `discrepancy/${ids[0]}`;
    const reconciler = await merchant.reconciler();
    await runInDurableObject(reconciler, (_, { storage }) => {
      const act = { kind: 'discrepancy.change', subject, actor: 'admin', address: null, about: 'open', reason: null };
      for (let n = 0; n < 2_150; n++) putRunAct(storage.sql, { ...act, orderNo: '', at: n });
    });
    await call('PATCH', path(ids[0]), { owner: 'finance' });
    const waiting = () => runInDurableObject(reconciler, (_, { storage }) => runActs(storage.sql, 10_000).length);
    await vi.waitUntil(async () => (await waiting()) === 0, { timeout: 10_000, interval: 50 });
    const { results } = await env.DB.prepare('SELECT COUNT(*) AS n FROM audit WHERE subject = ?').bind(subject).all();
    expect(results).toEqual([{ n: 2_151 }]);
  });

  it('that was the last one ends the alarm about them', async () => {
    const { merchant, ids } = await opened();
    expect(await alarmsOf(merchant.channel)).toEqual(['discrepancies_open']);
    for (const id of ids) await call('PATCH', path(id), { status: 'fixed', note: 'seen' });
    await vi.waitUntil(async () => (await alarmsOf(merchant.channel)).length === 0);
  });

  it('is paged, and leaves as a table that no spreadsheet runs', async () => {
    const { merchant } = await opened();
    const first = await call('GET', `/v1/discrepancies?channel=${merchant.channel}&limit=1`);
    const next = await call('GET', `/v1/discrepancies?channel=${merchant.channel}&limit=1&cursor=${first.body.next}`);
    expect([...(next.body.items ?? [])]).toHaveLength(1);
    expect(next.body.next).toBeNull();
    const csv = await call('GET', `/v1/reconciliations/${merchant.channel}~${DAY}/discrepancies.csv`);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    const lines = csv.text.trim().split('\r\n');
    expect(lines).toHaveLength(3);
    expect(csv.text).toContain(`,'=A-1,`);
    const filtered = await call('GET', `/v1/discrepancies.csv?channel=${merchant.channel}&kind=unknown_here`);
    expect(filtered.text.trim().split('\r\n').sort()).toEqual(lines.sort());
  });

  it('leaves as every table does: UTF-8 with its mark, so that a spreadsheet reads Chinese', async () => {
    const { merchant } = await opened();
    const tables = [
      ...[`reconciliations/${merchant.channel}~${DAY}/discrepancies.csv`, 'discrepancies.csv', 'orders?format=csv'],
      ...['callbacks?format=csv', 'deliveries?format=csv', `reports?format=csv&channel=${merchant.channel}`],
    ];
    for (const path of tables) {
      const headers = { authorization: `Bearer ${ADMIN_KEY}` };
      const response = await exports.default.fetch(new Request(`${BASE}/v1/${path}`, { headers }));
      const bytes = new Uint8Array(await response.arrayBuffer());
      expect([path, response.headers.get('content-type')]).toEqual([path, 'text/csv; charset=utf-8']);
      expect([path, ...bytes.slice(0, 4)]).toEqual([path, 0xef, 0xbb, 0xbf, expect.any(Number)]);
      expect(bytes[3]).not.toBe(0xef);
    }
  });

  it('is counted in the metrics while it is open, and found again by a rebuild of D1', async () => {
    const { merchant } = await opened();
    const metric = async () =>
      (await call('GET', '/metrics')).text.includes(
        `tollgate_discrepancies_open{channel="${merchant.channel}",kind="unknown_here"} 2`,
      );
    expect(await metric()).toBe(true);
    await env.DB.exec('DELETE FROM discrepancies');
    await env.DB.exec('DELETE FROM reconciliations');
    expect(await metric()).toBe(false);
    await call('POST', '/v1/projection/rebuild');
    await merchant.until('done');
    expect(await metric()).toBe(true);
  });
});

describe('/console/reconciliations', () => {
  it('shows a day, both sides of what differs, and keeps what people say of it', async () => {
    const merchant = await Merchant.open(filesOf([trade('A-1'), trade('A-9')]));
    await merchant.hear(told(trade('A-1'), { amount: CNY(900) }));
    const visitor = await Visitor.in();
    const fields = { channel: merchant.channel, day: DAY };
    const begun = await visitor.send('/console/new/reconciliation', fields);
    const where = begun.headers.get('location') ?? '';
    expect([begun.status, where]).toEqual([303, `/console/reconciliations/${merchant.channel}~${DAY}`]);
    expect((await visitor.open(where)).text).toContain('data-live="yes"');
    await merchant.until('done');
    const { text } = await visitor.open(where);
    expect(text).not.toContain('data-live="yes"');
    expect(text).toContain(`href="/console/new/bill?channel=${merchant.channel}&amp;day=${DAY}"`);
    for (const shown of ['Another amount', 'Nobody knows this order', 'Settlement', '20.00'])
      expect(text).toContain(shown);
    const list = await visitor.open(`/console/discrepancies?channel=${merchant.channel}&kind=amount`);
    const [, one = ''] = /href="(\/console\/discrepancies\/[^"?]+)"/.exec(list.text) ?? [];
    const page = await visitor.open(one);
    expect([page.text.includes('CN¥9.00'), page.text.includes('CN¥10.00')]).toEqual([true, true]);
    const refused = await visitor.send(one, { status: 'explained', note: '' });
    expect([refused.status, refused.text.includes('must say why it is explained')]).toEqual([422, true]);
    expect(
      (await visitor.send(one, { status: 'explained', note: 'a coupon of ours', owner: 'ledger room' })).status,
    ).toBe(303);
    const after = (await visitor.open(one)).text;
    for (const shown of ['Explained', 'a coupon of ours', 'ledger room']) expect(after).toContain(shown);
    const csv = await visitor.open(`${where}/discrepancies.csv`);
    expect([csv.text.split('\r\n').length, csv.text.includes('a coupon of ours')]).toEqual([4, true]);
    const listed = await visitor.open(`/console/discrepancies.csv?channel=${merchant.channel}`);
    expect(listed.text.split('\r\n')).toHaveLength(4);
    const wrong = await visitor.send('/console/new/reconciliation', { channel: merchant.channel, day: '2026-02-30' });
    expect([wrong.status, wrong.text.includes('aria-invalid="true"')]).toEqual([422, true]);
  });

  it('offers a run that waits to be asked for at once, and a bill to be brought to it', async () => {
    const merchant = await Merchant.open(filesOf([trade('A-1')]), { settings: { exclusive: true } });
    merchant.instead = () => signed({ code: 'STATEMENT_CREATING', message: 'later' }, 400);
    await merchant.start();
    await merchant.until('waiting');
    const visitor = await Visitor.in();
    const where = `/console/reconciliations/${merchant.channel}~${DAY}`;
    const { text } = await visitor.open(where);
    for (const shown of ['Ask for the bills now', 'Bring a bill', 'has not made the bill'])
      expect(text).toContain(shown);
    merchant.instead = null;
    const asked = await visitor.send('/console/new/reconciliation', { channel: merchant.channel, day: DAY });
    expect([asked.status, asked.headers.get('location')]).toEqual([303, where]);
    expect(await merchant.until('done')).toMatchObject({ runs: 1 });
  });

  it('takes a bill as a file, and none from a page that is not ours', async () => {
    const merchant = await mapped();
    const visitor = await Visitor.in();
    const page = await visitor.open('/console/new/bill');
    const [, token = ''] = /name="token" value="([^"]+)"/.exec(page.text) ?? [];
    const send = (origin: string) => {
      const form = new FormData();
      for (const [name, value] of Object.entries({ token, once: unique('once'), channel: merchant.channel, day: DAY }))
        form.set(name, value);
      form.set('kind', 'trade');
      form.set('bill', new File([table('A-1')], 'bill.csv'));
      const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      return exports.default.fetch(
        new Request(`${BASE}/console/new/bill`, {
          method: 'POST',
          body: form,
          headers: { cookie, origin },
          redirect: 'manual',
        }),
      );
    };
    expect((await send('https://elsewhere.example')).status).toBe(403);
    const taken = await send(BASE);
    expect([taken.status, taken.headers.get('location')]).toEqual([
      303,
      `/console/reconciliations/${merchant.channel}~${DAY}`,
    ]);
    expect(Number([...((await merchant.until('done')).bills ?? [])][0]?.rows)).toBe(1);
  });
});
