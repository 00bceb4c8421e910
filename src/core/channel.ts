// Channel, origin and alarm: what the registry owns, as plain data. Pure. Secrets appear here only sealed.
import type { EventType } from './event.ts';
import { BREAKER_DEFAULT, ORIGIN_PAUSE_AFTER_SECONDS_DEFAULT } from './limits.ts';
import type { Money } from './money.ts';
import type { Flag, OrderState } from './order.ts';
import type { SuccessCriterion } from './success.ts';

/** Encrypted text: `v1.{keyId}.{iv}.{ciphertext}`; only crypto/seal.ts opens it. */
export type Sealed = string;

export type ChannelStatus = 'active' | 'paused' | 'disabled';
export type AllowlistMode = 'off' | 'monitor' | 'enforce';

/** How a channel treats its orders. */
export type ChannelSettings = {
  /** A parked event whose order is still not registered after this raises the alarm `unmatched`. */
  readonly parkAgeSeconds: number;
  /** Flags that keep an order's events from the origin until a person lets them go. */
  readonly hold: readonly Flag[];
  /** An order above this amount, or in another currency, is let go only by a second API key; null: by one. */
  readonly releaseConfirmAbove: Money | null;
};

export const DEFAULT_CHANNEL_SETTINGS: ChannelSettings = { parkAgeSeconds: 600, hold: [], releaseConfirmAbove: null };

/** What a channel was proved with before a rotation, and until when that is still taken; epoch milliseconds. */
export type PreviousCredentials = { readonly sealed: Sealed; readonly until: number };

export type Channel = {
  readonly id: string;
  /** Never used again, so that a re-created channel cannot meet the old one's orders. */
  readonly uid: string;
  readonly version: number;
  readonly provider: string;
  readonly status: ChannelStatus;
  /** open: a callback may create its order. registered: events of an order that is not registered are parked. */
  readonly mode: 'open' | 'registered';
  readonly settings: ChannelSettings;
  readonly environment: 'live' | 'test';
  /** Fixed when the channel is created. */
  readonly shards: number;
  readonly locationHint: string | null;
  readonly origins: readonly string[];
  readonly allowlist: { readonly mode: AllowlistMode; readonly ranges: readonly string[] };
  readonly credentials: Sealed;
  readonly previous: PreviousCredentials | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** A channel without what proves its callbacks: no remembered answer to a write may outlive a secret. */
export type ChannelView = Omit<Channel, 'credentials' | 'previous'> & { readonly previousUntil: number | null };

/** A verification key that was fetched from the provider, kept beside the channel. Public by nature. */
export type FetchedKey = {
  readonly serial: string;
  readonly pem: string;
  readonly effectiveAt: number;
  readonly expiresAt: number;
};

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

/** What a shard keeps of the configuration: only what dispatch needs. Newer versions win. */
export type DispatchOrigin = {
  readonly id: string;
  readonly version: number;
  readonly paused: boolean;
  readonly ladderSeconds: readonly number[];
  readonly perSecond: number;
  readonly concurrent: number;
  readonly filter: OriginFilter | null;
  readonly breaker: Breaker;
  readonly pauseAfterSeconds: number | null;
};
export type DispatchConfig = {
  readonly channelId: string;
  readonly provider: string;
  /** Version of the channel; each origin carries its own. */
  readonly channelVersion: number;
  readonly paused: boolean;
  readonly mode: Channel['mode'];
  readonly settings: ChannelSettings;
  readonly origins: readonly DispatchOrigin[];
};

type AddedToOrigins = 'filter' | 'breaker' | 'pauseAfterSeconds';
type StoredOrigin = Omit<DispatchOrigin, AddedToOrigins> & Partial<Pick<DispatchOrigin, AddedToOrigins>>;

/** What shards stored before channels and origins had settings. */
export type StoredDispatch = Omit<DispatchConfig, 'mode' | 'settings' | 'origins'> & {
  readonly mode?: Channel['mode'];
  readonly settings?: Partial<ChannelSettings>;
  readonly origins: readonly StoredOrigin[];
};

export const wholeDispatch = (stored: StoredDispatch): DispatchConfig => ({
  ...stored,
  mode: stored.mode ?? 'open',
  settings: { ...DEFAULT_CHANNEL_SETTINGS, ...stored.settings },
  origins: stored.origins.map((origin) => ({ ...NEW_IN_ORIGINS, ...origin })),
});

const NEW_IN_ORIGINS: Pick<DispatchOrigin, AddedToOrigins> = {
  filter: DEFAULT_ORIGIN_SETTINGS.filter,
  breaker: DEFAULT_ORIGIN_SETTINGS.breaker,
  pauseAfterSeconds: DEFAULT_ORIGIN_SETTINGS.pauseAfterSeconds,
};

/** The newer of each part; null when `next` brings nothing newer than `known`. */
export function mergeDispatch(known: DispatchConfig, next: DispatchConfig): DispatchConfig | null {
  const base = next.channelVersion > known.channelVersion ? next : known;
  const origins = base.origins.map((origin) => {
    const versions = [known, next].flatMap((config) => config.origins.filter((other) => other.id === origin.id));
    return versions.reduce((a, b) => (b.version > a.version ? b : a), origin);
  });
  const changed = base === next || origins.some((origin, index) => origin !== known.origins[index]);
  return changed ? { ...base, origins } : null;
}

/** Everything an isolate keeps about a channel, read in one call. */
export type ChannelRecord = {
  readonly channel: Channel;
  readonly keys: readonly FetchedKey[];
  readonly dispatch: DispatchConfig;
};

export type AlarmCode =
  | 'delivery_dead'
  | 'origin_gone'
  | 'origin_failing'
  | 'origin_paused'
  | 'wrong_merchant'
  | 'wrong_environment'
  | 'decrypt_failed'
  | 'keys_unavailable'
  | 'order_flagged'
  | 'channel_paused_long'
  | 'unlinked'
  | 'unconfirmed_notice'
  | 'origin_removed'
  | 'origin_disagrees'
  | 'unmatched'
  | 'order_held'
  | 'refund_needs_attention'
  | 'close_failed';

/** What wants a person. The same code and subject is one alarm with a count. */
export type Alarm = {
  readonly code: AlarmCode;
  /** What it is about: `channel/x`, `origin/y`, `order/x/1`. */
  readonly subject: string;
  readonly detail: string;
  readonly at: number;
};

export const shardNameOf = (channel: Pick<Channel, 'uid' | 'shards'>, shard: number): string =>
  `v1:${channel.uid}:${channel.shards}:${shard}`;

/** The one object that an order lives in: fnv1a of the order number, mod the channel's shard count. */
export function shardOf(orderNo: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(orderNo)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

export const locatorName = (channel: Pick<Channel, 'uid' | 'shards'>, shard: number): string =>
  `v1:${channel.uid}:tx:${channel.shards}:${shard}`;

/** The object that knows which order a provider's id means. */
export const locatorNameOf = (channel: Pick<Channel, 'uid' | 'shards'>, id: string): string =>
  locatorName(channel, shardOf(id, channel.shards));

export const ledgerNameOf = (channel: Pick<Channel, 'uid' | 'shards'>, orderNo: string): string =>
  shardNameOf(channel, shardOf(orderNo, channel.shards));
