// What tests of bills share: bytes in pieces of any size, and a bill read to its end.
import type { BillRow, FlowRow } from '../../src/core/bill.ts';
import type { BillLayout, BillProblem } from '../../src/core/bill-layout.ts';
import type { TotalCheck } from '../../src/core/bill-reader.ts';
import { type BillOptions, readBill } from '../../src/core/bill-stream.ts';
import { providerOf } from '../../src/providers/index.ts';
import { entered as alipayEntered } from '../fixtures/alipay/merchant.ts';
import type { Trade } from '../fixtures/bills/trades.ts';
import { APP_ID, MCH_ID } from '../fixtures/bills/wechat.ts';
import { entered as wechatEntered } from '../fixtures/wechatpay-v3/merchant.ts';

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

/** In pieces of these sizes, over and over. */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[] = [65_536]): AsyncGenerator<Uint8Array> {
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    yield bytes.slice(from, from + size);
    from += size;
  }
}

export type Read<Row> = {
  readonly rows: Row[];
  /** The number of each row, as its piece says. */
  readonly numbers: number[];
  readonly count: number | null;
  readonly totals: readonly TotalCheck[];
  readonly problem: BillProblem | null;
};

export async function readAll<Row>(
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  options: BillOptions<Row>,
  sizes?: readonly number[],
): Promise<Read<Row>> {
  const [rows, numbers]: [Row[], number[]] = [[], []];
  let end: Pick<Read<Row>, 'count' | 'totals' | 'problem'> | null = null;
  for await (const piece of readBill(bytes instanceof Uint8Array ? inPieces(bytes, sizes) : bytes, options)) {
    if (end !== null) throw new Error('A piece came after the end.');
    if (piece.kind === 'rows') {
      rows.push(...piece.rows);
      numbers.push(...piece.rows.map((_, at) => piece.from + at));
    }
    if (piece.kind === 'end') end = { count: piece.count, totals: piece.totals, problem: null };
    if (piece.kind === 'problem') end = { count: null, totals: [], problem: piece.problem };
  }
  if (end === null) throw new Error('The bill did not say that it ended.');
  return { rows, numbers, ...end };
}

function billOf(id: string, entered: object) {
  const provider = providerOf(id);
  if (!provider?.bill) throw new Error(`${id} has no bill`);
  const credentials = provider.credentials.parse(entered);
  return { provider, bill: provider.bill, credentials };
}

export const wechat = (changes: object = {}) =>
  billOf('wechatpay-v3', { ...wechatEntered, mchId: MCH_ID, appIds: [APP_ID], ...changes });
export const alipay = (changes: object = {}) => billOf('alipay', { ...alipayEntered, ...changes });

export function tradesLayout(made: ReturnType<typeof wechat> = wechat()): BillLayout<BillRow> {
  return made.bill.trades(made.credentials);
}

export function flowLayoutOf(made: ReturnType<typeof wechat> = wechat()): BillLayout<FlowRow> {
  if (!made.bill.flow) throw new Error('no fund bill');
  return made.bill.flow(made.credentials);
}

export const CNY = (minor: number) => ({ minor, currency: 'CNY' });

/** The row that tells of this trade. */
export function rowOf(trade: Trade, changes: Partial<BillRow> = {}): BillRow {
  const isRefund = trade.kind === 'refund';
  return {
    kind: trade.kind,
    orderNo: trade.orderNo,
    transactionId: trade.transactionId,
    refundNo: isRefund ? trade.refundNo : null,
    providerRefundId: isRefund ? trade.providerRefundId : null,
    amount: CNY(trade.fen),
    settled: CNY(trade.fen),
    payerAmount: null,
    fee: { units: trade.feeFen * 1_000, scale: 5 },
    feeRate: { units: 6, scale: 3 },
    state: 'succeeded',
    providerState: isRefund ? 'SUCCESS' : 'PAID',
    at: trade.at,
    test: false,
    isStranger: false,
    ...changes,
  };
}
