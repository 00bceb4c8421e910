// What arrived about one order and changed nothing, as entries of its history. D1's samples; never the ledger's facts.
import type { z } from 'zod';
import type { OrderReadBody } from '../api/order-shape.ts';
import { pageOf } from '../api/page.ts';
import { CallbackBody } from '../api/records.ts';
import { get } from './call.ts';
import { type Context, type Guest, may, withQuery } from './kit.ts';

type Entries = z.infer<typeof OrderReadBody>['timeline'];
type Place = { readonly channel: string; readonly orderNo: string };
const Arrivals = pageOf('ConsoleArrivals', CallbackBody);
const ARRIVALS_SHOWN = '50';
/** The others are facts, and the ledger's own history has them. */
const CHANGED_NOTHING = ['duplicate', 'ignored', 'rejected'] as const;

/** What named this order and changed nothing. D1 knows them; the page goes without while it is away. */
export async function readArrivals(c: Context, guest: Guest, place: Place): Promise<Entries> {
  if (!may(guest, 'read')) return [];
  const query = { ...place, limit: ARRIVALS_SHOWN };
  const pages = await Promise.all(
    CHANGED_NOTHING.map((verdict) => get(c, withQuery('/v1/callbacks', { ...query, verdict }), Arrivals)),
  );
  return pages
    .flatMap((page) => (page.ok ? page.value.items : []))
    .map(({ at, verdict, reason, detail, remoteAddress: address }) => {
      return { at, kind: 'arrival', source: 'callback', verdict, refusal: reason, detail, address };
    });
}

/** In one order of time; what came at the same instant stays as it was told. */
export const joined = (timeline: Entries, arrivals: Entries): Entries =>
  [...timeline, ...arrivals].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
