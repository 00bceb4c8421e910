// How a channel reads its bills and whose rows it takes for its own, as /v1/channels takes and shows it. Knows no
// default: those are the core's.
import { BillMapping } from '../core/bill-mapping.ts';
import type { ChannelSettings } from '../core/channel.ts';
import { rateOf } from '../core/decimal.ts';
import { OrderNoPattern } from '../core/order-no-pattern.ts';
import { z } from './kit.ts';

const descriptions = {
  exclusive:
    'True: everything on the merchant account is of this channel, so that a row of a bill whose order nobody knows ' +
    'is a lost payment; false unless set.',
  orderNoPattern:
    'Which order numbers of a shared account are of this channel: * stands for any letters, ? for one, as in A2026*. ' +
    'Rows outside it are counted as foreign. Null: nobody said, and an order that nobody knows is left to a person.',
  feeRate:
    'The share that the provider keeps of a payment, as agreed: 0.006 is 0.6 %. Null: the rate in each row of a bill.',
  billMapping:
    'How an uploaded table of payments and refunds is read; given as a whole. Null: only the provider’s bills are.',
  fetchBills: 'Whether the bills of days that are over are fetched and compared by the clock; true unless set.',
} as const;

const isShare = (text: string): boolean => {
  const rate = rateOf(text);
  return rate !== null && !text.endsWith('%') && rate.units >= 0 && rate.units < 10 ** rate.scale;
};

const exclusive = z.boolean().openapi({ description: descriptions.exclusive });
const fetchBills = z.boolean().openapi({ description: descriptions.fetchBills });
const FeeRate = z
  .string()
  .refine(isShare, 'must be a share below 1 with six decimals at most, such as 0.006 for 0.6 %')
  .nullable()
  .openapi({ description: descriptions.feeRate });
const Pattern = OrderNoPattern.nullable().openapi({ description: descriptions.orderNoPattern });
const Mapping = BillMapping.nullable().openapi({ description: descriptions.billMapping });

export const BillSettingsInput = {
  exclusive: exclusive.optional(),
  orderNoPattern: Pattern.optional(),
  feeRate: FeeRate.optional(),
  billMapping: Mapping.optional(),
  fetchBills: fetchBills.optional(),
};

export const BillSettingsBody = {
  exclusive,
  orderNoPattern: z.string().nullable().openapi({ description: descriptions.orderNoPattern }),
  feeRate: z.string().nullable().openapi({ description: descriptions.feeRate }),
  billMapping: Mapping,
  fetchBills,
};

export const renderBillSettings = (settings: ChannelSettings) => ({
  exclusive: settings.exclusive,
  orderNoPattern: settings.orderNoPattern,
  feeRate: settings.feeRate,
  billMapping: settings.billMapping,
  fetchBills: settings.fetchBills,
});
