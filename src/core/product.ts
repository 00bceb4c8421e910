// Product: something with a fixed price that payers order by scanning a static code. Pure data.
import type { Money } from './money.ts';

export type Product = {
  /** Printed into the code; the provider brings it back with every scan. */
  readonly id: string;
  readonly channel: string;
  /** What the payer is shown. */
  readonly name: string;
  readonly amount: Money;
  /** A disabled product is refused to whoever scans its code. */
  readonly enabled: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type ProductDraft = Pick<Product, 'id' | 'channel' | 'name' | 'amount' | 'enabled'>;
/** Only what is named changes. */
export type ProductChange = {
  readonly [K in 'name' | 'amount' | 'enabled']?: Product[K] | undefined;
};

/** What became of a scan. Each refusal is told to the payer in the provider's words. */
export type ProductOutcome =
  | { readonly kind: 'prepared'; readonly reference: string }
  | { readonly kind: 'unknown' | 'disabled' | 'paid' | 'failed' };
