// /console/orders: the list, filtered by what its address says.
import { ORDER_STATES, OrderItem } from '../api/order-shape.ts';
import { pageOf } from '../api/page.ts';
import { get } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Input, Select } from './fields.tsx';
import { FilterButtons } from './filter.tsx';
import { type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Badge, moneyText, Pager, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Orders = pageOf('ConsoleOrders', OrderItem);
type Query = { readonly channel: string; readonly state: string; readonly orderNo: string };

export const orders = newPages();

orders.get('/orders', async (c) => {
  const guest = guestOf(c);
  const { say } = guest;
  const query = (name: string) => (c.req.query(name) ?? '').trim();
  const asked: Query = { channel: query('channel'), state: query('state'), orderNo: query('orderNo') };
  const cursor = query('cursor');
  const [page, channels] = await Promise.all([
    get(c, withQuery('/v1/orders', { ...asked, cursor }), Orders),
    channelIds(c, guest),
  ]);
  const filter = <Filter guest={guest} asked={asked} channels={channels} />;
  if (!page.ok) {
    if (page.error.code !== 'validation_failed') return showProblem(c, page.error, 'orders');
    const wrong = page.error.errors?.[0];
    const body = <Filter guest={guest} asked={asked} channels={channels} wrong={wrong} />;
    return show(c, { title: say('orders.title'), section: 'orders', status: 422, body });
  }
  const { items, next } = page.value;
  const at = (place: string | undefined) => withQuery(to('orders'), { ...asked, cursor: place });
  const isFiltered = Object.values(asked).some((value) => value !== '');
  return show(c, {
    title: say('orders.title'),
    section: 'orders',
    body: (
      <>
        {filter}
        <OrderTable guest={guest} items={items} empty={say(isFiltered ? 'list.unfound' : 'list.none')} />
        <Pager visit={guest} first={cursor === '' ? null : at(undefined)} next={next === null ? null : at(next)} />
      </>
    ),
  });
});

type FilterProps = {
  readonly guest: Guest;
  readonly asked: Query;
  readonly channels: readonly string[];
  readonly wrong?: { readonly field: string; readonly message: string } | undefined;
};

function Filter({ guest, asked, channels, wrong }: FilterProps) {
  const { say } = guest;
  const all = { value: '', text: say('list.all') };
  const wrongIn = (field: string) => (wrong?.field === field ? wrong.message : undefined);
  return (
    <form class="card" method="get" action={to('orders')} aria-label={say('list.filter')}>
      <div class="filter">
        <Select
          visit={guest}
          name="channel"
          isFilter
          label={say('orders.channel')}
          value={asked.channel}
          wrong={wrongIn('channel')}
          choices={[all, ...channels.map((id) => ({ value: id, text: id }))]}
        />
        <Input
          visit={guest}
          name="orderNo"
          isFilter
          label={say('orders.orderNo')}
          help={say('orders.orderNo.help')}
          value={asked.orderNo}
          wrong={wrongIn('orderNo')}
        />
        <Select
          visit={guest}
          name="state"
          isFilter
          label={say('orders.state')}
          value={asked.state}
          wrong={wrongIn('state')}
          choices={[all, ...ORDER_STATES.map((value) => ({ value, text: wordFor(say, 'state', value) }))]}
        />
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
