// Reconciliations and discrepancies as /v1 shows them. Money of a settlement is printed to the last digit.
import { BILL_COVERAGE, BILL_KINDS, FEE_SCALE, isBillDay, ROW_KINDS } from '../core/bill.ts';
import type { Tally } from '../core/compare-tally.ts';
import { type Decimal, printDecimal } from '../core/decimal.ts';
import { DIFFERENCE_KINDS, DISCREPANCY_STATUSES, type Discrepancy } from '../core/discrepancy.ts';
import { decimalsOf } from '../core/money.ts';
import {
  type Reconciliation,
  type ReconciliationView,
  RUN_STATES,
  RUN_STEPS,
  type RunBill,
  type UntiedCounts,
} from '../core/reconciliation.ts';
import type { SettlementLine } from '../core/settlement.ts';
import { iso, isoOrNull, Money, Time } from './fields.ts';
import { orNull, z } from './kit.ts';

export const Day = z
  .string()
  .refine(isBillDay, 'must be a day, such as 2026-01-31')
  .openapi({ description: 'In the provider’s own time: Beijing’s for mainland providers.' });
export const Kind = z.enum(BILL_KINDS);

const MoneyText = z.string().openapi({ description: 'A decimal of the main unit, exact.' });

const TradesBody = z
  .object({ currency: z.string(), gross: MoneyText, refunds: MoneyText, fees: MoneyText, net: MoneyText })
  .openapi('BillTrades');

const BillBody = z
  .object({
    kind: Kind,
    state: z.enum(['wanted', 'here', 'checked', 'compared', 'done', 'refused']),
    source: z.enum(['provider', 'upload']),
    covers: z.enum(BILL_COVERAGE).openapi({ description: 'What of the day it has in full.' }),
    empty: z.boolean().openapi({ description: 'The provider said that nothing was traded.' }),
    bytes: z.int(),
    checksum: z.string().nullable().openapi({ description: 'What the provider told and the file was held against.' }),
    digest: z.string().nullable().openapi({ description: 'SHA-256 of the file as it came, hex.' }),
    rows: z.int().nullable(),
    rowsDone: z.int(),
    outside: z.int().openapi({ description: 'Rows of another day.' }),
    totals: z.array(z.object({ name: z.string(), said: z.string().nullable(), counted: z.string() })),
    tally: z
      .object({
        payments: z.int(),
        refunds: z.int(),
        matched: z.int(),
        repaired: z.int(),
        foreign: z.int(),
        unjudged: z.int(),
        differences: z.record(z.string(), z.int()),
        trades: z.array(TradesBody),
      })
      .nullable(),
    problem: z.string().nullable(),
  })
  .openapi('ReconciliationBill');

const decimals = ['gross', 'refunds', 'fees', 'net', 'moved', 'difference', 'others'] as const;
const optionalDecimals = ['opening', 'closing', 'balanceDifference', 'overnightDifference'] as const;
const SettlementBody = z
  .object({
    currency: z.string(),
    ...Object.fromEntries(decimals.map((name) => [name, MoneyText])),
    ...Object.fromEntries(optionalDecimals.map((name) => [name, MoneyText.nullable()])),
    brokenAt: z.int().nullable().openapi({ description: 'The first line whose balance does not follow.' }),
  })
  .openapi('SettlementLine');

const UntiedBody = z.object({
  side: z.enum(['bill', 'account']),
  row: z.int(),
  kind: z.enum(ROW_KINDS),
  id: z.string(),
  orderNo: z.string().nullable(),
  amount: Money,
});

const UntiedCountsBody = z
  .object({
    bill: z.int(),
    account: z.int(),
    sums: z
      .array(z.object({ side: z.enum(['bill', 'account']), kind: z.enum(ROW_KINDS), lines: z.int(), amount: Money }))
      .openapi({ description: 'All of them, by side, kind and currency.' }),
  })
  .openapi('UntiedCounts', { description: 'Trades and lines of the account that tie to nothing.' });

export const ReconciliationBody = z
  .object({
    id: z.string(),
    channel: z.string(),
    day: z.string(),
    state: z.enum(RUN_STATES),
    step: z.enum(RUN_STEPS),
    begunBy: z.enum(['clock', 'hand', 'upload']),
    kinds: z.array(Kind),
    runs: z.int().openapi({ description: 'How often this day was run.' }),
    startedAt: Time,
    updatedAt: Time,
    finishedAt: Time.nullable(),
    retryAt: Time.nullable().openapi({ description: 'When it goes on by itself.' }),
    problem: z.string().nullable(),
    bills: z.array(BillBody),
    settlement: z.array(SettlementBody).nullable().openapi({ description: 'Null without a bill of the account.' }),
    untied: orNull('UntiedCounts', UntiedCountsBody),
  })
  .openapi('Reconciliation');

export const ReconciliationDetail = ReconciliationBody.extend({
  untiedLines: z.array(UntiedBody).openapi({ description: 'The first thousand of each side.' }),
}).openapi('ReconciliationDetail');

const print = (decimal: Decimal | null): string | null => (decimal === null ? null : printDecimal(decimal));

function renderSettlement(line: SettlementLine): z.infer<typeof SettlementBody> {
  const printed = [...decimals, ...optionalDecimals].map((name) => [name, print(line[name])]);
  return { currency: line.currency, brokenAt: line.brokenAt, ...Object.fromEntries(printed) };
}

function renderBill({ file: _, flow: _flow, none, row, checksum, totals, tally, covers = 'all', ...bill }: RunBill) {
  return {
    ...bill,
    covers,
    empty: none,
    rowsDone: row,
    checksum: checksum && `${checksum.algorithm} ${checksum.hex}`,
    totals: totals.map(({ name, said, counted }) => ({ name, said: print(said), counted: printDecimal(counted) })),
    tally: tally && renderTally(tally),
  };
}

function renderTally({ money, payments, refunds, matched, repaired, foreign, unjudged, differences }: Tally) {
  const trades = Object.entries(money).map(([currency, { gross, refunded, fee }]) => {
    const unit = 10 ** (FEE_SCALE - decimalsOf(currency));
    const text = (units: number) => printDecimal({ units, scale: FEE_SCALE });
    const net = (gross - refunded) * unit - fee;
    return { currency, gross: text(gross * unit), refunds: text(refunded * unit), fees: text(fee), net: text(net) };
  });
  return { payments, refunds, matched, repaired, foreign, unjudged, differences: { ...differences }, trades };
}

const renderUntied = ({ bill, account, sums = [] }: UntiedCounts): z.infer<typeof UntiedCountsBody> => ({
  bill,
  account,
  sums: sums.map(({ minor, currency, ...sum }) => ({ ...sum, amount: { minor, currency } })),
});

export function renderRun(run: Reconciliation): z.infer<typeof ReconciliationBody> {
  const { absent: _, version: _version, failures: _failures, ...shown } = run;
  return {
    ...shown,
    kinds: [...run.kinds],
    startedAt: iso(run.startedAt),
    updatedAt: iso(run.updatedAt),
    finishedAt: isoOrNull(run.finishedAt),
    retryAt: isoOrNull(run.retryAt),
    bills: run.bills.map(renderBill),
    settlement: run.settlement?.map(renderSettlement) ?? null,
    untied: run.untied && renderUntied(run.untied),
  };
}

export const renderView = ({ run, untied }: ReconciliationView): z.infer<typeof ReconciliationDetail> => ({
  ...renderRun(run),
  untiedLines: untied.map(({ minor, currency, ...line }) => ({ ...line, amount: { minor, currency } })),
});

const SideBody = z
  .object({ amount: orNull('Money', Money), state: z.string(), fee: z.string().nullable(), at: Time })
  .nullable();

export const DiscrepancyBody = z
  .object({
    id: z.string(),
    channel: z.string(),
    day: z.string(),
    kind: z.enum(DIFFERENCE_KINDS),
    status: z.enum(DISCREPANCY_STATUSES),
    about: z.enum(ROW_KINDS),
    orderNo: z.string().nullable(),
    transactionId: z.string().nullable(),
    refundNo: z.string().nullable(),
    row: z.int().nullable().openapi({ description: 'Of the bill, counted from 1; null where the bill lacks it.' }),
    there: SideBody.openapi({ description: 'As the bill tells it.' }),
    here: SideBody.openapi({ description: 'As we hold it.' }),
    repaired: z.boolean().openapi({ description: 'The ledger was told of it, with the bill as its source.' }),
    eventId: z.string().nullable(),
    detail: z.string(),
    owner: z.string().nullable(),
    note: z.string().nullable(),
    foundAt: Time,
    updatedAt: Time,
  })
  .openapi('Discrepancy');

const renderSide = (side: Discrepancy['here']): z.infer<typeof SideBody> =>
  side && { ...side, amount: side.amount && { ...side.amount }, at: iso(side.at) };

export function renderDiscrepancy(discrepancy: Discrepancy): z.infer<typeof DiscrepancyBody> {
  const { repair: _, there, here, foundAt, updatedAt, ...shown } = discrepancy;
  return {
    ...shown,
    repaired: discrepancy.status === 'fixed' && discrepancy.eventId !== null,
    there: renderSide(there),
    here: renderSide(here),
    foundAt: iso(foundAt),
    updatedAt: iso(updatedAt),
  };
}
