// Brings a bill into the object: from the provider, or as somebody uploads it. Keeps its bytes packed until the run is
// over. Reads no row and judges nothing.
import { createHash } from 'node:crypto';
import { askerOf, leavesOpen } from '../call-provider/ask.ts';
import { fetchBill } from '../call-provider/bill.ts';
import { type BillKind, dayEnd } from '../core/bill.ts';
import { backoffMs } from '../core/delivery.ts';
import { DAY_MS } from '../core/limits.ts';
import { billOf, isAskedFor, type Reconciliation, type RunBill, wantedBill, withBill } from '../core/reconciliation.ts';
import {
  ACCOUNT_BILL_WAIT_MS,
  BILL_AGAIN_MS_MAX,
  BILL_AGAIN_MS_MIN,
  BILL_FILE_BYTES_MAX,
  BILL_MISSING_MS,
} from '../core/run-limits.ts';
import { dropFile, keepParts, newFile } from '../store/reconcile-runs.ts';
import type { ReconcileDesk, Step } from './reconcile-desk.ts';

/** Channels that cannot be asked for want of credentials are reminded of it now and then. */
const NOT_CONFIGURED_AGAIN_MS = 30 * DAY_MS;

/** What was not there for a day is hardly there within the hour. */
const MISSING_AGAIN_MS = DAY_MS / 4;

type Brought =
  | { readonly kind: 'brought' }
  /** Another time may bring another answer. */
  | { readonly kind: 'later'; readonly detail: string }
  | { readonly kind: 'refused'; readonly detail: string; readonly isConfigured: boolean };

export async function* fetchStep(desk: ReconcileDesk): Step {
  const { kinds } = desk.run;
  const late: Late[] = [];
  for (const kind of kinds) {
    // One that was refused is asked for again whatever kept the run from it meanwhile: no day ends without its trades.
    if (!isAskedFor(desk.run, kind)) continue;
    const brought = await bring(desk, kind);
    yield { rows: 0, calls: 2 };
    if (brought.kind === 'later') late.push({ kind, detail: brought.detail });
    if (brought.kind !== 'refused' || !isAskedFor(desk.run, kind)) continue;
    desk.save((run) => withBill(run, kind, { state: 'refused', problem: brought.detail }));
    await desk.tell(
      'bill_missing',
      missingText(desk, brought.detail),
      brought.isConfigured ? DAY_MS : NOT_CONFIGURED_AGAIN_MS,
    );
  }
  // A person may have brought one of them meanwhile.
  const later = late.findLast(({ kind }) => isAskedFor(desk.run, kind));
  if (later === undefined) desk.save(afterFetch);
  else await wait(desk, later);
}

type Late = { readonly kind: BillKind; readonly detail: string };

/** Refused in whole, or without its trades: the run is over, and the clock does not try it again by itself. */
function afterFetch(run: Reconciliation): Reconciliation {
  const own = run.kinds.map((kind) => billOf(run, kind));
  const refused = own.filter((bill) => bill?.state === 'refused');
  const first = refused[0];
  const isHopeless = refused.length === own.length || refused.some((bill) => bill?.kind === 'trade');
  // After a refusal its count stays: a bill that fails its checks each time is not fetched for ever.
  const failures = run.state === 'refused' ? run.failures : 0;
  if (!isHopeless) return { ...run, step: 'check', state: 'running', problem: null, failures, retryAt: Date.now() };
  const over = { retryAt: null, finishedAt: Date.now(), problem: first?.problem ?? null };
  return { ...run, state: 'refused', ...over };
}

/** Trades do not wait for the account's bill for ever; the rest is tried for as long as the provider keeps it. */
async function wait(desk: ReconcileDesk, later: Late): Promise<void> {
  const now = Date.now();
  const { startedAt, kinds } = desk.run;
  const isAccountOnly = later.kind === 'fundflow' && kinds.length > 1 && othersHere(desk.run);
  if (isAccountOnly && now - startedAt >= ACCOUNT_BILL_WAIT_MS) {
    desk.save((run) => afterFetch(withBill(run, later.kind, { state: 'refused', problem: later.detail })));
    return;
  }
  const isMissing = now - startedAt >= BILL_MISSING_MS;
  if (isMissing) await desk.tell('bill_missing', missingText(desk, later.detail), DAY_MS);
  desk.save((run) => {
    const retryAt =
      now + backoffMs(run.failures + 1, BILL_AGAIN_MS_MIN, isMissing ? MISSING_AGAIN_MS : BILL_AGAIN_MS_MAX);
    const keptDays = desk.provider?.bill?.keptDays ?? 0;
    const isLost = now > dayEnd(desk.day, desk.provider?.bill?.offsetMinutes) + keptDays * DAY_MS;
    return {
      ...run,
      state: isMissing ? 'missing' : 'waiting',
      failures: run.failures + 1,
      problem: later.detail,
      retryAt: isLost ? null : retryAt,
      finishedAt: isLost ? now : null,
    };
  });
}

const othersHere = (run: Reconciliation): boolean =>
  run.kinds.every((kind) => kind === 'fundflow' || billOf(run, kind)?.state !== 'wanted');

const missingText = ({ day }: ReconcileDesk, why: string): string =>
  `The bill of ${day} cannot be fetched. ${why} Lost callbacks of that day stay unknown until it is compared: mend ` +
  'this and POST /v1/reconciliations, or download the bill yourself and POST it to /v1/reconciliations/bills.';

async function bring(desk: ReconcileDesk, kind: BillKind): Promise<Brought> {
  const { env, record, provider, day } = desk;
  const bill = provider?.bill;
  if (!bill) return { kind: 'refused', detail: 'The provider has no bills: upload one.', isConfigured: false };
  const asker = { ...(await askerOf(env, record)), bill };
  const fetched = await fetchBill(asker, { day, kind });
  if (!fetched.ok) {
    const { code, detail } = fetched.error;
    if (leavesOpen(fetched.error)) return { kind: 'later', detail };
    return { kind: 'refused', detail, isConfigured: code !== 'not_configured' };
  }
  const { value } = fetched;
  if (value.kind === 'later') return value;
  if (value.kind === 'none') {
    keep(desk, kind, { ...wantedBill(kind), state: 'here', none: true });
    return { kind: 'brought' };
  }
  try {
    const kept = await keepFile(desk.storage, value.bytes);
    if (kept === null) return { kind: 'refused', detail: TOO_LARGE, isConfigured: true };
    keep(desk, kind, { ...wantedBill(kind), state: 'here', checksum: value.checksum, ...kept });
    return { kind: 'brought' };
  } catch (error) {
    return { kind: 'later', detail: `The bill broke off while it was read (${String(error)}).` };
  } finally {
    await value.close();
  }
}

/** What a person brought while the provider was asked stays; the file that came then is of no use. */
const keep = (desk: ReconcileDesk, kind: BillKind, bill: RunBill): void => {
  desk.save((run) => {
    if (isAskedFor(run, kind)) return withBill(run, kind, bill);
    if (bill.file !== null) dropFile(desk.sql, bill.file);
    return run;
  });
};

export const TOO_LARGE = `The bill has more than ${BILL_FILE_BYTES_MAX} bytes, packed: ask for it in smaller parts.`;

export type KeptFile = Pick<RunBill, 'file' | 'bytes' | 'digest'>;

/** Keeps the bytes as they come, packed; null and nothing kept where there are too many. */
export async function keepFile(
  storage: DurableObjectStorage,
  bytes: AsyncIterable<Uint8Array>,
): Promise<KeptFile | null> {
  const { sql } = storage;
  const file = newFile(sql, Date.now());
  const hash = createHash('sha256');
  let isWhole = false;
  try {
    const packed = packedOf(hashed(bytes, (piece) => hash.update(piece)));
    const length = await keepParts(sql, file, packed, BILL_FILE_BYTES_MAX);
    isWhole = length !== null;
    return length === null ? null : { file, bytes: length, digest: hash.digest('hex') };
  } finally {
    if (!isWhole) storage.transactionSync(() => dropFile(sql, file));
  }
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, note: (piece: Uint8Array) => unknown) {
  for await (const piece of bytes) {
    note(piece);
    yield piece;
  }
}

/** Gzip and zip stay as they are; what comes plain is packed on its way. */
async function* packedOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts = bytes[Symbol.asyncIterator]();
  try {
    const first = await parts.next();
    if (first.done) return;
    const rest = { [Symbol.asyncIterator]: () => ({ next: () => parts.next() }) };
    const whole = (async function* () {
      yield first.value;
      yield* rest;
    })();
    const [a, b] = first.value;
    const isPacked = (a === 0x1f && b === 0x8b) || (a === 0x50 && b === 0x4b);
    yield* isPacked ? whole : gzip(whole);
  } finally {
    await parts.return?.(undefined);
  }
}

async function* gzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new CompressionStream('gzip');
  const writer = writable.getWriter();
  const feed = async (): Promise<unknown> => {
    try {
      for await (const part of bytes) await writer.write(part);
      await writer.close();
      return null;
    } catch (error) {
      await writer.abort(error).catch(() => null); // it is broken already, and the reader hears why
      return error;
    }
  };
  const feeding = feed();
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    yield value;
  }
  const error = await feeding;
  if (error !== null) throw error;
}
