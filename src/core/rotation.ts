// Two sets of credentials while one takes the other's place: which of them a channel keeps, and when the earlier ones
// may prove a callback that the newest cannot. Pure. Never opens what is sealed.
import type { Channel, ChannelView, PreviousCredentials, Sealed } from './channel.ts';
import type { RejectionReason } from './rejection.ts';

/** New credentials that take the place of those they were compared with. */
export type CredentialRotation = {
  readonly credentials: Sealed;
  /** The credentials they were compared with: where others stand by now, nothing is rotated. */
  readonly after: Sealed;
  /** The same credentials again: nothing takes their place, only the end of the earlier ones moves. */
  readonly isSame: boolean;
  /** Until when the earlier ones are taken; epoch milliseconds. */
  readonly until: number;
};

export type CredentialChange = {
  /** These alone from now on. */
  readonly credentials?: Sealed | undefined;
  readonly rotation?: CredentialRotation | undefined;
};

type Kept = Pick<Channel, 'credentials' | 'previous'>;

/** The earlier credentials while they are taken. */
export const previousAt = ({ previous }: Pick<Channel, 'previous'>, now: number): PreviousCredentials | null =>
  previous !== null && now < previous.until ? previous : null;

/** What anybody may see of a channel. */
export function viewOf(channel: Channel, now: number): ChannelView {
  const { credentials: _, previous: __, ...view } = channel;
  return { ...view, previousUntil: previousAt(channel, now)?.until ?? null };
}

/** What the channel keeps after a change; only one earlier set, so that a callback is verified twice at most. */
export function credentialsAfter(kept: Kept, { credentials, rotation }: CredentialChange, now: number): Kept {
  if (credentials !== undefined) return { credentials, previous: null };
  const standing = previousAt(kept, now);
  if (rotation === undefined) return { credentials: kept.credentials, previous: standing };
  const { isSame, until } = rotation;
  const earlier = isSame ? standing?.sealed : kept.credentials;
  return {
    credentials: isSame ? kept.credentials : rotation.credentials,
    previous: earlier !== undefined && now < until ? { sealed: earlier, until } : null,
  };
}

/** Refusals that say no more than that the secret or key was another one. */
const OTHER_SECRET: ReadonlySet<RejectionReason> = new Set([
  'signature_invalid',
  'unknown_key',
  'keys_unavailable',
  'decrypt_failed',
]);

export const mayBeOtherSecret = (reason: RejectionReason): boolean => OTHER_SECRET.has(reason);

/** Names of the fields whose values differ, those that only one of the two has among them. */
export function changedFields(before: unknown, after: unknown): string[] {
  const [old, new_] = [membersOf(before), membersOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(new_)])].filter((name) => !isSame(old[name], new_[name]));
}

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};

/** The same JSON, whatever the order of its members; undefined is no member. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return Array.isArray(a) === Array.isArray(b) && changedFields(a, b).length === 0;
}
