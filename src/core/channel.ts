// Channel and alarm, beside origins what the registry owns, as plain data. Pure. Secrets appear here only sealed.
import type { BillMapping } from './bill-mapping.ts';
import {
  INCOMPLETE_AFTER_SECONDS,
  QUERIES_PER_SECOND,
  QUERY_EVERY_SECONDS,
  QUERY_FOR_SECONDS,
  QUERY_FROM_SECONDS,
  QUERY_SECONDS,
  REFUND_QUERY_SECONDS,
} from './limits.ts';
import type { Money } from './money.ts';
import type { Flag } from './order.ts';
import { type Breaker, DEFAULT_ORIGIN_SETTINGS, type OriginFilter } from './origin.ts';
import { DEFAULT_RETENTION, type Retention } from './retention.ts';

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
  /** When an order is asked about after its registration, or since its facts wait for one; empty: not by the clock. */
  readonly querySeconds: readonly number[];
  /** After the last of them. */
  readonly queryEverySeconds: number;
  /** Of an order that was registered without a payment, only the times from here on. */
  readonly queryFromSeconds: number;
  /** How long an order without an end is asked about. */
  readonly queryForSeconds: number;
  /** Questions of the clock, all of the channel's shards together. */
  readonly queriesPerSecond: number;
  /** Waits between questions about a refund; the last one repeats. */
  readonly refundQuerySeconds: readonly number[];
  /** A notice that lacks a field goes out flagged when nobody completed it within this. */
  readonly incompleteAfterSeconds: number;
  readonly retention: Retention;
  /** Everything on the merchant's account is this channel's: no row of a bill belongs to another shop. */
  readonly exclusive: boolean;
  /** Which order numbers of a shared account are this channel's; null: nobody said. */
  readonly orderNoPattern: string | null;
  /** What the merchant agreed with the provider, as `0.006`; null: the rate in each row of the bill is believed. */
  readonly feeRate: string | null;
  /** How an uploaded table of this channel is read; null: only the provider's own bills are. */
  readonly billMapping: BillMapping | null;
  /** The bills of days that are over are fetched and compared by the clock. */
  readonly fetchBills: boolean;
};

export const DEFAULT_CHANNEL_SETTINGS: ChannelSettings = {
  parkAgeSeconds: 600,
  hold: [],
  releaseConfirmAbove: null,
  querySeconds: QUERY_SECONDS,
  queryEverySeconds: QUERY_EVERY_SECONDS,
  queryFromSeconds: QUERY_FROM_SECONDS,
  queryForSeconds: QUERY_FOR_SECONDS,
  queriesPerSecond: QUERIES_PER_SECOND,
  refundQuerySeconds: REFUND_QUERY_SECONDS,
  incompleteAfterSeconds: INCOMPLETE_AFTER_SECONDS,
  retention: DEFAULT_RETENTION,
  exclusive: false,
  orderNoPattern: null,
  feeRate: null,
  billMapping: null,
  fetchBills: true,
};

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
  /** It wants test callbacks too; left out: no. */
  readonly acceptsTest?: boolean;
};
export type DispatchConfig = {
  readonly channelId: string;
  readonly provider: string;
  /** Version of the channel; each origin carries its own. */
  readonly channelVersion: number;
  readonly paused: boolean;
  readonly mode: Channel['mode'];
  readonly settings: ChannelSettings;
  /** The provider can be asked what it knows; left out: it is not asked by the clock. */
  readonly asks?: boolean;
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
  if (isSameDispatch(known, next)) return null; // as it is for nearly every callback
  const base = next.channelVersion > known.channelVersion ? next : known;
  const origins = base.origins.map((origin) => {
    const versions = [known, next].flatMap((config) => config.origins.filter((other) => other.id === origin.id));
    return versions.reduce((a, b) => (b.version > a.version ? b : a), origin);
  });
  // Not of the channel but of the version of the gateway that tells: an upgraded one may ask what another could not.
  const asks = (next.channelVersion < known.channelVersion ? undefined : next.asks) ?? known.asks ?? false;
  const isOther = asks !== (known.asks ?? false) || origins.some((origin, index) => origin !== known.origins[index]);
  return base === next || isOther ? { ...base, asks, origins } : null;
}

const isSameDispatch = (known: DispatchConfig, next: DispatchConfig): boolean =>
  known.channelVersion === next.channelVersion &&
  known.asks === next.asks &&
  known.origins.length === next.origins.length &&
  known.origins.every(({ id, version }, index) => {
    const other = next.origins[index];
    return other?.id === id && other.version === version;
  });

/** Everything an isolate keeps about a channel, read in one call. */
export type ChannelRecord = {
  readonly channel: Channel;
  readonly keys: readonly FetchedKey[];
  readonly dispatch: DispatchConfig;
  /** Its provider did not answer the last question; left out: it did, or nobody asked. */
  readonly isTroubled?: boolean;
};

export const shardNameOf = (channel: Pick<Channel, 'uid' | 'shards'>, shard: number): string =>
  `v1:${channel.uid}:${channel.shards}:${shard}`;

/** How many shards share the channel with the one of this name. */
export const shardsIn = (name: string): number =>
  Math.max(1, Number(/^v1:[^:]*:(?:tx:)?(\d+):\d+$/.exec(name)?.[1] ?? 1));

const encoder = new TextEncoder();

/** The one object that an order lives in: fnv1a of the order number, mod the channel's shard count. */
export function shardOf(orderNo: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(orderNo)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

export const locatorName = (channel: Pick<Channel, 'uid' | 'shards'>, shard: number): string =>
  `v1:${channel.uid}:tx:${channel.shards}:${shard}`;

/** The object that knows which order a provider's id means. */
export const locatorNameOf = (channel: Pick<Channel, 'uid' | 'shards'>, id: string): string =>
  locatorName(channel, shardOf(id, channel.shards));

export const ledgerNameOf = (channel: Pick<Channel, 'uid' | 'shards'>, orderNo: string): string =>
  shardNameOf(channel, shardOf(orderNo, channel.shards));
