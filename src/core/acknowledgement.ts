// What the gateway made of a callback, and the HTTP answer that says so. Pure. A provider's own words are in its file.
import { type Rejection, wireOf } from './rejection.ts';
import { unreachable } from './result.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What the gateway made of a callback; the provider's file puts it into the provider's words. */
export type Acknowledgement =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** The ledger did not answer in time or threw: the provider must call again. */
  | { readonly kind: 'unavailable' };

/** The answer of a provider that reads the status alone: `accepted` is a receipt, any refusal is called again. */
export const byStatus =
  (accepted: number) =>
  (acknowledgement: Acknowledgement): Answer => ({
    status: statusOf(acknowledgement, accepted),
    headers: {},
    body: '',
  });

function statusOf(acknowledgement: Acknowledgement, accepted: number): number {
  switch (acknowledgement.kind) {
    case 'accepted':
      return accepted;
    case 'rejected':
      return wireOf(acknowledgement.rejection.reason).status;
    case 'unavailable':
      return 503;
    default:
      return unreachable(acknowledgement);
  }
}
