// /console/deliveries: what went out, what waits or is dead, and all of it as a table. Lists alone.
import type { z } from 'zod';
import { DELIVERY_STATES } from '../api/order-shape.ts';
import { pageOf } from '../api/page.ts';
import { DeliveryBody } from '../api/records.ts';
import { get } from './call.ts';
import { channelIds, originIds } from './channel-ids.ts';
import { askedIn, emptyOf, Filter, TableLink, tableFor, timeOf } from './filter.tsx';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Badge, Note, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Deliveries = pageOf('ConsoleDeliveries', DeliveryBody);

export const deliveries = newPages();

const askedOf = (c: Context) => askedIn(c, 'state', 'channel', 'origin', 'orderNo', 'from', 'to');
type Query = ReturnType<typeof askedOf>;
const queryOf = (asked: Query): Query => ({ ...asked, from: timeOf(asked.from), to: timeOf(asked.to) });

deliveries.get('/deliveries.csv', (c) => tableFor(c, 'deliveries', askedOf(c), queryOf(askedOf(c))));

deliveries.get('/deliveries', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = askedOf(c);
  const { cursor } = askedIn(c, 'cursor');
  const [page, channels, origins] = await Promise.all([
    get(c, withQuery('/v1/deliveries', { ...queryOf(asked), cursor }), Deliveries),
    channelIds(c, guest),
    originIds(c, guest),
  ]);
  if (!page.ok && page.error.code !== 'validation_failed') return showProblem(c, page.error, 'deliveries');
  const items = page.ok ? page.value.items : [];
  const next = page.ok ? page.value.next : null;
  const at = (place?: string) => withQuery(to('deliveries'), { ...asked, cursor: place });
  const states = DELIVERY_STATES.map((value) => ({ value, text: wordFor(say, 'delivery', value) }));
  const choicesOf = (ids: readonly string[]) => ids.map((id) => ({ value: id, text: id }));
  const time = { type: 'datetime-local' } as const;
  return show(c, {
    title: say('deliveries.title'),
    section: 'deliveries',
    status: page.ok ? 200 : 422,
    body: (
      <>
        <Filter
          visit={guest}
          action={to('deliveries')}
          wrong={page.ok ? undefined : page.error.errors?.[0]}
          fields={[
            { name: 'state', label: say('orders.state'), value: asked.state, choices: states },
            { name: 'channel', label: say('orders.channel'), value: asked.channel, choices: choicesOf(channels) },
            { name: 'origin', label: say('order.origin'), value: asked.origin, choices: choicesOf(origins) },
            { name: 'orderNo', label: say('orders.orderNo'), value: asked.orderNo },
            { name: 'from', label: say('orders.from'), value: asked.from, ...time },
            { name: 'to', label: say('orders.to'), value: asked.to, ...time },
          ]}
        />
        {asked.state === 'dead' ? (
          <Note tone="warn">
            <p>{say('deliveries.dead.help')}</p>
            {may(guest, 'operate') ? (
              <p>
                <a href={withQuery(to('new', 'replay'), replayOf(asked))}>{say('deliveries.replayAll')}</a>
              </p>
            ) : null}
          </Note>
        ) : null}
        <p>
          <a href={to('replays')}>{say('replays.title')}</a>
        </p>
        <DeliveryTable guest={guest} items={items} empty={say(emptyOf(asked, next))} />
        <TableLink visit={guest} page="deliveries" asked={asked} />
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

/** The same deliveries, as a bulk replay asks for them. */
const replayOf = ({ channel, origin, from, to: until }: Query) => ({ state: 'dead', channel, origin, from, to: until });

type DeliveryProps = {
  readonly guest: Guest;
  readonly items: readonly z.infer<typeof DeliveryBody>[];
  readonly empty: string;
};
function DeliveryTable({ guest, items, empty }: DeliveryProps) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('deliveries.title')}
        empty={empty}
        rows={items}
        columns={[
          {
            head: say('orders.orderNo'),
            cell: ({ channel, orderNo }) => <a href={to('orders', channel, orderNo)}>{orderNo}</a>,
          },
          { head: say('orders.channel'), cell: ({ channel }) => channel },
          { head: say('order.origin'), cell: ({ origin }) => origin },
          { head: say('order.sequence'), cell: ({ sequence }) => String(sequence), isNumber: true },
          { head: say('orders.state'), cell: ({ state }) => <Badge visit={guest} family="delivery" code={state} /> },
          { head: say('order.attempts'), cell: ({ attempts }) => String(attempts), isNumber: true },
          {
            head: say('deliveries.last'),
            cell: ({ lastOutcome, lastStatus }) =>
              lastOutcome && [wordFor(say, 'outcome', lastOutcome), lastStatus].filter(Boolean).join(' · '),
          },
          { head: say('deliveries.due'), cell: ({ dueAt }) => <Time at={dueAt} /> },
          { head: say('order.at'), cell: ({ createdAt }) => <Time at={createdAt} /> },
        ]}
      />
    </div>
  );
}
