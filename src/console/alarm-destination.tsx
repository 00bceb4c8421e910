// /console/alarm-destinations: the page of one, its change, its test and its end. What is secret goes in and never
// comes out.
import { z } from 'zod';
import { DestinationBody } from '../api/alarm-destinations.ts';
import { AlarmMessagePage } from '../api/alarms.ts';
import { Fields, readFields } from './alarm-destination-fields.tsx';
import { del, get, type Problem, patch, send, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { Buttons, Checks } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Card, Facts, Note, ProblemNote, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

type Destination = z.infer<typeof DestinationBody>;
const MESSAGES_SHOWN = '20';

export const alarmDestination = newPages();

const Tested = z.object({ taken: z.boolean(), error: z.string().nullable() });
type State = { readonly form?: Form; readonly problem?: Problem; readonly tested?: z.infer<typeof Tested> };

async function onePage(c: Context, id: string, { form, problem, tested }: State = {}): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const found = await get(c, v1('alarm-destinations', id), DestinationBody);
  if (!found.ok) return showProblem(c, found.error, 'alarms');
  const messages = await get(
    c,
    withQuery('/v1/alarm-messages', { destination: id, limit: MESSAGES_SHOWN }),
    AlarmMessagePage,
  );
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  return show(c, {
    title: say('to.one', { id }),
    section: 'alarms',
    status: problem?.status ?? 200,
    body: (
      <>
        {done === null || tested !== undefined ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        {tested === undefined ? null : <TestNote guest={guest} tested={tested} />}
        {may(guest, 'admin') ? (
          <form class="acts" method="post" action={to('alarm-destinations', id, 'test')}>
            <Token token={token} />
            <button class="main" type="submit">
              {say('to.test')}
            </button>
            <a class="act" href={to('alarm-destinations', id, 'remove')}>
              {say('to.remove')}
            </a>
          </form>
        ) : null}
        <Summary guest={guest} one={found.value} />
        {messages.ok ? <Messages guest={guest} items={messages.value.items} /> : null}
        {may(guest, 'admin') ? (
          <form class="card narrow" method="post" action={to('alarm-destinations', id)}>
            {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
            <Token token={token} />
            <input type="hidden" name="once" value={newToken()} />
            <Checks
              visit={guest}
              name="enabled"
              label={say('to.enabled')}
              choices={[{ value: 'yes', text: say('word.yes') }]}
              values={(form ? form.all('enabled').length > 0 : found.value.enabled) ? ['yes'] : []}
            />
            <Fields guest={guest} form={form ?? null} known={found.value} problem={problem} />
            <Buttons visit={guest} text={say('form.save')} back={to('alarm-rules')} />
          </form>
        ) : null}
      </>
    ),
  });
}

function TestNote({ guest, tested }: { readonly guest: Guest; readonly tested: z.infer<typeof Tested> }) {
  const { say } = guest;
  return tested.taken ? (
    <Note tone="good" role="status">
      <p>{say('to.taken')}</p>
    </Note>
  ) : (
    <Note tone="bad" role="alert">
      <p>{say('to.refused')}</p>
      <p class="small break" lang="en">
        {tested.error}
      </p>
    </Note>
  );
}

function Summary({ guest, one }: { readonly guest: Guest; readonly one: Destination }) {
  const { say } = guest;
  const { kind, address, from, enabled, language, quietHours: quiet } = one;
  const zone =
    quiet && (quiet.timeZone ?? `UTC ${quiet.utcOffsetMinutes >= 0 ? '+' : ''}${quiet.utcOffsetMinutes / 60}`);
  const hours = quiet && `${quiet.from}–${quiet.to} (${zone})`;
  return (
    <Card title={say('order.summary')} id="summary">
      <Facts
        entries={[
          [say('to.kind'), say(`to.kind.${kind}`)],
          [say('to.address'), <code>{address}</code>],
          [say('to.from'), from],
          [say('to.language'), say(`frame.language.${language}`)],
          [say('to.enabled'), say(enabled ? 'word.yes' : 'to.off')],
          [say('to.quiet'), hours],
        ]}
      />
    </Card>
  );
}

type Message = z.infer<typeof AlarmMessagePage>['items'][number];
function Messages({ guest, items }: { readonly guest: Guest; readonly items: readonly Message[] }) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('to.messages')}
        empty={say('list.none')}
        rows={items}
        columns={[
          { head: say('to.about'), cell: ({ code, subject }) => `${wordFor(say, 'alarm', code)} · ${subject}` },
          { head: say('channels.status'), cell: ({ state }) => wordFor(say, 'message', state) },
          { head: say('alarms.last'), cell: ({ at }) => <Time at={at} /> },
          { head: say('to.error'), cell: ({ error }) => <span lang="en">{error}</span> },
        ]}
      />
    </div>
  );
}

alarmDestination.get('/alarm-destinations/:id', (c) => onePage(c, c.req.param('id')));

alarmDestination.post('/alarm-destinations/:id', async (c) => {
  const form = await readForm(c);
  const id = c.req.param('id');
  const body = { ...readFields(form), enabled: form.all('enabled').length > 0 };
  const did = await patch(c, v1('alarm-destinations', id), { body, once: form.given('once') });
  if (!did.ok) return onePage(c, id, { form, problem: did.error });
  return c.redirect(withQuery(to('alarm-destinations', id), { done: 'changed' }), 303);
});

alarmDestination.post('/alarm-destinations/:id/test', async (c) => {
  await readForm(c);
  const id = c.req.param('id');
  const did = await send(c, 'POST', v1('alarm-destinations', id, 'test'), Tested, {});
  return onePage(c, id, did.ok ? { tested: did.value } : { problem: did.error });
});

function removePage(c: Context, id: string, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  return show(c, {
    title: say('will.title', { act: say('to.remove') }),
    section: 'alarms',
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={to('alarm-destinations', id, 'remove')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Note tone="warn">
          <p>{say('to.will', { id })}</p>
        </Note>
        <Token token={guest.token} />
        <input type="hidden" name="once" value={newToken()} />
        <Buttons visit={guest} text={say('to.remove')} back={to('alarm-destinations', id)} />
      </form>
    ),
  });
}

alarmDestination.get('/alarm-destinations/:id/remove', (c) => removePage(c, c.req.param('id')));
alarmDestination.post('/alarm-destinations/:id/remove', async (c) => {
  const form = await readForm(c);
  const id = c.req.param('id');
  const did = await del(c, v1('alarm-destinations', id), { once: form.given('once') });
  if (!did.ok) return removePage(c, id, did.error);
  return c.redirect(withQuery(to('alarm-rules'), { done: 'changed' }), 303);
});
