// Bills in workerd: its gzip, its decoders, its streams. The rows are those that the pure tests know.
import { createHash } from 'node:crypto';
import { strToU8, Zip, ZipDeflate } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { BillRow } from '../../src/core/bill.ts';
import { type BillOptions, readBill } from '../../src/core/bill-stream.ts';
import { alipay } from '../../src/providers/alipay.ts';
import { wechatpayV3 } from '../../src/providers/wechatpay-v3.ts';
import { gbk, SUMMARY_TABLE, tradeTable } from '../fixtures/bills/alipay.ts';
import { tradesOf } from '../fixtures/bills/trades.ts';
import { MCH_ID, tradeBill } from '../fixtures/bills/wechat.ts';

const trades = tradesOf(2_000);
const expected = trades.map(({ orderNo, fen }) => [orderNo, fen]);

async function read(bytes: AsyncIterable<Uint8Array>, options: BillOptions<BillRow>) {
  const found: [unknown, unknown][] = [];
  for await (const piece of readBill(bytes, options)) {
    if (piece.kind === 'problem') return piece.problem.code;
    if (piece.kind !== 'rows') continue;
    for (const { orderNo, amount } of piece.rows) found.push([orderNo, amount.minor]);
  }
  return found;
}

const streamOf = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream();
const bill = strToU8(tradeBill(trades)) as Uint8Array<ArrayBuffer>; // made a line above
const layout = wechatpayV3.bill?.trades({ mchId: MCH_ID, appIds: [] });
const gbkLayout = alipay.bill?.trades({ sandbox: false });
if (!layout || !gbkLayout) throw new Error('a provider lacks its bill');

function zipOf(files: Record<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const zip = new Zip((_, part) => parts.push(part));
  for (const [name, bytes] of Object.entries(files)) {
    const entry = new ZipDeflate(name);
    zip.add(entry);
    entry.push(bytes, true);
  }
  zip.end();
  return new Uint8Array(Buffer.concat(parts));
}

describe('in workerd a bill', () => {
  it('is read packed, with its checksum', async () => {
    const packed = new Blob([bill]).stream().pipeThrough(new CompressionStream('gzip'));
    const hash = createHash('sha1');
    const checksum = { hash, expected: createHash('sha1').update(bill).digest('hex') };
    expect(await read(packed, { layout, checksum })).toEqual(expected);
  });

  it('that was cut is damaged', async () => {
    const packed = new Uint8Array(
      await new Response(new Blob([bill]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer(),
    );
    expect(await read(streamOf(packed.slice(0, packed.length - 9)), { layout })).toBe('damaged');
    expect(await read(streamOf(packed.slice(0, 2_000)), { layout })).toBe('damaged');
  });

  it('is read from a zip of GBK tables', async () => {
    const archive = zipOf({ 'a.csv': gbk(SUMMARY_TABLE), 'b.csv': gbk(tradeTable(trades)) });
    expect(await read(streamOf(archive), { layout: gbkLayout })).toEqual(expected);
    async function* single() {
      for (const byte of archive.slice(0, 3_000)) yield Uint8Array.of(byte);
      yield archive.slice(3_000);
    }
    expect(await read(single(), { layout: gbkLayout })).toEqual(expected);
  });

  it('keeps letters whole that lie across two pieces', async () => {
    const table = gbk(tradeTable(trades.slice(0, 20)));
    async function* single() {
      for (const byte of table) yield Uint8Array.of(byte);
    }
    expect(await read(single(), { layout: gbkLayout })).toEqual(expected.slice(0, 20));
  });
});
