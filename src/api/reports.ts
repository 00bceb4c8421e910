// /v1/reports: what each day brought, by channel and currency, as JSON or CSV. From the roll-ups alone: as quick with a
// million orders as with ten. Never counts a test order.
import { FEE_SCALE } from '../core/bill.ts';
import type { Channel } from '../core/channel.ts';
import { DAY_MS } from '../core/limits.ts';
import {
  dayOf,
  dayText,
  GROUPS,
  isExact,
  REPORT_COLUMNS,
  type ReportLine,
  type ReportTotal,
  reportCells,
  reportLines,
  reportTotals,
  type ToldFee,
} from '../core/report.ts';
import { providerOf } from '../providers/index.ts';
import { sumBooked } from '../store/figures.ts';
import { readBilledFees } from '../store/reconcile-lists.ts';
import { requires } from './auth.ts';
import { Id } from './fields.ts';
import { type Context, createRoute, newApp, orNull, registryOf, z } from './kit.ts';
import { invalid, notFound, problemResponse, refuse } from './problem.ts';
import { jsonOrCsv, tableOf } from './table.ts';

const DAYS_DEFAULT = 30;
const DAYS_MAX = 366;
const OFFSET_MINUTES_MAX = 14 * 60;
/** More are no report that anybody reads: by month, or one channel, they are fewer. */
const LINES_MAX = 20_000;
/** Where a provider has no bills of its own to agree with. */
const BEIJING_MINUTES = 480;

const Day = z
  .string()
  .refine((text) => dayOf(text) !== null, 'must be a day such as 2026-03-01')
  .openapi({ format: 'date' });
const DecimalBody = z
  .object({ units: z.int(), scale: z.int() })
  .openapi('Decimal', { description: '`units` with `scale` decimals, of the currency’s main unit.' });

const Amounts = z.object({
  currency: z.string().nullable().openapi({
    description: 'Null where orders ended unpaid and nobody said a currency.',
  }),
  gross: z
    .int()
    .openapi({ description: 'All payments, each on the day it was paid; minor units, like all sums here.' }),
  refunded: z.int().openapi({ description: 'Refunds that succeeded, each on the day it did.' }),
  reversed: z.int().openapi({ description: 'Of refunds that had succeeded and then failed: on the day they failed.' }),
  net: z.int().openapi({ description: 'gross − refunded + reversed: before fees.' }),
  fees: orNull('Decimal', DecimalBody).openapi({
    description:
      'As the daily bills told; null where not every day’s bill was compared, or one holds other shops’ rows.',
  }),
  netAfterFees: orNull('Decimal', DecimalBody),
  orders: z.object({
    paid: z.int(),
    failed: z.int(),
    closed: z.int(),
    successRate: z
      .number()
      .nullable()
      .openapi({ description: 'paid / (paid + failed + closed); null where none ended.' }),
  }),
  refunds: z.int().openapi({ description: 'How many refunds succeeded.' }),
  reversals: z.int(),
});

const LineBody = Amounts.extend({ day: z.string(), channel: z.string() }).openapi('ReportLine');
const TotalBody = Amounts.openapi('ReportTotal');

export const ReportBody = z
  .object({
    from: z.string(),
    to: z.string(),
    utcOffsetMinutes: z.int(),
    groupBy: z.enum(GROUPS),
    items: z.array(LineBody),
    totals: z.array(TotalBody).openapi({ description: 'Each currency over all items.' }),
  })
  .openapi('Report');

const ReportQuery = z.object({
  from: Day.optional().openapi({ description: 'The first day. Left out: 30 days up to `to`.' }),
  to: Day.optional().openapi({ description: 'The last day, included. Left out: today.' }),
  channel: Id.optional().openapi({ description: 'Left out: each channel by itself.' }),
  groupBy: z.enum(GROUPS).default('day'),
  utcOffsetMinutes: z.coerce
    .number()
    .int()
    .min(-OFFSET_MINUTES_MAX)
    .max(OFFSET_MINUTES_MAX)
    .multipleOf(60)
    .optional()
    .openapi({
      description: 'Where days begin. Left out: where the days of the channel’s own bills do, else in Beijing (480).',
    }),
  format: z.enum(['json', 'csv']).default('json'),
});

export const reports = newApp();

reports.openapi(
  createRoute({
    method: 'get',
    path: '/reports',
    summary: 'What each day brought, by channel and currency',
    description:
      'Seconds behind what happens. Money counts on the day that the provider tells of it, however late that came to ' +
      'be known. An order counts as it ended last; test orders are left out. Lines that hold something alone.',
    middleware: requires('read'),
    request: { query: ReportQuery },
    responses: {
      200: jsonOrCsv('The report; with format=csv as a table, amounts in the currency’s main unit.', ReportBody),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { channel, groupBy, format, ...asked } = c.req.valid('query');
    const offset = asked.utcOffsetMinutes ?? (await offsetOf(c, channel));
    if (offset === null) return refuse(c, notFound(`Channel ${channel}`));
    const today = Math.floor((Date.now() + offset * 60_000) / DAY_MS);
    const last = dayOf(asked.to ?? '') ?? today;
    const first = dayOf(asked.from ?? '') ?? last - (DAYS_DEFAULT - 1);
    if (last < first) return refuse(c, invalid({ field: 'to', message: 'must not be before from' }));
    if (last - first >= DAYS_MAX) {
      return refuse(c, invalid({ field: 'from', message: `a report has ${DAYS_MAX} days at most: ask in parts` }));
    }
    const known = await registryOf(c.env).listChannelIds();
    if (channel !== undefined && !known.includes(channel)) return refuse(c, notFound(`Channel ${channel}`));
    const channels = channel === undefined ? known : [channel];
    const sums = await sumBooked(c.env.DB, { channels, first, last, offsetMs: offset * 60_000 });
    const fees = await feesOf(c, channels, { first, last, offset });
    const lines = reportLines(sums, fees, groupBy);
    if (lines.length > LINES_MAX) {
      const message = `brings more than ${LINES_MAX} lines: ask for fewer days, one channel, or by month`;
      return refuse(c, invalid({ field: 'from', message }));
    }
    const totals = reportTotals(lines);
    if (![...lines, ...totals].every(isExact)) {
      const message = 'brings sums beyond what whole numbers hold: ask for fewer days or one channel';
      return refuse(c, invalid({ field: 'from', message }));
    }
    const [from, to] = [dayText(first), dayText(last)];
    if (format === 'csv') {
      const name = `report-${channel ?? 'all'}-${from}-${to}`;
      return tableOf<never>(name, REPORT_COLUMNS, async () => ({ lines: lines.map(reportCells), next: null }));
    }
    const items = lines.map((line) => ({ day: line.day, channel: line.channel, ...render(line) }));
    return c.json({ from, to, utcOffsetMinutes: offset, groupBy, items, totals: totals.map(render) }, 200);
  },
);

/** Null where there is no such channel. */
async function offsetOf(c: Context, channel: string | undefined): Promise<number | null> {
  if (channel === undefined) return BEIJING_MINUTES;
  const record = await registryOf(c.env).readChannel(channel);
  return record && (billOffsetOf(record.channel) ?? BEIJING_MINUTES);
}

/** How far the days of its bills are ahead of UTC; undefined where it has none. */
const billOffsetOf = ({ provider, settings }: Pick<Channel, 'provider' | 'settings'>): number | undefined =>
  settings.billMapping?.offsetMinutes ?? providerOf(provider)?.bill?.offsetMinutes;

type Days = { readonly first: number; readonly last: number; readonly offset: number };

/** Of channels whose bills have the same days as the report. */
async function feesOf(c: Context, channels: readonly string[], { first, last, offset }: Days): Promise<ToldFee[]> {
  const records = await registryOf(c.env).listChannels();
  const alike = records.filter(({ channel }) => billOffsetOf(channel) === offset).map(({ channel }) => channel.id);
  const asked = channels.filter((id) => alike.includes(id));
  if (asked.length === 0) return [];
  const told = await readBilledFees(c.env.DB, asked, dayText(first), dayText(last));
  return told.map(({ day, units, ...fee }) => ({ ...fee, day: dayOf(day) ?? 0, fee: { units, scale: FEE_SCALE } }));
}

const render = ({
  paid,
  failed,
  closed,
  successRate,
  ...line
}: ReportTotal | ReportLine): z.infer<typeof TotalBody> => ({
  currency: line.currency,
  gross: line.gross,
  refunded: line.refunded,
  reversed: line.reversed,
  net: line.net,
  fees: line.fees,
  netAfterFees: line.netAfterFees,
  orders: { paid, failed, closed, successRate },
  refunds: line.refunds,
  reversals: line.reversals,
});
