// Tells the ledgers what a bill has and they have not, by the same door as everything else, with the bill as source.
// Each repair waits in the tables until its ledger has it; told twice it changes nothing.
import type { BillKind } from '../core/bill.ts';
import { hasTaken } from '../core/compare-rules.ts';
import type { Discrepancy, DiscrepancyStatus } from '../core/discrepancy.ts';
import type { Link } from '../core/event.ts';
import { billOf } from '../core/reconciliation.ts';
import type { Evidence, FactInput, RecordVerdict } from '../core/record.ts';
import { unreachable } from '../core/result.ts';
import { REPAIRS_AT_ONCE } from '../core/run-limits.ts';
import { sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { ledgerOf, recordInputs, recordLinks } from '../record.ts';
import { putDiscrepancy, readDiscrepancy, repairsOf } from '../store/reconcile-differences.ts';
import type { ReconcileDesk, Step } from './reconcile-desk.ts';

const RECORD_TIMEOUT_MS = 10_000;

type Repair = { readonly discrepancy: Discrepancy; readonly eventId: string; readonly bill: BillKind };

export async function* repairStep(desk: ReconcileDesk): Step {
  for (let after = ''; ; ) {
    const repairs = repairsOf(desk.sql, desk.day, after, REPAIRS_AT_ONCE);
    const last = repairs.at(-1);
    if (last === undefined) break;
    await tell(desk, repairs);
    after = last.discrepancy.id;
    yield { rows: 0, calls: repairs.length };
  }
  desk.save((run) => ({ ...run, step: 'absent', state: 'running', failures: 0, problem: null }));
}

async function tell(desk: ReconcileDesk, repairs: readonly Repair[]): Promise<void> {
  const { env, record } = desk;
  const now = Date.now();
  const inputs = await Promise.all(repairs.map((repair) => inputOf(desk, repair, now)));
  const recording = { env, record, deadline: now + RECORD_TIMEOUT_MS, receivedAt: now, evidence: null };
  const verdicts = await recordInputs(recording, inputs);
  // After the payments, so that what waited for a link finds its order there.
  if (desk.provider?.linksById) await recordLinks(recording, inputs.flatMap(linkOf));
  const outcomes = await Promise.all(
    repairs.map(async (repair, index) => {
      const input = inputs[index];
      const verdict = input && verdicts.get(input);
      if (verdict === undefined) throw new Error('A ledger gave no verdict.');
      return { id: repair.discrepancy.id, ...(await outcomeOf(desk, repair, verdict)) };
    }),
  );
  desk.storage.transactionSync(() => {
    for (const { id, status, eventId, detail } of outcomes) {
      const known = readDiscrepancy(desk.sql, id);
      if (known === null) continue;
      const kept = known.status === 'explained' ? known.status : status;
      const changed = { ...known, status: kept, eventId, detail: detail ?? known.detail, updatedAt: Date.now() };
      putDiscrepancy(desk.sql, changed, Date.now());
    }
  });
}

/** What its provider's notices of refunds and disputes name it by. */
const linkOf = ({ event }: FactInput): Link[] =>
  event.kind === 'payment' && event.transactionId !== null ? [{ id: event.transactionId, orderNo: event.orderNo }] : [];

/** The row that told it goes along as its evidence, with the digest of the bill that it stands in. */
async function inputOf(
  desk: ReconcileDesk,
  { discrepancy, eventId, bill: kind }: Repair,
  now: number,
): Promise<FactInput> {
  const { repair: event, about, orderNo, transactionId, refundNo, there, row, day } = discrepancy;
  if (event === null) throw new Error(`${discrepancy.id} repairs nothing.`);
  const { source, digest } = billOf(desk.run, kind) ?? { source: null, digest: null };
  const told = { bill: { kind, day, source, digest, row }, about, orderNo, transactionId, refundNo, there };
  const body = utf8(JSON.stringify(told));
  const evidence: Evidence = {
    contentType: 'application/json',
    headers: {},
    body,
    remoteAddress: null,
    digest: toHex(await sha256(body)),
  };
  return { eventId, event, source: 'bill', receivedAt: now, evidence };
}

type Outcome = {
  readonly status: DiscrepancyStatus;
  readonly eventId: string | null;
  readonly detail?: string;
};

const UNCHANGED = 'The ledger was told, and it changed nothing: look at the order.';
const PARKED = 'It waits for the order’s registration: register the order, then run the day again.';

async function outcomeOf(
  { env, record }: ReconcileDesk,
  { discrepancy, eventId }: Repair,
  verdict: RecordVerdict,
): Promise<Outcome> {
  const orderNo = discrepancy.orderNo ?? '';
  switch (verdict) {
    case 'applied':
    case 'odd':
      return { status: 'fixed', eventId };
    case 'duplicate':
    case 'stale': {
      // Told before, by us or by somebody else: the ledger has it, and the order may have taken it or not.
      const ledger = ledgerOf(env, record, orderNo);
      const [order] = await ledger.readOrdersFor([orderNo]);
      if (order === undefined || discrepancy.repair === null || !hasTaken(order, discrepancy.repair)) {
        const isParked = (await ledger.readPayment(orderNo))?.state === 'parked';
        const id = verdict === 'stale' ? eventId : discrepancy.eventId;
        return { status: 'open', eventId: id, detail: isParked ? PARKED : UNCHANGED };
      }
      const told = await ledger.readTold(orderNo, { eventId });
      return { status: 'fixed', eventId: told === null ? null : eventId };
    }
    case 'parked':
    case 'incomplete':
      return { status: 'open', eventId: null, detail: PARKED };
    case 'refused':
      return { status: 'open', eventId: null, detail: 'The order holds as many facts as it can: look at the order.' };
    default:
      return unreachable(verdict);
  }
}
