// Bills from bytes to rows: any pieces, packed or not, whole or damaged.
import { createHash } from 'node:crypto';
import { gzipSync as nodeGzip } from 'node:zlib';
import fc from 'fast-check';
import { strToU8, Zip, ZipDeflate, ZipPassThrough, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { ROW_CHARS_MAX } from '../../src/core/bill.ts';
import { checkBill, readBill } from '../../src/core/bill-stream.ts';
import { gbk, SUMMARY_TABLE, tradeTable } from '../fixtures/bills/alipay.ts';
import { DAY, DAY_START, tradesOf } from '../fixtures/bills/trades.ts';
import { ALL_COLUMNS, flowBill, flowLines, line, tradeBill, tradeCells, tradeLines } from '../fixtures/bills/wechat.ts';
import { alipay, bytesOf, flowLayoutOf, inPieces, readAll, tradesLayout, wechat } from './bill-kit.ts';

const layout = tradesLayout();
const trades = tradesOf(40);
const file = bytesOf(tradeBill(trades));
const gzip = (bytes: Uint8Array) => new Uint8Array(nodeGzip(bytes));
const sha1Of = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');
const withLines = (change: (lines: string[]) => string[]) => bytesOf(`${change(tradeLines(trades)).join('\r\n')}\r\n`);
const problemOf = async (bytes: Uint8Array) => (await readAll(bytes, { layout })).problem;

/** As programs write an archive that they do not hold whole: lengths stand behind each file. */
function streamedZip(files: Readonly<Record<string, Uint8Array>>, level: 0 | 6 | 9 = 6): Uint8Array {
  const parts: Uint8Array[] = [];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part);
  });
  for (const [name, bytes] of Object.entries(files)) {
    const entry = level === 0 ? new ZipPassThrough(name) : new ZipDeflate(name, { level });
    zip.add(entry);
    for (let from = 0; from < bytes.length; from += 777) entry.push(bytes.slice(from, from + 777));
    entry.push(new Uint8Array(), true);
  }
  zip.end();
  return new Uint8Array(Buffer.concat(parts));
}

describe('a bill', () => {
  it('gives the same rows however its bytes are cut', async () => {
    const whole = await readAll(file, { layout });
    expect(whole.count).toBe(trades.length);
    expect(whole.numbers).toEqual(trades.map((_, at) => at + 1));
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async (cut, isPacked) => {
        const { rows, count, problem } = await readAll(isPacked ? gzip(file) : file, { layout }, cut);
        expect({ rows, count, problem }).toEqual({ rows: whole.rows, count: whole.count, problem: null });
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same rows of a zip in GBK however its bytes are cut', async () => {
    const own = { layout: tradesLayout(alipay()) };
    const table = gbk(tradeTable(trades));
    const plain = await readAll(table, own);
    expect(plain.rows).toHaveLength(trades.length);
    const archives = [
      zipSync({ 'a.csv': table }),
      streamedZip({ 'a.csv': table }),
      zipSync({ 'a.csv': [table, { level: 0 }] }),
    ];
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...archives), sizes, async (archive, cut) => {
        const { rows, problem } = await readAll(archive, own, cut);
        expect({ rows, problem }).toEqual({ rows: plain.rows, problem: null });
      }),
      { numRuns: 40 },
    );
  });

  it('is read with LF ends, without its mark, and without an end to its last line', async () => {
    const bare = tradeLines(trades).join('\n').replace('\uFEFF', '');
    const { rows, problem } = await readAll(bytesOf(bare), { layout });
    expect({ rows, problem }).toEqual({ rows: (await readAll(file, { layout })).rows, problem: null });
  });

  it('of a day without trades has no rows and is whole', async () => {
    expect(await readAll(bytesOf(tradeBill([])), { layout })).toMatchObject({ rows: [], count: 0, problem: null });
  });

  it('keeps commas, quotes and backticks of a product name out of the columns', async () => {
    const { rows } = await readAll(file, { layout });
    expect(rows.map(({ orderNo, amount }) => [orderNo, amount.minor])).toEqual(
      trades.map(({ orderNo, fen }) => [orderNo, fen]),
    );
  });

  it('finds its columns by name, whatever their order, and passes over columns it does not know', async () => {
    const names = ALL_COLUMNS.split(',');
    const mixed = ['新的列', ...names.toReversed()];
    const lines = tradeLines(trades);
    const rows = trades.map((trade) => {
      const cells = tradeCells(trade);
      return line(mixed.map((name) => cells[names.indexOf(name)] ?? 'x'));
    });
    const bytes = bytesOf([`\uFEFF${mixed.join(',')}`, ...rows, ...lines.slice(-2), ''].join('\r\n'));
    expect((await readAll(bytes, { layout })).rows).toEqual((await readAll(file, { layout })).rows);
  });

  it('reads a product name that holds a line end', async () => {
    const cells = tradeCells({ ...trades[0], name: '一行\n两行' } as (typeof trades)[0]); // the first is there
    const bytes = withLines(([header = '', , ...rest]) => [header, line(cells), ...rest]);
    expect(await readAll(bytes, { layout })).toMatchObject({ count: trades.length, problem: null });
  });
});

describe('a checksum', () => {
  it('is taken over the unpacked file', async () => {
    for (const bytes of [file, gzip(file)]) {
      const checksum = { hash: createHash('sha1'), expected: sha1Of(file).toUpperCase() };
      expect(await readAll(bytes, { layout, checksum })).toMatchObject({ count: trades.length, problem: null });
    }
  });

  it('that does not hold makes the bill unreadable', async () => {
    const checksum = { hash: createHash('sha1'), expected: sha1Of(bytesOf('another')) };
    const { problem, count } = await readAll(file, { layout, checksum });
    expect({ code: problem?.code, count }).toEqual({ code: 'checksum', count: null });
  });
});

describe('a bill that is not whole', () => {
  it('is never taken for a whole one, wherever it was cut', async () => {
    const summaryAt = new TextDecoder().decode(file).lastIndexOf('\r\n`');
    const least = bytesOf(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file).slice(0, summaryAt),
    ).length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: least }), async (length) => {
        expect((await problemOf(file.slice(0, length)))?.code).toMatch(/^(truncated|header|row)$/);
      }),
      { numRuns: 100 },
    );
  });

  it('is damaged where its packing was cut', async () => {
    const packed = gzip(file);
    for (const length of [12, 100, packed.length - 1]) {
      expect((await problemOf(packed.slice(0, length)))?.code).toBe('damaged');
    }
    const own = { layout: tradesLayout(alipay()) };
    for (const archive of [
      zipSync({ 'a.csv': gbk(tradeTable(trades)) }),
      streamedZip({ 'a.csv': gbk(tradeTable(trades)) }),
    ]) {
      for (const length of [40, 300])
        expect((await readAll(archive.slice(0, length), own)).problem?.code).toBe('damaged');
    }
  });

  it('is damaged where a bit of its packing changed', async () => {
    const own = { layout: tradesLayout(alipay()) };
    const archive = streamedZip({ 'a.csv': gbk(tradeTable(trades)) });
    const changed = archive.slice();
    changed[200] = (changed[200] ?? 0) ^ 4;
    expect((await readAll(changed, own)).problem).not.toBeNull();
  });

  it('is told from one that cannot be fetched to its end', async () => {
    async function* broken() {
      yield file.slice(0, 500);
      throw new Error('connection lost');
    }
    const { problem } = await readAll(broken(), { layout });
    expect(problem).toMatchObject({ code: 'damaged', detail: expect.stringContaining('connection lost') });
  });

  it('says which sum its rows do not bear out', async () => {
    const bytes = withLines((lines) => lines.toSpliced(-1, 1, line(['40', '1.00', '0.0', '0.0', '0', '1.00', '0.0'])));
    const problem = await problemOf(bytes);
    expect(problem).toMatchObject({ code: 'totals', detail: expect.stringContaining('应结订单总金额 is 1.00000') });
  });

  it('misses a row that its summary counts', async () => {
    expect((await problemOf(withLines((lines) => lines.toSpliced(5, 1))))?.code).toBe('totals');
  });

  it('says which row cannot be read, and why', async () => {
    const cells = tradeCells({ ...trades[2], name: 'x' } as (typeof trades)[0]); // the third is there
    const noTime = line(cells.with(0, '2026-02-30 00:00:00'));
    const noAmount = line(cells.with(12, '1,00'));
    for (const [row, why] of [
      [noTime, '2026-02-30'],
      [noAmount, '1,00'],
      [line(cells.slice(0, 20)), '27 cells'],
    ] as const) {
      const problem = await problemOf(withLines((lines) => lines.toSpliced(3, 1, row)));
      expect(problem).toMatchObject({ code: 'row', row: 3, detail: expect.stringContaining(why) });
    }
  });

  it('names the columns that its header lacks', async () => {
    const bytes = withLines(([header = '', ...rest]) => [header.replace('应结订单金额', '金额'), ...rest]);
    const problem = await problemOf(bytes);
    expect(problem).toMatchObject({ code: 'header', detail: expect.stringContaining('lacks 应结订单金额') });
  });

  it('is refused where its header names a column twice', async () => {
    const bytes = withLines(([header = '', ...rest]) => [header.replace('设备号', '商户订单号'), ...rest]);
    expect(await problemOf(bytes)).toMatchObject({ code: 'header', detail: expect.stringContaining('twice') });
  });

  it.each(['', '\r\n\r\n', '<html>busy</html>'])('is no bill: %j', async (text) => {
    expect((await problemOf(bytesOf(text)))?.code).toBe('header');
  });

  it('is refused where another kind of bill was expected', async () => {
    expect((await readAll(bytesOf(flowBill(trades)), { layout })).problem?.code).toBe('header');
  });

  it('is refused where it is another merchant’s', async () => {
    const { problem } = await readAll(file, { layout: tradesLayout(wechat({ mchId: '1900000999' })) });
    expect(problem).toMatchObject({ code: 'row', detail: expect.stringContaining('1900000109') });
  });

  it('never grows a row without end', async () => {
    async function* endless() {
      yield bytesOf(`\uFEFF${ALL_COLUMNS}\r\n\``);
      for (;;) yield bytesOf('x'.repeat(10_000));
    }
    const { problem } = await readAll(endless(), { layout });
    expect(problem).toMatchObject({ code: 'too_long', detail: expect.stringContaining(`${ROW_CHARS_MAX}`) });
  });
});

describe('an archive', () => {
  const own = { layout: tradesLayout(alipay()) };
  const table = gbk(tradeTable(trades));

  it('is read past the summary that lies beside the table, whichever comes first', async () => {
    const summary = gbk(SUMMARY_TABLE);
    for (const archive of [
      zipSync({ 'a_sum.csv': summary, 'b.csv': table }),
      streamedZip({ 'a.csv': table, 'b_sum.csv': summary }),
      streamedZip({ 'a_sum.csv': summary, 'b.csv': table }),
    ]) {
      expect(await readAll(archive, own)).toMatchObject({ count: trades.length, problem: null });
    }
  });

  it('of several tables is one bill, its rows counted on', async () => {
    const more = gbk(tradeTable(tradesOf(60).slice(40)));
    const { numbers, count } = await readAll(streamedZip({ 'a.csv': table, 'b.csv': more }), own);
    expect({ count, last: numbers.at(-1) }).toEqual({ count: 60, last: 60 });
  });

  it('with nothing but a summary, or with nothing, says so', async () => {
    expect((await readAll(zipSync({ 'a.csv': gbk(SUMMARY_TABLE) }), own)).problem?.code).toBe('header');
    expect((await readAll(zipSync({}), own)).problem?.code).toBe('header');
  });

  it('is not ended by the marks of an end inside its data', async () => {
    // Stored blocks hold the text as it is: local header, descriptor and directory marks among it.
    const marks = 'PK\u0007\u0008PK\u0003\u0004PK\u0001\u0002';
    const noisy = trades.map((trade) => ({ ...trade, name: marks }));
    const bytes = gbk(tradeTable(noisy));
    for (const archive of [streamedZip({ 'a.csv': bytes }, 9), zipSync({ 'a.csv': [bytes, { level: 0 }] })]) {
      expect(await readAll(archive, own, [50])).toMatchObject({ count: trades.length, problem: null });
    }
    const random = Uint8Array.from({ length: 9_000 }, (_, at) => (at * at * 31 + at * 7) % 251);
    const hard = new Uint8Array([...strToU8('#'), ...random.map((byte) => (byte === 10 ? 11 : byte)), 10, ...bytes]);
    expect(await readAll(streamedZip({ 'a.csv': hard }), own, [64])).toMatchObject({
      count: trades.length,
      problem: null,
    });
  });

  it('of more files than any provider sends is refused, empty ones among them', async () => {
    const empty = Object.fromEntries(Array.from({ length: 99 }, (_, at) => [`${at}.csv`, new Uint8Array()]));
    expect(await readAll(zipSync({ ...empty, 'b.csv': table }), own)).toMatchObject({ count: 40, problem: null });
    const { problem } = await readAll(zipSync({ ...empty, 'b.csv': table, 'c.csv': new Uint8Array() }), own);
    expect(problem?.detail).toBe('The archive has more than 100 files: upload the table alone.');
  });

  it('that unpacks to far more than any table is refused before it is read to its end', async () => {
    const blank = new Uint8Array(48 * 1024 * 1024).fill(10);
    const bomb = new Uint8Array([...gbk('#'), 10]);
    for (const packed of [gzip(blank), zipSync({ 'a.csv': bomb, 'b.csv': blank, 'c.csv': table })]) {
      const { problem } = await readAll(packed, own);
      expect(problem?.detail).toContain('200 times its size');
    }
  });

  it('that is cut off says so in one sentence', async () => {
    const archive = zipSync({ 'a.csv': [table, { level: 0 }] });
    const { problem } = await readAll(archive.slice(0, -2_000), own);
    expect(problem).toMatchObject({ code: 'damaged', detail: 'The archive was cut off: fetch it again.' });
  });

  it('that is encrypted, packed in another way or without lengths is refused in words', async () => {
    const encrypted = zipSync({ 'a.csv': table });
    encrypted[6] = (encrypted[6] ?? 0) | 1;
    const lzma = zipSync({ 'a.csv': table });
    lzma[8] = 14;
    expect((await readAll(encrypted, own)).problem?.detail).toContain('encrypted');
    expect((await readAll(lzma, own)).problem?.detail).toContain('method 14');
    expect((await readAll(streamedZip({ 'a.csv': table }, 0), own)).problem?.detail).toContain('where its files end');
  });
});

describe('reading', () => {
  it('holds no more than a piece: nothing is fetched before the rows at hand were taken', async () => {
    let fetched = 0;
    async function* source() {
      for await (const piece of inPieces(bytesOf(tradeBill(tradesOf(4_000))), [2_048])) {
        fetched += 1;
        yield piece;
      }
    }
    const pieces = readBill(source(), { layout });
    for (let taken = 1; taken <= 20; taken++) {
      await pieces.next();
      expect(fetched).toBeLessThanOrEqual(taken + 2);
    }
  });

  it('lets go of its source when nobody reads on', async () => {
    let isOver = false;
    async function* source() {
      try {
        yield* inPieces(gzip(bytesOf(tradeBill(tradesOf(4_000)))), [512]);
      } finally {
        isOver = true;
      }
    }
    for await (const piece of readBill(source(), { layout })) if (piece.kind === 'rows') break;
    await new Promise((done) => setTimeout(done));
    expect(isOver).toBe(true);
  });
});

describe('a fund bill', () => {
  it('is read with its movements signed and its own sums checked', async () => {
    const own = { layout: flowLayoutOf() };
    const { rows, problem } = await readAll(bytesOf(flowBill(trades, 100_000, 5_000)), own);
    expect(problem).toBeNull();
    expect(rows.at(-1)).toMatchObject({ kind: 'other', amount: { minor: -5_000, currency: 'CNY' }, name: '提现' });
    expect(rows[0]).toMatchObject({ kind: 'payment', businessNo: trades[0]?.transactionId, at: DAY_START });
    const wrong = flowLines(trades).toSpliced(4, 1).join('\n');
    expect((await readAll(bytesOf(wrong), own)).problem?.code).toBe('totals');
  });
});

describe('a check', () => {
  const check = (day: string, bytes = file) => checkBill(inPieces(bytes), { layout, day });

  it('passes a whole bill of its day', async () => {
    expect(await check(DAY)).toMatchObject({ ok: true, value: { count: trades.length, outside: 0 } });
    expect(await check(DAY, bytesOf(tradeBill([])))).toMatchObject({ ok: true, value: { count: 0 } });
  });

  it('passes late entries, and refuses the file of another day', async () => {
    const late = (some: number) => trades.map((trade, at) => (at < some ? { ...trade, at: DAY_START - 1_000 } : trade));
    expect(await check(DAY, bytesOf(tradeBill(late(20))))).toMatchObject({ ok: true, value: { outside: 20 } });
    expect(await check(DAY, bytesOf(tradeBill(late(21))))).toMatchObject({ ok: false, error: { code: 'day' } });
    expect(await check('2026-03-02')).toMatchObject({ ok: false, error: { code: 'day' } });
  });

  it('refuses what reading refuses', async () => {
    expect(await check(DAY, file.slice(0, 2_000))).toMatchObject({ ok: false, error: { code: 'truncated' } });
  });
});
