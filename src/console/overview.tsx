// /console: what wants a person now, and what the chosen time brought, as figures and charts that stay fresh.
// /console/live tells the same to the page's script.

import { z } from 'zod';
import { KeyEnds } from '../api/key-ends.ts';
import { AlarmList, Alarms } from './alarms.tsx';
import { get } from './call.ts';
import { Chart, LiveTable, type Rows } from './chart.tsx';
import { Select } from './fields.tsx';
import { FilterButtons } from './filter.tsx';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { chartsOf } from './overview-charts.ts';
import {
  type Figure,
  figuresOf,
  gateRows,
  isRange,
  RANGES,
  readTold,
  readWanting,
  sinceOf,
  timesRows,
  type View,
} from './overview-data.ts';
import { Card, Table } from './parts.tsx';
import { show } from './show.tsx';

const ALARMS_SHOWN = 5;
const RANGE_IDS = ['1h', '24h', '7d', '30d'] as const;

const Channels = z.object({ items: z.array(z.object({ id: z.string(), origins: z.array(z.string()) })) });
type Channel = z.infer<typeof Channels>['items'][number];

/** A channel that is not there, and a time that is none, are not asked for. */
function viewOf(c: Context, channels: readonly Channel[]): View {
  const [range = '', channel = ''] = [c.req.query('range'), c.req.query('channel')];
  return {
    range: isRange(range) ? range : '24h',
    channel: channels.some(({ id }) => id === channel) ? channel : null,
  };
}

async function gather(c: Context, guest: Guest) {
  const now = Date.now();
  const { say } = guest;
  const page = await get(c, '/v1/channels?limit=200', Channels);
  const channels = page.ok ? page.value.items : [];
  const view = viewOf(c, channels);
  const among = channels.find(({ id }) => id === view.channel)?.origins ?? null;
  const [told, wanting, gates] = await Promise.all([
    readTold(c, view, now),
    readWanting(c, view, say, now),
    gateRows(c, say, among),
  ]);
  const came = figuresOf(told, view, say);
  const charts = chartsOf(told, view.range, say, now);
  const since = sinceOf(told);
  return { now, view, channels, wanting, came, charts, since, times: timesRows(told, say), gates };
}
type Gathered = Awaited<ReturnType<typeof gather>>;

export const overview = newPages();

overview.get('/', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const [told, alarms, ends] = await Promise.all([
    gather(c, guest),
    get(c, `/v1/alarms?limit=${ALARMS_SHOWN}`, Alarms),
    get(c, '/v1/stats/keys', KeyEnds),
  ]);
  const { view, channels, wanting, came, charts } = told;
  const all = ends.ok ? ends.value.items : [];
  const keys = all.filter(({ channel }) => view.channel === null || channel === view.channel);
  return show(c, {
    title: say('overview.title'),
    section: 'overview',
    files: ['uplot.css', 'uplot.js', 'charts.js'],
    body: (
      <>
        <Choice guest={guest} view={view} channels={channels} />
        <Fresh guest={guest} view={view} now={told.now} />
        <Card title={say('overview.wants')} id="wants">
          <p data-calm hidden={wanting.some(({ isBad }) => isBad)}>
            {say('overview.calm')}
          </p>
          <Figures guest={guest} figures={wanting} />
        </Card>
        <Card title={say('figures.came')} id="came">
          <Figures guest={guest} figures={came} />
          <div class="charts">
            {charts.map((chart) => (
              <Chart guest={guest} chart={chart} />
            ))}
          </div>
          <Since guest={guest} told={told} />
        </Card>
        <Tables guest={guest} told={told} />
        {keys.length === 0 ? null : (
          <div class="card">
            <Table
              caption={say('ends.title')}
              empty=""
              rows={keys}
              columns={[
                { head: say('channel.serial'), cell: ({ serial }) => serial },
                { head: say('orders.channel'), cell: ({ channel }) => <a href={to('channels', channel)}>{channel}</a> },
                { head: say('ends.left'), cell: ({ daysLeft }) => String(daysLeft), isNumber: true },
              ]}
            />
          </div>
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

overview.get('/live', async (c) => {
  const told = await gather(c, guestOf(c));
  const figures = [...told.wanting, ...told.came].map(({ key, text, isBad }) => [key, { text, isBad }]);
  const drawn = told.charts.map(({ id, x, series, unit, isDays, rows }) => [id, { x, series, unit, isDays, rows }]);
  return c.json({
    at: new Date(told.now).toISOString(),
    againMs: RANGES[told.view.range].againMs,
    figures: Object.fromEntries(figures),
    charts: Object.fromEntries(drawn),
    since: told.since,
    tables: { times: told.times, gates: told.gates },
  });
});

/** Figures begin with a whole step each: what is compared should know where. */
function Since({ guest: { say }, told: { view, since } }: { readonly guest: Guest; readonly told: Gathered }) {
  const { callbacks, figures } = since;
  if (callbacks === null || figures === null) return null;
  const isByDay = RANGES[view.range].by === 'day';
  return (
    <p class="soft small">
      {`${say('figures.since.callbacks')} `}
      <Moment id="callbacks" at={callbacks} />
      {`${say(isByDay ? 'figures.since.days' : 'figures.since.hours')} `}
      <Moment id="figures" at={figures} />
      {say('figures.since.end')}
    </p>
  );
}

const Moment = ({ id, at }: { readonly id: string; readonly at: string }) => (
  <time datetime={at} data-since={id}>{`${at.slice(0, 10)} ${at.slice(11, 16)} UTC`}</time>
);

type ChoiceProps = { readonly guest: Guest; readonly view: View; readonly channels: readonly Channel[] };
function Choice({ guest, view, channels }: ChoiceProps) {
  const { say } = guest;
  const choices = [{ value: '', text: say('list.all') }, ...channels.map(({ id }) => ({ value: id, text: id }))];
  const at = (range: string) => withQuery(to(), { range, channel: view.channel ?? undefined });
  return (
    <form class="card" method="get" action={to()} aria-label={say('list.filter')}>
      <div class="filter">
        <Select
          visit={guest}
          name="channel"
          label={say('orders.channel')}
          value={view.channel ?? ''}
          choices={choices}
          isFilter
        />
        <input type="hidden" name="range" value={view.range} />
        <FilterButtons visit={guest} action={to()} />
      </div>
      <nav aria-label={say('range.title')}>
        <ul class="acts ranges">
          {RANGE_IDS.map((range) => (
            <li>
              <a class="act" href={at(range)} aria-current={range === view.range ? 'true' : undefined}>
                {say(`range.${range}`)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </form>
  );
}

/** What the script needs, and where it says how it goes. Hidden where there is none. */
function Fresh({ guest, view, now }: { readonly guest: Guest; readonly view: View; readonly now: number }) {
  const { say } = guest;
  const source = withQuery(to('live'), { range: view.range, channel: view.channel ?? undefined });
  const at = new Date(now).toISOString();
  return (
    <div class="fresh" data-source={source} data-again={String(RANGES[view.range].againMs)}>
      <p class="soft small">
        {`${say('live.at')} `}
        <time datetime={at} data-at>{`${at.slice(0, 10)} ${at.slice(11, 19)} UTC`}</time>
      </p>
      <button class="plain" type="button" hidden data-pause data-other={say('live.resume')}>
        {say('live.pause')}
      </button>
      <div role="status">
        <p class="note warn" hidden data-state="paused">
          {say('live.paused')}
        </p>
        <p class="note bad" hidden data-state="stale">
          {say('live.stale')}
        </p>
        <p class="note bad" hidden data-state="ended">
          <a href={guest.here}>{say('live.ended')}</a>
        </p>
      </div>
    </div>
  );
}

function Tables({ guest, told: { times, gates } }: { readonly guest: Guest; readonly told: Gathered }) {
  const { say } = guest;
  const ways = [say('figures.way'), say('figures.count'), say('figures.p50'), say('figures.p95'), say('figures.p99')];
  const states = [say('order.origin'), say('gate.breaker'), say('gate.since'), say('gate.probeAt')];
  const table = (id: string, caption: string, heads: readonly string[], rows: Rows) => (
    <div class="card">
      <LiveTable id={id} caption={caption} heads={heads} rows={rows} />
    </div>
  );
  return (
    <>
      {table('times', say('figures.times'), ways, times)}
      {table('gates', say('figures.origins'), [...states, say('gate.inFlight')], gates)}
    </>
  );
}

function Figures({ guest, figures }: { readonly guest: Guest; readonly figures: readonly Figure[] }) {
  return (
    <ul class="figures">
      {figures.map(({ key, href, text, isBad }) => (
        <li>
          <a href={href} class={isBad ? 'bad' : undefined} data-figure={key}>
            <strong>{text}</strong>
            {guest.say(key)}
          </a>
        </li>
      ))}
    </ul>
  );
}
