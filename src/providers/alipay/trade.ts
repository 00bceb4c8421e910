// A trade in Alipay's words, however it was told, and the payment that it is in ours. Amounts are yuan in decimal
// strings, times are Beijing's without saying so. Never touches a float.
import { z } from 'zod';
import type { Discount, PaymentFact, PaymentStatus } from '../../core/event.ts';
import { type Money, parseMoney } from '../../core/money.ts';

/** Documented as CNY whenever no currency is named. */
const CURRENCY_DEFAULT = 'CNY';

/** Yuan as Alipay prints them. */
export const Yuan = z.string().regex(/^\d{1,12}(?:\.\d{1,2})?$/);

const INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)$/;
export const Instant = z
  .string()
  .regex(INSTANT)
  .refine((text) => Number.isFinite(beijing(text)));

const beijing = (text: string) => Date.parse(`${text.replace(' ', 'T')}+08:00`);

export const instantOf = (text: string | undefined): number | null => (text === undefined ? null : beijing(text));

export type Trade = {
  readonly orderNo: string;
  readonly tradeNo: string;
  readonly state: string;
  readonly totalAmount: string;
  readonly currency: string | undefined;
  readonly payerAmount: string | undefined;
  readonly buyerId: string | null | undefined;
  readonly buyerOpenId: string | null | undefined;
  readonly buyerAccount: string | null | undefined;
  readonly attach: string | null | undefined;
  readonly fundBills: readonly unknown[];
  readonly vouchers: readonly unknown[];
  readonly test: boolean;
};

/** False for more decimals than the currency has. What is not there is in nobody's way. */
export const isAmount = (text: string | undefined, currency: string = CURRENCY_DEFAULT): boolean =>
  text === undefined || parseMoney(text, currency).ok;

/** The schema has seen to the form, so a refusal here is a bug. */
export function yuan(text: string, currency: string = CURRENCY_DEFAULT): Money {
  const amount = parseMoney(text, currency);
  if (!amount.ok) throw new Error(amount.error);
  return amount.value;
}

export function paymentOf(trade: Trade, status: PaymentStatus, occurredAt: number): PaymentFact {
  const { currency, payerAmount, attach } = trade;
  const [bills, vouchers] = [fundBillsOf(trade), discountsOf(trade)];
  const bank = bills.flatMap(({ bank: code }) => code ?? [])[0];
  return {
    kind: 'payment',
    orderNo: trade.orderNo,
    occurredAt,
    providerState: trade.state,
    test: trade.test,
    status,
    transactionId: trade.tradeNo,
    amount: yuan(trade.totalAmount, currency),
    // What the payer paid is in yuan even where the price is not.
    ...(payerAmount === undefined ? {} : { payerAmount: yuan(payerAmount) }),
    discounts: vouchers,
    method: 'wallet',
    ...(bills.length === 0 ? {} : { providerMethod: bills.map(({ channel }) => channel).join('+') }),
    ...(bank === undefined ? {} : { bank }),
    ...payerOf(trade),
    ...(attach ? { attach } : {}),
  };
}

function payerOf({ buyerId, buyerOpenId, buyerAccount }: Trade): Pick<PaymentFact, 'payer'> {
  const id = buyerId || buyerOpenId;
  const account = buyerAccount ? { account: buyerAccount } : {};
  if (!id) return buyerAccount ? { payer: account } : {};
  return { payer: { id, idType: buyerId ? 'alipay_user_id' : 'openid', ...account } };
}

const Word = z.string().min(1).max(64);
// Notices say fundChannel, queries fund_channel.
const FundBill = z.object({
  fundChannel: Word.optional(),
  fund_channel: Word.optional(),
  bankCode: Word.optional(),
  bank_code: Word.optional(),
});

function fundBillsOf({ fundBills }: Trade): { channel: string; bank: string | undefined }[] {
  return fundBills.flatMap((bill) => {
    const { data } = FundBill.safeParse(bill);
    const channel = data?.fundChannel ?? data?.fund_channel;
    return channel === undefined ? [] : [{ channel, bank: data?.bankCode ?? data?.bank_code }];
  });
}

const Voucher = z.object({
  id: Word.optional(),
  voucherId: Word.optional(),
  type: Word.optional(),
  name: z.string().optional(),
  amount: Yuan,
});

// Discounts explain the amount and do not make it: one that cannot be read must not cost the payment.
const discountsOf = ({ vouchers }: Trade): Discount[] =>
  vouchers.flatMap((voucher) => {
    const { data } = Voucher.safeParse(voucher);
    const id = data?.id ?? data?.voucherId ?? data?.type;
    if (data === undefined || id === undefined) return [];
    return [{ id, ...(data.name ? { name: data.name } : {}), amount: yuan(data.amount) }];
  });
