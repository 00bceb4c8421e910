// /console/deliveries and /console/audit: what went out, what waits or is dead, and who did what. Lists alone.
import type { z } from 'zod';
import { AuditBody } from '../api/evidence.ts';
import { DELIVERY_STATES } from '../api/order-shape.ts';
import { pageOf } from '../api/page.ts';
import { DeliveryBody } from '../api/records.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Filter } from './filter.tsx';
import { type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Badge, Note, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Deliveries = pageOf('ConsoleDeliveries', DeliveryBody);
const Audit = pageOf('ConsoleAudit', AuditBody);

export const records = newPages();

records.get('/deliveries', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = { state: c.req.query('state') ?? '', channel: c.req.query('channel') ?? '' };
  const cursor = c.req.query('cursor') ?? '';
  const [page, channels] = await Promise.all([
    get(c, withQuery('/v1/deliveries', { ...asked, cursor }), Deliveries),
    channelIds(c, guest),
  ]);
  if (!page.ok && page.error.code !== 'validation_failed') return showProblem(c, page.error, 'deliveries');
  const items = page.ok ? page.value.items : [];
  const next = page.ok ? page.value.next : null;
  const at = (place?: string) => withQuery(to('deliveries'), { ...asked, cursor: place });
  const choices = DELIVERY_STATES.map((value) => ({ value, text: wordFor(say, 'delivery', value) }));
  const ids = channels.map((id) => ({ value: id, text: id }));
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
            { name: 'state', label: say('orders.state'), value: asked.state, choices },
            {
              name: 'channel',
              label: say('orders.channel'),
              help: say('deliveries.channel.help'),
              value: asked.channel,
              choices: ids,
            },
          ]}
        />
        {asked.state === 'dead' ? (
          <Note tone="warn">
            <p>{say('deliveries.dead.help')}</p>
          </Note>
        ) : null}
        <DeliveryTable guest={guest} items={items} />
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

type DeliveryProps = { readonly guest: Guest; readonly items: readonly z.infer<typeof DeliveryBody>[] };
function DeliveryTable({ guest, items }: DeliveryProps) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('deliveries.title')}
        empty={say('list.none')}
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

records.get('/audit', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const cursor = c.req.query('cursor') ?? '';
  const page = await get(c, withQuery('/v1/audit', { cursor }), Audit);
  if (!page.ok) return showProblem(c, page.error, 'audit');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('audit'), { cursor: place });
  return show(c, {
    title: say('audit.title'),
    section: 'audit',
    body: (
      <div class="card">
        <Table
          caption={say('audit.title')}
          empty={say('list.none')}
          rows={items}
          columns={[
            { head: say('audit.act'), cell: ({ act }) => wordFor(say, 'act', act) },
            {
              head: say('orders.orderNo'),
              cell: ({ channel, orderNo }) => <a href={to('orders', channel, orderNo)}>{orderNo}</a>,
            },
            { head: say('orders.channel'), cell: ({ channel }) => channel },
            { head: say('audit.actor'), cell: ({ actor }) => actor },
            { head: say('audit.about'), cell: ({ about }) => about },
            { head: say('form.reason'), cell: ({ reason }) => reason },
            { head: say('order.at'), cell: ({ at: when }) => <Time at={when} /> },
          ]}
        />
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </div>
    ),
  });
});
