// Rejection: why a callback was refused. One union, one map to the wire. Pure. The caller learns nothing from it.

export type RejectionReason =
  | 'unknown_channel'
  | 'channel_disabled'
  | 'method_not_allowed'
  | 'too_large'
  | 'malformed'
  | 'source_not_allowed'
  | 'header_missing'
  | 'timestamp_stale'
  | 'unknown_key'
  | 'keys_unavailable'
  | 'signature_invalid'
  | 'signature_probe'
  | 'decrypt_failed'
  | 'wrong_merchant'
  | 'wrong_environment'
  | 'overloaded';

export type Rejection = {
  readonly reason: RejectionReason;
  /** One sentence for the merchant: what was seen and what to do. Never a secret, never sent to the caller. */
  readonly detail: string;
  /** With `unknown_key`: which one it is, for providers whose keys are fetched one by one. */
  readonly keyId?: string;
};

export type RejectionWire = {
  /** Status that providers see, where their documents do not ask for another. */
  readonly status: number;
  /** True when the merchant can mend it, so that the provider's next try would succeed. */
  readonly curable: boolean;
  /** True when a person should be told at once. */
  readonly alarm: boolean;
};

// Curable refusals answer 5xx: a provider that takes a 4xx as final would never call again.
const WIRE: Readonly<Record<RejectionReason, RejectionWire>> = {
  unknown_channel: { status: 404, curable: false, alarm: false },
  channel_disabled: { status: 503, curable: true, alarm: false },
  method_not_allowed: { status: 405, curable: false, alarm: false },
  too_large: { status: 413, curable: false, alarm: false },
  malformed: { status: 400, curable: false, alarm: false },
  source_not_allowed: { status: 503, curable: true, alarm: false },
  header_missing: { status: 401, curable: false, alarm: false },
  timestamp_stale: { status: 401, curable: true, alarm: false },
  unknown_key: { status: 503, curable: true, alarm: false },
  keys_unavailable: { status: 503, curable: true, alarm: true },
  signature_invalid: { status: 401, curable: true, alarm: false },
  signature_probe: { status: 401, curable: false, alarm: false },
  decrypt_failed: { status: 503, curable: true, alarm: true },
  wrong_merchant: { status: 503, curable: true, alarm: true },
  wrong_environment: { status: 503, curable: true, alarm: true },
  overloaded: { status: 503, curable: true, alarm: false },
};

// WIRE is a Record<RejectionReason, …>, so its keys are all of them and nothing else.
export const REJECTION_REASONS = Object.keys(WIRE) as readonly RejectionReason[]; // see above

/** How a refusal looks on the wire; every reason has one row. */
export function wireOf(reason: RejectionReason): RejectionWire {
  return WIRE[reason];
}

export const reject = (reason: RejectionReason, detail: string): Rejection => ({ reason, detail });
