// Giving money back: how much, under which number, then a page that says what will happen, then done once by /v1.
import { money as moneyOf, parseMoney, printMoney } from '../core/money.ts';
import { type Problem, post, v1 } from './call.ts';
import { back, Confirm, pathOf } from './confirm.tsx';
import { newToken } from './cookies.ts';
import { Buttons, Input, Select } from './fields.tsx';
import { readForm } from './forms.ts';
import { type Context, guestOf, newPages } from './kit.ts';
import { Token } from './layout.tsx';
import { type OrderRead, placeIn, type Refunds, readOrder, readRefunds } from './order.tsx';
import { Facts, moneyText, ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';

export const refund = newPages();

type RefundState = {
  readonly amount: string;
  readonly refundNo: string;
  readonly reason: string;
  readonly transactionId: string;
  readonly wrong?: Readonly<Record<string, string>>;
  readonly problem?: Problem;
};
type Refundable = NonNullable<Refunds['refundable']>;

/** What a refund may be of; a problem page where there is nothing to give back. */
async function refundable(c: Context): Promise<{ read: OrderRead; left: Refundable } | Response> {
  const place = placeIn(c);
  const [found, refunds] = await Promise.all([readOrder(c, place), readRefunds(c, place)]);
  if (!found.ok) return showProblem(c, found.error, 'orders');
  if (!refunds.ok) return showProblem(c, refunds.error, 'orders');
  const left = refunds.value.refundable;
  if (left !== null && left.minor > 0) return { read: found.value, left };
  const detail = guestOf(c).say('refund.nothing');
  return showProblem(c, { status: 409, code: 'wrong_status', detail }, 'orders');
}

function refundForm(c: Context, read: OrderRead, left: Refundable, state: RefundState): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const place = placeIn(c);
  const most = moneyText(guest, left);
  const { payments } = read.order;
  const choices = payments.map(({ transactionId: value, amount }) => ({
    value,
    text: `${value} · ${moneyText(guest, amount)}`,
  }));
  return show(c, {
    title: say('act.refund'),
    section: 'orders',
    status: state.problem?.status ?? (state.wrong === undefined ? 200 : 422),
    body: (
      <form class="card narrow" method="post" action={pathOf(place, 'refund')}>
        {state.problem === undefined ? null : <ProblemNote visit={guest} problem={state.problem} />}
        <Token token={guest.token} />
        <input type="hidden" name="step" value="preview" />
        <Input
          visit={guest}
          name="amount"
          label={say('refund.amount', { currency: left.currency })}
          help={say('refund.amount.help', { amount: most })}
          value={state.amount}
          wrong={state.wrong?.amount}
          mode="decimal"
          isRequired
        />
        <Input
          visit={guest}
          name="refundNo"
          label={say('refund.number')}
          help={say('refund.number.help')}
          value={state.refundNo}
          wrong={state.wrong?.refundNo}
          isRequired
        />
        <Input
          visit={guest}
          name="reason"
          label={say('form.reason')}
          help={say('refund.reason.help')}
          value={state.reason}
          wrong={state.wrong?.reason}
        />
        {choices.length < 2 ? null : (
          <Select
            visit={guest}
            name="transactionId"
            label={say('refund.transaction')}
            value={state.transactionId}
            choices={choices}
            isRequired
          />
        )}
        <Buttons visit={guest} text={say('form.continue')} back={back(place)} />
      </form>
    ),
  });
}

refund.get('/orders/:channel/:orderNo/refund', async (c) => {
  const may = await refundable(c);
  if (may instanceof Response) return may;
  const refundNo = `R${newToken()
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 16)}`;
  const amount = printMoney(may.left);
  return refundForm(c, may.read, may.left, { amount, refundNo, reason: '', transactionId: '' });
});

/** What is wrong with the fields, in the reader's words; empty when nothing is. */
function wrongIn(c: Context, state: RefundState, left: Refundable): Record<string, string> {
  const guest = guestOf(c);
  const { say } = guest;
  const amount = parseMoney(state.amount, left.currency);
  const isAmount = amount.ok && amount.value.minor > 0 && amount.value.minor <= left.minor;
  return {
    ...(isAmount ? {} : { amount: say('refund.amount.wrong', { amount: moneyText(guest, left) }) }),
    ...(/^[\x21-\x7e]{1,64}$/.test(state.refundNo) ? {} : { refundNo: say('refund.number.wrong') }),
    ...(state.reason.length <= 80 ? {} : { reason: say('refund.reason.help') }),
  };
}

/** The same form sent once more: what it asks for is on its way or done, and no longer there to be given back. */
async function isAsked(c: Context, { refundNo, amount }: RefundState): Promise<boolean> {
  const refunds = await readRefunds(c, placeIn(c));
  const known = refunds.ok ? refunds.value.items.find((one) => one.refundNo === refundNo) : undefined;
  return known !== undefined && known.state !== 'failed' && printMoney(known.amount) === amount;
}

refund.post('/orders/:channel/:orderNo/refund', async (c) => {
  const form = await readForm(c);
  const field = (name: string) => form.text(name);
  const place = placeIn(c);
  const state = {
    amount: field('amount'),
    refundNo: field('refundNo'),
    reason: field('reason'),
    transactionId: field('transactionId'),
  };
  if (field('step') === 'do' && (await isAsked(c, state))) return c.redirect(back(place, 'refund'), 303);
  const may = await refundable(c);
  if (may instanceof Response) return may;
  const { read, left } = may;
  const wrong = wrongIn(c, state, left);
  if (Object.keys(wrong).length > 0) return refundForm(c, read, left, { ...state, wrong });
  const parsed = parseMoney(state.amount, left.currency);
  const amount = parsed.ok ? parsed : moneyOf(left.minor, left.currency);
  if (!amount.ok) throw new Error(amount.error);
  if (field('step') !== 'do') return refundPreview(c, state, amount.value);
  const did = await post(c, v1('orders', place.channel, place.orderNo, 'refunds'), {
    body: {
      refundNo: state.refundNo,
      amount: amount.value,
      reason: state.reason || undefined,
      transactionId: state.transactionId || undefined,
    },
    once: form.given('once'),
  });
  if (did.ok) return c.redirect(back(place, 'refund'), 303);
  const fields = Object.fromEntries((did.error.errors ?? []).map(({ field: name, message }) => [name, message]));
  return refundForm(c, read, left, { ...state, wrong: fields, problem: did.error });
});

function refundPreview(c: Context, state: RefundState, amount: Refundable): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const place = placeIn(c);
  const shown = moneyText(guest, amount);
  const { refundNo, reason, transactionId } = state;
  const hidden = { amount: printMoney(amount), refundNo, reason, transactionId, step: 'do' };
  return show(c, {
    title: say('will.title', { act: say('act.refund') }),
    section: 'orders',
    body: (
      <Confirm
        visit={guest}
        place={place}
        act="refund"
        will={say('will.refund', { amount: shown, orderNo: place.orderNo, refundNo: state.refundNo })}
        button={say('form.confirm')}
        once={newToken()}
      >
        {Object.entries(hidden).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <Facts
          entries={[
            [say('orders.amount'), shown],
            [say('order.refundNo'), state.refundNo],
            [say('form.reason'), state.reason],
            [say('order.transactionId'), state.transactionId],
          ]}
        />
      </Confirm>
    ),
  });
}
