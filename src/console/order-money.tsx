// What an order's page shows of money that came and went back. Tables alone.

import type { Guest } from './kit.ts';
import type { OrderRead, Refunds } from './order.tsx';
import { Badge, moneyText, Table, Time } from './parts.tsx';

type Order = OrderRead['order'];

export function Payments({ guest, order: { payments } }: { readonly guest: Guest; readonly order: Order }) {
  const { say } = guest;
  if (payments.length === 0) return null;
  return (
    <div class="card">
      <Table
        caption={say('order.payments')}
        empty=""
        rows={payments}
        columns={[
          { head: say('order.transactionId'), cell: ({ transactionId }) => <code>{transactionId}</code> },
          { head: say('orders.amount'), cell: ({ amount }) => moneyText(guest, amount), isNumber: true },
          {
            head: say('order.method'),
            cell: ({ providerMethod, method, bank }) => [providerMethod ?? method, bank].filter(Boolean).join(' · '),
          },
          { head: say('order.paidAt'), cell: ({ paidAt }) => <Time at={paidAt} /> },
        ]}
      />
    </div>
  );
}

export function RefundTable({ guest, refunds }: { readonly guest: Guest; readonly refunds: Refunds }) {
  const { say } = guest;
  const left = refunds.refundable && moneyText(guest, refunds.refundable);
  if (refunds.items.length === 0) return null;
  return (
    <div class="card">
      <Table
        caption={say('order.refunds')}
        empty=""
        rows={refunds.items}
        columns={[
          { head: say('order.refundNo'), cell: ({ refundNo }) => <code>{refundNo}</code> },
          { head: say('orders.amount'), cell: ({ amount }) => moneyText(guest, amount), isNumber: true },
          { head: say('orders.state'), cell: ({ state }) => <Badge visit={guest} family="refund" code={state} /> },
          { head: say('order.reason'), cell: ({ reason }) => reason },
          { head: say('order.at'), cell: ({ at }) => <Time at={at} /> },
        ]}
      />
      {left === null ? null : <p class="soft">{say('order.refundable', { amount: left })}</p>}
    </div>
  );
}
