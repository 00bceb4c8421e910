// What an act on an order is about, shown before it is done: the order's money and state, and the deliveries that would
// move, each with who gets it and what. Asks /v1 what an origin would get; sends nothing.
import type { z } from 'zod';
import { PreviewBody } from '../api/origin-preview.ts';
import { send, v1 } from './call.ts';
import { type Context, type Guest, may, to } from './kit.ts';
import type { OrderRead, Place } from './order.tsx';
import { Badge, Facts, moneyText, Table } from './parts.tsx';
import { Request } from './request.tsx';
import { wordFor } from './texts.ts';

type Delivery = OrderRead['deliveries'][number];
export type Chosen = { readonly sequence: number | null; readonly origin: string | null };

/** How many of them are shown as their origins would get them. */
const SHOWN_MAX = 3;
const REPLAYABLE: readonly string[] = ['delivered', 'dead', 'cancelled', 'skipped'];

/** What can go again by itself alone: it was sent to somebody once, and waits for nothing. */
export const isOver = ({ state, origin }: Delivery): boolean =>
  origin !== '' && (state === 'delivered' || state === 'dead' || state === 'cancelled');

/** What the act would move, in its sequence. */
export function movedBy(act: string, { deliveries }: OrderRead, { sequence, origin }: Chosen): readonly Delivery[] {
  if (act === 'release' || act === 'discard') return deliveries.filter(({ state }) => state === 'held');
  if (act !== 'replay') return [];
  return deliveries.filter(
    (one) =>
      REPLAYABLE.includes(one.state) &&
      (sequence === null || one.sequence === sequence) &&
      (origin === null || one.origin === origin),
  );
}

type Shown = { readonly of: Delivery; readonly request: z.infer<typeof PreviewBody> };

/** The first of them as their origins would get them; nothing where that cannot be said. */
export async function requestsOf(
  c: Context,
  guest: Guest,
  { channel, orderNo }: Place,
  moved: readonly Delivery[],
): Promise<readonly Shown[]> {
  if (!may(guest, 'operate')) return [];
  const some = moved.filter(({ origin }) => origin !== '').slice(0, SHOWN_MAX);
  const asked = await Promise.all(
    some.map(async (of) => {
      const body = { channel, orderNo, sequence: of.sequence };
      return { of, reply: await send(c, 'POST', v1('origins', of.origin, 'preview'), PreviewBody, { body }) };
    }),
  );
  return asked.flatMap(({ of, reply }) => (reply.ok ? [{ of, request: reply.value }] : []));
}

type Props = {
  readonly guest: Guest;
  readonly place: Place;
  readonly read: OrderRead;
  readonly moved: readonly Delivery[];
  readonly requests: readonly Shown[];
};

export function Preview({ guest, place, read, moved, requests }: Props) {
  const { say } = guest;
  const { order, timeline } = read;
  const types = new Map(timeline.flatMap(({ kind, eventId, type }) => (kind === 'fact' ? [[eventId, type]] : [])));
  return (
    <>
      <Facts
        entries={[
          [say('orders.orderNo'), place.orderNo],
          [say('orders.channel'), <a href={to('channels', place.channel)}>{place.channel}</a>],
          [say('orders.state'), <Badge visit={guest} family="state" code={order.state} />],
          [say('orders.amount'), moneyText(guest, order.amount)],
          [say('orders.paid'), moneyText(guest, order.paid)],
        ]}
      />
      {moved.length === 0 ? null : (
        <Table
          caption={say('preview.moved', { count: moved.length })}
          empty=""
          rows={moved}
          columns={[
            { head: say('order.sequence'), cell: ({ sequence }) => String(sequence) },
            {
              head: say('replays.type'),
              cell: ({ eventId }) => wordFor(say, 'event', String(types.get(eventId) ?? '')),
            },
            { head: say('order.origin'), cell: ({ origin }) => origin || say('preview.nobody') },
            {
              head: say('preview.stands'),
              cell: ({ state }) => <Badge visit={guest} family="delivery" code={state} />,
            },
          ]}
        />
      )}
      {requests.map(({ of: { sequence, origin }, request }) => (
        <Request title={say('preview.request', { sequence, origin })} request={request} />
      ))}
    </>
  );
}
