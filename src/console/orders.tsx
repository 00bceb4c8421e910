// /console/orders: the list, filtered by what its address says.
import { ORDER_STATES, OrderItem } from '../api/order-shape.ts';
import { pageOf } from '../api/page.ts';
import { isCurrency, parseMoney } from '../core/money.ts';
import { FLAGS } from '../core/order.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Input, Select } from './fields.tsx';
import {
  askedIn,
  emptyOf,
  FilterButtons,
  Stray,
  TableLink,
  tableFor,
  timeOf,
  type Wrong,
  wrongText,
} from './filter.tsx';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Badge, moneyText, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Orders = pageOf('ConsoleOrders', OrderItem);

/** What the address may say; each is a parameter of /v1 but for times and amounts, which people write their own way. */
const NAMES = ['search', 'channel', 'state', 'flag', 'from', 'to', 'currency', 'amountMin', 'amountMax'] as const;
type Query = Readonly<Record<(typeof NAMES)[number], string>>;

/** As the form was filled in. */
function askedOf(c: Context): Query {
  const asked = askedIn(c, ...NAMES);
  return { ...asked, currency: asked.currency.toUpperCase() };
}

/** The same in the words of /v1. What cannot be read is handed on as it is: /v1 says what is wrong with it. */
function queryOf(asked: Query): Query {
  const { currency, from, to: until } = asked;
  const minor = (text: string) => {
    const amount = text === '' || !isCurrency(currency) ? null : parseMoney(text, currency);
    return amount?.ok ? String(amount.value.minor) : text;
  };
  const amounts = { amountMin: minor(asked.amountMin), amountMax: minor(asked.amountMax) };
  return { ...asked, ...amounts, from: timeOf(from), to: timeOf(until) };
}

export const orders = newPages();

orders.get('/orders', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const asked = askedOf(c);
  const cursor = (c.req.query('cursor') ?? '').trim();
  const [page, channels] = await Promise.all([
    get(c, withQuery('/v1/orders', { ...queryOf(asked), cursor }), Orders),
    channelIds(c, guest),
  ]);
  if (!page.ok) {
    if (page.error.code !== 'validation_failed') return showProblem(c, page.error, 'orders');
    const wrong = page.error.errors?.[0];
    const body = <Filter guest={guest} asked={asked} channels={channels} wrong={wrong} />;
    return show(c, { title: say('orders.title'), section: 'orders', status: 422, body });
  }
  const { items, next } = page.value;
  const at = (place: string | undefined) => withQuery(to('orders'), { ...asked, cursor: place });
  const empty = say(emptyOf(asked, next));
  return show(c, {
    title: say('orders.title'),
    section: 'orders',
    body: (
      <>
        <Filter guest={guest} asked={asked} channels={channels} />
        <OrderTable guest={guest} items={items} empty={empty} />
        <TableLink visit={guest} page="orders" asked={asked} />
        <Pager visit={guest} first={cursor === '' ? null : at(undefined)} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

orders.get('/orders.csv', (c) => {
  const asked = askedOf(c);
  return tableFor(c, 'orders', asked, queryOf(asked));
});

type FilterProps = {
  readonly guest: Guest;
  readonly asked: Query;
  readonly channels: readonly string[];
  readonly wrong?: Wrong | undefined;
};

function Filter({ guest, asked, channels, wrong }: FilterProps) {
  const { say } = guest;
  const all = { value: '', text: say('list.all') };
  const field = (name: keyof Query) => ({
    ...{ visit: guest, name, isFilter: true, label: say(`orders.${name}`), value: asked[name] },
    wrong: wrong?.field === name ? wrongText(guest, wrong) : undefined,
  });
  const words = (family: string, codes: readonly string[]) => [
    all,
    ...codes.map((value) => ({ value, text: wordFor(say, family, value) })),
  ];
  return (
    <form class="card" method="get" action={to('orders')} aria-label={say('list.filter')}>
      <Stray visit={guest} names={NAMES} wrong={wrong} />
      <div class="filter">
        <Input {...field('search')} help={say('orders.search.help')} />
        <Select {...field('channel')} choices={[all, ...channels.map((id) => ({ value: id, text: id }))]} />
        <Select {...field('state')} choices={words('state', ORDER_STATES)} />
        <Select {...field('flag')} choices={words('flag', FLAGS)} />
        <Input {...field('from')} type="datetime-local" isUtc />
        <Input {...field('to')} type="datetime-local" isUtc />
        <Input {...field('currency')} help={say('orders.currency.help')} />
        <Input {...field('amountMin')} mode="decimal" />
        <Input {...field('amountMax')} mode="decimal" />
        <FilterButtons visit={guest} action={to('orders')} />
      </div>
    </form>
  );
}

type Item = (typeof Orders)['_output']['items'][number];
type TableProps = { readonly guest: Guest; readonly items: readonly Item[]; readonly empty: string };

const OrderTable = ({ guest, items, empty }: TableProps) => (
  <div class="card">
    <Table
      caption={guest.say('orders.title')}
      empty={empty}
      rows={items}
      columns={[
        {
          head: guest.say('orders.orderNo'),
          cell: ({ channel, orderNo }) => <a href={to('orders', channel, orderNo)}>{orderNo}</a>,
        },
        { head: guest.say('orders.channel'), cell: ({ channel }) => channel },
        { head: guest.say('orders.state'), cell: ({ state }) => <Badge visit={guest} family="state" code={state} /> },
        { head: guest.say('orders.amount'), cell: ({ amount }) => moneyText(guest, amount), isNumber: true },
        { head: guest.say('orders.paid'), cell: ({ paid }) => moneyText(guest, paid), isNumber: true },
        { head: guest.say('orders.refunded'), cell: ({ refunded }) => moneyText(guest, refunded), isNumber: true },
        {
          head: guest.say('orders.flags'),
          cell: ({ flags }) => flags.map((flag) => <Badge visit={guest} family="flag" code={flag} tone="warn" />),
        },
        { head: guest.say('orders.createdAt'), cell: ({ createdAt }) => <Time at={createdAt} /> },
      ]}
    />
  </div>
);
