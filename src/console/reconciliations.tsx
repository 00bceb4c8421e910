// /console/reconciliations: which days were compared with the provider's bills, how far each is, what came of it; a run
// begun by hand, or by a bill that somebody brings. Looks and asks alone: the reconciler does the work.
import type { z } from 'zod';
import { pageOf } from '../api/page.ts';
import { ReconciliationBody, ReconciliationDetail } from '../api/reconciliation-shape.ts';
import { RUN_STATES } from '../core/reconciliation.ts';
import { fetchApi, get, type Problem, readAs, send, v1 } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { newToken } from './cookies.ts';
import { askedIn, Filter, passOn } from './filter.tsx';
import { readFileForm, readForm } from './forms.ts';
import { type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Badge, Facts, Note, Pager, Table, Time } from './parts.tsx';
import { formPage } from './reconciliation-form.tsx';
import { Bills, Settlement, Untied } from './reconciliation-parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Runs = pageOf('ConsoleReconciliations', ReconciliationBody);
type Run = z.infer<typeof ReconciliationBody>;

/** Of a run that goes on by itself. */
const GOES_ON: readonly Run['state'][] = ['running', 'waiting'];

export const reconciliations = newPages();

reconciliations.get('/reconciliations', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = askedIn(c, 'channel', 'state', 'day');
  const { cursor } = askedIn(c, 'cursor');
  const [page, channels] = await Promise.all([
    get(c, withQuery('/v1/reconciliations', { ...asked, cursor }), Runs),
    channelIds(c, guest),
  ]);
  if (!page.ok && page.error.code !== 'validation_failed') return showProblem(c, page.error, 'reconciliations');
  const { items, next } = page.ok ? page.value : { items: [], next: null };
  const at = (place?: string) => withQuery(to('reconciliations'), { ...asked, cursor: place });
  const states = RUN_STATES.map((value) => ({ value, text: wordFor(say, 'run', value) }));
  return show(c, {
    title: say('reconciliations.title'),
    section: 'reconciliations',
    status: page.ok ? 200 : 422,
    files: ['live.js'],
    body: (
      <>
        <nav aria-label={say('reconciliations.ways')}>
          <ul class="acts">
            {may(guest, 'operate') ? (
              <>
                <li>
                  <a class="act" href={to('new', 'reconciliation')}>
                    {say('reconciliations.new')}
                  </a>
                </li>
                <li>
                  <a class="act" href={to('new', 'bill')}>
                    {say('reconciliations.bring')}
                  </a>
                </li>
              </>
            ) : null}
            <li>
              <a class="act" href={withQuery(to('discrepancies'), { status: 'open' })}>
                {say('reconciliations.open')}
              </a>
            </li>
          </ul>
        </nav>
        <Filter
          visit={guest}
          action={to('reconciliations')}
          wrong={page.ok ? undefined : page.error.errors?.[0]}
          fields={[
            {
              ...{ name: 'channel', label: say('orders.channel'), value: asked.channel },
              choices: channels.map((id) => ({ value: id, text: id })),
            },
            { name: 'state', label: say('orders.state'), value: asked.state, choices: states },
            { name: 'day', label: say('reconciliations.day'), value: asked.day, type: 'date' },
          ]}
        />
        <div id="runs" class="card" data-live={items.some(({ state }) => GOES_ON.includes(state)) ? 'yes' : undefined}>
          <RunTable guest={guest} items={items} />
        </div>
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

const RunTable = ({ guest, items }: { readonly guest: Guest; readonly items: readonly Run[] }) => (
  <Table
    caption={guest.say('reconciliations.title')}
    empty={guest.say('list.none')}
    rows={items}
    columns={[
      { head: guest.say('reconciliations.day'), cell: ({ id, day }) => <a href={to('reconciliations', id)}>{day}</a> },
      { head: guest.say('orders.channel'), cell: ({ channel }) => channel },
      { head: guest.say('orders.state'), cell: ({ state }) => <Badge visit={guest} family="run" code={state} /> },
      { head: guest.say('reconciliations.rows'), cell: (run) => String(rowsOf(run)), isNumber: true },
      { head: guest.say('reconciliations.repaired'), cell: (run) => String(sumOf(run, 'repaired')), isNumber: true },
      { head: guest.say('reconciliations.differences'), cell: (run) => String(differencesOf(run)), isNumber: true },
      { head: guest.say('order.at'), cell: ({ updatedAt }) => <Time at={updatedAt} /> },
    ]}
  />
);

const rowsOf = ({ bills }: Run): number => bills.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
const sumOf = ({ bills }: Run, name: 'repaired' | 'matched' | 'foreign' | 'unjudged'): number =>
  bills.reduce((sum, { tally }) => sum + (tally?.[name] ?? 0), 0);
const differencesOf = ({ bills }: Run): number =>
  bills.flatMap(({ tally }) => Object.values(tally?.differences ?? {})).reduce((sum, count) => sum + count, 0);

reconciliations.get('/reconciliations/:id', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const id = c.req.param('id');
  const found = await get(c, v1('reconciliations', id), ReconciliationDetail);
  if (!found.ok) return showProblem(c, found.error, 'reconciliations');
  const run = found.value;
  const goesOn = GOES_ON.includes(run.state);
  return show(c, {
    title: say('reconciliation.title', { day: run.day, channel: run.channel }),
    section: 'reconciliations',
    files: ['live.js'],
    body: (
      <>
        <div id="run" data-live={goesOn ? 'yes' : undefined}>
          <Standing guest={guest} run={run} />
          <Bills guest={guest} bills={run.bills} />
          <Settlement guest={guest} lines={run.settlement} />
          <Untied guest={guest} untied={run.untied} lines={run.untiedLines} />
        </div>
        <RunActs guest={guest} run={run} />
      </>
    ),
  });
});

type StandingProps = { readonly guest: Guest; readonly run: Run };

/** Beside what is live: whoever is about to do one of these is not thrown out by the news. */
function RunActs({ guest, run }: StandingProps) {
  const { say } = guest;
  const goesOn = GOES_ON.includes(run.state);
  return (
    <div id="run-acts" data-live={goesOn ? 'yes' : undefined}>
      <ul class="acts">
        <li>
          <a class="act" href={withQuery(to('discrepancies'), { channel: run.channel, day: run.day })}>
            {say('reconciliation.discrepancies')}
          </a>
        </li>
        <li>
          <a class="act" href={to('reconciliations', run.id, 'discrepancies.csv')} download>
            {say('list.csv')}
          </a>
        </li>
        {may(guest, 'operate') && run.state !== 'running' ? (
          <li>
            <a class="act" href={withQuery(to('new', 'bill'), { channel: run.channel, day: run.day })}>
              {say('reconciliations.bring')}
            </a>
          </li>
        ) : null}
      </ul>
      {may(guest, 'operate') && run.state !== 'running' ? (
        <form method="post" action={to('new', 'reconciliation')}>
          <Token token={guest.token} />
          <input type="hidden" name="once" value={newToken()} />
          <input type="hidden" name="channel" value={run.channel} />
          <input type="hidden" name="day" value={run.day} />
          <p class="soft small">{say(goesOn ? 'reconciliation.now.help' : 'reconciliation.again.help')}</p>
          <button type="submit">{say(goesOn ? 'reconciliation.now' : 'reconciliation.again')}</button>
        </form>
      ) : null}
    </div>
  );
}

function Standing({ guest, run }: StandingProps) {
  const { say } = guest;
  const total = rowsOf(run);
  const done = run.bills.reduce((sum, { rowsDone }) => sum + rowsDone, 0);
  return (
    <div class="card">
      {run.problem === null ? null : (
        <Note tone="warn">
          <p lang="en">{run.problem}</p>
        </Note>
      )}
      <p role="status">
        <Badge visit={guest} family="run" code={run.state} /> {wordFor(say, 'step', run.step)}
      </p>
      {run.state === 'running' && total > 0 ? (
        <p>
          <progress max={total} value={Math.min(done, total)} aria-label={say('reconciliations.rows')}></progress>{' '}
          <span class="small">{`${done} / ${total}`}</span>
        </p>
      ) : null}
      <Facts
        entries={[
          [say('reconciliation.begunBy'), wordFor(say, 'begunBy', run.begunBy)],
          [say('reconciliations.rows'), String(total)],
          [say('reconciliation.matched'), String(sumOf(run, 'matched'))],
          [say('reconciliations.repaired'), String(sumOf(run, 'repaired'))],
          [say('reconciliation.foreign'), String(sumOf(run, 'foreign'))],
          [say('reconciliation.unjudged'), String(sumOf(run, 'unjudged'))],
          [say('reconciliations.differences'), String(differencesOf(run))],
          [say('reconciliation.startedAt'), <Time at={run.startedAt} />],
          [say('reconciliation.finishedAt'), run.finishedAt && <Time at={run.finishedAt} />],
          [say('reconciliation.retryAt'), run.retryAt && <Time at={run.retryAt} />],
        ]}
      />
    </div>
  );
}

reconciliations.get('/reconciliations/:id/discrepancies.csv', (c) => {
  const id = c.req.param('id');
  return passOn(c, v1('reconciliations', id, 'discrepancies.csv'), to('reconciliations', id));
});

/** Nobody's file is read whose bill /v1 would not take. */
const FORBIDDEN: Problem = { status: 403, code: 'forbidden', detail: 'This needs a key with the scope operate.' };

reconciliations.get('/new/:what{reconciliation|bill}', (c) => {
  const { channel, day } = askedIn(c, 'channel', 'day');
  return formPage(c, c.req.param('what') === 'bill', { channel, day, kind: 'trade', covers: '' });
});

reconciliations.post('/new/reconciliation', async (c) => {
  const form = await readForm(c);
  const state = { channel: form.text('channel'), day: form.text('day'), kind: '', covers: '' };
  const body = { channel: state.channel, day: state.day };
  const begun = await send(c, 'POST', '/v1/reconciliations', ReconciliationBody, { body, once: form.given('once') });
  if (begun.ok) return c.redirect(to('reconciliations', begun.value.id), 303);
  return formPage(c, false, { ...state, problem: begun.error });
});

reconciliations.post('/new/bill', async (c) => {
  if (!may(guestOf(c), 'operate'))
    return formPage(c, true, { channel: '', day: '', kind: 'trade', covers: '', problem: FORBIDDEN });
  const { form, file } = await readFileForm(c, 'bill');
  const [channel, day, kind, covers] = [form.text('channel'), form.text('day'), form.text('kind'), form.text('covers')];
  const state = { channel, day, kind, covers };
  const path = withQuery('/v1/reconciliations/bills', state);
  const reply = await fetchApi(c, 'POST', path, { file: file ?? new Uint8Array(), once: form.given('once') });
  const begun = await readAs(reply, ReconciliationBody);
  if (begun.ok) return c.redirect(to('reconciliations', begun.value.id), 303);
  return formPage(c, true, { ...state, problem: begun.error });
});
