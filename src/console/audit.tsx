// /console/audit: who did what to what, when and from where. A list alone; what is chosen stands in the address.
import type { z } from 'zod';
import { AuditBody } from '../api/audit.ts';
import { pageOf } from '../api/page.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Input, Select } from './fields.tsx';
import { FilterButtons } from './filter.tsx';
import { type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Audit = pageOf('ConsoleAudit', AuditBody);
type Entry = z.infer<typeof AuditBody>;

export const audit = newPages();

const FIELDS = ['actor', 'act', 'subject', 'channel'] as const;
type Asked = Readonly<Record<(typeof FIELDS)[number], string>>;

audit.get('/audit', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked: Asked = {
    actor: c.req.query('actor')?.trim() ?? '',
    act: c.req.query('act')?.trim() ?? '',
    subject: c.req.query('subject')?.trim() ?? '',
    channel: c.req.query('channel') ?? '',
  };
  const cursor = c.req.query('cursor') ?? '';
  const [page, channels] = await Promise.all([
    get(c, withQuery('/v1/audit', { ...asked, cursor }), Audit),
    channelIds(c, guest),
  ]);
  if (!page.ok) return showProblem(c, page.error, 'audit');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('audit'), { ...asked, cursor: place });
  return show(c, {
    title: say('audit.title'),
    section: 'audit',
    body: (
      <>
        <AuditFilter guest={guest} asked={asked} channels={channels} />
        <div class="card">
          <AuditTable guest={guest} items={items} />
          <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
        </div>
      </>
    ),
  });
});

type FilterProps = { readonly guest: Guest; readonly asked: Asked; readonly channels: readonly string[] };
function AuditFilter({ guest, asked, channels }: FilterProps) {
  const { say } = guest;
  const common = { visit: guest, isFilter: true };
  const choices = [{ value: '', text: say('list.all') }, ...channels.map((id) => ({ value: id, text: id }))];
  return (
    <form class="card" method="get" action={to('audit')} aria-label={say('list.filter')}>
      <div class="filter">
        <Input {...common} name="actor" label={say('audit.actor')} value={asked.actor} />
        <Input {...common} name="act" label={say('audit.act')} help={say('audit.act.help')} value={asked.act} />
        <Input
          {...common}
          name="subject"
          label={say('audit.subject')}
          help={say('audit.subject.help')}
          value={asked.subject}
        />
        <Select {...common} name="channel" label={say('orders.channel')} value={asked.channel} choices={choices} />
        <FilterButtons visit={guest} action={to('audit')} />
      </div>
    </form>
  );
}

/** The page of what an act was done to, where there is one. */
function whereOf({ subject, channel, orderNo }: Entry): string | null {
  if (channel !== null && orderNo !== null) return to('orders', channel, orderNo);
  const [kind = '', ...rest] = subject.split('/');
  const id = rest.join('/');
  if (id === '') return null;
  if (kind === 'channel') return to('channels', id);
  return kind === 'origin' ? to('origins', id) : null;
}

function AuditTable({ guest, items }: { readonly guest: Guest; readonly items: readonly Entry[] }) {
  const { say } = guest;
  return (
    <Table
      caption={say('audit.title')}
      empty={say('list.none')}
      rows={items}
      columns={[
        { head: say('audit.act'), cell: ({ act }) => wordFor(say, 'act', act) },
        {
          head: say('audit.subject'),
          cell: (entry) => {
            const where = whereOf(entry);
            return where === null ? entry.subject : <a href={where}>{entry.subject}</a>;
          },
        },
        { head: say('audit.actor'), cell: ({ actor }) => actor },
        { head: say('callbacks.address'), cell: ({ remoteAddress }) => remoteAddress },
        { head: say('audit.about'), cell: ({ about }) => about },
        { head: say('form.reason'), cell: ({ reason }) => reason },
        { head: say('order.at'), cell: ({ at }) => <Time at={at} /> },
      ]}
    />
  );
}
