// Puts an authentic callback into our words by the channel's own mapping. Looks values up and translates words; runs
// nothing. Never guesses: what cannot be read is refused by the name of its field, or asked for where there is a query.
import type { PartialFact, Payer, PaymentEvent, PaymentFact, RefundFact, UnlinkedEvent } from '../../core/event.ts';
import { type Money, money, parseMoney } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { FieldName, Mapping } from './mapping-schema.ts';
import { textAt } from './path.ts';
import { type Notice, timeOf } from './signature.ts';

/** The longest texts that are taken over; the ledger keeps them with the order. */
const ID_CHARS_MAX = 64;
const TEXT_CHARS_MAX = 1_024;

type Read = (name: FieldName) => string | null;

/** `canAsk`: the channel has a query, so an incomplete callback is completed by the provider itself. */
export function translate(notice: Notice, mapping: Mapping, canAsk: boolean): Result<Translation, Rejection> {
  const read: Read = (name) => textAt(notice.document, mapping.fields[name]);
  const merchant = checkMerchant(read, mapping);
  if (merchant !== null) return err(merchant);
  const word = read('kind');
  const status = read('status');
  const noticeType = short([word, status].filter((part) => part !== null).join('.') || 'callback');
  const noticeId = read('noticeId')?.slice(0, ID_CHARS_MAX) ?? null;
  const kind = kindOf(word, read, mapping);
  if (kind === null) return ok({ events: [], noticeType, noticeId });
  const known = status === null ? null : wordIn(mapping.statuses[kind], status);
  if (status !== null && known === null) {
    if (mapping.unknownStatus === 'acknowledge') return ok({ events: [], noticeType, noticeId });
    return incomplete(`status, which is ${JSON.stringify(short(status))}: add the word to statuses.${kind}`);
  }
  const facts = { notice, read, mapping, status: status ?? '' };
  const told = kind === 'refund' ? refundOf(facts) : paymentOf(facts, canAsk);
  return told.ok ? ok({ ...told.value, noticeType, noticeId }) : told;
}

const short = (text: string): string => text.slice(0, ID_CHARS_MAX);

const incomplete = (what: string) => err(reject('malformed', `An authentic callback without a readable ${what}.`));

/** Own words alone: `constructor` is none. */
const wordIn = <V>(words: Readonly<Record<string, V>>, word: string): V | null =>
  Object.hasOwn(words, word) ? (words[word] ?? null) : null;

function kindOf(word: string | null, read: Read, { kinds }: Mapping): 'payment' | 'refund' | null {
  if (word !== null) return wordIn(kinds, word);
  return read('refundNo') === null && read('refundId') === null ? 'payment' : 'refund';
}

/** Null when the callback is for one of this channel's merchants, or the channel names none. */
function checkMerchant(read: Read, { merchantIds }: Mapping): Rejection | null {
  if (merchantIds.length === 0) return null;
  const seen = read('merchantId');
  if (seen === null) return incomplete('merchantId').error;
  if (merchantIds.includes(seen)) return null;
  const ours = merchantIds.join(', ');
  return reject(
    'wrong_merchant',
    `A genuine callback for merchant ${short(seen)}; this channel is for ${ours}. Correct the callback's address.`,
  );
}

type Facts = { readonly notice: Notice; readonly read: Read; readonly mapping: Mapping; readonly status: string };
type Told = Pick<Translation, 'events' | 'unlinked' | 'links' | 'partial' | 'unlinkedPartial'>;

function paymentOf({ notice, read, mapping, status }: Facts, canAsk: boolean): Result<Told, Rejection> {
  const orderNo = read('orderNo');
  const ownId = read('transactionId');
  const transactionId = mapping.fields.transactionId === undefined ? orderNo : ownId;
  if (tooLong(orderNo) || tooLong(transactionId)) return incomplete('orderNo or transactionId: one is too long');
  const meaning = wordIn(mapping.statuses.payment, status);
  const amount = amountOf(read, 'amount', mapping);
  if (!amount.ok) return amount;
  if (canAsk && orderNo === null && ownId === null) return incomplete('orderNo or transactionId');
  if (orderNo === null ? !canAsk : !ORDER_NO.test(orderNo)) return incomplete('orderNo');
  if (meaning === null && !canAsk) return incomplete('status');
  const payerAmount = amountOf(read, 'payerAmount', mapping);
  if (!payerAmount.ok) return payerAmount;
  const occurredAt = occurredAtOf(read, mapping, notice);
  if (occurredAt === null) return incomplete(`occurredAt in ${mapping.timeUnit}`);
  const [providerMethod, attach, payer] = [read('method'), read('attach'), payerOf(read)];
  const method = providerMethod === null ? null : wordIn(mapping.methods, providerMethod);
  const said = {
    occurredAt,
    providerState: short(status),
    test: isTest(read, mapping),
    transactionId,
    amount: amount.value,
    ...(payer === null ? {} : { payer }),
    ...(attach === null ? {} : { attach: attach.slice(0, TEXT_CHARS_MAX) }),
  };
  if (orderNo === null || meaning === null) return ok(partialOf(said, orderNo, ownId));
  const event: PaymentFact = {
    ...said,
    kind: 'payment',
    orderNo,
    status: meaning,
    ...(payerAmount.value === null ? {} : { payerAmount: payerAmount.value }),
    ...(method === null ? {} : { method }),
    ...(providerMethod === null ? {} : { providerMethod: short(providerMethod) }),
  };
  const isLinked = mapping.linkByTransaction && transactionId !== null;
  return ok({ events: [event], ...(isLinked ? { links: [{ id: transactionId, orderNo }] } : {}) });
}

type Said = Omit<PartialFact, 'kind' | 'orderNo' | 'lacks'>;

/** What a callback says that names no order, or no status: the provider has to say the rest. */
function partialOf(said: Said, orderNo: string | null, id: string | null): Told {
  const partial = { ...said, kind: 'partial', lacks: 'status' } as const;
  if (orderNo !== null) return { events: [], partial: [{ ...partial, orderNo }] };
  return { events: [], unlinkedPartial: id === null ? [] : [{ ...partial, linkId: id }] };
}

const tooLong = (id: string | null): boolean => id !== null && id.length > ID_CHARS_MAX;

function refundOf({ notice, read, mapping, status }: Facts): Result<Told, Rejection> {
  const [orderNo, transactionId] = [read('orderNo'), read('transactionId')];
  const [refundNo, providerRefundId] = [read('refundNo') ?? read('refundId'), read('refundId')];
  if ([orderNo, transactionId, refundNo, providerRefundId].some(tooLong)) return incomplete('id: one is too long');
  const state = wordIn(mapping.statuses.refund, status);
  if (state === null) return incomplete('status');
  if (refundNo === null) return incomplete('refundNo');
  const amount = amountOf(read, 'refundAmount', mapping);
  if (!amount.ok) return amount;
  if (amount.value === null) return incomplete('refundAmount');
  const occurredAt = occurredAtOf(read, mapping, notice);
  if (occurredAt === null) return incomplete(`occurredAt in ${mapping.timeUnit}`);
  const reason = read('reason');
  const refund: Omit<RefundFact, 'orderNo'> = {
    kind: 'refund',
    occurredAt,
    providerState: short(status),
    test: isTest(read, mapping),
    state,
    refundNo,
    providerRefundId,
    transactionId,
    amount: amount.value,
    ...(reason === null ? {} : { reason: reason.slice(0, TEXT_CHARS_MAX) }),
  };
  return placed(refund, orderNo, transactionId, mapping);
}

/** To its order by number, or by the transaction that a payment linked to it. */
function placed(
  refund: Omit<RefundFact, 'orderNo'>,
  orderNo: string | null,
  transactionId: string | null,
  { linkByTransaction }: Mapping,
): Result<Told, Rejection> {
  if (orderNo !== null) {
    const event: PaymentEvent = { ...refund, orderNo };
    return ORDER_NO.test(orderNo) ? ok({ events: [event] }) : incomplete('orderNo');
  }
  if (transactionId === null) return incomplete('orderNo or transactionId');
  if (!linkByTransaction) return incomplete('orderNo: set linkByTransaction if refunds name the transaction alone');
  const event: UnlinkedEvent = { ...refund, linkId: transactionId };
  return ok({ events: [], unlinked: [event] });
}

/** Null where there is none; a refusal where there is one that cannot be read. */
function amountOf(read: Read, name: FieldName, mapping: Mapping): Result<Money | null, Rejection> {
  const text = read(name);
  if (text === null) return ok(null);
  const currency = read('currency')?.toUpperCase() ?? mapping.currency;
  if (currency === undefined) return incomplete('currency: map fields.currency, or set currency');
  const amount = moneyOf(text, currency, mapping.amountUnit);
  return amount === null ? incomplete(`${name} in ${mapping.amountUnit} units of ${short(currency)}`) : ok(amount);
}

/** By its digits alone; null for anything else, a negative amount included. */
export function moneyOf(text: string, currency: string, unit: Mapping['amountUnit']): Money | null {
  if (text.startsWith('-')) return null;
  if (unit === 'minor' && !/^\d{1,15}$/.test(text)) return null;
  const amount = unit === 'minor' ? money(Number(text), currency) : parseMoney(text, currency);
  return amount.ok && /^[A-Z]{3}$/.test(currency) ? amount.value : null;
}

function occurredAtOf(read: Read, { timeUnit }: Mapping, { sentAt, receivedAt }: Notice): number | null {
  const text = read('occurredAt');
  return text === null ? (sentAt ?? receivedAt) : timeOf(text, timeUnit);
}

const isTest = (read: Read, { testValues }: Mapping): boolean => testValues.includes(read('test') ?? '');

function payerOf(read: Read): Payer | null {
  const payer: Payer = {
    ...textAs('id', read('payerId')),
    ...textAs('account', read('payerAccount')),
    ...textAs('name', read('payerName')),
  };
  return Object.keys(payer).length === 0 ? null : payer;
}

const textAs = (name: 'id' | 'account' | 'name', text: string | null): Payer =>
  text === null ? {} : { [name]: text.slice(0, 256) };
