// /console/callbacks: what arrived, what was refused and why, and how to mend each reason. Lists alone.
import type { z } from 'zod';
import { pageOf } from '../api/page.ts';
import { CallbackBody, RejectionPage, VERDICTS } from '../api/records.ts';
import { REJECTION_REASONS } from '../core/rejection.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { askedIn, emptyOf, Filter, TableLink, tableFor, timeOf } from './filter.tsx';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Badge, Card, Note, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

const Callbacks = pageOf('ConsoleCallbacks', CallbackBody);
type Item = z.infer<typeof CallbackBody>;
type Count = z.infer<typeof RejectionPage>['counts'][number];

export const callbacks = newPages();

const askedOf = (c: Context) => askedIn(c, 'verdict', 'channel', 'reason', 'orderNo', 'from', 'to');
type Query = ReturnType<typeof askedOf>;
const queryOf = (asked: Query): Query => ({ ...asked, from: timeOf(asked.from), to: timeOf(asked.to) });

callbacks.get('/callbacks.csv', (c) => tableFor(c, 'callbacks', askedOf(c), queryOf(askedOf(c))));

callbacks.get('/callbacks', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = askedOf(c);
  const { cursor } = askedIn(c, 'cursor');
  const isRefusals = asked.verdict === 'rejected';
  const [page, counted, channels] = await Promise.all([
    get(c, withQuery('/v1/callbacks', { ...queryOf(asked), cursor }), Callbacks),
    isRefusals && cursor === ''
      ? get(c, withQuery('/v1/rejections', { channel: asked.channel, limit: '1' }), RejectionPage)
      : null,
    channelIds(c, guest),
  ]);
  if (!page.ok && page.error.code !== 'validation_failed') return showProblem(c, page.error, 'callbacks');
  const { items, next } = page.ok ? page.value : { items: [], next: null };
  const at = (place?: string) => withQuery(to('callbacks'), { ...asked, cursor: place });
  const verdicts = VERDICTS.map((value) => ({ value, text: wordFor(say, 'verdict', value) }));
  const reasons = REJECTION_REASONS.map((value) => ({ value, text: wordFor(say, 'reason', value) }));
  const counts = counted?.ok ? counted.value.counts : [];
  return show(c, {
    title: say('callbacks.title'),
    section: 'callbacks',
    status: page.ok ? 200 : 422,
    body: (
      <>
        <Filter
          visit={guest}
          action={to('callbacks')}
          wrong={page.ok ? undefined : page.error.errors?.[0]}
          fields={[
            { name: 'verdict', label: say('callbacks.verdict'), value: asked.verdict, choices: verdicts },
            {
              name: 'channel',
              label: say('orders.channel'),
              value: asked.channel,
              choices: ['-', ...channels].map((id) => ({ value: id, text: id })),
            },
            { name: 'reason', label: say('callbacks.reason'), value: asked.reason, choices: reasons },
            { name: 'orderNo', label: say('orders.orderNo'), value: asked.orderNo },
            { name: 'from', label: say('orders.from'), value: asked.from, type: 'datetime-local' },
            { name: 'to', label: say('orders.to'), value: asked.to, type: 'datetime-local' },
          ]}
        />
        {isRefusals ? <Counts guest={guest} counts={counts} /> : null}
        <Mending guest={guest} items={items} />
        <CallbackTable guest={guest} items={items} empty={say(emptyOf(asked, next))} />
        <TableLink visit={guest} page="callbacks" asked={asked} />
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

/** The reasons that are on this page, each with what to do. */
function Mending({ guest, items }: { readonly guest: Guest; readonly items: readonly Item[] }) {
  const { say } = guest;
  const reasons = [...new Set(items.flatMap(({ reason }) => (reason === null ? [] : [reason])))];
  if (reasons.length === 0) return null;
  return (
    <Card title={say('callbacks.mend')} id="mend">
      {reasons.map((reason) => (
        <Note tone="warn">
          <p>
            <strong id={`reason-${reason}`}>{wordFor(say, 'reason', reason)}</strong>
          </p>
          <p>{adviceFor(say, 'mend', reason)}</p>
        </Note>
      ))}
    </Card>
  );
}

/** By channel and reason, over the minutes that the API counted. */
function summed(counts: readonly Count[]): readonly Pick<Count, 'channel' | 'reason' | 'count'>[] {
  const sums = new Map<string, Pick<Count, 'channel' | 'reason' | 'count'>>();
  for (const { channel, reason, count } of counts) {
    const key = `${channel} ${reason}`;
    sums.set(key, { channel, reason, count: count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.count - a.count);
}

const Counts = ({ guest, counts }: { readonly guest: Guest; readonly counts: readonly Count[] }) => (
  <div class="card">
    <Table
      caption={guest.say('callbacks.counts')}
      empty={guest.say('list.none')}
      rows={summed(counts)}
      columns={[
        { head: guest.say('callbacks.reason'), cell: ({ reason }) => wordFor(guest.say, 'reason', reason) },
        { head: guest.say('orders.channel'), cell: ({ channel }) => channel },
        { head: guest.say('callbacks.count'), cell: ({ count }) => String(count), isNumber: true },
      ]}
    />
  </div>
);

type TableProps = { readonly guest: Guest; readonly items: readonly Item[]; readonly empty: string };
function CallbackTable({ guest, items, empty }: TableProps) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('callbacks.title')}
        empty={empty}
        rows={items}
        columns={[
          { head: say('order.at'), cell: ({ at }) => <Time at={at} /> },
          { head: say('orders.channel'), cell: ({ channel }) => channel },
          {
            head: say('callbacks.verdict'),
            cell: ({ verdict }) => <Badge visit={guest} family="verdict" code={verdict} />,
          },
          {
            head: say('orders.orderNo'),
            cell: ({ channel, orderNo }) =>
              orderNo === null ? null : <a href={to('orders', channel, orderNo)}>{orderNo}</a>,
          },
          {
            head: say('callbacks.reason'),
            cell: ({ reason, detail }) =>
              reason === null ? null : (
                <>
                  {wordFor(say, 'reason', reason)}
                  {detail === null ? null : (
                    <span class="soft small" lang="en">
                      {` · ${detail}`}
                    </span>
                  )}
                </>
              ),
          },
          { head: say('callbacks.address'), cell: ({ remoteAddress }) => remoteAddress },
          { head: say('callbacks.bytes'), cell: ({ bytes }) => bytes && String(bytes), isNumber: true },
        ]}
      />
    </div>
  );
}
