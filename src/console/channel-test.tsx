// /console/channels/{id}/test: what a test callback will do, the button that sends it, and the page that follows it to
// the origin. Sends nothing on a GET.
import type { z } from 'zod';
import { EchoBody } from '../api/channel-echo.ts';
import { PlanBody, TestBody } from '../api/channel-test-shape.ts';
import { get, type Problem, send, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { readForm } from './forms.ts';
import { type Context, type Guest, guestOf, idIn, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Badge, Card, Facts, moneyText, Note, ProblemNote, Table, Time } from './parts.tsx';
import { Request } from './request.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

type Test = z.infer<typeof TestBody>;
type Delivery = Test['deliveries'][number];
type Preview = NonNullable<Delivery['wouldSend']>;

/** How long a page follows a test: a ladder may last days. */
const FOLLOW_MS = 10 * 60_000;

export const channelTest = newPages();

async function planPage(c: Context, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say, token, language } = guest;
  const id = idIn(c);
  const found = await get(c, v1('channels', id, 'test'), PlanBody);
  if (!found.ok) return showProblem(c, found.error, 'channels');
  const { possible, why, amount, origins, echo } = found.value;
  const mayGo = (accepts: boolean, paused: boolean) =>
    say(accepts ? (paused ? 'test.accepts.paused' : 'test.accepts.yes') : 'test.accepts.no');
  return show(c, {
    title: say('test.send'),
    section: 'channels',
    status: problem?.status ?? 200,
    body: (
      <>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        {why === null ? null : (
          <Note tone="warn">
            <p>{why[language]}</p>
          </Note>
        )}
        {possible ? (
          <>
            <p>{say('test.what', { amount: moneyText(guest, amount) })}</p>
            <div class="card">
              <Table
                caption={say('test.goes')}
                empty={say('test.goes.none')}
                rows={origins}
                columns={[
                  { head: say('test.origin'), cell: ({ origin }) => <a href={to('origins', origin)}>{origin}</a> },
                  { head: say('origins.format'), cell: ({ format }) => format },
                  { head: say('test.accepts'), cell: ({ accepts, paused }) => mayGo(accepts, paused) },
                ]}
              />
              <p class="soft small">{say('test.goes.help')}</p>
            </div>
          </>
        ) : null}
        <form method="post" action={to('channels', id, 'test')}>
          <Token token={token} />
          <input type="hidden" name="once" value={newToken()} />
          <div class="acts">
            {possible && may(guest, 'operate') ? (
              <button class="main" type="submit">
                {say('test.send')}
              </button>
            ) : null}
            <a class="act" href={to('channels', id)}>
              {say('form.back')}
            </a>
          </div>
        </form>
        {echo && may(guest, 'operate') ? <EchoForm guest={guest} id={id} came={c.req.query('echo')} /> : null}
      </>
    ),
  });
}

type EchoProps = { readonly guest: Guest; readonly id: string; readonly came: string | undefined };
function EchoForm({ guest, id, came }: EchoProps) {
  const { say, token } = guest;
  return (
    <Card title={say('test.echo')} id="echo">
      {came === 'came' ? (
        <Note tone="good" role="status">
          <p>{say('test.echo.came')}</p>
        </Note>
      ) : null}
      {came === 'missed' ? (
        <Note tone="warn" role="status">
          <p>{say('test.echo.missed')}</p>
          <p>
            <a href={withQuery(to('callbacks'), { channel: id })}>{say('nav.callbacks')}</a>
          </p>
        </Note>
      ) : null}
      <p>{say('test.echo.help')}</p>
      <form method="post" action={to('channels', id, 'test', 'echo')}>
        <Token token={token} />
        <button type="submit">{say('test.echo')}</button>
      </form>
    </Card>
  );
}

channelTest.get('/channels/:id/test', (c) => planPage(c));

channelTest.post('/channels/:id/test/echo', async (c) => {
  await readForm(c);
  const sent = await send(c, 'POST', v1('channels', idIn(c), 'test', 'echo'), EchoBody, {});
  if (!sent.ok) return planPage(c, sent.error);
  const echo = sent.value.arrivedAt === null ? 'missed' : 'came';
  return c.redirect(withQuery(to('channels', idIn(c), 'test'), { echo }), 303);
});

channelTest.post('/channels/:id/test', async (c) => {
  const form = await readForm(c);
  const sent = await send(c, 'POST', v1('channels', idIn(c), 'test'), TestBody, { once: form.given('once') });
  if (!sent.ok) return planPage(c, sent.error);
  return c.redirect(to('channels', idIn(c), 'test', sent.value.orderNo), 303);
});

channelTest.get('/channels/:id/test/:orderNo', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const [id, orderNo] = [idIn(c), c.req.param('orderNo')];
  const found = await get(c, v1('channels', id, 'test', orderNo), TestBody);
  if (!found.ok) return showProblem(c, found.error, 'channels');
  const test = found.value;
  const isLive = !test.isDone && Date.now() - Date.parse(test.sentAt) < FOLLOW_MS;
  return show(c, {
    title: say('test.title', { orderNo }),
    section: 'channels',
    files: ['live.js'],
    body: (
      <>
        <div id="test" class="card" data-live={isLive ? 'yes' : undefined}>
          <Steps guest={guest} test={test} />
          {isLive ? (
            <p class="soft small">
              {say('test.live')} <a href={to('channels', id, 'test', orderNo)}>{say('test.reload')}</a>
            </p>
          ) : null}
        </div>
        <Facts entries={[[say('test.kept'), <Time at={test.keptUntil} />]]} />
        <p class="acts">
          <a class="act main" href={to('channels', id, 'test')}>
            {say('test.again')}
          </a>
          <a class="act" href={to('channels', id)}>
            {say('form.back')}
          </a>
        </p>
      </>
    ),
  });
});

type Props = { readonly guest: Guest; readonly test: Test };

function Steps({ guest, test: { signedWith, sentAt, arrival, answer, events, deliveries } }: Props) {
  const { say } = guest;
  const { verdict, reason, detail, noticeType } = arrival;
  const advice = reason === null ? null : adviceFor(say, 'mend', reason);
  return (
    <ol class="timeline">
      <li class="act-entry">
        <p>
          <strong>{say('test.step.written')}</strong>
        </p>
        <p class="soft small">
          <Time at={sentAt} />
        </p>
        <p class="small">{say(`test.signed.${signedWith}`)}</p>
      </li>
      <li class="fact">
        <p>
          <strong>{say('test.step.arrived')}</strong> <Badge visit={guest} family="verdict" code={verdict} />
        </p>
        {noticeType === null ? null : <p class="soft small">{noticeType}</p>}
        {reason === null ? null : <p>{wordFor(say, 'reason', reason)}</p>}
        {advice === null ? null : <p class="small">{advice}</p>}
        {detail === null ? null : (
          <p class="soft small" lang="en">
            {detail}
          </p>
        )}
      </li>
      <li class="attempt">
        <p>
          <strong>{say('test.step.answered')}</strong>
        </p>
        <p class="small">
          <code>{`${answer.status} ${answer.body === '' ? say('test.noBody') : answer.body}`}</code>
        </p>
      </li>
      {events.map(({ id, type, at }) => (
        <li class="fact">
          <p>
            <strong>{`${say('test.step.told')} · ${wordFor(say, 'event', type)}`}</strong>
          </p>
          <p class="soft small">
            <Time at={at} /> · <code>{id}</code>
          </p>
        </li>
      ))}
      {deliveries.map((delivery) => (
        <li class="attempt">
          <Arrival guest={guest} delivery={delivery} />
        </li>
      ))}
    </ol>
  );
}

function Arrival({ guest, delivery }: { readonly guest: Guest; readonly delivery: Delivery }) {
  const { say } = guest;
  const { origin, format, deliveryState, reason, attempts, dueAt, wouldSend, problem } = delivery;
  const why = reason === null ? null : adviceFor(say, 'test', reason);
  return (
    <>
      <p>
        <strong>{say('test.step.delivery', { origin: origin ?? say('test.nobody') })}</strong>{' '}
        {deliveryState === null ? null : <Badge visit={guest} family="delivery" code={deliveryState} />}
      </p>
      <p class="soft small">{format}</p>
      {why === null ? null : <p class="small">{why}</p>}
      {attempts.map(({ attempt, outcome, status, ms, at, detail }) => (
        <>
          <p class="small">
            {say('test.attempt', { attempt, outcome: wordFor(say, 'outcome', outcome) })} ·{' '}
            {[status, `${ms} ms`].filter((part) => part !== null).join(' · ')} · <Time at={at} />
          </p>
          {detail === '' ? null : <p class="soft small">{detail}</p>}
        </>
      ))}
      {dueAt === null ? null : (
        <p class="small">
          {say('deliveries.due')} <Time at={dueAt} />
        </p>
      )}
      {wouldSend === null ? null : <Shown guest={guest} preview={wouldSend} />}
      {problem === null ? null : (
        <p class="small" lang="en">
          {problem}
        </p>
      )}
    </>
  );
}

/** The built-in sink: what would have been sent, to the byte. */
function Shown({ guest, preview }: { readonly guest: Guest; readonly preview: Preview }) {
  const { say } = guest;
  const { sampleSecret } = preview;
  return (
    <>
      <p class="small">{say('test.notSent')}</p>
      {sampleSecret === null ? null : <p class="small">{say('test.sample', { secret: sampleSecret })}</p>}
      <Request title={say('test.request')} request={preview} />
    </>
  );
}
