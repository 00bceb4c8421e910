// /console/alarms: what wants a person, what to do about each and where, who was told, and the two things that a person
// can say about it. Raises nothing.
import type { z } from 'zod';
import { whereOf } from '../alarm/where.ts';
import { AlarmPageBody } from '../api/alarms.ts';
import { get, type Problem, post, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, type Visit, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Badge, Note, Pager, ProblemNote, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

export const Alarms = AlarmPageBody;
export type Alarm = z.infer<typeof AlarmPageBody>['items'][number];

export const alarms = newPages();

const WHICH = ['wanting', 'resolved'] as const;

async function listPage(c: Context, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const cursor = c.req.query('cursor') ?? '';
  const state = c.req.query('state') === 'resolved' ? 'resolved' : 'wanting';
  const page = await get(c, withQuery('/v1/alarms', { cursor, state }), Alarms);
  if (!page.ok) return showProblem(c, page.error, 'alarms');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('alarms'), { state, cursor: place });
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  return show(c, {
    title: say('alarms.title'),
    section: 'alarms',
    status: problem?.status ?? 200,
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <nav aria-label={say('alarms.which')}>
          <ul class="acts">
            {WHICH.map((which) => (
              <li>
                <a
                  class="act"
                  href={withQuery(to('alarms'), { state: which })}
                  aria-current={which === state ? 'page' : undefined}
                >
                  {say(`alarms.${which}`)}
                </a>
              </li>
            ))}
            <li>
              <a class="act" href={to('alarm-rules')}>
                {say('alarms.rules')}
              </a>
            </li>
          </ul>
        </nav>
        {items.length === 0 ? <p>{say('overview.calm')}</p> : <AlarmList visit={guest} guest={guest} items={items} />}
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
}

alarms.get('/alarms', (c) => listPage(c));

for (const act of ['acknowledge', 'resolve'] as const) {
  alarms.post(`/alarms/:id/${act}`, async (c) => {
    const form = await readForm(c);
    const did = await post(c, v1('alarms', c.req.param('id'), act), { once: form.given('once') });
    if (!did.ok) return listPage(c, did.error);
    return c.redirect(withQuery(to('alarms'), { done: 'changed' }), 303);
  });
}

type ListProps = {
  readonly visit: Visit;
  readonly items: readonly Alarm[];
  /** Who may act on them here; left out: nobody does on this page. */
  readonly guest?: Guest;
};
export const AlarmList = ({ visit, items, guest }: ListProps) => (
  <>
    {items.map((alarm) => (
      <AlarmNote visit={visit} alarm={alarm} guest={guest} />
    ))}
  </>
);

type NoteProps = { readonly visit: Visit; readonly alarm: Alarm; readonly guest?: Guest | undefined };
function AlarmNote({ visit, alarm, guest }: NoteProps) {
  const { say } = visit;
  const { code, subject, detail, count, firstAt, lastAt, state, actedBy } = alarm;
  const where = whereOf(alarm);
  return (
    <Note tone={state === 'open' ? 'bad' : state === 'acknowledged' ? 'warn' : 'plain'}>
      <p>
        <strong>{wordFor(say, 'alarm', code)}</strong>
        {' · '}
        {where === null ? subject : <a href={where}>{subject}</a>}
        {state === 'open' ? null : (
          <>
            {' '}
            <Badge visit={visit} family="alarmState" code={state} />
            {actedBy ? ` ${say('alarms.by', { who: actedBy })}` : ''}
          </>
        )}
      </p>
      <p>{adviceFor(say, 'next', code)}</p>
      <p class="soft small">
        {`${say('alarms.count')}: ${count} · ${say('alarms.last')}: `}
        <Time at={lastAt} />
        {` · ${say('alarms.first')}: `}
        <Time at={firstAt} />
      </p>
      <p class="small break">
        <span lang="en">{detail}</span>
      </p>
      <Told visit={visit} alarm={alarm} />
      {guest === undefined ? null : <Acts guest={guest} alarm={alarm} />}
    </Note>
  );
}

function Told({ visit, alarm: { told } }: { readonly visit: Visit; readonly alarm: Alarm }) {
  if (told.length === 0) return null;
  const { say } = visit;
  return (
    <p class="soft small break">
      {`${say('alarms.told')}: `}
      {told.map(({ destination, state, at, error }, index) => (
        <>
          {index === 0 ? '' : ' · '}
          {`${destination} ${wordFor(say, 'message', state)} `}
          <Time at={at} />
          {error === null ? null : <span lang="en">{` (${error})`}</span>}
        </>
      ))}
    </p>
  );
}

function Acts({ guest, alarm: { id, code, subject, state } }: { readonly guest: Guest; readonly alarm: Alarm }) {
  if (!may(guest, 'operate') || state === 'resolved') return null;
  const { say, token } = guest;
  const acts = state === 'open' ? (['acknowledge', 'resolve'] as const) : (['resolve'] as const);
  return (
    <div class="acts">
      {acts.map((act) => (
        <form method="post" action={to('alarms', id, act)}>
          <Token token={token} />
          <input type="hidden" name="once" value={newToken()} />
          <button class="plain" type="submit" aria-label={`${say(`alarms.${act}`)}: ${code} ${subject}`}>
            {say(`alarms.${act}`)}
          </button>
        </form>
      ))}
    </div>
  );
}
