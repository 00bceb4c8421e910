// When a channel's keys and certificates end, and when a person is told of it. Pure. Judges no key: only its dates.
import type { FetchedKey } from './channel.ts';
import type { CredentialExpiry } from './credential.ts';
import { DAY_MS, KEY_WARNING_DAYS } from './limits.ts';

export type KeyEnd = {
  readonly serial: string;
  /** Fetched from the provider, or part of the credentials. */
  readonly source: 'fetched' | 'configured';
  /** The field of the credentials that holds it; null for a fetched one. */
  readonly field: string | null;
  readonly effectiveAt: number;
  readonly expiresAt: number;
};

/** All of them, the one that ends first before the others. */
export function keyEndsOf(fetched: readonly FetchedKey[], configured: readonly CredentialExpiry[]): readonly KeyEnd[] {
  return [
    ...fetched.map(({ pem: _, ...key }) => ({ ...key, source: 'fetched' as const, field: null })),
    ...configured.map((key) => ({ ...key, source: 'configured' as const })),
  ].sort((a, b) => a.expiresAt - b.expiresAt || (a.serial < b.serial ? -1 : 1));
}

/** Whole days until then; negative once it is over. */
export const daysLeft = (expiresAt: number, now: number): number => Math.floor((expiresAt - now) / DAY_MS);

/** Those whose end leaves nothing in their place: of each field, and of what was fetched, the last to end. */
export function lastOnes(keys: readonly KeyEnd[]): readonly KeyEnd[] {
  const last = new Map<string, KeyEnd>();
  for (const key of keys) {
    const place = `${key.source}/${key.field ?? ''}`;
    if (key.expiresAt >= (last.get(place)?.expiresAt ?? Number.NEGATIVE_INFINITY)) last.set(place, key);
  }
  return [...last.values()];
}

/** Since when a person should have heard of this end, for the nearest of the warnings; null before the first. */
export function warnedSince(expiresAt: number, now: number): number | null {
  const passed = KEY_WARNING_DAYS.map((days) => expiresAt - days * DAY_MS).filter((at) => at <= now);
  return passed.length === 0 ? null : Math.max(...passed);
}
