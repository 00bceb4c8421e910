// Origin: a merchant's endpoint and all that was chosen for it, as plain data. Pure. Secrets appear here only sealed.
import type { Sealed } from './channel.ts';
import type { EventType } from './event.ts';
import { BREAKER_DEFAULT, ORIGIN_PAUSE_AFTER_SECONDS_DEFAULT } from './limits.ts';
import type { Flag, OrderState } from './order.ts';
import type { SuccessCriterion } from './success.ts';

export type OriginSecret = {
  /** `rsa` signs no headers, only bodies of formats whose signature stands in a field. */
  readonly kind: 'hmac' | 'ed25519' | 'rsa';
  /** `whsec_…`, `whsk_…` or a PEM private key, sealed. */
  readonly sealed: Sealed;
  /** `whpk_…` of an ed25519 secret, PEM of an RSA one; an HMAC secret has none. */
  readonly publicKey?: string;
  readonly createdAt: number;
  /** After this it no longer signs; null for the newest. */
  readonly expiresAt: number | null;
};

/** Which events an origin gets. An empty list lets every value through; all that is named has to hold. */
export type OriginFilter = {
  readonly types: readonly EventType[];
  readonly states: readonly OrderState[];
  /** The order carries at least one of them. */
  readonly flags: readonly Flag[];
  readonly channels: readonly string[];
  /** The order's amount, both bounds included, in minor units; an order without an amount does not match. */
  readonly amount: { readonly min: number | null; readonly max: number | null; readonly currency: string } | null;
  /** Each of the order's metadata fields that is named has this value. */
  readonly metadata: Readonly<Record<string, string>>;
};

/** When an origin is left alone for a while: so many failures of so many attempts within the window. */
export type Breaker = {
  /** Above 0, at most 1. */
  readonly failureShare: number;
  readonly windowSeconds: number;
  /** Fewer attempts than this within the window say nothing. */
  readonly attemptsMin: number;
  /** An open breaker lets one delivery through this long after it opened. */
  readonly probeAfterSeconds: number;
};

/** What the origin asks to see besides the signature. */
export type OriginAuth = {
  readonly kind: 'basic' | 'bearer' | 'header';
  /** The user of `basic`, the lower-cased name of `header`; null for `bearer`. */
  readonly name: string | null;
  /** Password, token or value. */
  readonly sealed: Sealed;
  /** The last four characters of a long secret, so that a person can tell two apart; null for a short one. */
  readonly ending: string | null;
};

export type OriginSettings = {
  /** Of the format that the origin names: pinned, so that a newer one changes nothing. */
  readonly formatVersion: number;
  /** JSON as the table of formats parsed it, a fallback included. */
  readonly formatOptions: string;
  readonly success: SuccessCriterion;
  readonly filter: OriginFilter | null;
  readonly breaker: Breaker;
  /** An origin that took nothing for this long is paused, and its events wait; null: they run out of attempts. */
  readonly pauseAfterSeconds: number | null;
  /** The binding that deliveries go through instead of the open net: a client certificate, or a private service. */
  readonly binding: string | null;
  /** The origin's answer is compared with what it was told. */
  readonly echoCheck: boolean;
  /** Test callbacks go there too: a backend that does not know `test` would ship goods for them. */
  readonly acceptsTest: boolean;
  readonly auth: readonly OriginAuth[];
};

export const DEFAULT_ORIGIN_SETTINGS: OriginSettings = {
  formatVersion: 1,
  formatOptions: '{}',
  success: { kind: 'status' },
  filter: null,
  breaker: BREAKER_DEFAULT,
  pauseAfterSeconds: ORIGIN_PAUSE_AFTER_SECONDS_DEFAULT,
  binding: null,
  echoCheck: false,
  acceptsTest: false,
  auth: [],
};

export type Origin = {
  readonly id: string;
  readonly version: number;
  readonly url: string;
  readonly format: string;
  readonly settings: OriginSettings;
  readonly status: 'active' | 'paused';
  /** Why it is paused: `operator`, `gone`, `failing`; null when active. */
  readonly pauseReason: string | null;
  readonly secrets: readonly OriginSecret[];
  readonly timeoutMs: number;
  readonly ladderSeconds: readonly number[];
  readonly perSecond: number;
  readonly concurrent: number;
  readonly createdAt: number;
  readonly updatedAt: number;
};
