// What a reconciliation found, as tables: its bills, the settlement of the day, what ties to nothing. Shows alone.
import type { z } from 'zod';
import type { ReconciliationDetail } from '../api/reconciliation-shape.ts';
import type { Guest } from './kit.ts';
import { Badge, Card, Facts, moneyText, Note, Table } from './parts.tsx';
import { wordFor } from './texts.ts';

type Detail = z.infer<typeof ReconciliationDetail>;

export function Bills({ guest, bills }: { readonly guest: Guest; readonly bills: Detail['bills'] }) {
  const { say } = guest;
  return (
    <>
      {bills.map((bill) => (
        <Card title={wordFor(say, 'bill', bill.kind)} id={`bill-${bill.kind}`}>
          {bill.problem === null ? null : (
            <Note tone="warn">
              <p lang="en">{bill.problem}</p>
            </Note>
          )}
          <Facts
            entries={[
              [say('orders.state'), <Badge visit={guest} family="billState" code={bill.state} />],
              [say('bill.source'), wordFor(say, 'billSource', bill.source)],
              [say('bill.covers'), bill.kind === 'fundflow' ? null : wordFor(say, 'covers', bill.covers)],
              [say('reconciliations.rows'), bill.empty ? say('bill.empty') : textOf(bill.rows)],
              [say('bill.outside'), textOf(bill.outside || null)],
              [say('bill.checksum'), bill.checksum && <code class="break">{bill.checksum}</code>],
              [say('bill.digest'), bill.digest && <code class="break">{bill.digest}</code>],
            ]}
          />
          {bill.tally === null || bill.empty ? null : <Tally guest={guest} tally={bill.tally} />}
          {bill.totals.length === 0 ? null : (
            <Table
              caption={say('bill.totals')}
              empty=""
              rows={bill.totals}
              columns={[
                { head: say('bill.total'), cell: ({ name }) => <code>{name}</code> },
                { head: say('bill.said'), cell: ({ said }) => said && shown(said), isNumber: true },
                { head: say('bill.counted'), cell: ({ counted }) => shown(counted), isNumber: true },
              ]}
            />
          )}
        </Card>
      ))}
    </>
  );
}

/** To the last digit that is not zero, and to the second at least. */
const shown = (decimal: string): string => decimal.replace(/(\.\d\d\d*?)0+$/, '$1');

const textOf = (count: number | null): string | null => (count === null ? null : String(count));

type TallyProps = { readonly guest: Guest; readonly tally: NonNullable<Detail['bills'][number]['tally']> };
function Tally({ guest, tally }: TallyProps) {
  const { say } = guest;
  const found = Object.entries(tally.differences).filter(([, count]) => count > 0);
  return (
    <>
      <Table
        caption={say('bill.trades')}
        empty=""
        rows={tally.trades}
        columns={[
          { head: say('settlement.currency'), cell: ({ currency }) => currency },
          { head: say('settlement.gross'), cell: ({ gross }) => shown(gross), isNumber: true },
          { head: say('settlement.refunds'), cell: ({ refunds }) => shown(refunds), isNumber: true },
          { head: say('settlement.fees'), cell: ({ fees }) => shown(fees), isNumber: true },
          { head: say('settlement.net'), cell: ({ net }) => shown(net), isNumber: true },
        ]}
      />
      <Table
        caption={say('bill.differences')}
        empty={say('bill.agrees')}
        rows={found}
        columns={[
          { head: say('discrepancy.kind'), cell: ([kind]) => wordFor(say, 'difference', kind) },
          { head: say('callbacks.count'), cell: ([, count]) => String(count), isNumber: true },
        ]}
      />
    </>
  );
}

const SETTLEMENT = [
  ...(['gross', 'refunds', 'fees', 'net', 'moved', 'difference'] as const),
  ...(['opening', 'others', 'closing', 'balanceDifference', 'overnightDifference'] as const),
] as const;

/** One line for each currency, turned on its side: eleven sums do not fit beside each other. */
export function Settlement({ guest, lines }: { readonly guest: Guest; readonly lines: Detail['settlement'] }) {
  const { say } = guest;
  if (lines === null || lines.length === 0) return null;
  return (
    <Card title={say('settlement.title')} id="settlement">
      <Table
        caption={say('settlement.formula')}
        empty=""
        rows={SETTLEMENT}
        columns={[
          { head: say('settlement.sum'), cell: (name) => say(`settlement.${name}`) },
          ...lines.map((line) => ({
            head: line.currency,
            cell: (name: (typeof SETTLEMENT)[number]) => sumOf(line, name),
            isNumber: true,
          })),
        ]}
      />
      {lines.map(({ currency, brokenAt }) =>
        brokenAt === null ? null : (
          <Note tone="warn">
            <p>{say('settlement.broken', { currency, row: brokenAt })}</p>
          </Note>
        ),
      )}
    </Card>
  );
}

const sumOf = (line: Readonly<Record<string, unknown>>, name: string): string => {
  const value = line[name];
  return typeof value === 'string' ? shown(value) : '';
};

type UntiedProps = {
  readonly guest: Guest;
  readonly untied: Detail['untied'];
  readonly lines: Detail['untiedLines'];
};
export function Untied({ guest, untied, lines }: UntiedProps) {
  const { say } = guest;
  if (untied === null || untied.bill + untied.account === 0) return null;
  return (
    <Card title={say('untied.title')} id="untied">
      <p>{say('untied.counts', { bill: untied.bill, account: untied.account })}</p>
      <Table
        caption={say('untied.sums')}
        empty={say('list.none')}
        rows={untied.sums}
        columns={[
          { head: say('untied.side'), cell: ({ side }) => wordFor(say, 'side', side) },
          { head: say('discrepancy.about'), cell: ({ kind }) => wordFor(say, 'row', kind) },
          { head: say('callbacks.count'), cell: ({ lines }) => String(lines), isNumber: true },
          { head: say('orders.amount'), cell: ({ amount }) => moneyText(guest, amount), isNumber: true },
        ]}
      />
      {lines.length < untied.bill + untied.account ? <p>{say('untied.cut', { count: lines.length })}</p> : null}
      <Table
        caption={say('untied.first')}
        empty={say('list.none')}
        rows={lines}
        columns={[
          { head: say('untied.row'), cell: ({ side, row }) => `${wordFor(say, 'side', side)} ${row}` },
          { head: say('discrepancy.about'), cell: ({ kind }) => wordFor(say, 'row', kind) },
          { head: say('orders.orderNo'), cell: ({ orderNo }) => orderNo },
          { head: say('untied.id'), cell: ({ id }) => <code class="break">{id}</code> },
          { head: say('orders.amount'), cell: ({ amount }) => moneyText(guest, amount), isNumber: true },
        ]}
      />
    </Card>
  );
}
