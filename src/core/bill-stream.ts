// A bill from bytes to rows while it arrives: unpacked, its checksum taken, decoded, read. Pure: the bytes and the hash
// are brought. Backpressure is the reader's: nothing is fetched before the rows at hand were taken.
import { BILL_BYTES_MAX, BILL_ROWS_MAX, type BillDay, dayEnd, dayStart } from './bill.ts';
import type { BillLayout, BillProblem } from './bill-layout.ts';
import { BillReader, type TotalCheck, totalsProblem } from './bill-reader.ts';
import { type Unpacked, Unreadable, unpack } from './bill-zip.ts';
import { err, ok, type Result } from './result.ts';

/** A hash that takes bytes one piece after the other, as node:crypto's createHash gives it. */
export type RunningHash = {
  readonly update: (bytes: Uint8Array) => unknown;
  readonly digest: (encoding: 'hex') => string;
};

export type BillOptions<Row> = {
  readonly layout: BillLayout<Row>;
  /** Over the unpacked file; `expected` is hex. */
  readonly checksum?: { readonly hash: RunningHash; readonly expected: string };
};

export type BillPiece<Row> =
  /** `from`: the number of the first of them, counted from 1. */
  | { readonly kind: 'rows'; readonly from: number; readonly rows: readonly Row[] }
  /** The file is whole, and its own sums hold. Only now may be judged what is missing from it. */
  | { readonly kind: 'end'; readonly count: number; readonly totals: readonly TotalCheck[] }
  | { readonly kind: 'problem'; readonly problem: BillProblem };

/** Ends with `end` or with `problem`, and gives nothing after it. */
export async function* readBill<Row>(
  bytes: AsyncIterable<Uint8Array>,
  options: BillOptions<Row>,
): AsyncGenerator<BillPiece<Row>> {
  const parts = unpack(bytes);
  const bill = new Bill(options);
  try {
    for (;;) {
      const part = await nextOf(parts);
      if ('problem' in part) {
        yield { kind: 'problem', problem: part.problem };
        return;
      }
      const pieces = part.next === null ? bill.end() : bill.push(part.next);
      yield* pieces;
      if (part.next === null || pieces.some(({ kind }) => kind === 'problem')) return;
    }
  } finally {
    await parts.return(undefined);
  }
}

export type CheckedBill = {
  readonly count: number;
  /** Rows of another day: a few are late entries. */
  readonly outside: number;
  readonly totals: readonly TotalCheck[];
};

/**
 * Reads a bill to its end and keeps nothing of it: whole, unchanged, its sums right, and mostly of the day that it is
 * said to be of. Nothing is compared with a bill that this refuses.
 */
export async function checkBill<Row extends { readonly at: number }>(
  bytes: AsyncIterable<Uint8Array>,
  options: BillOptions<Row> & { readonly day: BillDay; readonly offsetMinutes?: number },
): Promise<Result<CheckedBill, BillProblem>> {
  const [start, end] = [dayStart(options.day, options.offsetMinutes), dayEnd(options.day, options.offsetMinutes)];
  let outside = 0;
  for await (const piece of readBill(bytes, options)) {
    if (piece.kind === 'problem') return err(piece.problem);
    if (piece.kind === 'rows') for (const { at } of piece.rows) if (at < start || at >= end) outside += 1;
    if (piece.kind !== 'end') continue;
    const { count, totals } = piece;
    if (outside * 2 <= count) return ok({ count, outside, totals });
    const detail = `${outside} of its ${count} rows are not of ${options.day}: is it the file of another day?`;
    return err({ code: 'day', row: null, detail });
  }
  throw new Error('A bill ended without saying how.');
}

async function nextOf(parts: AsyncGenerator<Unpacked>): Promise<{ next: Unpacked | null } | { problem: BillProblem }> {
  try {
    const { done, value } = await parts.next();
    return { next: done ? null : value };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isSaid = error instanceof Unreadable;
    const detail = isSaid ? why : `The file cannot be read to its end (${why}): fetch it again.`;
    return { problem: { code: 'damaged', row: null, detail } };
  }
}

/** Files that share one bill: an archive may hold a summary beside it, which has other columns and is passed over. */
class Bill<Row> {
  readonly #options: BillOptions<Row>;
  #reader: BillReader<Row>;
  #decoder: TextDecoder | null = null;
  #file = 0;
  #begin: Uint8Array = new Uint8Array();
  #bytes = 0;
  #rows = 0;
  /** Of the files that were read to their end. */
  readonly #totals: TotalCheck[][] = [];
  #isOther = false;
  #passedOver: BillProblem | null = null;

  constructor(options: BillOptions<Row>) {
    this.#options = options;
    this.#reader = new BillReader(options.layout);
  }

  push({ file, bytes }: Unpacked): BillPiece<Row>[] {
    const ended = file === this.#file ? [] : this.#endFile();
    if (ended.some(({ kind }) => kind === 'problem')) return ended;
    this.#file = file;
    this.#bytes += bytes.length;
    if (this.#bytes > BILL_BYTES_MAX) return [...ended, tooLong(`${BILL_BYTES_MAX} bytes`)];
    this.#options.checksum?.hash.update(bytes);
    return [...ended, ...this.#text(this.#decode(bytes))];
  }

  end(): BillPiece<Row>[] {
    const ended = this.#endFile();
    if (ended.some(({ kind }) => kind === 'problem')) return ended;
    const [first, ...more] = this.#totals;
    if (first === undefined) return [...ended, { kind: 'problem', problem: this.#passedOver ?? EMPTY }];
    const { checksum } = this.#options;
    const digest = checksum?.hash.digest('hex');
    if (checksum && digest !== checksum.expected.toLowerCase()) {
      const detail = `Its checksum is ${digest}, the provider told ${checksum.expected}: fetch it again.`;
      return [...ended, { kind: 'problem', problem: { code: 'checksum', row: null, detail } }];
    }
    return [...ended, { kind: 'end', count: this.#rows, totals: more.length === 0 ? first : this.#totals.flat() }];
  }

  #endFile(): BillPiece<Row>[] {
    const last = this.#text(this.#decode(new Uint8Array(), true));
    const reader = this.#reader;
    const rows = reader.end();
    const wasOther = this.#isOther || (!rows.ok && rows.error.code === 'header');
    this.#isOther = false;
    this.#reader = new BillReader(this.#options.layout, this.#rows);
    if (wasOther) {
      if (!rows.ok) this.#passedOver ??= rows.error;
      return [];
    }
    if (last.some(({ kind }) => kind === 'problem')) return last;
    const pieces = [...last, ...this.#pieces(rows)];
    if (!rows.ok) return pieces;
    const totals = reader.totals();
    this.#totals.push(totals);
    const problem = totalsProblem(totals);
    return problem === null ? pieces : [...pieces, { kind: 'problem', problem }];
  }

  #text(text: string): BillPiece<Row>[] {
    if (text === '' || this.#isOther) return [];
    const rows = this.#reader.push(text);
    this.#isOther = !rows.ok && rows.error.code === 'header';
    if (rows.ok || !this.#isOther) return this.#pieces(rows);
    this.#passedOver ??= rows.error;
    return [];
  }

  #pieces(rows: ReturnType<BillReader<Row>['push']>): BillPiece<Row>[] {
    if (!rows.ok) return [{ kind: 'problem', problem: rows.error }];
    if (rows.value.length === 0) return [];
    const from = this.#rows + 1;
    this.#rows += rows.value.length;
    if (this.#rows > BILL_ROWS_MAX) return [tooLong(`${BILL_ROWS_MAX} rows`)];
    return [{ kind: 'rows', from, rows: rows.value }];
  }

  /** A mark at the beginning says UTF-8 whatever the layout expects. Broken letters cost no row: a name may. */
  #decode(bytes: Uint8Array, isLast = false): string {
    if (this.#decoder === null) {
      const begin = new Uint8Array([...this.#begin, ...bytes.subarray(0, 3)]);
      const held = this.#begin;
      this.#begin = begin.length < 3 && !isLast ? begin : new Uint8Array();
      if (begin.length < 3 && !isLast) return '';
      const hasMark = begin[0] === 0xef && begin[1] === 0xbb && begin[2] === 0xbf;
      this.#decoder = new TextDecoder(hasMark ? 'utf-8' : this.#options.layout.charset);
      return this.#decoder.decode(held, { stream: true }) + this.#decode(bytes, isLast);
    }
    const text = this.#decoder.decode(bytes, { stream: !isLast });
    if (isLast) this.#decoder = null;
    return text;
  }
}

const EMPTY: BillProblem = {
  code: 'header',
  row: null,
  detail: 'The file is empty: not even a header is in it. Fetch it again.',
};

const tooLong = (most: string): { readonly kind: 'problem'; readonly problem: BillProblem } => ({
  kind: 'problem',
  problem: { code: 'too_long', row: null, detail: `The bill has more than ${most}: ask for it in smaller parts.` },
});
