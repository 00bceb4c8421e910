// /console/reports: what each day brought, as a table, a picture and a file for spreadsheets; what is asked for lies in
// the address. Adds up nothing that /v1 has not.
import type { z } from 'zod';
import { ReportBody } from '../api/reports.ts';
import { printDecimal } from '../core/decimal.ts';
import { formatOf, LOCALES } from '../core/language.ts';
import { printMoney } from '../core/money.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Chart, type ChartData, type Series } from './chart.tsx';
import { askedIn, Filter, TableLink, tableFor } from './filter.tsx';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { percentText } from './overview-data.ts';
import { type Column, moneyText, Note, Table } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import type { Key } from './texts.ts';

type Report = z.infer<typeof ReportBody>;
type Line = Report['items'][number];
type Amounts = Report['totals'][number];

/** Lines that the page shows, the newest; the file has them all. */
const LINES_SHOWN = 500;
/** Pictures of so many currencies; the table has them all. */
const PICTURES_MAX = 3;
const OFFSETS = ['480', '540', '420', '60', '0', '-300', '-480'];

export const reports = newPages();

const askedOf = (c: Context) => askedIn(c, 'from', 'to', 'channel', 'groupBy', 'utcOffsetMinutes');

reports.get('/reports.csv', (c) => tableFor(c, 'reports', askedOf(c)));

reports.get('/reports', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = askedOf(c);
  const [report, channels] = await Promise.all([
    get(c, withQuery('/v1/reports', asked), ReportBody),
    channelIds(c, guest),
  ]);
  if (!report.ok && report.error.code !== 'validation_failed') return showProblem(c, report.error, 'reports');
  const told = report.ok ? report.value : null;
  const zoneOf = (minutes: number) =>
    say('reports.zone', { hours: `${minutes < 0 ? '−' : '+'}${Math.abs(minutes) / 60}` });
  const groups = [{ value: 'month', text: say('reports.month') }];
  return show(c, {
    title: say('reports.title'),
    section: 'reports',
    status: report.ok ? 200 : 422,
    files: ['uplot.css', 'uplot.js', 'charts.js'],
    body: (
      <>
        <Filter
          visit={guest}
          action={to('reports')}
          wrong={report.ok ? undefined : report.error.errors?.[0]}
          fields={[
            { name: 'from', label: say('reports.from'), value: asked.from || (told?.from ?? ''), type: 'date' },
            { name: 'to', label: say('reports.to'), value: asked.to || (told?.to ?? ''), type: 'date' },
            {
              name: 'channel',
              label: say('orders.channel'),
              value: asked.channel,
              choices: channels.map((id) => ({ value: id, text: id })),
            },
            {
              name: 'groupBy',
              label: say('reports.by'),
              value: asked.groupBy,
              choices: groups,
              all: say('reports.day'),
            },
            {
              name: 'utcOffsetMinutes',
              label: say('reports.offset'),
              value: asked.utcOffsetMinutes,
              choices: OFFSETS.map((value) => ({ value, text: zoneOf(Number(value)) })),
              all: say('reports.offset.own'),
            },
          ]}
        />
        {told === null ? null : (
          <>
            <TableLink visit={guest} page="reports" asked={asked} />
            <Totals guest={guest} report={told} />
            {pictures(guest, told).map((chart) => (
              <div class="card">
                <Chart guest={guest} chart={chart} />
              </div>
            ))}
            <Lines guest={guest} report={told} />
            <Note tone="plain">
              <p>{say('reports.note', { zone: zoneOf(told.utcOffsetMinutes) })}</p>
              <p>{say('reports.fees.note')}</p>
            </Note>
          </>
        )}
      </>
    ),
  });
});

type Props = { readonly guest: Guest; readonly report: Report };

/** Columns that a line and a total share. */
function amountColumns(guest: Guest): readonly Column<Amounts>[] {
  const { say } = guest;
  const money = (head: Key, minorOf: (line: Amounts) => number): Column<Amounts> => ({
    head: say(head),
    cell: (line) =>
      line.currency === null ? '–' : moneyText(guest, { minor: minorOf(line), currency: line.currency }),
    isNumber: true,
  });
  const count = (head: Key, of: (line: Amounts) => string): Column<Amounts> => ({
    head: say(head),
    cell: of,
    isNumber: true,
  });
  return [
    money('reports.gross', ({ gross }) => gross),
    money('reports.refunded', ({ refunded, reversed }) => refunded - reversed),
    { head: say('reports.fees'), cell: (line) => feeText(guest, line, line.fees), isNumber: true },
    money('reports.net', ({ net }) => net),
    { head: say('reports.left'), cell: (line) => feeText(guest, line, line.netAfterFees), isNumber: true },
    count('overview.paid', ({ orders }) => String(orders.paid)),
    count('reports.ended', ({ orders }) =>
      say('reports.ended.value', { failed: orders.failed, closed: orders.closed }),
    ),
    count('overview.refunds', ({ refunds }) => String(refunds)),
    count('reports.success', ({ orders }) => percentText(orders.successRate)),
  ];
}

/** By its digits alone; a fee may be finer than the currency. */
function feeText({ language, say }: Guest, { currency }: Amounts, fee: Amounts['fees']): string {
  if (fee === null || currency === null) return say('reports.unknown');
  const format = formatOf(LOCALES[language], currency, fee.scale);
  return format.format(printDecimal(fee) as `${number}`); // it prints a decimal number
}

function Totals({ guest, report }: Props) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('reports.totals', { from: report.from, to: report.to })}
        empty={say('reports.none')}
        rows={report.totals}
        columns={[{ head: say('orders.currency'), cell: ({ currency }) => currency ?? '–' }, ...amountColumns(guest)]}
      />
    </div>
  );
}

function Lines({ guest, report }: Props) {
  const { say } = guest;
  if (report.items.length === 0) return null;
  const own: readonly Column<Line>[] = [
    { head: say('reports.day'), cell: ({ day }) => day },
    { head: say('orders.channel'), cell: ({ channel }) => <a href={to('channels', channel)}>{channel}</a> },
    { head: say('orders.currency'), cell: ({ currency }) => currency ?? '–' },
  ];
  return (
    <section class="card wide" tabindex={0} aria-label={say('reports.lines')}>
      <Table
        caption={say('reports.lines')}
        empty=""
        rows={report.items.toReversed().slice(0, LINES_SHOWN)}
        columns={[...own, ...amountColumns(guest)]}
      />
      {report.items.length > LINES_SHOWN ? <p>{say('reports.more', { shown: LINES_SHOWN })}</p> : null}
    </section>
  );
}

/** One for each currency, all channels together; the largest first. */
function pictures(guest: Guest, report: Report): readonly ChartData[] {
  const currencies = report.totals.toSorted((a, b) => b.orders.paid - a.orders.paid);
  return currencies
    .flatMap(({ currency }) => (currency === null ? [] : [currency]))
    .slice(0, PICTURES_MAX)
    .map((currency) => pictureOf(guest, report, currency));
}

function pictureOf(guest: Guest, { items, groupBy, from, to: until }: Report, currency: string): ChartData {
  const { say } = guest;
  const own = items.filter((line) => line.currency === currency);
  const days = groupBy === 'day' ? daysBetween(from, until) : [...new Set(own.map(({ day }) => day))];
  const sums = new Map(days.map((day) => [day, { gross: 0, refunded: 0 }]));
  for (const { day, gross, refunded, reversed } of own) {
    const known = sums.get(day) ?? { gross: 0, refunded: 0 };
    sums.set(day, { gross: known.gross + gross, refunded: known.refunded + refunded - reversed });
  }
  const shown = [...sums.values()];
  // For the picture alone: the table beside it has the digits.
  const heightOf = (minor: number) => Number(printMoney({ minor, currency }));
  const series: readonly Series[] = [
    { name: say('reports.gross'), tone: 'link', values: shown.map(({ gross }) => heightOf(gross)) },
    { name: say('reports.refunded'), tone: 'bad', values: shown.map(({ refunded }) => heightOf(refunded)) },
  ];
  const text = (minor: number) => moneyText(guest, { minor, currency });
  const rows = [...sums].map(([day, { gross, refunded }]) => [day, text(gross), text(refunded)]);
  return {
    id: `report-${currency}`,
    title: say('reports.picture', { currency }),
    unit: 'bars',
    isDays: true,
    x: days.map((day) => Date.parse(day) / 1_000),
    series,
    heads: [say('reports.day'), ...series.map(({ name }) => name)],
    rows: rows.toReversed(),
  };
}

function daysBetween(from: string, until: string): readonly string[] {
  const [first, last] = [Date.parse(from), Date.parse(until)];
  const count = Math.round((last - first) / 86_400_000) + 1;
  return Array.from({ length: count }, (_, n) => new Date(first + n * 86_400_000).toISOString().slice(0, 10));
}
