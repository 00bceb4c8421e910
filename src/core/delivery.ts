// Delivery: the duty to bring one event to one origin, and what follows each attempt. Pure.
import { RETRY_AFTER_SECONDS_MAX, RETRY_JITTER_SHARE } from './limits.ts';

export type NextStep = { readonly kind: 'retry'; readonly waitMs: number } | { readonly kind: 'dead' };

/**
 * What follows a failed attempt. `failures` counts this one; `ladderSeconds[n]` is the wait before attempt n + 1.
 * `random` in [0, 1) stretches the wait. An origin's Retry-After may lengthen a wait, never shorten it.
 */
export function nextStep(
  failures: number,
  ladderSeconds: readonly number[],
  retryAfterSeconds: number | null,
  random: number,
): NextStep {
  const step = ladderSeconds[failures];
  if (step === undefined) return { kind: 'dead' };
  const jitteredMs = step * 1000 * (1 + RETRY_JITTER_SHARE * random);
  const askedMs = Math.min(retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS_MAX) * 1000;
  return { kind: 'retry', waitMs: Math.ceil(Math.max(jitteredMs, askedMs)) };
}

/** Reads Retry-After: whole seconds or an HTTP date (RFC 9110, 10.2.3). Null when absent, past or nonsense. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), RETRY_AFTER_SECONDS_MAX);
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const seconds = Math.ceil((Date.parse(text) - now) / 1000);
  return seconds > 0 ? Math.min(seconds, RETRY_AFTER_SECONDS_MAX) : null;
}

/** Exponential backoff from `minMs`, doubling with each failure up to `maxMs`. */
export const backoffMs = (failures: number, minMs: number, maxMs: number): number =>
  Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
