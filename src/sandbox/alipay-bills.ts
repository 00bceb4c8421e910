// The files of the pretend Alipay's daily bills: a zip of GBK tables, remarks behind `#`, cells that end in a tab, the
// sums below the table (docs: business details, account details). Written apart from the gateway's reader.
import { crc32, deflateRawSync } from 'node:zlib';
import {
  type AccountLine,
  type Day,
  feeOf,
  inOrder,
  isIn,
  linesOf,
  localTimeOf,
  type Moved,
  sumOf,
  yuanOf,
} from './account.ts';
import type { AlipayTrade } from './alipay-trades.ts';
import { encoded } from './alipay-wire.ts';

const TRADE_COLUMNS =
  '支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,' +
  '商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,' +
  '商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注';
const FLOW_COLUMNS =
  '账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,' +
  '业务类型,备注';
const DASHES = '-'.repeat(41);
const BUYER = 'wan***@sandbox.example\t';

type Movement = Moved & { readonly trade: AlipayTrade; readonly refundNo: string | null };

function movementsOf(trades: readonly AlipayTrade[]): Movement[] {
  return inOrder(
    trades.flatMap((trade) => {
      const { paidAt, fen, refunds } = trade;
      if (paidAt === null) return [];
      const back = refunds.filter(({ done }) => done);
      return [
        { kind: 'payment' as const, trade, refundNo: null, fen, feeFen: feeOf(fen), at: paidAt },
        ...back.map((one) => ({
          ...{ kind: 'refund' as const, trade, refundNo: one.no, fen: one.fen, feeFen: 0 - feeOf(one.fen) },
          at: one.at,
        })),
      ];
    }),
  );
}

/** `trade`: business details. `signcustomer`: account details. */
export type AlipayBillName = 'trade' | 'signcustomer';

/** The packed file of a day; null where nothing happened. */
export function alipayBillOf(name: AlipayBillName, trades: readonly AlipayTrade[], day: Day, sellerId: string) {
  const movements = movementsOf(trades);
  const title = `${sellerId}0156_${localTimeOf(day.from).slice(0, 10).replaceAll('-', '')}`;
  if (name === 'signcustomer') {
    const lines = linesOf(movements, day);
    return lines.length === 0 ? null : zipOf([[`${title}_账务明细.csv`, flowTable(lines)]]);
  }
  const ofDay = movements.filter((one) => isIn(day, one));
  if (ofDay.length === 0) return null;
  return zipOf([
    [`${title}_业务明细.csv`, tradeTable(ofDay, sellerId, day)],
    [`${title}_业务明细(汇总).csv`, summaryTable(ofDay)],
  ]);
}

const tableOf = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n`;
const signed = ({ kind, fen }: Movement): number => (kind === 'refund' ? 0 - fen : fen);
const ofKind = (movements: readonly Movement[], kind: Moved['kind']) => movements.filter((one) => one.kind === kind);
const total = (movements: readonly Movement[]): string => yuanOf(sumOf(movements.map(signed)));

function tradeTable(movements: readonly Movement[], sellerId: string, { from, until }: Day): string {
  const [paid, back] = [ofKind(movements, 'payment'), ofKind(movements, 'refund')];
  return tableOf([
    '#支付宝业务明细查询',
    `#账号：[${sellerId}0156]`,
    `#起始日期：[${localTimeOf(from)}]   终止日期：[${localTimeOf(until)}]`,
    `#${DASHES}业务明细列表${DASHES}`,
    TRADE_COLUMNS,
    ...movements.map(tradeRow),
    `#${DASHES}业务明细列表结束${DASHES}`,
    `#交易合计：${paid.length}笔，商家实收共${total(paid)}元，商家优惠共0.00元`,
    `#退款合计：${back.length}笔，商家实收退款共${total(back)}元，商家优惠退款共0.00元`,
  ]);
}

function tradeRow(one: Movement): string {
  const { trade, refundNo, at, feeFen } = one;
  const amount = yuanOf(signed(one));
  const type = refundNo === null ? '交易\t' : '退款\t';
  return [
    ...[`${trade.tradeNo}\t`, `${trade.outTradeNo}\t`, type, `${trade.subject}\t`],
    ...[localTimeOf(trade.createdAt), localTimeOf(at), '', '', '', '', BUYER, amount, amount],
    ...['0.00', '0.00', '0.00', '0.00', '0.00', '', '0.00', '0.00', refundNo === null ? '' : `${refundNo}\t`],
    ...[yuanOf(0 - feeFen), '0.00', ''],
  ].join(',');
}

function summaryTable(movements: readonly Movement[]): string {
  const counts = [ofKind(movements, 'payment').length, ofKind(movements, 'refund').length].join(',');
  return tableOf([
    '#支付宝业务汇总查询',
    `#${DASHES}业务汇总列表${DASHES}`,
    '门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）',
    `合计,,${counts},${total(movements)},${total(movements)}`,
    `#${DASHES}业务汇总列表结束${DASHES}`,
  ]);
}

function flowTable(lines: readonly AccountLine<Movement>[]): string {
  const [came, went] = [lines.filter(({ fen }) => fen > 0), lines.filter(({ fen }) => fen < 0)];
  const sum = (some: typeof lines) => yuanOf(Math.abs(sumOf(some.map(({ fen }) => fen))));
  return tableOf([
    '#支付宝账务明细查询',
    `#${DASHES}账务明细列表${DASHES}`,
    FLOW_COLUMNS,
    ...lines.map(flowRow),
    `#${DASHES}账务明细列表结束${DASHES},,,,`,
    `#支出合计：${went.length}笔，共${sum(went)}元,,,,`,
    `#收入合计：${came.length}笔，共${sum(came)}元,,,,`,
  ]);
}

function flowRow({ of: { trade, kind, refundNo, at }, isFee, fen, heldFen }: AccountLine<Movement>): string {
  const type = isFee ? '收费' : kind === 'refund' ? '交易退款' : '在线支付';
  const flowNo = `${trade.tradeNo}${refundNo ?? ''}${isFee ? '9' : '1'}`;
  const ids = [`${flowNo}\t`, `${trade.tradeNo}\t`, `${trade.outTradeNo}\t`, `${trade.subject}\t`];
  const amounts = [yuanOf(Math.max(0, fen)), yuanOf(Math.min(0, fen)), yuanOf(heldFen)];
  return [...ids, localTimeOf(at), BUYER, ...amounts, '支付宝', `${type}\t`, ''].join(',');
}

/** An archive as Alipay packs it: deflated entries with GBK names and no mark of UTF-8 (APPNOTE 4.3.7, 4.3.12). */
function zipOf(files: readonly (readonly [string, string])[]): Buffer {
  const [locals, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [title, text] of files) {
    const [name, plain] = [encoded(title, 'gbk'), encoded(text, 'gbk')];
    const packed = deflateRawSync(plain);
    // Version 2.0, no flags, deflated, 1 January 2026 at midnight.
    const shared = fields([20, 0, 8, 0, 0x5c21], [crc32(plain), packed.length, plain.length], [name.length, 0]);
    const local = Buffer.concat([fields([], [0x04034b50], []), shared, name, packed]);
    const entry = [fields([], [0x02014b50], [20]), shared, fields([0, 0, 0], [0, offset], []), name];
    locals.push(local);
    directory.push(Buffer.concat(entry));
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const counts = fields([], [0x06054b50], [0, 0, files.length, files.length]);
  return Buffer.concat([...locals, index, counts, fields([], [index.length, offset], [0])]);
}

/** Little-endian: words of two bytes, then of four, then of two. */
function fields(before: readonly number[], long: readonly number[], after: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * (before.length + after.length) + 4 * long.length);
  let at = 0;
  for (const value of before) at = bytes.writeUInt16LE(value, at);
  for (const value of long) at = bytes.writeUInt32LE(value >>> 0, at);
  for (const value of after) at = bytes.writeUInt16LE(value, at);
  return bytes;
}
