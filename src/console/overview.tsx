// /console: what wants a person now and what the last hour brought, each figure with its list. Counts from what /v1
// lists, up to a page: "so many or more" where there are more.
import { z } from 'zod';
import { RejectionPage } from '../api/records.ts';
import { FiguresBody } from '../api/stats-shape.ts';
import { AlarmList, Alarms } from './alarms.tsx';
import { get } from './call.ts';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Card } from './parts.tsx';
import { show } from './show.tsx';
import type { Key } from './texts.ts';

const HOUR_MS = 3_600_000;
const COUNTED_MAX = 200;
const ALARMS_SHOWN = 5;

const Stats = z.object({ total: FiguresBody });

/** Lists whose items say when they came, by one member or the other. */
const Counted = z.object({
  items: z.array(z.object({ at: z.string().optional(), createdAt: z.string().optional() })),
  next: z.string().nullable(),
});

type Figure = {
  readonly key: Key;
  readonly href: string;
  /** Null: could not be read now. */
  readonly count: number | null;
  readonly isMore: boolean;
  readonly isBad?: boolean;
  /** Instead of a count. */
  readonly text?: string;
};

async function countOf(c: Context, path: string, since = 0): Promise<Pick<Figure, 'count' | 'isMore'>> {
  const page = await get(c, path, Counted);
  if (!page.ok) return { count: null, isMore: false };
  const { items, next } = page.value;
  const recent = items.filter(({ at, createdAt }) => Date.parse(at ?? createdAt ?? '') >= since || since === 0);
  return { count: recent.length, isMore: next !== null && recent.length === items.length };
}

async function refusedOf(c: Context): Promise<Pick<Figure, 'count' | 'isMore'>> {
  const page = await get(c, '/v1/rejections?limit=1&minutes=60', RejectionPage);
  if (!page.ok) return { count: null, isMore: false };
  return { count: page.value.counts.reduce((sum, { count }) => sum + count, 0), isMore: false };
}

const list = (path: string, query: Readonly<Record<string, string>> = {}) =>
  withQuery(`/v1/${path}`, { ...query, limit: String(COUNTED_MAX) });
const shown = (path: string, query: Readonly<Record<string, string>> = {}) => withQuery(to(path), query);

async function wanting(c: Context): Promise<readonly Figure[]> {
  const [alarms, held, dead, parked, waiting] = await Promise.all([
    countOf(c, list('alarms')),
    countOf(c, list('deliveries', { state: 'held' })),
    countOf(c, list('deliveries', { state: 'dead' })),
    countOf(c, list('orders', { state: 'parked' })),
    countOf(c, list('deliveries', { state: 'waiting' })),
  ]);
  return [
    { key: 'overview.alarms', href: shown('alarms'), ...alarms, isBad: true },
    { key: 'overview.held', href: shown('deliveries', { state: 'held' }), ...held, isBad: true },
    { key: 'overview.dead', href: shown('deliveries', { state: 'dead' }), ...dead, isBad: true },
    { key: 'overview.parked', href: shown('orders', { state: 'parked' }), ...parked, isBad: true },
    { key: 'overview.waiting', href: shown('deliveries', { state: 'waiting' }), ...waiting },
  ];
}

async function lastHour(c: Context): Promise<readonly Figure[]> {
  const since = Date.now() - HOUR_MS;
  const [orders, accepted, rejected] = await Promise.all([
    countOf(c, list('orders'), since),
    countOf(c, list('callbacks', { verdict: 'accepted' }), since),
    refusedOf(c),
  ]);
  return [
    { key: 'overview.orders', href: shown('orders'), ...orders },
    { key: 'overview.accepted', href: shown('callbacks', { verdict: 'accepted' }), ...accepted },
    { key: 'overview.rejected', href: shown('callbacks', { verdict: 'rejected' }), ...rejected },
  ];
}

/** The last 24 hours, from the rolled-up figures; none while they cannot be read. */
async function lastDay(c: Context, { say }: Guest): Promise<readonly Figure[]> {
  const stats = await get(c, '/v1/stats', Stats);
  if (!stats.ok) return [];
  const { payments, refunds, delivered, flagged, latencies } = stats.value.total;
  const { p95Ms } = latencies.verifiedToDelivered;
  const missed = payments.missShare === null ? null : `${Math.round(payments.missShare * 1_000) / 10} %`;
  const sure = { isMore: false };
  const late = p95Ms === null ? null : say('overview.ms', { ms: p95Ms });
  return [
    { key: 'overview.paid', href: shown('orders', { state: 'paid' }), count: payments.succeeded, ...sure },
    {
      key: 'overview.missed',
      href: shown('orders'),
      count: null,
      ...sure,
      ...(missed === null ? {} : { text: missed }),
    },
    { key: 'overview.refunds', href: shown('orders', { state: 'refunded' }), count: refunds, ...sure },
    { key: 'overview.flagged', href: shown('orders'), count: flagged, ...sure },
    { key: 'overview.delivered', href: shown('deliveries', { state: 'delivered' }), count: delivered, ...sure },
    { key: 'overview.late', href: shown('deliveries'), count: null, ...sure, ...(late === null ? {} : { text: late }) },
  ];
}

export const overview = newPages();

overview.get('/', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const latest = get(c, `/v1/alarms?limit=${ALARMS_SHOWN}`, Alarms);
  const [wants, hour, day, alarms] = await Promise.all([wanting(c), lastHour(c), lastDay(c, guest), latest]);
  const isCalm = wants.every(({ count, isBad }) => !isBad || count === 0);
  return show(c, {
    title: say('overview.title'),
    section: 'overview',
    body: (
      <>
        <Card title={say('overview.wants')} id="wants">
          {isCalm ? <p>{say('overview.calm')}</p> : null}
          <Figures guest={guest} figures={wants} />
        </Card>
        <Card title={say('overview.hour')} id="hour">
          <Figures guest={guest} figures={hour} />
        </Card>
        {day.length === 0 ? null : (
          <Card title={say('overview.day')} id="day">
            <Figures guest={guest} figures={day} />
          </Card>
        )}
        {alarms.ok && alarms.value.items.length > 0 ? (
          <Card title={say('overview.latest')} id="latest">
            <AlarmList visit={guest} items={alarms.value.items} />
          </Card>
        ) : null}
      </>
    ),
  });
});

function Figures({ guest, figures }: { readonly guest: Guest; readonly figures: readonly Figure[] }) {
  const { say } = guest;
  const textOf = ({ count, isMore, text }: Figure): string => {
    if (text !== undefined) return text;
    if (count === null) return say('overview.unknown');
    return isMore ? say('overview.more', { count }) : String(count);
  };
  return (
    <ul class="figures">
      {figures.map((figure) => (
        <li>
          <a href={figure.href} class={figure.isBad && (figure.count ?? 0) > 0 ? 'bad' : undefined}>
            <strong>{textOf(figure)}</strong>
            {say(figure.key)}
          </a>
        </li>
      ))}
    </ul>
  );
}
