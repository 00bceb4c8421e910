// What an origin says it was told, beside what it was told. Pure. An answer that says nothing contradicts nothing; one
// that says it in another form does, because nobody can compare it.
import { parseJsonBody } from './json-body.ts';
import type { Money } from './money.ts';

/** Of an event's `data`, as it was committed. */
type Sent = {
  readonly sequence: number;
  readonly order: { readonly orderNo: string; readonly amount: Money | null };
};

/** Longest part of an answer that is repeated to a person. */
const REPEATED_CHARS_MAX = 80;

/** In words, what of the answer differs from `data`; null where nothing does. */
export function contradictionOf(data: string, answer: Uint8Array): string | null {
  const said = parseJsonBody(answer);
  if (typeof said !== 'object' || said === null) return null;
  const { sequence, order }: Sent = JSON.parse(data); // formats/order.ts wrote it
  const differences = [
    differs(said, 'orderNo', order.orderNo, (value) => String(value) === order.orderNo),
    order.amount && differs(said, 'amount', written(order.amount), isAmount(order.amount)),
    // Whoever has heard of a later event of the order may say so.
    differs(said, 'sequence', sequence, (value) => Number.isSafeInteger(Number(value)) && Number(value) >= sequence),
  ].filter((difference) => difference !== null);
  return differences.length === 0 ? null : differences.join('; ');
}

type Agrees = (value: unknown) => boolean;

function differs(said: object, name: string, sent: string | number, agrees: Agrees): string | null {
  if (!Object.hasOwn(said, name)) return null;
  const value: unknown = Reflect.get(said, name);
  if (value === null || agrees(value)) return null;
  const repeated = (JSON.stringify(value) ?? '').slice(0, REPEATED_CHARS_MAX);
  return `${name} is ${repeated}, and ${sent} was sent`;
}

/** Minor units, as a number or its digits; or with the currency beside them. */
const isAmount =
  ({ minor, currency }: Money): Agrees =>
  (value) => {
    if (typeof value !== 'object' || value === null) return String(value) === String(minor);
    const money: { readonly minor?: unknown; readonly currency?: unknown } = value;
    return String(money.minor) === String(minor) && (money.currency === undefined || money.currency === currency);
  };

const written = ({ minor, currency }: Money): string => `${minor} ${currency} in minor units`;
