// /console/orders/{channel}/{orderNo}: one order as its ledger knows it, what is odd about it and what to do, its
// history, and the ways to its acts. Decides nothing.
import { z } from 'zod';
import { type AttemptBody, OrderReadBody, RefundBody } from '../api/order-shape.ts';
import { joined, readArrivals } from './arrivals.ts';
import { type Asked, fetchApi, get, readAs, v1 } from './call.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Payments, RefundTable } from './order-money.tsx';
import { isOver } from './order-preview.tsx';
import { Badge, Card, Facts, moneyText, Note, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';
import { Timeline } from './timeline.tsx';

export type OrderRead = z.infer<typeof OrderReadBody>;
type Order = OrderRead['order'];
type Attempt = z.infer<typeof AttemptBody>;
export type Place = { readonly channel: string; readonly orderNo: string };

const Money = z.object({ minor: z.int(), currency: z.string() });
const Refunds = z.object({ items: z.array(RefundBody), refundable: Money.nullable() });
export type Refunds = z.infer<typeof Refunds>;

export const placeIn = (c: Context): Place => ({
  channel: c.req.param('channel') ?? '',
  orderNo: c.req.param('orderNo') ?? '',
});
export const readOrder = (c: Context, { channel, orderNo }: Place): Promise<Asked<OrderRead>> =>
  get(c, v1('orders', channel, orderNo), OrderReadBody);
export const readRefunds = (c: Context, { channel, orderNo }: Place): Promise<Asked<Refunds>> =>
  get(c, v1('orders', channel, orderNo, 'refunds'), Refunds);

/** What the order numbers of test callbacks look like; real ones may, too. */
const LIKE_A_TEST = /^TEST-\d{6}[0-9A-Z]{20}$/;

export const order = newPages();

order.get('/orders/:channel/:orderNo', async (c) => {
  const guest = guestOf(c);
  const place = placeIn(c);
  const [found, refunds, arrivals] = await Promise.all([
    readOrder(c, place),
    readRefunds(c, place),
    readArrivals(c, guest, place),
  ]);
  // The audit log leads here: a test's order is not among the real ones.
  const isTest = !found.ok && found.error.status === 404 && LIKE_A_TEST.test(place.orderNo);
  if (isTest && may(guest, 'operate')) return c.redirect(to('channels', place.channel, 'test', place.orderNo), 303);
  if (!found.ok) return showProblem(c, found.error, 'orders');
  if (!refunds.ok) return showProblem(c, refunds.error, 'orders');
  const read = found.value;
  const done = adviceFor(guest.say, 'did', c.req.query('done') ?? '');
  return show(c, {
    title: guest.say('order.title', { orderNo: place.orderNo }),
    section: 'orders',
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        <Acts guest={guest} place={place} read={read} refundable={refunds.value.refundable} />
        <Warnings guest={guest} order={read.order} />
        <Summary guest={guest} place={place} order={read.order} />
        <Code guest={guest} read={read} />
        <Payments guest={guest} order={read.order} />
        <RefundTable guest={guest} refunds={refunds.value} />
        <Deliveries guest={guest} place={place} deliveries={read.deliveries} />
        <Card title={guest.say('order.timeline')} id="timeline">
          <Timeline visit={guest} entries={joined(read.timeline, arrivals)} />
        </Card>
      </>
    ),
  });
});

order.get('/orders/:channel/:orderNo/evidence', async (c) => {
  const { channel, orderNo } = placeIn(c);
  const reply = await fetchApi(c, 'GET', v1('orders', channel, orderNo, 'evidence'));
  if (!reply.ok) {
    const said = await readAs(reply, z.never());
    if (!said.ok) return showProblem(c, said.error, 'orders');
  }
  const name = `evidence-${channel}-${orderNo}`.replaceAll(/[^\w.-]/g, '_');
  c.header('content-type', 'application/json');
  c.header('content-disposition', `attachment; filename="${name}.json"`);
  return c.body(await reply.arrayBuffer());
});

type ActsProps = {
  readonly guest: Guest;
  readonly place: Place;
  readonly read: OrderRead;
  readonly refundable: Refunds['refundable'];
};

/** Ways to the acts that may make sense now; /v1 has the last word on each. */
function Acts({ guest, place, read, refundable }: ActsProps) {
  const { say } = guest;
  const { state, held } = read.order;
  const acts = [
    may(guest, 'orders', 'operate') ? 'query' : null,
    ...(may(guest, 'operate')
      ? [
          state === 'pending' || state === 'failed' ? 'close' : null,
          (refundable?.minor ?? 0) > 0 ? 'refund' : null,
          held ? 'release' : null,
          held ? 'discard' : null,
          read.deliveries.some(({ state: one }) => one !== 'held') ? 'replay' : null,
        ]
      : []),
  ].filter((act) => act !== null);
  return (
    <nav aria-label={say('order.actions')}>
      <ul class="acts">
        {acts.map((act) => (
          <li>
            <a class="act" href={to('orders', place.channel, place.orderNo, act)}>
              {wordFor(say, 'act', act)}
            </a>
          </li>
        ))}
        {may(guest, 'read') ? (
          <li>
            <a class="act" href={withQuery(to('why'), place)}>
              {say('why.title')}
            </a>
          </li>
        ) : null}
        {may(guest, 'operate') ? (
          <li>
            <a class="act" href={to('orders', place.channel, place.orderNo, 'evidence')} download>
              {say('order.evidence')}
            </a>
          </li>
        ) : null}
      </ul>
    </nav>
  );
}

function Warnings({ guest, order: { held, flags } }: { readonly guest: Guest; readonly order: Order }) {
  const { say } = guest;
  if (!held && flags.length === 0) return null;
  return (
    <Card title={say('order.flags')} id="flags">
      {held ? (
        <Note tone="warn">
          <p>
            <strong>{say('order.held')}</strong>
          </p>
          <p>{say('order.held.advice')}</p>
        </Note>
      ) : null}
      {flags.map((flag) => (
        <Note tone="warn">
          <p>
            <strong>{wordFor(say, 'flag', flag)}</strong>
          </p>
          <p>{adviceFor(say, 'advice', flag)}</p>
        </Note>
      ))}
    </Card>
  );
}

type SummaryProps = { readonly guest: Guest; readonly place: Place; readonly order: Order };
function Summary({ guest, place, order: read }: SummaryProps) {
  const { say } = guest;
  const metadata = Object.entries(read.metadata);
  return (
    <Card title={say('order.summary')} id="summary">
      <Facts
        entries={[
          [say('orders.state'), <Badge visit={guest} family="state" code={read.state} />],
          [say('dispute.open'), read.dispute && <Badge visit={guest} family="dispute" code={read.dispute} />],
          [say('orders.channel'), <a href={to('channels', place.channel)}>{place.channel}</a>],
          [say('orders.amount'), moneyText(guest, read.amount)],
          [say('orders.paid'), moneyText(guest, read.paid)],
          [say('orders.refunded'), moneyText(guest, read.refunded)],
          [say('order.paidAt'), read.paidAt && <Time at={read.paidAt} />],
          [say('order.expiresAt'), read.expiresAt && <Time at={read.expiresAt} />],
          [say('order.providerState'), read.providerState],
          [say('order.sequence'), String(read.sequence)],
          [say('order.attach'), read.attach],
          ...metadata.map(([name, value]) => [`${say('order.metadata')}: ${name}`, value] as const),
        ]}
      />
      {read.amountChecked ? null : <p class="soft">{say('order.unchecked')}</p>}
    </Card>
  );
}

/** The picture is the payer's own; its address comes from /v1 and is ours, whatever host it was given out under. */
function Code({ guest, read: { payment } }: { readonly guest: Guest; readonly read: OrderRead }) {
  const { say } = guest;
  if (payment === null) return null;
  const path = new URL(payment.payUrl).pathname;
  return (
    <Card title={say('order.code')} id="code">
      <img class="code" src={`${path}/qr.svg`} alt={say('order.code')} width="192" height="192" />
      <p>
        {`${say('order.code.until')} `}
        <Time at={payment.codeExpiresAt} />
      </p>
      <p>
        <a href={path}>{say('order.code.page')}</a>
      </p>
    </Card>
  );
}

type DeliveriesProps = {
  readonly guest: Guest;
  readonly place: Place;
  readonly deliveries: OrderRead['deliveries'];
};
function Deliveries({ guest, place, deliveries }: DeliveriesProps) {
  const { say } = guest;
  const again = { head: say('deliveries.again'), cell: (one: Delivery) => <Again {...{ guest, place, one }} /> };
  const lastOf = (attempts: readonly Attempt[]) => attempts.at(-1);
  return (
    <div class="card">
      <Table
        caption={say('order.deliveries')}
        empty={say('list.none')}
        rows={deliveries}
        columns={[
          { head: say('order.sequence'), cell: ({ sequence }) => String(sequence) },
          {
            head: say('order.origin'),
            cell: ({ origin }) => (origin === '' ? '' : <a href={to('origins', origin)}>{origin}</a>),
          },
          { head: say('orders.state'), cell: ({ state }) => <Badge visit={guest} family="delivery" code={state} /> },
          { head: say('order.attempts'), cell: ({ attempts }) => String(attempts.length), isNumber: true },
          {
            head: say('deliveries.last'),
            cell: ({ attempts }) => {
              const last = lastOf(attempts);
              return (
                last && [wordFor(say, 'outcome', last.outcome), last.status, last.detail].filter(Boolean).join(' · ')
              );
            },
          },
          { head: say('deliveries.due'), cell: ({ dueAt }) => <Time at={dueAt} /> },
          ...(may(guest, 'operate') && deliveries.some(isOver) ? [again] : []),
        ]}
      />
    </div>
  );
}

type Delivery = OrderRead['deliveries'][number];
type AgainProps = { readonly guest: Guest; readonly place: Place; readonly one: Delivery };
function Again({ guest: { say }, place, one }: AgainProps) {
  if (!isOver(one)) return null;
  const { sequence, origin } = one;
  const path = withQuery(to('orders', place.channel, place.orderNo, 'replay'), { sequence: String(sequence), origin });
  return (
    <a href={path} aria-label={say('deliveries.again.one', { sequence, origin })}>
      {say('deliveries.again.link')}
    </a>
  );
}
