// /console/alarms: what wants a person, what to do about each, and where. Lists alone.
import type { z } from 'zod';
import { whereOf } from '../alarm/where.ts';
import { AlarmPageBody } from '../api/alarms.ts';
import { get } from './call.ts';
import { guestOf, newPages, to, type Visit, withQuery } from './kit.ts';
import { Note, Pager, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

export const Alarms = AlarmPageBody;
export type Alarm = z.infer<typeof AlarmPageBody>['items'][number];

export const alarms = newPages();

alarms.get('/alarms', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const cursor = c.req.query('cursor') ?? '';
  const page = await get(c, withQuery('/v1/alarms', { cursor }), Alarms);
  if (!page.ok) return showProblem(c, page.error, 'alarms');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('alarms'), { cursor: place });
  return show(c, {
    title: say('alarms.title'),
    section: 'alarms',
    body: (
      <>
        {items.length === 0 ? <p>{say('overview.calm')}</p> : <AlarmList visit={guest} items={items} />}
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

type ListProps = { readonly visit: Visit; readonly items: readonly Alarm[] };
export const AlarmList = ({ visit, items }: ListProps) => (
  <>
    {items.map((alarm) => (
      <AlarmNote visit={visit} alarm={alarm} />
    ))}
  </>
);

function AlarmNote({ visit, alarm }: { readonly visit: Visit; readonly alarm: Alarm }) {
  const { say } = visit;
  const { code, subject, detail, count, firstAt, lastAt } = alarm;
  const where = whereOf(alarm);
  return (
    <Note tone="bad">
      <p>
        <strong>{wordFor(say, 'alarm', code)}</strong>
        {' · '}
        {where === null ? subject : <a href={where}>{subject}</a>}
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
    </Note>
  );
}
