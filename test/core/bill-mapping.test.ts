// An operator's own table: any columns, separators and words; what is not said is refused in words.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BillMapping } from '../../src/core/bill-mapping.ts';
import { mappedLayout } from '../../src/core/mapped-bill.ts';
import { gbk } from '../fixtures/bills/alipay.ts';
import { bytesOf, readAll } from './bill-kit.ts';

const columns = { orderNo: 'Order', transactionId: 'Id', amount: 'Amount', at: 'Paid at' };
const basic = { columns, currency: 'CNY' };
const layoutOf = (mapping: object) => mappedLayout(BillMapping.parse(mapping), false, 'trade');
const read = (text: string, mapping: object = basic) => readAll(bytesOf(text), { layout: layoutOf(mapping) });

describe('an operator’s table', () => {
  it('is read by the names of its columns', async () => {
    const text = 'Paid at,Order,Shop,Amount,Id\r\n2026-03-01 08:00:00,A1,x,12.30,T1\r\n';
    const { rows, problem } = await read(text);
    expect(problem).toBeNull();
    expect(rows).toEqual([
      {
        kind: 'payment',
        orderNo: 'A1',
        transactionId: 'T1',
        refundNo: null,
        providerRefundId: null,
        amount: { minor: 1_230, currency: 'CNY' },
        settled: null,
        payerAmount: null,
        fee: null,
        feeRate: null,
        state: 'succeeded',
        providerState: 'succeeded',
        at: Date.parse('2026-03-01T00:00:00Z'),
        test: false,
        isStranger: false,
      },
    ]);
  });

  it('may quote cells, and hold separators, quotes and line ends in them', async () => {
    const cells = fc.array(fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', 'é', '茶', ' x') }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(cells, fc.integer({ min: 1, max: 30 }), async (notes, size) => {
        const rows = notes.map((note, at) => `"${note.replaceAll('"', '""')}",A${at},T${at},1.00,2026-03-01`);
        const text = ['Note,Order,Id,Amount,Paid at', ...rows, ''].join('\n');
        const found = await readAll(
          bytesOf(text),
          { layout: layoutOf({ columns: { ...columns, refundNo: 'Note' }, currency: 'CNY' }) },
          [size],
        );
        expect(found.problem).toBeNull();
        expect(found.rows.map(({ orderNo }) => orderNo)).toEqual(notes.map((_, at) => `A${at}`));
      }),
      { numRuns: 80 },
    );
  });

  it.each([
    ['decimal', '1,234.50', 123_450],
    ['decimal', '-0.5', null],
    ['decimal', '1,00', null],
    ['decimal_comma', '1.234,50', 123_450],
    ['decimal_comma', '1,5', 150],
    ['decimal_comma', '1.50', null],
    ['minor', '1230', 1_230],
    ['minor', '12.30', null],
    ['decimal', '12.345', null],
  ])('takes an amount written as %s: %s', async (amounts, text, minor) => {
    const { rows, problem } = await read(`Order;Id;Amount;Paid at\nA1;T1;${text};2026-03-01\n`, {
      ...basic,
      amounts,
      separator: ';',
    });
    expect(rows[0]?.amount.minor ?? null).toBe(minor);
    expect(problem?.code ?? null).toBe(minor === null ? 'row' : null);
  });

  it.each([
    ['of another charset', gbk('Order,Id,Amount,Paid at\n茶1,T1,5,2026-03-01\n'), 'orderNo'],
    ['with a NUL', bytesOf('Order,Id,Amount,Paid at\nA\u00001,T1,5,2026-03-01\n'), 'orderNo'],
    ['over two lines', bytesOf('Order,Id,Amount,Paid at\nA1,"T\n1",5,2026-03-01\n'), 'transactionId'],
    ['without an end', bytesOf(`Order,Id,Amount,Paid at\n${'A'.repeat(257)},T1,5,2026-03-01\n`), 'orderNo'],
  ])('refuses a number %s: it would be an order that nobody has', async (_, bytes, column) => {
    const { rows, problem } = await readAll(bytes, { layout: layoutOf(basic) });
    expect(rows).toEqual([]);
    expect(problem).toMatchObject({ code: 'row', detail: expect.stringContaining(column) });
  });

  it('refuses a fee rate that is none: no fee could be held against it', async () => {
    const mapping = { columns: { ...columns, feeRate: 'Rate' }, currency: 'CNY' };
    const { problem } = await read('Order,Id,Amount,Paid at,Rate\nA1,T1,5,2026-03-01,cheap\n', mapping);
    expect(problem).toMatchObject({ code: 'row', detail: expect.stringContaining('"cheap"') });
  });

  it('tells refunds by its words, or by what is below zero', async () => {
    const worded = {
      columns: { ...columns, kind: 'Type', state: 'State', refundNo: 'Refund' },
      currency: 'CNY',
      kindWords: { SALE: 'payment', BACK: 'refund' },
      stateWords: { OK: 'succeeded', WAIT: 'pending' },
    };
    const text =
      'Order,Id,Amount,Paid at,Type,State,Refund\nA1,T1,5,2026-03-01,SALE,OK,\nA1,T1,5,2026-03-01,BACK,WAIT,R1\n';
    const { rows } = await read(text, worded);
    expect(rows).toMatchObject([
      { kind: 'payment', state: 'succeeded', refundNo: null, providerState: 'OK' },
      { kind: 'refund', state: 'pending', refundNo: 'R1', providerState: 'WAIT' },
    ]);
    const signed = await read('Order,Id,Amount,Paid at\nA1,T1,-5.00,2026-03-01\n', {
      ...basic,
      negativeIsRefund: true,
    });
    expect(signed.rows).toMatchObject([{ kind: 'refund', amount: { minor: 500 } }]);
  });

  it('with a word that the mapping does not know is refused, and the word is named', async () => {
    const mapping = { columns: { ...columns, kind: 'Type' }, currency: 'CNY', kindWords: { SALE: 'payment' } };
    const { problem } = await read('Order,Id,Amount,Paid at,Type\nA1,T1,5,2026-03-01,constructor\n', mapping);
    expect(problem).toMatchObject({ code: 'row', row: 1, detail: expect.stringContaining('"constructor"') });
  });

  it.each([
    ['local', '2026-03-01 08:00:00', 0, '2026-03-01T08:00:00Z'],
    ['local', '2026/3/1 08:00', -300, '2026-03-01T13:00:00Z'],
    ['iso', '2026-03-01T08:00:00+08:00', 0, '2026-03-01T00:00:00Z'],
    ['seconds', '1772323200', 0, '2026-03-01T00:00:00Z'],
    ['milliseconds', '1772323200000', 0, '2026-03-01T00:00:00Z'],
  ])('takes times written as %s: %s', async (times, text, offsetMinutes, iso) => {
    const { rows } = await read(`Order,Id,Amount,Paid at\nA1,T1,5,${text}\n`, { ...basic, times, offsetMinutes });
    expect(rows[0]?.at).toBe(Date.parse(iso));
  });

  it('takes fees as costs, whichever sign they have, and rates', async () => {
    const mapping = {
      columns: { ...columns, fee: 'Fee', feeRate: 'Rate', settled: 'Net' },
      currency: 'CNY',
      feeIsNegative: true,
    };
    const { rows } = await read('Order,Id,Amount,Paid at,Fee,Rate,Net\nA1,T1,5,2026-03-01,-0.03,0.60%,5\n', mapping);
    expect(rows[0]).toMatchObject({ fee: { units: 3_000, scale: 5 }, feeRate: { units: 600_000, scale: 8 } });
    const minor = { columns: { ...columns, fee: 'Fee' }, currency: 'JPY', amounts: 'minor' };
    const yen = await read('Order,Id,Amount,Paid at,Fee\nA1,T1,500,2026-03-01,3\n', minor);
    expect(yen.rows[0]).toMatchObject({ amount: { minor: 500, currency: 'JPY' }, fee: { units: 300_000 } });
  });

  it('may be in GBK, begin with remarks, and be cut by other signs', async () => {
    const mapping = {
      columns: { orderNo: '订单', transactionId: '流水', amount: '金额（元）', at: '时间' },
      charset: 'gbk',
      separator: '\t',
      comment: '#',
      currency: 'CNY',
    };
    const bytes = gbk('#导出\n订单\t流水\t金额(元)\t时间\nA1\tT1\t5.00\t2026-03-01\n#合计\n');
    expect(await readAll(bytes, { layout: layoutOf(mapping) })).toMatchObject({ count: 1, problem: null });
  });

  it('whose header has letters of another charset is asked about it', async () => {
    const named = { ...columns, orderNo: '订单', amount: '金额', at: '时间', transactionId: '流水' };
    const text = '订单,流水,金额,时间\nA1,T1,5.00,2026-03-01\n';
    const asUtf8 = await readAll(gbk(text), { layout: layoutOf({ ...basic, columns: named }) });
    expect(asUtf8.problem?.detail).toMatch(/订单.*none of UTF-8: is its charset another one\?$/);
    const right = await readAll(gbk(text), { layout: layoutOf({ ...basic, columns: named, charset: 'gbk' }) });
    expect(right.problem).toBeNull();
  });

  it('whose last quote is never closed is cut off', async () => {
    const { problem } = await read('Order,Id,Amount,Paid at\nA1,T1,5,2026-03-01\n"A2,T2,5,2026-03-01\n');
    expect(problem?.code).toBe('too_long');
  });

  it('without a currency anywhere is refused', async () => {
    expect((await read('Order,Id,Amount,Paid at\nA1,T1,5,2026-03-01\n', { columns })).problem?.detail).toContain(
      'currency',
    );
  });
});

describe('the mapping', () => {
  it('names each of its fields for people, in two languages', () => {
    const fields = { ...BillMapping.shape, ...BillMapping.shape.columns.shape };
    for (const [name, field] of Object.entries(fields)) {
      expect(field.meta(), name).toMatchObject({
        label: { en: expect.stringMatching(/\w/), zh: expect.stringMatching(/[\u4e00-\u9fff]/) },
        help: { en: expect.stringMatching(/\w/), zh: expect.stringMatching(/[\u4e00-\u9fff]/) },
      });
    }
  });

  it.each([
    [{}],
    [{ columns: { orderNo: 'a' } }],
    [{ ...basic, separator: 'ab' }],
    [{ ...basic, currency: 'yuan' }],
    [{ ...basic, offsetMinutes: 900 }],
    [{ ...basic, more: 1 }],
  ])('cannot be %j', (mapping) => {
    expect(BillMapping.safeParse(mapping).success).toBe(false);
  });
});
