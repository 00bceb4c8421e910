// Reads what a provider's API answered to a filled template. Believed for the host it came from over TLS, which the
// configuration fixed; what cannot be read is a problem with its field's name, never a guess.
import type { PaymentFact, RefundFact } from '../../core/event.ts';
import type { PaymentRequest } from '../../core/order.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ProviderAnswer, ProviderProblem, QueryTarget, RefundOrder, Translation } from '../provider.ts';
import { type Document, parseDocument } from './document.ts';
import { moneyOf } from './mapping.ts';
import type { Mapping } from './mapping-schema.ts';
import { type Path, textAt } from './path.ts';
import { timeOf } from './signature.ts';
import type { CloseTemplate, Template } from './template-schema.ts';

/** How long a code is shown when neither the order nor anybody else says. */
const CODE_VALID_MS = 30 * 60_000;
/** An address that wallets open; no scheme that runs or embeds anything. */
const CODE_URL = /^(?!javascript:|data:|vbscript:|blob:|file:)[a-z][a-z0-9+.-]{1,30}:[\x21-\x7e]{1,2000}$/i;

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });
const unreadable = (what: string) => problem('malformed', `The provider answered without a readable ${what}.`);

type Opened = { readonly document: Document; readonly error: string | null };

/** The answer as a tree, its HTTP failure put into words first. */
function open(answer: ProviderAnswer, { response }: Template): Result<Opened, ProviderProblem> {
  const document = parseDocument(answer.body);
  const word = document === null ? null : textAt(document, response.error);
  const said = word === null ? 'no reason given' : word.slice(0, 200);
  const detail = `The provider answered ${answer.status}, ${said}.`;
  const { status } = answer;
  if (word !== null && isNamed(word, response) && document !== null) return ok({ document, error: word });
  if (status === 429 || status >= 500 || status < 200 || (status >= 300 && status < 400)) {
    return problem('unavailable', detail);
  }
  if (status >= 400) return problem('refused', detail);
  if (document === null) return unreadable('body: it is neither JSON, form fields nor XML');
  return ok({ document, error: word === null || response.noError.includes(word) ? null : word });
}

/** A word that the channel gave a meaning, whatever the status it came with. */
const isNamed = (word: string, { notFound, alreadyPaid, alreadyClosed, insufficientBalance }: Template['response']) =>
  [notFound, alreadyPaid, alreadyClosed, insufficientBalance].some((words) => words.includes(word));

const refused = (error: string) => problem('refused', `The provider answered: ${error.slice(0, 200)}.`);

/** What the provider says of the thing that was asked about; null where it knows nothing of it. */
function knownIn(answer: ProviderAnswer, template: Template): Result<Document | null, ProviderProblem> {
  if (answer.status === 404) return ok(null);
  const opened = open(answer, template);
  if (!opened.ok) return opened;
  const { document, error } = opened.value;
  if (error === null) return ok(document);
  return template.response.notFound.includes(error) ? ok(null) : refused(error);
}

export function readQuery(
  answer: ProviderAnswer,
  target: QueryTarget,
  template: Template,
  mapping: Mapping,
  now: number,
): Result<Translation, ProviderProblem> {
  const nothing = ok({ events: [], noticeType: 'query', noticeId: null });
  const known = knownIn(answer, template);
  if (!known.ok) return known;
  const document = known.value;
  if (document === null) return nothing;
  const { response } = template;
  const read = (path: Path | undefined) => textAt(document, path);
  const answered = read(response.orderNo);
  const orderNo = target.orderNo ?? answered;
  if (orderNo === null || !ORDER_NO.test(orderNo)) return unreadable('order number: set response.orderNo');
  if (answered !== null && answered !== orderNo) return problem('malformed', 'The answer is about another order.');
  const word = read(response.state);
  const { payment } = mapping.statuses;
  const status = word !== null && Object.hasOwn(payment, word) ? payment[word] : undefined;
  if (word === null || status === undefined) {
    return unreadable(`state: it is ${JSON.stringify(word?.slice(0, 60) ?? null)}; see statuses.payment`);
  }
  const currency = read(response.currency)?.toUpperCase() ?? mapping.currency;
  const written = read(response.amount);
  const amount = written === null || currency === undefined ? null : moneyOf(written, currency, mapping.amountUnit);
  if (written !== null && amount === null) return unreadable(`amount in ${mapping.amountUnit} units`);
  const at = read(response.occurredAt);
  const occurredAt = at === null ? now : timeOf(at, mapping.timeUnit);
  if (occurredAt === null) return unreadable(`occurredAt in ${mapping.timeUnit}`);
  const paidAs = read(response.transactionId);
  if (target.orderNo === undefined && paidAs !== null && paidAs !== target.transactionId) {
    return problem('malformed', 'The answer is about another transaction.');
  }
  const ownId = paidAs ?? target.transactionId ?? null;
  const transactionId = mapping.fields.transactionId === undefined ? orderNo : ownId;
  const event: PaymentFact = {
    kind: 'payment',
    orderNo,
    occurredAt,
    providerState: word.slice(0, 64),
    test: mapping.testValues.includes(read(response.test) ?? ''),
    status,
    transactionId,
    amount,
  };
  const isLinked = mapping.linkByTransaction && transactionId !== null;
  const links = isLinked ? { links: [{ id: transactionId, orderNo }] } : {};
  return ok({ events: [event], ...links, noticeType: 'query', noticeId: null });
}

export function readPay(
  answer: ProviderAnswer,
  template: Template,
  now: number,
  expiresAt: number | null,
): Result<PaymentRequest, ProviderProblem> {
  const opened = open(answer, template);
  if (!opened.ok) return opened;
  const { document, error } = opened.value;
  if (error !== null && template.response.alreadyPaid.includes(error)) {
    return problem('already_paid', `The provider says that this order is paid (${error.slice(0, 100)}).`);
  }
  if (error !== null) return refused(error);
  const codeUrl = textAt(document, template.response.codeUrl);
  if (codeUrl === null || !CODE_URL.test(codeUrl)) return unreadable('codeUrl: see response.codeUrl');
  return ok({ codeUrl, codeExpiresAt: Math.min(now + CODE_VALID_MS, expiresAt ?? Number.POSITIVE_INFINITY) });
}

export function readClose(
  answer: ProviderAnswer,
  { response, ...template }: CloseTemplate,
  mapping: Mapping,
): Result<'closed' | 'paid' | 'unknown', ProviderProblem> {
  if (answer.status === 404) return ok('unknown');
  const opened = open(answer, { ...template, response });
  if (!opened.ok) return opened;
  const { document, error } = opened.value;
  if (error !== null) {
    if (response.notFound.includes(error)) return ok('unknown');
    if (response.alreadyPaid.includes(error)) return ok('paid');
    return response.alreadyClosed.includes(error) ? ok('closed') : refused(error);
  }
  // Taken without a word of its state: done.
  if (response.state === undefined) return ok('closed');
  const word = textAt(document, response.state);
  if (word === null) return unreadable('state: see close.response.state');
  const own = Object.hasOwn(response.states, word) ? response.states[word] : undefined;
  if (own !== undefined) return ok(own);
  const { payment } = mapping.statuses;
  const status = Object.hasOwn(payment, word) ? payment[word] : undefined;
  if (status === 'closed') return ok('closed');
  if (status === 'succeeded') return ok('paid');
  return unreadable(`end of the order: its state is ${JSON.stringify(word.slice(0, 60))}; see close.response.states`);
}

export function readRefundQuery(
  answer: ProviderAnswer,
  target: QueryTarget & { readonly refundNo: string },
  template: Template,
  mapping: Mapping,
  now: number,
): Result<Translation, ProviderProblem> {
  const nothing = ok({ events: [], noticeType: 'refundQuery', noticeId: null });
  const known = knownIn(answer, template);
  if (!known.ok) return known;
  const document = known.value;
  if (document === null) return nothing;
  const { response } = template;
  const read = (path: Path | undefined) => textAt(document, path);
  const orderNo = target.orderNo ?? read(response.orderNo);
  if (orderNo === null || !ORDER_NO.test(orderNo)) return unreadable('order number: set response.orderNo');
  const [answeredOrder, answeredRefund] = [read(response.orderNo), read(response.refundNo)];
  if ((answeredOrder ?? orderNo) !== orderNo || (answeredRefund ?? target.refundNo) !== target.refundNo) {
    return problem('malformed', 'The answer is about another refund.');
  }
  const word = read(response.state);
  const { refund: states } = mapping.statuses;
  const state = word !== null && Object.hasOwn(states, word) ? states[word] : undefined;
  if (word === null || state === undefined) {
    return unreadable(`state: it is ${JSON.stringify(word?.slice(0, 60) ?? null)}; see statuses.refund`);
  }
  const currency = read(response.currency)?.toUpperCase() ?? mapping.currency;
  const amount = currency === undefined ? null : moneyOf(read(response.amount) ?? '', currency, mapping.amountUnit);
  if (amount === null) return unreadable(`amount in ${mapping.amountUnit} units, or its currency`);
  const at = read(response.occurredAt);
  const occurredAt = at === null ? now : timeOf(at, mapping.timeUnit);
  if (occurredAt === null) return unreadable(`occurredAt in ${mapping.timeUnit}`);
  const event: RefundFact = {
    kind: 'refund',
    orderNo,
    occurredAt,
    providerState: word.slice(0, 64),
    test: mapping.testValues.includes(read(response.test) ?? ''),
    state,
    refundNo: target.refundNo,
    providerRefundId: read(response.refundId),
    transactionId: target.transactionId ?? read(response.transactionId),
    amount,
  };
  return ok({ events: [event], noticeType: 'refundQuery', noticeId: null });
}

export function readRefund(
  answer: ProviderAnswer,
  refund: RefundOrder,
  template: Template,
  mapping: Mapping,
  now: number,
): Result<Translation, ProviderProblem> {
  const opened = open(answer, template);
  if (!opened.ok) return opened;
  const { document, error } = opened.value;
  const { response } = template;
  if (error !== null && response.insufficientBalance.includes(error)) {
    const mend = 'top up the account and ask again under the same refundNo.';
    return problem('insufficient_balance', `The account cannot cover this refund (${error.slice(0, 100)}): ${mend}`);
  }
  if (error !== null) return refused(error);
  const word = textAt(document, response.state);
  if (response.state !== undefined && word === null) return unreadable('state: see response.state');
  const { refund: states } = mapping.statuses;
  // Accepted and no word of a state: the callback or the query tells the end of it.
  const state = word === null ? 'pending' : Object.hasOwn(states, word) ? states[word] : undefined;
  if (state === undefined) return unreadable(`state: it is ${JSON.stringify(word?.slice(0, 60))}; see statuses.refund`);
  const event: RefundFact = {
    kind: 'refund',
    orderNo: refund.orderNo,
    occurredAt: now,
    providerState: word?.slice(0, 64) ?? 'ACCEPTED',
    test: mapping.testValues.includes(textAt(document, response.test) ?? ''),
    state,
    refundNo: refund.refundNo,
    providerRefundId: textAt(document, response.refundId ?? response.transactionId),
    transactionId: refund.transactionId,
    amount: refund.amount,
    ...(refund.reason === null ? {} : { reason: refund.reason }),
  };
  return ok({ events: [event], noticeType: 'refund', noticeId: null });
}
