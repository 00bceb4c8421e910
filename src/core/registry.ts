// The messages between the verbs and the registry. Pure data. Secrets travel here only sealed or hashed.
import type { Act } from './act.ts';
import type { Channel, ChannelSettings, ChannelStatus } from './channel.ts';
import type { Origin, OriginSecret, OriginSettings } from './origin.ts';
import type { CredentialChange } from './rotation.ts';

/** Who may do what. `admin` may do everything. */
export const SCOPES = ['read', 'orders', 'operate', 'metrics', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export type ChannelDraft = Pick<
  Channel,
  | 'id'
  | 'uid'
  | 'provider'
  | 'mode'
  | 'settings'
  | 'environment'
  | 'shards'
  | 'locationHint'
  | 'origins'
  | 'allowlist'
  | 'credentials'
>;
/** Only what is named changes. */
type Changes<T> = { readonly [K in keyof T]?: T[K] | undefined };
export type ChannelChange = Changes<Pick<Channel, 'origins' | 'allowlist' | 'mode'>> &
  CredentialChange & {
    /** Of the settings too only what is named changes. */
    readonly settings?: Partial<ChannelSettings> | undefined;
  };
export type StatusChange = { readonly to: ChannelStatus; readonly from: readonly ChannelStatus[] };

type OriginBasics = Pick<Origin, 'url' | 'format' | 'timeoutMs' | 'ladderSeconds' | 'perSecond' | 'concurrent'>;
/** Of the settings only what is named differs from the defaults, or changes. */
type NamedSettings = { readonly settings?: Partial<OriginSettings> | undefined };
export type OriginDraft = OriginBasics & NamedSettings & { readonly id: string; readonly secret: OriginSecretDraft };
export type OriginChange = Changes<OriginBasics> &
  NamedSettings & {
    /** The version that the caller looked at; left out: whatever stands. */
    readonly ifVersion?: number | undefined;
  };
export type OriginSecretDraft = Pick<OriginSecret, 'kind' | 'sealed' | 'publicKey'>;
export type Rotation = { readonly secret: OriginSecretDraft; readonly overlapMs: number };

/** `version` null: whatever stands now. An older version than the current one changes nothing. */
export type OriginPause = {
  readonly id: string;
  readonly version: number | null;
  readonly reason: 'operator' | 'gone' | 'failing';
  readonly now: number;
};
export type OriginResume = Omit<OriginPause, 'reason'>;

export type ApiKey = {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The key's last four characters, so that a person can tell two keys apart. */
  readonly ending: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  /** From then on it is refused; null: never. */
  readonly expiresAt: number | null;
  /** To the hour: a key that is busy is not written down each time. */
  readonly lastUsedAt: number | null;
};
/** Only what is named changes. Scopes stay: whoever has the key would not hear of it. */
export type ApiKeyChange = Changes<Pick<ApiKey, 'name' | 'expiresAt'>>;
/** `hash` is the SHA-256 of the key, hex; `sealed` is remembered with the Idempotency-Key alone. */
export type ApiKeyDraft = Pick<ApiKey, 'id' | 'name' | 'scopes' | 'ending' | 'expiresAt'> & {
  readonly hash: string;
  readonly sealed: string;
};
/** What an isolate needs to let a caller in. */
export type ApiKeyCopy = Pick<ApiKey, 'id' | 'scopes' | 'expiresAt' | 'lastUsedAt'> & { readonly hash: string };

/** When a write was asked for, and how a repeated one is recognised. */
export type WriteStamp = {
  readonly now: number;
  /** The caller's Idempotency-Key within the caller's own name; null when none was sent. */
  readonly key: string | null;
  /** SHA-256 of method, path and body, hex. */
  readonly digest: string;
  /** What the audit log is told when the write was done; left out where nobody asked for it. */
  readonly act?: Act;
};

export type WriteReply<T> =
  | {
      readonly kind: 'done';
      readonly value: T /** True when an earlier write is being repeated. */;
      readonly repeated: boolean;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'unknown_origin'; readonly index: number }
  /** Somebody else changed it since the caller looked. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'wrong_status'; readonly status: string }
  /** As many as there may be. */
  | { readonly kind: 'full'; readonly most: number }
  | { readonly kind: 'key_reused' };

/** `recent`: asked less than a minute ago. `not_wanted`: the credentials do not allow fetching, or no such channel. */
export type KeyRefresh = 'refreshed' | 'recent' | 'not_wanted' | 'failed';
