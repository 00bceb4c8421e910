// What a payer may see of an order: its amount, its code, its times, its state. Never who sells, what, or to whom. Read
// from the ledger once a second for each page at most, however many look at it.
import type { Money } from '../core/money.ts';
import type { PaymentView } from '../core/record.ts';
import { unreachable } from '../core/result.ts';
import { within } from '../core/within.ts';
import type { PayName } from '../crypto/pay-token.ts';
import { providerOf } from '../providers/index.ts';
import { ledgerOf } from '../record.ts';
import { readChannelCopy } from '../store/registry-copy.ts';

export type PayState = 'waiting' | 'paid' | 'expired' | 'closed';

export type PayView = {
  readonly state: PayState;
  readonly amount: Money | null;
  /** While it can be scanned; null before the provider gave one, and afterwards. */
  readonly codeUrl: string | null;
  /** The code, where a phone can open it as a link. */
  readonly appUrl: string | null;
  /** Until when the last code can be, or could be, scanned. */
  readonly codeExpiresAt: number | null;
};

/** A crowd that looks at one page costs its ledger one read in this time and isolate. */
const COPY_MS = 1_000;
/** Pages an isolate remembers: about 1 KB each. */
const COPIES_MAX = 2_000;
/** A ledger that takes longer is taken for one that does not answer: the page asks again. */
const READ_TIMEOUT_MS = 4_000;

type Seen = { readonly payment: PaymentView; readonly appSchemes: readonly string[] };
type Copy = { readonly seen: Promise<Seen | null>; readonly readAt: number };
const copies = new Map<string, Copy>();

/** Null for an order that is not there. `token`: whose copy it is. */
export async function readPayView(env: Env, token: string, name: PayName, now: number): Promise<PayView | null> {
  const seen = await within(copyOf(env, token, name, now).seen, READ_TIMEOUT_MS, 'The ledger');
  return seen && viewOf(seen, now);
}

function copyOf(env: Env, token: string, name: PayName, now: number): Copy {
  const known = copies.get(token);
  if (known && now - known.readAt < COPY_MS) return known;
  const copy = { seen: read(env, name, now), readAt: now };
  copies.delete(token); // put last again, so that the oldest is the first to go
  copies.set(token, copy);
  copy.seen.catch(() => copies.get(token) === copy && copies.delete(token));
  const [oldest] = copies.keys();
  if (copies.size > COPIES_MAX && oldest !== undefined) copies.delete(oldest);
  return copy;
}

async function read(env: Env, { channel, orderNo }: PayName, now: number): Promise<Seen | null> {
  const record = await readChannelCopy(env, channel, now);
  if (!record) return null;
  const payment = await ledgerOf(env, record, orderNo).readPayment(orderNo);
  return payment && { payment, appSchemes: providerOf(record.channel.provider)?.pay?.appSchemes ?? [] };
}

/** The state as it is now: a code expires by itself. */
export function viewOf({ payment, appSchemes }: Seen, now: number): PayView {
  const { amount, request, payBy } = payment;
  const end = Math.min(request?.codeExpiresAt ?? Number.POSITIVE_INFINITY, payBy ?? Number.POSITIVE_INFINITY);
  const state = stateAt(payment.state, end <= now);
  const codeExpiresAt = request === null ? null : end;
  const codeUrl = state === 'waiting' ? (request?.codeUrl ?? null) : null;
  const isLink = codeUrl !== null && ['https:', ...appSchemes].includes(schemeOf(codeUrl));
  return { state, amount, codeUrl, appUrl: isLink ? codeUrl : null, codeExpiresAt };
}

const schemeOf = (url: string): string => (URL.canParse(url) ? new URL(url).protocol : '');

function stateAt(state: PaymentView['state'], isOver: boolean): PayState {
  switch (state) {
    case 'paid':
    case 'partially_refunded':
    case 'refunded':
      return 'paid';
    case 'closed':
      return 'closed';
    case 'parked': // nobody said yet what it costs
    case 'pending':
    case 'failed': // one try failed: the code can be scanned again
      return isOver ? 'expired' : 'waiting';
    default:
      return unreachable(state);
  }
}
