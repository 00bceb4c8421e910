// /console/channels: the list and the page of one channel. Shows no credential; there is none to be had.
import type { z } from 'zod';
import { ChannelDetail } from '../api/channel-shape.ts';
import { pageOf } from '../api/page.ts';
import { get, v1 } from './call.ts';
import { type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Badge, Card, Copy, Facts, Note, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

const Channels = pageOf('ConsoleChannels', ChannelDetail);
export type Channel = z.infer<typeof ChannelDetail>;
export { ChannelDetail };

export const channels = newPages();

channels.get('/channels', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const cursor = c.req.query('cursor') ?? '';
  const page = await get(c, withQuery('/v1/channels', { cursor }), Channels);
  if (!page.ok) return showProblem(c, page.error, 'channels');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('channels'), { cursor: place });
  return show(c, {
    title: say('channels.title'),
    section: 'channels',
    body: (
      <>
        {may(guest, 'admin') ? (
          <p>
            <a class="act main" href={to('new', 'channel')}>
              {say('channels.new')}
            </a>
          </p>
        ) : null}
        <div class="card">
          <Table
            caption={say('channels.title')}
            empty={say('channels.none')}
            rows={items}
            columns={[
              { head: say('channels.id'), cell: ({ id }) => <a href={to('channels', id)}>{id}</a> },
              { head: say('channels.provider'), cell: ({ provider }) => provider },
              {
                head: say('channels.status'),
                cell: ({ status }) => <Badge visit={guest} family="status" code={status} />,
              },
              { head: say('channel.mode'), cell: ({ mode }) => wordFor(say, 'mode', mode) },
              {
                head: say('channel.environment'),
                cell: ({ environment }) => wordFor(say, 'environment', environment),
              },
              { head: say('channel.origins'), cell: ({ origins }) => origins.join(', ') },
            ]}
          />
        </div>
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

channels.get('/channels/:id', async (c) => {
  const guest = guestOf(c);
  const id = c.req.param('id');
  const found = await get(c, v1('channels', id), ChannelDetail);
  if (!found.ok) return showProblem(c, found.error, 'channels');
  const channel = found.value;
  const done = adviceFor(guest.say, 'did', c.req.query('done') ?? '');
  const proof = c.req.query('proof');
  return show(c, {
    title: guest.say('channel.title', { id }),
    section: 'channels',
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
            {proof ? <p>{guest.say(proof === 'proved' ? 'check.proved' : 'check.unproved')}</p> : null}
          </Note>
        )}
        <Acts guest={guest} channel={channel} />
        <Summary guest={guest} channel={channel} />
        <Keys guest={guest} channel={channel} />
      </>
    ),
  });
});

type Props = { readonly guest: Guest; readonly channel: Channel };

const SWITCHES = {
  active: ['pause', 'disable'],
  paused: ['resume', 'disable'],
  disabled: ['enable'],
} as const;

function Acts({ guest, channel: { id, status } }: Props) {
  const { say } = guest;
  return (
    <nav aria-label={say('order.actions')}>
      <ul class="acts">
        {may(guest, 'operate') ? (
          <li>
            <a class="act" href={to('channels', id, 'test')}>
              {say('test.send')}
            </a>
          </li>
        ) : null}
        {may(guest, 'operate')
          ? SWITCHES[status].map((verb) => (
              <li>
                <a class="act" href={to('channels', id, verb)}>
                  {say(`verb.${verb}`)}
                </a>
              </li>
            ))
          : null}
        {may(guest, 'admin') ? (
          <>
            <li>
              <a class="act" href={to('channels', id, 'change')}>
                {say('channel.change')}
              </a>
            </li>
            <li>
              <a class="act" href={to('channels', id, 'rotate')}>
                {say('channel.rotate')}
              </a>
            </li>
            <li>
              <a class="act" href={to('channels', id, 'allowlist')}>
                {say('channel.edit.allowlist')}
              </a>
            </li>
          </>
        ) : null}
        <li>
          <a class="act" href={withQuery(to('why'), { channel: id })}>
            {say('why.title')}
          </a>
        </li>
        <li>
          <a class="act" href={withQuery(to('orders'), { channel: id })}>
            {say('nav.orders')}
          </a>
        </li>
        <li>
          <a class="act" href={withQuery(to('callbacks'), { channel: id })}>
            {say('nav.callbacks')}
          </a>
        </li>
      </ul>
    </nav>
  );
}

function Summary({ guest, channel }: Props) {
  const { say } = guest;
  const { allowlist, callbackUrl, previousUntil } = channel;
  const ranges = allowlist.ranges.join(', ');
  return (
    <Card title={say('order.summary')} id="summary">
      <Facts
        entries={[
          [say('channels.status'), <Badge visit={guest} family="status" code={channel.status} />],
          [say('channels.provider'), channel.provider],
          [
            say('channel.callbackUrl'),
            callbackUrl === null ? (
              say('channel.callbackUrl.none')
            ) : (
              <>
                <Copy visit={guest} id="callback-url" text={callbackUrl} />
                <span class="soft small">{say('channel.callbackUrl.help')}</span>
              </>
            ),
          ],
          [say('channel.mode'), wordFor(say, 'mode', channel.mode)],
          [say('channel.environment'), wordFor(say, 'environment', channel.environment)],
          [
            say('channel.origins'),
            channel.origins.length === 0
              ? say('channel.origins.nobody')
              : channel.origins.map((id, at) => (
                  <>
                    {at > 0 ? ', ' : null}
                    <a href={to('origins', id)}>{id}</a>
                  </>
                )),
          ],
          [say('channel.hold'), channel.settings.hold.map((flag) => wordFor(say, 'flag', flag)).join(', ')],
          [say('channel.allowlist'), wordFor(say, 'allowlist', allowlist.mode)],
          [say('channel.ranges.shown'), ranges],
          [say('channel.previous'), previousUntil && <Time at={previousUntil} />],
        ]}
      />
    </Card>
  );
}

function Keys({ guest, channel: { keys } }: Props) {
  const { say } = guest;
  if (keys.length === 0) return null;
  return (
    <div class="card">
      <Table
        caption={say('channel.keys')}
        empty=""
        rows={keys}
        columns={[
          { head: say('channel.serial'), cell: ({ serial }) => <code>{serial}</code> },
          { head: say('channel.keys.from'), cell: ({ source }) => wordFor(say, 'keysFrom', source) },
          { head: say('channel.expires'), cell: ({ expiresAt }) => <Time at={expiresAt} /> },
        ]}
      />
    </div>
  );
}
