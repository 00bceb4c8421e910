// How a provider's callback is written for a test: the provider's own form, signed with the secret that the channel
// shares with it, or with a key that is made for this one test and that nothing else takes. Pure.
import type { KeptCallback } from '../../core/callback.ts';
import type { FetchedKey } from '../../core/channel.ts';
import type { Money } from '../../core/money.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Retold } from '../../core/retold.ts';
import { utf8 } from '../../crypto/bytes.ts';

/** A payment of this order in full. */
export type TestOrder = {
  readonly orderNo: string;
  /** In the `currency` that the provider names for its tests. */
  readonly amount: Money;
  /** The channel is for the provider's test environment, where callbacks can say so. */
  readonly sandbox: boolean;
};

/** PEM: SPKI and PKCS#8. */
export type TestKeys = { readonly publicKey: string; readonly privateKey: string };

export type TestContext = {
  readonly now: number;
  /** 32 hexadecimal digits of chance. */
  readonly nonce: string;
  /** Makes a pair that lives as long as this test. */
  readonly makeKeys: (kind: 'rsa' | 'ed25519') => Promise<TestKeys>;
};

export type TestCallback<Credentials> = KeptCallback & {
  /** What proves it in place of what the channel has; left out: the channel's own secret does. */
  readonly provedBy?: { readonly credentials: Credentials; readonly keys?: readonly FetchedKey[] };
};

export type WriteTest<Credentials> = (
  order: TestOrder,
  credentials: Credentials,
  context: TestContext,
) => Promise<Result<TestCallback<Credentials>, string>>;

/** The same where the channel's own secret signs. */
export type WriteShared<Credentials> = (
  order: TestOrder,
  credentials: Credentials,
  context: TestContext,
) => Promise<Result<KeptCallback, string>>;

/** The payment in our words, for dialects that write callbacks from those. */
export const retoldTest = ({ orderNo, amount, sandbox }: TestOrder, transactionId: string, at: number): Retold => ({
  type: 'payment.succeeded',
  occurredAt: at,
  orderNo,
  payment: { transactionId, amount, payerAmount: amount, providerMethod: null, bank: null, received: null, paidAt: at },
  refund: null,
  payer: null,
  attach: null,
  test: sandbox,
  callback: null,
});

/** A callback with a JSON body; `sign` makes its headers from the very bytes. */
export async function jsonTest(
  content: object,
  sign: (body: Uint8Array<ArrayBuffer>) => Promise<Readonly<Record<string, string>>>,
): Promise<Result<KeptCallback, never>> {
  const body = utf8(JSON.stringify(content));
  return ok({ contentType: 'application/json', headers: await sign(body), body });
}

export type Tested<Credentials> = {
  /** Or why there can be none, for people. */
  readonly testCallback:
    | {
        /** What its test payments are in. */
        readonly currency: string;
        /** A sentence says why this very channel cannot have one. */
        readonly write: WriteTest<Credentials>;
      }
    | { readonly without: { readonly en: string; readonly zh: string } };
};
