// /console/discrepancies: what a provider's books and ours do not agree on, both sides beside each other, and what
// people say of it. Repairs nothing itself.
import type { z } from 'zod';
import { pageOf } from '../api/page.ts';
import { DiscrepancyBody } from '../api/reconciliation-shape.ts';
import { DIFFERENCE_KINDS, DISCREPANCY_STATUSES } from '../core/discrepancy.ts';
import { runIdOf } from '../core/reconciliation.ts';
import { get, type Problem, patch, v1 } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { newToken } from './cookies.ts';
import { Area, Buttons, Input, Select } from './fields.tsx';
import { askedIn, Filter, passOn, TableLink } from './filter.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Badge, Card, Facts, moneyText, Note, Pager, ProblemNote, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, type Key, wordFor } from './texts.ts';

const Discrepancies = pageOf('ConsoleDiscrepancies', DiscrepancyBody);
type Item = z.infer<typeof DiscrepancyBody>;

export const discrepancies = newPages();

const askedOf = (c: Context) => askedIn(c, 'status', 'kind', 'channel', 'day', 'orderNo', 'owner');

discrepancies.get('/discrepancies', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = askedOf(c);
  const { cursor } = askedIn(c, 'cursor');
  const [page, channels] = await Promise.all([
    get(c, withQuery('/v1/discrepancies', { ...asked, cursor }), Discrepancies),
    channelIds(c, guest),
  ]);
  if (!page.ok && page.error.code !== 'validation_failed') return showProblem(c, page.error, 'reconciliations');
  const { items, next } = page.ok ? page.value : { items: [], next: null };
  const at = (place?: string) => withQuery(to('discrepancies'), { ...asked, cursor: place });
  const words = (family: string, codes: readonly string[]) =>
    codes.map((value) => ({ value, text: wordFor(say, family, value) }));
  const ids = channels.map((id) => ({ value: id, text: id }));
  return show(c, {
    title: say('discrepancies.title'),
    section: 'reconciliations',
    status: page.ok ? 200 : 422,
    body: (
      <>
        <Filter
          visit={guest}
          action={to('discrepancies')}
          wrong={page.ok ? undefined : page.error.errors?.[0]}
          fields={[
            {
              ...{ name: 'status', label: say('discrepancy.status'), value: asked.status },
              choices: words('discrepancyStatus', DISCREPANCY_STATUSES),
            },
            {
              ...{ name: 'kind', label: say('discrepancy.kind'), value: asked.kind },
              choices: words('difference', DIFFERENCE_KINDS),
            },
            { name: 'channel', label: say('orders.channel'), value: asked.channel, choices: ids },
            { name: 'day', label: say('reconciliations.day'), value: asked.day, type: 'date' },
            { name: 'orderNo', label: say('orders.orderNo'), value: asked.orderNo },
            { name: 'owner', label: say('discrepancy.owner'), value: asked.owner },
          ]}
        />
        <DiscrepancyTable guest={guest} items={items} />
        <TableLink visit={guest} page="discrepancies" asked={asked} />
        <Pager visit={guest} first={cursor === '' ? null : at()} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

const DiscrepancyTable = ({ guest, items }: { readonly guest: Guest; readonly items: readonly Item[] }) => (
  <div class="card">
    <Table
      caption={guest.say('discrepancies.title')}
      empty={guest.say('list.none')}
      rows={items}
      columns={[
        {
          head: guest.say('discrepancy.kind'),
          cell: ({ id, kind }) => <a href={to('discrepancies', id)}>{wordFor(guest.say, 'difference', kind)}</a>,
        },
        {
          head: guest.say('discrepancy.status'),
          cell: ({ status }) => <Badge visit={guest} family="discrepancyStatus" code={status} />,
        },
        { head: guest.say('reconciliations.day'), cell: ({ day }) => day },
        { head: guest.say('orders.channel'), cell: ({ channel }) => channel },
        { head: guest.say('orders.orderNo'), cell: (item) => <OrderLink item={item} /> },
        { head: guest.say('discrepancy.there'), cell: ({ there }) => moneyText(guest, there?.amount), isNumber: true },
        { head: guest.say('discrepancy.here'), cell: ({ here }) => moneyText(guest, here?.amount), isNumber: true },
        { head: guest.say('discrepancy.owner'), cell: ({ owner }) => owner },
        { head: guest.say('discrepancy.foundAt'), cell: ({ foundAt }) => <Time at={foundAt} /> },
      ]}
    />
  </div>
);

/** An order that the ledger may never have seen has no page to lead to: it is looked for. */
function OrderLink({ item: { channel, orderNo, here, eventId } }: { readonly item: Item }) {
  if (orderNo === null) return null;
  const isKnown = here !== null || eventId !== null;
  const search = withQuery(to('orders'), { search: orderNo, channel });
  return <a href={isKnown ? to('orders', channel, orderNo) : search}>{orderNo}</a>;
}

discrepancies.get('/discrepancies.csv', (c) => {
  const asked = askedOf(c);
  return passOn(c, withQuery('/v1/discrepancies.csv', asked), withQuery(to('discrepancies'), asked));
});

discrepancies.get('/discrepancies/:id', (c) => onePage(c, { form: null }));

discrepancies.post('/discrepancies/:id', async (c) => {
  const form = await readForm(c);
  const id = c.req.param('id');
  const body = { status: form.text('status'), note: form.text('note'), owner: form.given('owner') ?? null };
  const changed = await patch(c, v1('discrepancies', id), { body, once: form.given('once') });
  if (changed.ok) return c.redirect(withQuery(to('discrepancies', id), { done: 'discrepancy' }), 303);
  return onePage(c, { form, problem: changed.error });
});

type State = { readonly form: Form | null; readonly problem?: Problem };

async function onePage(c: Context, { form, problem }: State): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const id = c.req.param('id') ?? '';
  const found = await get(c, v1('discrepancies', id), DiscrepancyBody);
  if (!found.ok) return showProblem(c, found.error, 'reconciliations');
  const item = found.value;
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  return show(c, {
    title: say('discrepancy.title', { kind: wordFor(say, 'difference', item.kind) }),
    section: 'reconciliations',
    status: problem?.status ?? 200,
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        <div class="card">
          <p lang="en">{item.detail}</p>
          <p class="soft">{say(`difference.${item.kind}.do` satisfies Key)}</p>
          <Facts
            entries={[
              [say('discrepancy.status'), <Badge visit={guest} family="discrepancyStatus" code={item.status} />],
              [say('orders.channel'), <a href={to('channels', item.channel)}>{item.channel}</a>],
              [
                say('reconciliations.day'),
                <a href={to('reconciliations', runIdOf(item.channel, item.day))}>{item.day}</a>,
              ],
              [say('discrepancy.about'), wordFor(say, 'row', item.about)],
              [say('orders.orderNo'), item.orderNo && <OrderLink item={item} />],
              [say('order.transactionId'), item.transactionId && <code class="break">{item.transactionId}</code>],
              [say('order.refundNo'), item.refundNo && <code class="break">{item.refundNo}</code>],
              [say('discrepancy.row'), item.row === null ? null : String(item.row)],
              [say('discrepancy.event'), item.eventId && <code class="break">{item.eventId}</code>],
              [say('discrepancy.foundAt'), <Time at={item.foundAt} />],
            ]}
          />
        </div>
        <Sides guest={guest} item={item} />
        {may(guest, 'operate') ? <ChangeForm guest={guest} item={item} form={form} problem={problem} /> : null}
      </>
    ),
  });
}

/** Ours in the reader's words; the bill's own stays as the bill says it. */
const ownState = ({ say }: Guest, { about }: Item, state: string): string =>
  about === 'refund' ? wordFor(say, 'refund', state) : wordFor(say, 'event', `payment.${state}`);

function Sides({ guest, item }: { readonly guest: Guest; readonly item: Item }) {
  const { say } = guest;
  const rows = (['there', 'here'] as const).map((name) => ({ name, side: item[name] }));
  return (
    <Card title={say('discrepancy.sides')} id="sides">
      <Table
        caption={say('discrepancy.sides')}
        empty=""
        rows={rows}
        columns={[
          { head: say('discrepancy.side'), cell: ({ name }) => say(`discrepancy.${name}`) },
          {
            head: say('orders.amount'),
            cell: ({ side }) => (side === null ? say('discrepancy.nothing') : moneyText(guest, side.amount)),
            isNumber: true,
          },
          {
            head: say('orders.state'),
            cell: ({ name, side }) => (name === 'here' && side ? ownState(guest, item, side.state) : side?.state),
          },
          { head: say('settlement.fees'), cell: ({ side }) => side?.fee, isNumber: true },
          { head: say('order.at'), cell: ({ side }) => side && <Time at={side.at} /> },
        ]}
      />
    </Card>
  );
}

type ChangeProps = {
  readonly guest: Guest;
  readonly item: Item;
  readonly form: Form | null;
  readonly problem: Problem | undefined;
};
function ChangeForm({ guest, item, form, problem }: ChangeProps) {
  const { say } = guest;
  const wrong = (name: string) => problem?.errors?.find(({ field }) => field === name)?.message;
  const statuses = DISCREPANCY_STATUSES.map((value) => ({ value, text: wordFor(say, 'discrepancyStatus', value) }));
  return (
    <form class="card narrow" method="post" action={to('discrepancies', item.id)}>
      {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
      <Token token={guest.token} />
      <input type="hidden" name="once" value={newToken()} />
      <Select
        visit={guest}
        name="status"
        label={say('discrepancy.status')}
        value={form?.text('status') ?? item.status}
        choices={statuses}
        isRequired
      />
      <Area
        visit={guest}
        name="note"
        label={say('discrepancy.note')}
        help={say('discrepancy.note.help')}
        value={form?.text('note') ?? item.note ?? ''}
        wrong={wrong('note')}
      />
      <Input
        visit={guest}
        name="owner"
        label={say('discrepancy.owner')}
        help={say('discrepancy.owner.help')}
        value={form?.text('owner') ?? item.owner ?? ''}
        wrong={wrong('owner')}
      />
      <Buttons visit={guest} text={say('form.save')} back={to('discrepancies')} />
    </form>
  );
}
