// What a callback that cannot be verified now says it is about. Pure types. Never believed: the provider is asked, and
// only its answer counts.
import type { Callback } from '../../core/callback.ts';
import type { QueryTarget } from '../provider.ts';

export type Hint = {
  readonly target: QueryTarget;
  /** Only somebody who knows a secret of the channel's can have written it. Else anybody may have. */
  readonly isSealed: boolean;
};

export type Hinting<Credentials> = {
  /** Null where it names nothing. Never throws for hostile bytes. */
  readonly hint?: (callback: Callback, credentials: Credentials) => Promise<Hint | null>;
};
