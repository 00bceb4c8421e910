// /console/audit: who did what. A list alone.
import { AuditBody } from '../api/evidence.ts';
import { pageOf } from '../api/page.ts';
import { get } from './call.ts';
import { guestOf, newPages, to, withQuery } from './kit.ts';
import { Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Audit = pageOf('ConsoleAudit', AuditBody);

export const records = newPages();

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
