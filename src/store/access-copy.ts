// The isolate's copy of who may come in by Cloudflare Access and of ended sessions: fresh for a while, and stale for as
// long as the registry cannot be reached. Never writes.
import type { AccessCopy } from '../core/access.ts';
import { REGISTRY_COPY_FRESH_MS, REGISTRY_READ_TIMEOUT_MS } from '../core/limits.ts';
import { within } from '../core/within.ts';

/** After a failed question the stale copy serves this long before the next one. */
const ASK_AGAIN_MS = 1_000;

let known: { readonly value: AccessCopy; askAgainAt: number } | null = null;

/** Throws when nothing is known and nobody answers: then nobody can say that a session still holds. */
export async function readAccessCopy(env: Env, now: number): Promise<AccessCopy> {
  if (known && now < known.askAgainAt) return known.value;
  try {
    const asked = env.REGISTRY.getByName('registry').readAccessCopy();
    const value = await within(asked, REGISTRY_READ_TIMEOUT_MS, 'The registry');
    known = { value, askAgainAt: now + REGISTRY_COPY_FRESH_MS };
    return value;
  } catch (error) {
    if (!known) throw error;
    known.askAgainAt = now + ASK_AGAIN_MS;
    return known.value;
  }
}

/** Something changed here: this isolate asks again at once, others within the copy's lifetime. */
export function forgetAccessCopy(): void {
  if (known) known.askAgainAt = 0;
}
