// /console/origins: the list and the page of one origin. Shows no secret.
import { z } from 'zod';
import { OriginWithGate } from '../api/origin-gate.ts';
import { OriginBody } from '../api/origin-shape.ts';
import { pageOf } from '../api/page.ts';
import { get, v1 } from './call.ts';
import { type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Badge, Card, Copy, Facts, Note, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor } from './texts.ts';

const Channels = z.object({ items: z.array(z.object({ id: z.string(), origins: z.array(z.string()) })) });
const Origins = pageOf('ConsoleOrigins', OriginBody);
type Origin = z.infer<typeof OriginWithGate>;

export const origins = newPages();

origins.get('/origins', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const cursor = c.req.query('cursor') ?? '';
  const page = await get(c, withQuery('/v1/origins', { cursor }), Origins);
  if (!page.ok) return showProblem(c, page.error, 'origins');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('origins'), { cursor: place });
  return show(c, {
    title: say('origins.title'),
    section: 'origins',
    body: (
      <>
        {may(guest, 'admin') ? (
          <p>
            <a class="act main" href={to('new', 'origin')}>
              {say('origins.new')}
            </a>
          </p>
        ) : null}
        <div class="card">
          <Table
            caption={say('origins.title')}
            empty={say('list.none')}
            rows={items}
            columns={[
              { head: say('channels.id'), cell: ({ id }) => <a href={to('origins', id)}>{id}</a> },
              { head: say('origins.url'), cell: ({ url }) => url },
              { head: say('origins.format'), cell: ({ format }) => format },
              {
                head: say('channels.status'),
                cell: ({ status }) => <Badge visit={guest} family="status" code={status} />,
              },
            ]}
          />
        </div>
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

origins.get('/origins/:id', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const id = c.req.param('id');
  const [found, channels] = await Promise.all([
    get(c, v1('origins', id), OriginWithGate),
    get(c, '/v1/channels?limit=200', Channels),
  ]);
  if (!found.ok) return showProblem(c, found.error, 'origins');
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  return show(c, {
    title: say('origin.title', { id }),
    section: 'origins',
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        <Acts guest={guest} origin={found.value} />
        <Gate guest={guest} gate={found.value.gate} />
        {channels.ok ? <Tellers guest={guest} id={id} channels={channels.value.items} /> : null}
        <Summary guest={guest} origin={found.value} />
      </>
    ),
  });
});

type Props = { readonly guest: Guest; readonly origin: Origin };

function Acts({ guest, origin: { id, status, gate } }: Props) {
  const { say } = guest;
  const verb = status === 'paused' ? 'resume' : 'pause';
  return (
    <nav aria-label={say('order.actions')}>
      <ul class="acts">
        {may(guest, 'operate') ? (
          <li>
            <a class="act" href={to('origins', id, verb)}>
              {say(`verb.${verb}`)}
            </a>
          </li>
        ) : null}
        {may(guest, 'operate') && status === 'active' && gate !== null && gate.breaker !== 'closed' ? (
          <li>
            <a class="act" href={to('origins', id, 'resume')}>
              {say('origin.tryNow')}
            </a>
          </li>
        ) : null}
        {may(guest, 'operate') ? (
          <li>
            <a class="act" href={to('origins', id, 'check')}>
              {say('origin.check')}
            </a>
          </li>
        ) : null}
        {may(guest, 'admin') ? (
          <li>
            <a class="act" href={to('origins', id, 'change')}>
              {say('origin.change')}
            </a>
          </li>
        ) : null}
        {may(guest, 'admin') ? (
          <li>
            <a class="act" href={to('origins', id, 'rotate')}>
              {say('origin.rotate')}
            </a>
          </li>
        ) : null}
        <li>
          <a class="act" href={withQuery(to('deliveries'), { origin: id })}>
            {say('nav.deliveries')}
          </a>
        </li>
      </ul>
    </nav>
  );
}

/** Whether it is called at all, and how it took what was sent. */
function Gate({ guest, gate }: { readonly guest: Guest; readonly gate: Origin['gate'] }) {
  const { say } = guest;
  if (gate === null) {
    return (
      <Card title={say('gate.title')} id="gate">
        <p>{say('gate.unknown')}</p>
      </Card>
    );
  }
  const { breaker, since, probeAt, waitUntil, failingSince, successes, failures, inFlight } = gate;
  return (
    <Card title={say('gate.title')} id="gate">
      <Facts
        entries={[
          [say('gate.breaker'), <Badge visit={guest} family="breaker" code={breaker} tone={TONES[breaker]} />],
          [say('gate.since'), since && <Time at={since} />],
          [say('gate.probeAt'), probeAt && <Time at={probeAt} />],
          [say('gate.waitUntil'), waitUntil && <Time at={waitUntil} />],
          [say('gate.failingSince'), failingSince && <Time at={failingSince} />],
          [say('gate.attempts'), breaker === 'closed' ? say('gate.attempts.value', { successes, failures }) : null],
          [say('gate.inFlight'), String(inFlight)],
        ]}
      />
    </Card>
  );
}
const TONES = { closed: 'good', open: 'bad', half_open: 'warn' } as const;

type TellersProps = {
  readonly guest: Guest;
  readonly id: string;
  readonly channels: z.infer<typeof Channels>['items'];
};

/** The channels whose events it gets; where there is none, the way to name it in one. */
function Tellers({ guest, id, channels }: TellersProps) {
  const { say } = guest;
  const telling = channels.filter(({ origins: told }) => told.includes(id));
  const links = telling.length > 0 ? telling : may(guest, 'admin') ? channels : [];
  return (
    <Card title={say('origin.channels')} id="channels">
      {telling.length > 0 ? null : (
        <Note tone="warn">
          <p>{say('origin.check.unnamed')}</p>
        </Note>
      )}
      <ul class="acts">
        {links.slice(0, LINKS_MAX).map((channel) => (
          <li>
            {telling.length > 0 ? (
              <a href={to('channels', channel.id)}>{channel.id}</a>
            ) : (
              <a class="act" href={withQuery(to('channels', channel.id, 'change'), { add: id })}>
                {say('origin.channels.add', { channel: channel.id })}
              </a>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
const LINKS_MAX = 50;

function Summary({ guest, origin }: Props) {
  const { say } = guest;
  const { formatOptions, success, auth, publicKey } = origin;
  const options = Object.keys(formatOptions).length === 0 ? '' : JSON.stringify(formatOptions, null, 2);
  return (
    <Card title={say('order.summary')} id="summary">
      <Facts
        entries={[
          [say('channels.status'), <Badge visit={guest} family="status" code={origin.status} />],
          [say('origin.pauseReason'), origin.pauseReason],
          [say('origins.url'), <code>{origin.url}</code>],
          [say('origins.format'), `${origin.format} ${origin.formatVersion}`],
          [say('origins.options'), options && <pre>{options}</pre>],
          [say('origin.success'), typeof success === 'string' ? success : JSON.stringify(success)],
          [say('origins.signature'), origin.signature],
          [say('origin.publicKey'), publicKey && <Copy visit={guest} id="public-key" text={publicKey} />],
          [say('origin.auth'), auth.map(({ kind, name }) => [kind, name].filter(Boolean).join(' ')).join(', ')],
          [
            say('test.accepts.label'),
            <>
              {say(origin.acceptsTest ? 'test.accepts.yes' : 'test.accepts.no')}{' '}
              {may(guest, 'admin') ? (
                <a href={to('origins', origin.id, 'tests')}>{say('test.accepts.change')}</a>
              ) : null}
            </>,
          ],
          [say('origins.timeout'), String(origin.timeoutMs)],
        ]}
      />
    </Card>
  );
}
