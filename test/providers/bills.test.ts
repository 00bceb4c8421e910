// Daily bills of each provider that has them: what is asked, what an answer means, how a row reads in our words.
import { describe, expect, it } from 'vitest';
import { dayEnd, dayStart } from '../../src/core/bill.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer } from '../../src/providers/provider.ts';
import {
  alipay as alipayMade,
  bytesOf,
  flowLayoutOf,
  readAll,
  tradesLayout,
  wechat as wechatMade,
} from '../core/bill-kit.ts';
import {
  answered as alipayAnswered,
  unsigned as alipayUnsigned,
  contentOf,
  failed,
  plain,
} from '../fixtures/alipay/gateway.ts';
import { NOW as ALIPAY_NOW, entered as alipayEntered } from '../fixtures/alipay/merchant.ts';
import { tradeLines as alipayLines, flowTable, gbk, tradeTable } from '../fixtures/bills/alipay.ts';
import { DAY, DAY_START, type Trade, tradesOf } from '../fixtures/bills/trades.ts';
import {
  ALL_COLUMNS,
  APP_ID,
  flowBill,
  line,
  MCH_ID,
  tradeBill,
  tradeCells,
  tradeLines,
} from '../fixtures/bills/wechat.ts';
import { asked as v2Asked, context as v2Context } from '../fixtures/wechatpay-v2/calls.ts';
import { entered as v2Entered, xmlOf } from '../fixtures/wechatpay-v2/merchant.ts';
import { answered, asked, context, probed, unsigned } from '../fixtures/wechatpay-v3/calls.ts';
import { entered, NOW } from '../fixtures/wechatpay-v3/merchant.ts';

function madeOf(id: string, given: object) {
  const provider = providerOf(id);
  if (!provider?.bill) throw new Error(`${id} has no bill`);
  const { bill } = provider;
  return { bill, credentialsOf: (changes: object = {}) => provider.credentials.parse({ ...given, ...changes }) };
}

/** A day whose bill is due, or is not, when the fixtures' clock strikes. */
const dayBefore = (now: number, hours: number) =>
  new Date(now - hours * 3_600_000 + 28_800_000).toISOString().slice(0, 10);
const DUE = dayBefore(NOW, 48);
const trades = tradesOf(20);
const problem = (code: string, detail = /\.$/) => ({
  ok: false,
  error: { code, detail: expect.stringMatching(detail) },
});

describe('WeChat Pay v3', () => {
  const { bill, credentialsOf } = madeOf('wechatpay-v3', entered);
  const partner = { spMchId: '1800000001', subMchIds: [] };
  const url = 'https://api.mch.weixin.qq.com/v3/billdownload/file?token=xxx&tartype=gzip';
  const address = { hash_type: 'SHA1', hash_value: 'A'.repeat(40), download_url: url };
  const read = (answer: ProviderAnswer, day = DUE, changes: object = {}) =>
    bill.read(answer, { day, kind: 'trade' }, credentialsOf(changes), [], context);

  it.each([
    ['trade', {}, '/v3/bill/tradebill?bill_date=2026-03-01&bill_type=ALL&tar_type=GZIP'],
    ['refund', {}, '/v3/bill/tradebill?bill_date=2026-03-01&bill_type=REFUND&tar_type=GZIP'],
    ['fundflow', {}, '/v3/bill/fundflowbill?bill_date=2026-03-01&account_type=BASIC&tar_type=GZIP'],
    ['trade', { partner }, '/v3/bill/tradebill?bill_date=2026-03-01&bill_type=ALL&tar_type=GZIP&sub_mchid=1900000109'],
    ['fundflow', { partner }, '/v3/bill/fundflowbill?bill_date=2026-03-01&account_type=BASIC&tar_type=GZIP'],
  ] as const)('is asked for a %s bill by a signed request', async (kind, changes, path) => {
    const request = await bill.request({ day: DAY, kind }, credentialsOf(changes), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(asked(request.value)).toMatchObject({ method: 'GET', path, body: null });
  });

  it('tells where the file is, and its download is signed over path and query as they stand', async () => {
    const answer = await read(answered(address));
    if (!answer.ok || answer.value.kind !== 'there') throw new Error('no address');
    const { download, checksum } = answer.value;
    expect(checksum).toEqual({ algorithm: 'SHA-1', hex: 'a'.repeat(40) });
    expect(download.url).toBe(url);
    expect(asked(download)).toMatchObject({ method: 'GET', path: '/v3/billdownload/file?token=xxx&tartype=gzip' });
  });

  it('is not believed without its signature', async () => {
    expect(await read(unsigned(answered(address)))).toMatchObject(problem('unverified'));
    expect(await read(probed(answered(address)))).toMatchObject(problem('unverified'));
  });

  it.each([
    'http://api.mch.weixin.qq.com/v3/billdownload/file?token=x',
    'https://api.mch.weixin.qq.com.evil.example/v3/billdownload/file',
    'https://evil.example/v3/billdownload/file',
    'https://api.mch.weixin.qq.com@evil.example/',
    'https://api.mch.weixin.qq.com:444/v3/billdownload/file',
  ])('never sends the merchant’s signature to %s', async (downloadUrl) => {
    expect(await read(answered({ ...address, download_url: downloadUrl }))).toMatchObject(problem('malformed'));
  });

  it.each([{ ...address, hash_type: 'MD5' }, { ...address, hash_value: 'x' }, { ...address, download_url: 'no' }, {}])(
    'is malformed where its answer is %j',
    async (body) => {
      expect(await read(answered(body))).toMatchObject(problem('malformed'));
    },
  );

  it('has no bill of a day without trades, and that is no failure (pitfall 19)', async () => {
    expect(await read(unsigned(answered({ code: 'NO_STATEMENT_EXIST', message: '账单文件不存在' }, 400)))).toEqual({
      ok: true,
      value: { kind: 'none' },
    });
  });

  it('has no bill yet while it makes it, or before ten in the morning', async () => {
    const creating = answered({ code: 'STATEMENT_CREATING', message: '账单生成中' }, 400);
    expect(await read(creating)).toMatchObject({ ok: true, value: { kind: 'later' } });
    const none = answered({ code: 'NO_STATEMENT_EXIST', message: '' }, 400);
    expect(await read(none, dayBefore(NOW, 0))).toMatchObject({ ok: true, value: { kind: 'later' } });
  });

  it('may be down, or refuse', async () => {
    expect(await read(answered({ code: 'SYSTEM_ERROR', message: '' }, 500))).toMatchObject(problem('unavailable'));
    expect(await read(answered({ code: 'SIGN_ERROR', message: '' }, 401))).toMatchObject(
      problem('refused', /merchantSerial/),
    );
    expect(await read(answered({ code: 'INVALID_REQUEST', message: '' }, 400))).toMatchObject(problem('refused'));
  });
});

describe('a trade bill of WeChat Pay', () => {
  const layout = tradesLayout();
  const read = async (lines: readonly string[], own = layout) =>
    readAll(bytesOf(`${lines.join('\r\n')}\r\n`), { layout: own });
  const payment = tradeCells({ ...(trades[0] as Trade), name: '茶' });
  const refund = tradeCells({ ...(trades[9] as Trade), name: '茶' });
  const names = ALL_COLUMNS.split(',');
  const changed = (cells: readonly string[], changes: Record<string, string>) =>
    cells.map((cell, at) => changes[names[at] ?? ''] ?? cell);
  /** One row, and a summary that counts rows alone. */
  const rowOf = async (cells: readonly string[], own = layout) => {
    const { rows, problem: found } = await read([ALL_COLUMNS, line(cells), '总交易单数', line(['1'])], own);
    if (found) throw new Error(found.detail);
    return rows[0];
  };

  it('is split where its cells are joined; neither its mark nor its summary is data (pitfall 19)', async () => {
    const named = trades.map((trade) => ({ ...trade, name: '红茶, 大杯' }));
    const { rows, problem: found } = await readAll(bytesOf(tradeBill(named)), { layout });
    expect(found).toBeNull();
    expect(rows.map(({ orderNo, amount }) => [orderNo, amount.minor])).toEqual(
      trades.map(({ orderNo, fen }) => [orderNo, fen]),
    );
    expect(rows[0]?.at).toBe(dayStart(DAY));
  });

  it('of a refund may be about a payment of an older day (pitfall 19)', async () => {
    const { rows } = await read([ALL_COLUMNS, line(refund), '总交易单数', line(['1'])]);
    expect(rows).toMatchObject([{ kind: 'refund', orderNo: 'A000000008', transactionId: expect.stringMatching(/8$/) }]);
  });

  it('tells a payment in our words', async () => {
    const cells = changed(payment, { 应结订单金额: '9.00', 代金券金额: '2.00', 订单金额: '10.00', 手续费: '0.05400' });
    expect(await rowOf(cells)).toEqual({
      kind: 'payment',
      orderNo: 'A000000000',
      transactionId: '4200000000000000000000000000',
      refundNo: null,
      providerRefundId: null,
      amount: { minor: 1_000, currency: 'CNY' },
      settled: { minor: 900, currency: 'CNY' },
      payerAmount: { minor: 700, currency: 'CNY' },
      fee: { units: 5_400, scale: 5 },
      feeRate: { units: 600_000, scale: 8 },
      state: 'succeeded',
      providerState: 'SUCCESS',
      at: DAY_START,
      test: false,
      isStranger: false,
    });
  });

  it('tells a refund by what was asked for, and its fee given back', async () => {
    const cells = changed(refund, { 退款金额: '9.00', 申请退款金额: '10.00', 手续费: '-0.05400' });
    expect(await rowOf(cells)).toMatchObject({
      kind: 'refund',
      refundNo: 'R000000009',
      providerRefundId: '5000000000000000000000000009',
      amount: { minor: 1_000 },
      settled: { minor: 900 },
      payerAmount: null,
      fee: { units: -5_400 },
      state: 'succeeded',
      providerState: 'SUCCESS',
    });
  });

  it.each([
    ['PROCESSING', 'pending'],
    ['CHANGE', 'needs_attention'],
    ['FAIL', 'failed'],
    ['NEW_WORD', 'pending'],
    ['__proto__', 'pending'],
  ])('takes a refund that is %s for %s', async (word, state) => {
    expect(await rowOf(changed(refund, { 退款状态: word }))).toMatchObject({
      kind: 'refund',
      state,
      providerState: word,
    });
  });

  it('tells an order that was taken back', async () => {
    expect(await rowOf(changed(payment, { 交易状态: 'REVOKED' }))).toMatchObject({ kind: 'other', state: 'closed' });
  });

  it('of older files has one amount, and other names for it', async () => {
    const old =
      '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,交易状态,货币种类,总金额,代金券或立减优惠金额,微信退款单号,商户退款单号,退款金额,退款状态,手续费,费率';
    const cells = [
      '2026-03-01 10:00:00',
      APP_ID,
      MCH_ID,
      '0',
      '',
      'T1',
      'A1',
      'SUCCESS',
      'CNY',
      '5.00',
      '1.00',
      '0',
      '0',
      '0',
      '',
      '0.03000',
      '0.60%',
    ];
    const { rows, problem: found } = await read([
      old,
      line(cells),
      '总交易单数,总交易额,总退款金额',
      line(['1', '5.0', '0.0']),
    ]);
    expect(found).toBeNull();
    expect(rows).toMatchObject([{ amount: { minor: 500 }, settled: { minor: 500 }, payerAmount: { minor: 400 } }]);
  });

  it('of refunds alone has the time at which each arrived', async () => {
    const header = `${ALL_COLUMNS},退款申请时间,退款成功时间`;
    const cells = [...refund, '2026-03-01 09:00:00', '2026-03-01 09:30:00'];
    const { rows } = await read([header, line(cells), '总交易单数', line(['1'])]);
    expect(rows[0]?.at).toBe(Date.parse('2026-03-01T09:30:00+08:00'));
  });

  it('marks rows of other applications and other sub-merchants as another shop’s', async () => {
    expect(await rowOf(changed(payment, { 公众账号ID: 'wxother' }))).toMatchObject({ isStranger: true });
    const partnered = tradesLayout(wechatMade({ mchId: '1900000200', partner: { spMchId: MCH_ID, subMchIds: [] } }));
    expect(await rowOf(changed(payment, { 特约商户号: '1900000200' }), partnered)).toMatchObject({ isStranger: false });
    expect(await rowOf(changed(payment, { 特约商户号: '1900000201' }), partnered)).toMatchObject({ isStranger: true });
  });

  it('in another currency keeps its decimals', async () => {
    const cells = changed(payment, { 货币种类: 'JPY', 应结订单金额: '500', 订单金额: '500', 代金券金额: '0' });
    expect(await rowOf(cells)).toMatchObject({ amount: { minor: 500, currency: 'JPY' } });
  });

  it('is the same to API v2', async () => {
    const { bill, credentialsOf } = madeOf('wechatpay-v2', v2Entered);
    const text = tradeLines(trades).map((one) =>
      one.replaceAll(MCH_ID, v2Entered.mchId).replaceAll(APP_ID, v2Entered.appIds[0] ?? ''),
    );
    const v2 = await read(text, bill.trades(credentialsOf()));
    expect({ problem: v2.problem, rows: v2.rows }).toEqual({
      problem: null,
      rows: (await readAll(bytesOf(tradeBill(trades)), { layout })).rows,
    });
    const other = await read(text, bill.trades(credentialsOf({ subMchIds: ['1900000300'] })));
    expect(other.rows.every(({ isStranger }) => isStranger)).toBe(true);
  });
});

describe('a fund bill of WeChat Pay', () => {
  it('ties to trades, and tells fees and payouts apart', async () => {
    const { rows } = await readAll(bytesOf(flowBill(trades, 0, 1)), { layout: flowLayoutOf() });
    expect(new Set(rows.map(({ kind, name }) => `${kind} ${name}`))).toEqual(
      new Set(['payment 交易', 'fee 扣除交易手续费', 'refund 退款', 'fee 退回交易手续费', 'other 提现']),
    );
    expect(rows.filter(({ kind }) => kind === 'refund').every(({ amount }) => amount.minor < 0)).toBe(true);
  });
});

describe('WeChat Pay v2', () => {
  const { bill, credentialsOf } = madeOf('wechatpay-v2', v2Entered);
  const read = (body: string | Uint8Array, day = DUE, status = 200) =>
    bill.read(
      { status, headers: {}, body: typeof body === 'string' ? bytesOf(body) : body },
      { day, kind: 'trade' },
      credentialsOf(),
      [],
      { now: NOW, nonce: 'n' },
    );
  const said = (message: string) => xmlOf({ return_code: 'FAIL', return_msg: message, error_code: '20002' });

  it('is asked by a signed form', async () => {
    const request = await bill.request({ day: DAY, kind: 'trade' }, credentialsOf(), v2Context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(request.value.url).toBe('https://api.mch.weixin.qq.com/pay/downloadbill');
    expect(v2Asked(request.value).fields).toMatchObject({ bill_date: '20260301', bill_type: 'ALL', tar_type: 'GZIP' });
  });

  it('is asked for the account under the client certificate, with HMAC-SHA256 whatever is usual', async () => {
    const credentials = credentialsOf({ refundCertBinding: 'MTLS_WECHATPAY', signTypes: ['MD5'] });
    const request = await bill.request({ day: DAY, kind: 'fundflow' }, credentials, v2Context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(request.value.certificateBinding).toBe('MTLS_WECHATPAY');
    const { path, fields } = v2Asked(request.value);
    expect(path).toBe('/pay/downloadfundflow');
    expect(fields).toMatchObject({ bill_date: '20260301', account_type: 'Basic', sign_type: 'HMAC-SHA256' });
    expect(await bill.request({ day: DAY, kind: 'fundflow' }, credentialsOf(), v2Context)).toMatchObject(
      problem('not_configured', /refundCertBinding/),
    );
    const nobody = credentialsOf({ refundCertBinding: 'MTLS_WECHATPAY', appIds: [] });
    expect(await bill.request({ day: DAY, kind: 'fundflow' }, nobody, v2Context)).toMatchObject(
      problem('not_configured', /appIds/),
    );
  });

  it('reads the account as v3 writes it', async () => {
    const layout = bill.flow?.(credentialsOf());
    if (layout === undefined) throw new Error('no fund bill');
    const [v2, v3] = await Promise.all(
      [layout, flowLayoutOf()].map((one) => readAll(bytesOf(flowBill(trades)), { layout: one })),
    );
    expect(v2?.problem).toBeNull();
    expect(v2?.rows).toEqual(v3?.rows);
    expect(v2?.rows.length).toBeGreaterThan(trades.length);
    const odd = await readAll(bytesOf(flowBill(trades).replace('`收入', '`进')), { layout });
    expect(odd.problem).toMatchObject({ detail: expect.stringMatching(/进/) });
  });

  it('reads the account by the header that the page of downloadfundflow prints (2024-11-13)', async () => {
    const layout = bill.flow?.(credentialsOf());
    if (layout === undefined) throw new Error('no fund bill');
    const text = [
      '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号',
      '`2018-02-01 04:21:23,`50000305742018020103387128253,`1900009231201802015884652186,`退款,`退款,`支出,' +
        '`0.02,`0.17,`system,`缺货,`REF4200000068201801293084726067',
      '资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额',
      '`1.0,`0.0,`0.0,`1.0,`0.02',
    ];
    const { rows, problem } = await readAll(bytesOf(`${text.join('\r\n')}\r\n`), { layout });
    expect(problem).toBeNull();
    const amounts = { amount: { minor: -2, currency: 'CNY' }, balance: { minor: 17, currency: 'CNY' } };
    expect(rows).toMatchObject([{ kind: 'refund', businessNo: '50000305742018020103387128253', ...amounts }]);
  });

  it('says in err_code why there is no account', async () => {
    const without = (err_code: string) =>
      xmlOf({ return_code: 'SUCCESS', return_msg: 'OK', result_code: 'FAIL', err_code, err_code_des: '说明' });
    expect(await read(without('NO_BILL_EXIST'))).toEqual({ ok: true, value: { kind: 'none' } });
    expect(await read(without('BILL_CREATING'))).toMatchObject({ ok: true, value: { kind: 'later' } });
    expect(await read(without('FREQUENCY_LIMITED'))).toMatchObject(problem('unavailable'));
    expect(await read(without('PARAM_ERROR'))).toMatchObject(problem('refused', /PARAM_ERROR/));
  });

  it('answers with the file itself, marked, bare or packed', async () => {
    const text = tradeBill(trades);
    for (const body of [bytesOf(text), bytesOf(text.replace('\uFEFF', '')), Uint8Array.of(0x1f, 0x8b, 8)]) {
      expect(await read(body)).toEqual({ ok: true, value: { kind: 'here' } });
    }
  });

  it.each(['No Bill Exist', 'NO_BILL_EXIST', 'NO Bill Exist'])(
    'has no bill of a day without trades: %s',
    async (word) => {
      expect(await read(said(word))).toEqual({ ok: true, value: { kind: 'none' } });
      expect(await read(said(word), dayBefore(NOW, 0))).toMatchObject({ ok: true, value: { kind: 'later' } });
    },
  );

  it('has no bill yet', async () => {
    expect(await read(said('Bill Creating'))).toMatchObject({ ok: true, value: { kind: 'later' } });
  });

  it('may be down, refuse, or say nothing', async () => {
    expect(await read(said('SYSTEMERROR'))).toMatchObject(problem('unavailable'));
    expect(await read(said('CompressGZip Error'))).toMatchObject(problem('unavailable'));
    expect(await read(said('SIGN ERROR'))).toMatchObject(problem('refused', /apiKey/));
    expect(await read('<html>')).toMatchObject(problem('malformed'));
    expect(await read('')).toMatchObject(problem('unavailable'));
    expect(await read('', DUE, 502)).toMatchObject(problem('unavailable'));
  });

  it('needs to know who asks', async () => {
    expect(await bill.request({ day: DAY, kind: 'trade' }, credentialsOf({ appIds: [] }), v2Context)).toMatchObject(
      problem('not_configured'),
    );
  });
});

describe('Alipay', () => {
  const METHOD = 'alipay.data.dataservice.bill.downloadurl.query';
  const { bill, credentialsOf } = madeOf('alipay', alipayEntered);
  const url = 'http://dwbillcenter.alipay.com/downloadBillFile.resource?bizType=trade&userId=2088&fileType=csv.zip';
  const due = dayBefore(ALIPAY_NOW, 48);
  const read = (answer: ProviderAnswer, day = due, changes: object = {}) =>
    bill.read(answer, { day, kind: 'trade' }, credentialsOf(changes), [], { now: ALIPAY_NOW, nonce: 'n' });
  const done = (downloadUrl: string) =>
    alipayAnswered(METHOD, { code: '10000', msg: 'Success', bill_download_url: downloadUrl });

  it.each([
    ['trade', 'trade'],
    ['fundflow', 'signcustomer'],
  ] as const)('is asked for a %s bill by a signed request', async (kind, type) => {
    const request = await bill.request({ day: DAY, kind }, credentialsOf(), { now: ALIPAY_NOW, nonce: 'n' });
    if (!request.ok) throw new Error(request.error.detail);
    expect(contentOf(request.value)).toEqual({ bill_type: type, bill_date: DAY });
  });

  it('tells where the file is, which is fetched by https and without a signature', async () => {
    expect(await read(done(url))).toEqual({
      ok: true,
      value: {
        kind: 'there',
        checksum: null,
        download: {
          method: 'GET',
          url: url.replace('http:', 'https:'),
          headers: { accept: '*/*', 'user-agent': 'Tollgate' },
          body: null,
        },
      },
    });
  });

  it('is not believed without its signature', async () => {
    const bare = alipayUnsigned(METHOD, { code: '10000', msg: 'Success', bill_download_url: url });
    expect(await read(bare)).toMatchObject(problem('unverified'));
  });

  it.each([
    'https://evilalipay.com/x',
    'https://alipay.com.evil.example/x',
    'https://a@dwbillcenter.alipay.com/x',
    'https://dwbillcenter.alipay.com:8443/x',
    'ftp://dwbillcenter.alipay.com/x',
    'https://dl.alipaydev.com/x',
  ])('does not fetch from %s', async (downloadUrl) => {
    expect(await read(done(downloadUrl))).toMatchObject(problem('malformed'));
  });

  it('fetches from the sandbox in the sandbox', async () => {
    expect(await read(done('https://dl.alipaydev.com/x'), due, { sandbox: true })).toMatchObject({
      ok: true,
      value: { kind: 'there' },
    });
  });

  it.each(['isp.bill_not_exist', 'BILL_NOT_EXIST', 'NO_BILL_DATA'])(
    'has no bill of a day without trades: %s',
    async (word) => {
      const answer = alipayAnswered(METHOD, failed(word));
      expect(await read(answer)).toEqual({ ok: true, value: { kind: 'none' } });
      expect(await read(answer, dayBefore(ALIPAY_NOW, 0))).toMatchObject({ ok: true, value: { kind: 'later' } });
    },
  );

  it('may be down, or refuse', async () => {
    expect(await read(plain(502, ''))).toMatchObject(problem('unavailable'));
    expect(await read(alipayAnswered(METHOD, failed('isp.unknow-error', '系统繁忙', '20000')))).toMatchObject(
      problem('unavailable'),
    );
    expect(await read(alipayAnswered(METHOD, failed('isv.invalid-arguments')))).toMatchObject(problem('refused'));
  });

  it('writes GBK tables whose names may hold commas, and whose sums stand below them', async () => {
    const layout = tradesLayout(alipayMade());
    const { rows, totals, problem: found } = await readAll(gbk(tradeTable(trades)), { layout });
    expect(found).toBeNull();
    expect(totals.map(({ said, counted }) => said?.units === counted.units)).toEqual([true, true, true]);
    expect(
      rows.map(({ kind, orderNo, amount, fee, refundNo }) => [kind, orderNo, amount.minor, fee?.units, refundNo]),
    ).toEqual(
      trades.map(({ kind, orderNo, fen, feeFen, refundNo }) => [kind, orderNo, fen, feeFen * 1_000, refundNo || null]),
    );
    expect(rows[0]).toMatchObject({ at: DAY_START, state: 'succeeded', providerState: '交易', test: false });
    expect(rows[0]?.at).toBe(dayStart(DAY));
    expect((rows.at(-1)?.at ?? 0) < dayEnd(DAY)).toBe(true);
  });

  it('may repeat the order’s amount in a refund’s row: what it took back counts', async () => {
    const lines = alipayLines(trades).map((row) => row.replace(/,-(\d+\.\d\d),(-\d+\.\d\d),/, ',600.00,$2,'));
    const { rows, problem: found } = await readAll(gbk(`${lines.join('\r\n')}\r\n`), {
      layout: tradesLayout(alipayMade()),
    });
    expect(found).toBeNull();
    expect(rows[9]).toMatchObject({ kind: 'refund', amount: { minor: trades[9]?.fen } });
  });

  it('tells a table that was cut, and one whose sums differ', async () => {
    const layout = tradesLayout(alipayMade());
    const lines = alipayLines(trades);
    const read_ = async (some: readonly string[]) =>
      (await readAll(gbk(`${some.join('\r\n')}\r\n`), { layout })).problem?.code;
    expect(await read_(lines.slice(0, 12))).toBe('truncated');
    expect(await read_(lines.toSpliced(7, 1))).toBe('totals');
  });

  it('writes account details with both directions and a balance', async () => {
    const layout = flowLayoutOf(alipayMade());
    const { rows, problem: found } = await readAll(gbk(flowTable(trades, 0)), { layout });
    expect(found).toBeNull();
    expect(rows[0]).toMatchObject({ kind: 'payment', orderNo: trades[0]?.orderNo, amount: { minor: trades[0]?.fen } });
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['payment', 'refund', 'fee']));
    expect(rows.at(-1)?.balance?.minor).toBe(rows.reduce((sum, { amount }) => sum + amount.minor, 0));
  });
});
