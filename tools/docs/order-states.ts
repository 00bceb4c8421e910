// docs/order-states.md: the state tables of the core as a page, so that what is read is what runs. Pure.
import type { Cell } from '../../src/core/cell.ts';
import { DISPUTE_TABLE } from '../../src/core/dispute.ts';
import * as core from '../../src/core/order.ts';
import { REFUND_TABLE, REFUND_WORDS } from '../../src/core/refund.ts';

const { FLAGS, PAYMENT_TABLE, PAYMENT_WORDS, STANDING_FLAGS, STATE_AFTER } = core;
const STATES = ['pending', 'failed', 'closed', 'paid'] as const;
const DISPUTES = ['open', 'won', 'lost'] as const;

/** When each flag is raised, for people; the code's own conditions are in core/order.ts and where each fact is met. */
const RAISED: Readonly<Record<core.Flag, string>> = {
  amount_mismatch: 'the registration came after the money, and names another amount than was paid by then',
  currency_mismatch: "a payment or a refund is in another currency than the order's; it is never summed",
  underpaid: 'the payments sum to less than registered, or the provider says so of a payment on its way',
  overpaid: 'the payments sum to more than registered, or the provider says so',
  late_payment: 'a payment happened after `expiresAt`, or the provider says so',
  paid_after_close: 'money came to an order that had been closed',
  paid_twice: 'one transaction more than was needed',
  refund_before_payment: 'a refund succeeded and no payment is known',
  refund_exceeds_payment: 'succeeded refunds sum to more than was paid; the refund that does it is `order.flagged`',
  refund_abnormal: 'a refund is stuck and wants the merchant; it has not failed and may still succeed',
  refund_reversed: 'a refund that had succeeded failed',
  transaction_reused: 'the same transaction was told of two orders; both are flagged',
  unmatched: 'a parked order that nobody registered within `parkAgeSeconds`; an alarm, no event; gone when registered',
  provider_disagrees: 'the same payment, refund or dispute was told with another amount',
  origin_disagrees:
    'an origin took an event and repeated another order number, amount or sequence; asked for by `echoCheck`',
  risk_review: 'the provider doubts the payment: a review, a complaint, a warning',
  incomplete: 'a success without number or amount, which asking did not complete in time; nothing is guessed',
};

const GONE: Readonly<Partial<Record<core.Flag, string>>> = { incomplete: 'when paid', unmatched: 'when registered' };

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

function textOf(cell: Cell): string {
  if (cell === 'stale' || cell === 'again') return cell;
  if (cell === 'flagged') return '`order.flagged`';
  return typeof cell === 'string' ? `\`${cell}\`` : `\`${cell.type}\` if ${cell.when}, else stale`;
}

const paymentTable = () =>
  table(
    ['where it is ↓ · told →', ...PAYMENT_WORDS],
    STATES.map((state) => [`**${state}**`, ...PAYMENT_TABLE[state].map(textOf)]),
  );

const refundTable = () =>
  table(
    ['where it is ↓ · told →', ...REFUND_WORDS],
    (['none', ...REFUND_WORDS] as const).map((state) => [`**${state}**`, ...REFUND_TABLE[state].map(textOf)]),
  );

const disputeTable = () =>
  table(
    ['where it is ↓ · told →', ...DISPUTES],
    (['none', ...DISPUTES] as const).map((state) => [
      `**${state}**`,
      ...DISPUTES.map((word) => textOf(DISPUTE_TABLE[state][word])),
    ]),
  );

function diagram(): string {
  const movesFrom = (from: core.PaymentState) =>
    PAYMENT_TABLE[from].flatMap((cell) => {
      const [, to] = Object.entries(STATE_AFTER).find(([type]) => type === cell) ?? [];
      return to === undefined || to === from ? [] : [`  ${from} --> ${to}: ${textOf(cell).replaceAll('`', '')}`];
    });
  const moves = STATES.flatMap(movesFrom);
  return [
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> parked: a fact of an order that nobody registered, in a channel of mode registered',
    '  [*] --> pending: registered, or the first fact',
    '  parked --> pending: registered, and its facts applied',
    ...moves,
    '  paid --> partially_refunded: refund.succeeded',
    '  paid --> refunded: refund.succeeded of all',
    '  partially_refunded --> refunded: refund.succeeded of the rest',
    '  partially_refunded --> paid: refund.failed after it had succeeded',
    '  refunded --> partially_refunded: the same',
    '  refunded --> paid: the same',
    '```',
  ].join('\n');
}

const flagTable = () =>
  table(
    ['flag', 'raised when', 'goes'],
    FLAGS.map((flag) => [
      `\`${flag}\``,
      RAISED[flag],
      GONE[flag] ?? (STANDING_FLAGS.includes(flag) ? 'with its cause' : 'never'),
    ]),
  );

export const orderStatesPage = (): string => `# Order states

Made from the tables in \`src/core/order.ts\`, \`refund.ts\` and \`dispute.ts\` by \`npm run docs\`; a test fails
while this page and the code differ. What odd outcomes look like to a merchant is in [odd outcomes](odd-outcomes.md).

## The order

${diagram()}

The four states \`pending failed closed paid\` are the payment part and follow the table below.
\`partially_refunded\` and \`refunded\` are added from the sum of succeeded refunds, and fall back when one is
reversed. A dispute is a field of its own.

## Payments

Rows: where the payment part is. Columns: what the provider tells; its success counts as \`whole\` when the
distinct payments cover the registered amount (or none is registered), else as \`part\`, and as \`foreign\` in another
currency than registered. Cells: the event that leaves. \`stale\` stays in the timeline and changes nothing.

${paymentTable()}

Only \`payment.succeeded\`, \`payment.failed\` and \`payment.closed\` move the order, to the state of their name. Paid
is never left. Wherever the order is: a transaction told again is stale, with another amount \`order.flagged\`
(\`provider_disagrees\`); a success without number or amount, where asking does not complete it, is
\`order.flagged\` (\`incomplete\`); and a stale word
that says of itself something odd, not yet known of an unpaid order, is \`order.flagged\` too.

## Refunds

One refund number, one row. \`again\`: the same word once more, stale unless its amount differs: then
\`order.flagged\` (\`provider_disagrees\`), and the later word stands. A success that makes the sum exceed the
payments is \`order.flagged\` instead.

${refundTable()}

Later and earlier are by the provider's clock. A stuck refund (\`needs_attention\`) is never called failed: that would
invite a second one.

## Disputes

${disputeTable()}

## Flags

A flag that is raised with an event is in that event's \`order.flags\`, and in every later one until it goes.

${flagTable()}

## 中文摘要

- 订单的支付部分只有四种状态：待支付 \`pending\`、失败 \`failed\`、已关闭 \`closed\`、已支付 \`paid\`。
  上面的表格就是全部规则：行是当前状态，列是支付平台告知的内容，格子是发给源站的事件；
  \`stale\` 表示迟到的旧消息，只留在时间线里，不改变任何状态。
- 已支付不会因任何迟到的消息而变回待支付、失败或已关闭；失败和已关闭之后仍可能变为已支付（后者带 \`paid_after_close\` 标记）。
- \`payment.succeeded\` 每个订单最多发出一次，且只在到账金额足够登记金额、币种一致时发出。
  部分到账是 \`payment.pending\` 加 \`underpaid\`。
- 已退款金额由成功的退款累加得出：\`partially_refunded\`、\`refunded\`；
  退款被撤回时会退回上一状态（\`refund.failed\` 加 \`refund_reversed\`）。
- 退款异常（\`needs_attention\`）不算失败，以免商户重复退款；争议 \`dispute\` 是单独的字段，不影响订单状态。
- 标记（flags）分两种：随原因出现和消失的，以及记录一次到达、不再消失的。含义见上表，处理办法见[异常结果](odd-outcomes.md)。
`;
