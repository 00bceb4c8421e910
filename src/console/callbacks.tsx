// /console/callbacks: what arrived, what was refused and why, and how to mend each reason. Lists alone.
import type { z } from 'zod';
import { pageOf } from '../api/page.ts';
import { CallbackBody, RejectionPage, VERDICTS } from '../api/records.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Filter } from './filter.tsx';
import { type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Badge, Card, Note, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

const Callbacks = pageOf('ConsoleCallbacks', CallbackBody);
type Item = z.infer<typeof CallbackBody>;
type Count = z.infer<typeof RejectionPage>['counts'][number];

export const callbacks = newPages();

callbacks.get('/callbacks', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = { verdict: c.req.query('verdict') ?? '', channel: c.req.query('channel') ?? '' };
  const cursor = c.req.query('cursor') ?? '';
  const isRefusals = asked.verdict === 'rejected';
  const [page, counted, channels] = await Promise.all([
    get(c, withQuery('/v1/callbacks', { ...asked, cursor }), Callbacks),
    isRefusals && cursor === ''
      ? get(c, withQuery('/v1/rejections', { channel: asked.channel, limit: '1' }), RejectionPage)
      : null,
    channelIds(c, guest),
  ]);
  if (!page.ok) return showProblem(c, page.error, 'callbacks');
  const { items, next } = page.value;
  const at = (place?: string) => withQuery(to('callbacks'), { ...asked, cursor: place });
  const verdicts = VERDICTS.map((value) => ({ value, text: wordFor(say, 'verdict', value) }));
  const counts = counted?.ok ? counted.value.counts : [];
  return show(c, {
    title: say('callbacks.title'),
    section: 'callbacks',
    body: (
      <>
        <Filter
          visit={guest}
          action={to('callbacks')}
          fields={[
            { name: 'verdict', label: say('callbacks.verdict'), value: asked.verdict, choices: verdicts },
            {
              name: 'channel',
              label: say('orders.channel'),
              value: asked.channel,
              choices: ['-', ...channels].map((id) => ({ value: id, text: id })),
            },
          ]}
        />
        {isRefusals ? <Counts guest={guest} counts={counts} /> : null}
        <Mending guest={guest} items={items} />
        <CallbackTable guest={guest} items={items} />
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

function CallbackTable({ guest, items }: { readonly guest: Guest; readonly items: readonly Item[] }) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('callbacks.title')}
        empty={say('list.none')}
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
                  {detail === null ? null : <span class="soft small">{` · ${detail}`}</span>}
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
