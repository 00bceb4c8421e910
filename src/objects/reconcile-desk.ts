// What the steps of a reconciliation share: the channel, the object's tables, and how a run is kept and a bill is read.
// Decides no step.
import { createHash } from 'node:crypto';
import type { AlarmCode } from '../core/alarm.ts';
import type { BillDay, BillKind, BillRow, FlowRow } from '../core/bill.ts';
import type { BillLayout } from '../core/bill-layout.ts';
import { type BillOptions, readBill } from '../core/bill-stream.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { mappedLayout } from '../core/mapped-bill.ts';
import type { Reconciliation, RunBill } from '../core/reconciliation.ts';
import { BILL_ROWS_AT_ONCE } from '../core/run-limits.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { countOpen } from '../store/reconcile-differences.ts';
import { channelOfRuns, hasFailed, partsOf, putRun, readRun } from '../store/reconcile-runs.ts';
import { openCredentials } from '../store/registry-copy.ts';

/** What a step has used up since it last said so: an alarm takes only so much. */
export type Spent = { readonly rows: number; readonly calls: number };
export type Step = AsyncGenerator<Spent, void>;

/** A batch of rows, as large as one commit takes. */
export type Rows<Row> = { readonly from: number; readonly rows: readonly Row[] };

export class ReconcileDesk {
  readonly env: Env;
  readonly storage: DurableObjectStorage;
  readonly record: ChannelRecord;
  readonly provider: AnyProvider | null;
  readonly credentials: unknown;
  readonly day: BillDay;
  /** Which run of the day this is. */
  readonly runs: number;

  static async open(env: Env, storage: DurableObjectStorage, record: ChannelRecord, run: Reconciliation) {
    const credentials = await openCredentials(record, readConfig(env).masterKey);
    return new ReconcileDesk(env, storage, record, credentials, run);
  }

  private constructor(
    env: Env,
    storage: DurableObjectStorage,
    record: ChannelRecord,
    credentials: unknown,
    { day, runs }: Reconciliation,
  ) {
    this.env = env;
    this.storage = storage;
    this.record = record;
    this.provider = providerOf(record.channel.provider) ?? null;
    this.credentials = credentials;
    this.day = day;
    this.runs = runs;
  }

  get sql(): SqlStorage {
    return this.storage.sql;
  }

  /** The run as it stands. Throws when the day was begun anew: what is known here is of the run before. */
  get run(): Reconciliation {
    const run = readRun(this.sql, this.day);
    if (run?.runs !== this.runs) throw new Error(`Run ${this.runs} of ${this.day} is no more.`);
    return run;
  }

  /** One transaction: what a step found, and how far it came. */
  save(change: (run: Reconciliation) => Reconciliation): Reconciliation {
    return this.storage.transactionSync(() => putRun(this.sql, change(this.run), Date.now()));
  }

  /** Told to a person, and once a day at most as long as it lasts. */
  async tell(code: AlarmCode, detail: string, everyMs: number): Promise<void> {
    const at = Date.now();
    const alarm = { code, subject: `channel/${this.record.channel.id}`, detail, at };
    await this.env.REGISTRY.getByName('registry').raiseNews([{ alarm, since: at - everyMs }]);
  }

  /** How far the provider's day is ahead of UTC. */
  offsetOf({ source }: Pick<RunBill, 'source'>): number | undefined {
    const mapping = source === 'upload' ? this.record.channel.settings.billMapping : null;
    return mapping?.offsetMinutes ?? this.provider?.bill?.offsetMinutes;
  }

  tradeLayout({ source, kind }: Pick<RunBill, 'source' | 'kind'>): BillLayout<BillRow> {
    const { settings, environment } = this.record.channel;
    if (source === 'upload' && settings.billMapping !== null) {
      return mappedLayout(settings.billMapping, environment === 'test', kind === 'refund' ? kind : 'trade');
    }
    const layout = this.provider?.bill?.trades(this.credentials);
    if (layout === undefined) throw new Error('The channel has no billMapping any more, and its provider no bill.');
    return layout;
  }

  flowLayout(): BillLayout<FlowRow> {
    const layout = this.provider?.bill?.flow?.(this.credentials);
    if (layout === undefined) throw new Error('The provider tells no movements of the account.');
    return layout;
  }

  /** The bytes of a bill; none where nothing was traded. */
  async *bytesOf({ file, none }: RunBill): AsyncGenerator<Uint8Array> {
    if (none) return;
    if (file === null) throw new Error('The bytes of the bill are gone: run the day again.');
    yield* partsOf(this.sql, file);
  }

  /** Its rows in batches. It was checked before, so that what it refuses now is a bug or a damaged disk. */
  async *rowsOf<Row>(bill: RunBill, layout: BillLayout<Row>): AsyncGenerator<Rows<Row>> {
    if (bill.none) return;
    let [from, rows]: [number, Row[]] = [1, []];
    for await (const piece of readBill(this.bytesOf(bill), { layout })) {
      if (piece.kind === 'problem') throw new Error(piece.problem.detail);
      if (piece.kind === 'rows') for (const row of piece.rows) rows.push(row);
      if (rows.length < BILL_ROWS_AT_ONCE && piece.kind !== 'end') continue;
      yield { from, rows };
      from += rows.length;
      rows = [];
    }
  }

  checksumOf({ checksum }: RunBill): Pick<BillOptions<unknown>, 'checksum'> {
    if (checksum === null) return {};
    return { checksum: { hash: createHash(checksum.algorithm.replace('-', '')), expected: checksum.hex } };
  }
}

/** What a person was told of is over, once nothing of it is left. */
export async function endAlarms(env: Env, sql: SqlStorage): Promise<void> {
  const codes: AlarmCode[] = hasFailed(sql) ? [] : ['bill_missing', 'bill_refused'];
  if (countOpen(sql) === 0) codes.push('discrepancies_open');
  const at = Date.now();
  const subject = `channel/${channelOfRuns(sql)}`;
  const news = codes.map((code) => ({ alarm: { code, subject, detail: '', at, ended: true as const }, since: at }));
  await env.REGISTRY.getByName('registry').raiseNews(news);
}

/** Of a run's bills those that are compared row by row with the orders. */
export const tradeKinds = ({ kinds }: Reconciliation): readonly Exclude<BillKind, 'fundflow'>[] =>
  kinds.filter((kind) => kind !== 'fundflow');
