// Proves a callback genuine with the channel's credentials, and during a rotation with those before them. Never looks
// at earlier credentials where another secret would change nothing, and verifies twice at most.
import type { Callback } from '../core/callback.ts';
import type { FetchedKey } from '../core/channel.ts';
import type { Rejection } from '../core/rejection.ts';
import { ok, type Result } from '../core/result.ts';
import { mayBeOtherSecret } from '../core/rotation.ts';
import type { AnyProvider } from '../providers/provider.ts';

/** What was proved, and the credentials that proved it: they alone may say what it means. */
export type Proved = { readonly notification: unknown; readonly credentials: unknown };

export type Proving = {
  readonly provider: AnyProvider;
  readonly callback: Callback;
  readonly newest: unknown;
  /** Opens the credentials before a rotation; null when there are none, or no longer. */
  readonly previous: (() => Promise<unknown>) | null;
  readonly keys: readonly FetchedKey[];
  readonly now: number;
};

/** A refusal is the newest credentials' own. */
export async function prove(proving: Proving): Promise<Result<Proved, Rejection>> {
  const { provider, callback, newest, previous, keys, now } = proving;
  const verified = await provider.verify(callback, newest, keys, now);
  if (verified.ok) return ok({ notification: verified.value, credentials: newest });
  if (previous === null || !mayBeOtherSecret(verified.error.reason)) return verified;
  const credentials = await previous();
  const again = await provider.verify(callback, credentials, keys, now);
  return again.ok ? ok({ notification: again.value, credentials }) : verified;
}
