// /console/replays: many deliveries asked for again. Which ones, what would be sent, and only then the start; how far
// each replay is, and its end. A page that is only looked at sends nothing.
import type { z } from 'zod';
import { pageOf } from '../api/page.ts';
import { DryRun, ReplayBody } from '../api/replays.ts';
import { EVENT_TYPES } from '../core/event.ts';
import { REPLAY_COUNT_MAX } from '../core/limits.ts';
import { REPLAYABLE_STATES } from '../core/replay.ts';
import { get, type Problem, post, send, v1 } from './call.ts';
import { channelIds, originIds } from './channel-ids.ts';
import { newToken } from './cookies.ts';
import { Buttons, Input } from './fields.tsx';
import { askedIn, Filter, type FilterField, timeOf } from './filter.tsx';
import { readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Badge, Card, Facts, Note, Pager, ProblemNote, Table, Time } from './parts.tsx';
import { Request } from './request.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Replays = pageOf('ConsoleReplays', ReplayBody);
type Job = z.infer<typeof ReplayBody>;
type Dry = z.infer<typeof DryRun>;

const NAMES = ['state', 'channel', 'origin', 'type', 'from', 'to'] as const;
const OTHER_STATES = REPLAYABLE_STATES.filter((state) => state !== 'dead');
type Query = Readonly<Record<(typeof NAMES)[number], string>>;

/** As /v1 takes it; what was left open is left out. */
function filterOf(asked: Query): Record<string, string> {
  const named = { ...asked, from: timeOf(asked.from), to: timeOf(asked.to) };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== ''));
}

export const replays = newPages();

replays.get('/replays', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const { cursor } = askedIn(c, 'cursor');
  const page = await get(c, withQuery('/v1/replays', { cursor }), Replays);
  if (!page.ok) return showProblem(c, page.error, 'deliveries');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('replays'), { cursor: place });
  const isLive = items.some(({ state }) => state === 'running');
  return show(c, {
    title: say('replays.title'),
    section: 'deliveries',
    files: ['live.js'],
    body: (
      <>
        {may(guest, 'operate') ? (
          <p class="acts">
            <a class="act main" href={to('new', 'replay')}>
              {say('replays.new')}
            </a>
          </p>
        ) : null}
        <div id="replays" data-live={isLive ? 'yes' : undefined} class="card">
          <Table
            caption={say('replays.title')}
            empty={say('list.none')}
            rows={items}
            columns={[
              { head: say('replays.begun'), cell: (job) => <Begun job={job} /> },
              { head: say('orders.state'), cell: ({ state }) => <Badge visit={guest} family="replay" code={state} /> },
              { head: say('replays.which'), cell: ({ filter }) => <Which guest={guest} filter={filter} /> },
              { head: say('replays.progress'), cell: (job) => <Progress guest={guest} job={job} /> },
              { head: say('form.reason'), cell: ({ reason }) => reason },
            ]}
          />
        </div>
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

const Begun = ({ job }: { readonly job: Job }) => (
  <a href={to('replays', job.id)}>
    <Time at={job.createdAt} />
  </a>
);

function Which({ guest: { say }, filter }: { readonly guest: Guest; readonly filter: Job['filter'] }) {
  const { state, channel, origin, type, from, to: until } = filter;
  const parts = [wordFor(say, 'delivery', state), channel, origin, type && wordFor(say, 'event', type)];
  return (
    <>
      {`${parts.filter(Boolean).join(' · ')} · `}
      <Time at={from} />
      {' – '}
      <Time at={until} />
    </>
  );
}

/** Of what matched when it began: more may have come since, so it never shows more than all. */
function Progress({ guest, job }: { readonly guest: Guest; readonly job: Job }) {
  const { seen, count, replayed } = job;
  const all = Math.max(count, 1);
  const label = guest.say('replays.seen', { seen: String(seen), count: countText(count), replayed: String(replayed) });
  return (
    <>
      <progress max={all} value={job.state === 'done' ? all : Math.min(seen, all)} aria-label={label}></progress>{' '}
      <span class="small">{label}</span>
    </>
  );
}

const countText = (count: number): string => (count >= REPLAY_COUNT_MAX ? `${count}+` : String(count));

replays.get('/replays/:id', async (c) => {
  const guest = guestOf(c);
  const { say, token } = guest;
  const id = c.req.param('id');
  const job = await get(c, v1('replays', id), ReplayBody);
  if (!job.ok) return showProblem(c, job.error, 'deliveries');
  const { state, filter, perSecond, problem, reason, createdAt, finishedAt } = job.value;
  const isRunning = state === 'running';
  return show(c, {
    title: say('replays.one'),
    section: 'deliveries',
    files: ['live.js'],
    body: (
      <>
        <div id="replay" data-live={isRunning ? 'yes' : undefined} class="card">
          {problem === null ? null : (
            <Note tone="warn">
              <p lang="en">{problem}</p>
            </Note>
          )}
          <p role="status">
            <Badge visit={guest} family="replay" code={state} />
          </p>
          <p>
            <Progress guest={guest} job={job.value} />
          </p>
          <Facts
            entries={[
              [say('replays.which'), <Which guest={guest} filter={filter} />],
              [say('replays.perSecond'), String(perSecond)],
              [say('form.reason'), reason],
              [say('replays.begun'), <Time at={createdAt} />],
              [say('replays.ended'), <Time at={finishedAt} />],
            ]}
          />
        </div>
        <div id="replay-acts" data-live={isRunning ? 'yes' : undefined}>
          {isRunning && may(guest, 'operate') ? (
            <form method="post" action={to('replays', id, 'cancel')}>
              <Token token={token} />
              <p class="soft small">{say('replays.cancel.help')}</p>
              <button type="submit">{say('replays.cancel')}</button>
            </form>
          ) : null}
        </div>
        <p>
          <a href={to('replays')}>{say('replays.title')}</a>
        </p>
      </>
    ),
  });
});

replays.post('/replays/:id/cancel', async (c) => {
  await readForm(c);
  const id = c.req.param('id');
  const ended = await post(c, v1('replays', id, 'cancel'));
  return ended.ok ? c.redirect(to('replays', id), 303) : showProblem(c, ended.error, 'deliveries');
});

type FormState = { readonly asked: Query; readonly perSecond?: string; readonly reason?: string };
type Found = { readonly dry: Dry | null; readonly problem?: Problem | undefined };

replays.get('/new/replay', async (c) => {
  const asked = askedIn(c, ...NAMES);
  const isAsked = NAMES.some((name) => c.req.query(name) !== undefined); // the form sends all of them, left open or not
  if (!isAsked) return newPage(c, { asked: { ...asked, state: 'dead' } }, { dry: null });
  const dry = await send(c, 'POST', '/v1/replays', DryRun, { body: { ...filterOf(asked), dryRun: true } });
  return newPage(c, { asked }, dry.ok ? { dry: dry.value } : { dry: null, problem: dry.error });
});

replays.post('/new/replay', async (c) => {
  const form = await readForm(c);
  const asked = Object.fromEntries(NAMES.map((name) => [name, form.text(name)])) as Query; // each of them
  const perSecond = form.given('perSecond');
  const body = {
    ...filterOf(asked),
    ...(perSecond === undefined ? {} : { perSecond: Number(perSecond) }),
    reason: form.given('reason'),
  };
  const begun = await send(c, 'POST', '/v1/replays', ReplayBody, { body, once: form.given('once') });
  if (begun.ok) return c.redirect(to('replays', begun.value.id), 303);
  const state = { asked, perSecond: form.text('perSecond'), reason: form.text('reason') };
  return newPage(c, state, { dry: null, problem: begun.error });
});

async function newPage(c: Context, state: FormState, { dry, problem }: Found): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const { asked } = state;
  const [channels, origins] = await Promise.all([channelIds(c, guest), originIds(c, guest)]);
  const ids = (all: readonly string[]) => all.map((id) => ({ value: id, text: id }));
  const words = (family: string, codes: readonly string[]) =>
    codes.map((value) => ({ value, text: wordFor(say, family, value) }));
  const time = { type: 'datetime-local' } as const;
  const fields: readonly FilterField[] = [
    {
      // Left open it means the dead ones: nobody sends again by accident what was taken.
      ...{ name: 'state', label: say('orders.state'), value: asked.state === 'dead' ? '' : asked.state },
      ...{ all: wordFor(say, 'delivery', 'dead'), choices: words('delivery', OTHER_STATES) },
    },
    { name: 'channel', label: say('orders.channel'), value: asked.channel, choices: ids(channels) },
    { name: 'origin', label: say('order.origin'), value: asked.origin, choices: ids(origins) },
    { name: 'type', label: say('replays.type'), value: asked.type, choices: words('event', EVENT_TYPES) },
    { name: 'from', label: say('orders.from'), value: asked.from, ...time },
    { name: 'to', label: say('orders.to'), value: asked.to, ...time },
  ];
  return show(c, {
    title: say('replays.new'),
    section: 'deliveries',
    status: problem?.status ?? 200,
    body: (
      <>
        <p>{say('replays.new.help')}</p>
        <Filter visit={guest} action={to('new', 'replay')} fields={fields} wrong={problem?.errors?.[0]} />
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        {dry === null ? null : <Would guest={guest} dry={dry} />}
        {dry?.count ? <Start guest={guest} state={state} count={dry.count} /> : null}
      </>
    ),
  });
}

/** What would be sent: how many, the first ones, and some of them as their origins would get them. */
function Would({ guest, dry }: { readonly guest: Guest; readonly dry: Dry }) {
  const { say } = guest;
  const { count, sample } = dry;
  if (count === 0) return <p role="status">{say('list.unfound')}</p>;
  return (
    <Card title={say('replays.would', { count: countText(count) })} id="would">
      <Table
        caption={say('replays.first')}
        empty={say('list.none')}
        rows={sample}
        columns={[
          {
            head: say('orders.orderNo'),
            cell: ({ channel, orderNo }) => <a href={to('orders', channel, orderNo)}>{orderNo}</a>,
          },
          { head: say('orders.channel'), cell: ({ channel }) => channel },
          { head: say('replays.type'), cell: ({ type }) => wordFor(say, 'event', type) },
          { head: say('order.origin'), cell: ({ origin }) => origin },
          { head: say('order.at'), cell: ({ receivedAt }) => <Time at={receivedAt} /> },
        ]}
      />
      {sample.map(({ eventId, preview }) =>
        preview === null ? null : <Request title={say('replays.preview', { event: eventId })} request={preview} />,
      )}
    </Card>
  );
}

type StartProps = { readonly guest: Guest; readonly state: FormState; readonly count: number };
const Start = ({ guest, state, count }: StartProps) => (
  <form class="card narrow" method="post" action={to('new', 'replay')}>
    <Note tone="warn">
      <p>{guest.say('replays.will', { count: countText(count) })}</p>
    </Note>
    <Token token={guest.token} />
    <input type="hidden" name="once" value={newToken()} />
    {NAMES.map((name) => (
      <input type="hidden" name={name} value={state.asked[name]} />
    ))}
    <Input
      visit={guest}
      name="perSecond"
      label={guest.say('replays.perSecond')}
      value={state.perSecond}
      mode="numeric"
    />
    <Input
      visit={guest}
      name="reason"
      label={guest.say('form.reason')}
      help={guest.say('form.reason.help')}
      value={state.reason}
    />
    <Buttons visit={guest} text={guest.say('replays.start')} back={to('replays')} />
  </form>
);
