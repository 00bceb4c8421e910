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

/** From an event's arrival to its first attempt: `ladderSeconds[0]`, stretched as every wait is. */
export const firstWaitMs = (ladderSeconds: readonly number[], random: number): number =>
  Math.ceil((ladderSeconds[0] ?? 0) * 1000 * (1 + RETRY_JITTER_SHARE * random));

/** Reads Retry-After: whole seconds or an HTTP date (RFC 9110, 10.2.3). Null when absent, past or nonsense. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil(((parseHttpDate(text, now) ?? now) - now) / 1000);
  return seconds > 0 ? Math.min(seconds, RETRY_AFTER_SECONDS_MAX) : null;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = '(?<h>\\d{2}):(?<m>\\d{2}):(?<s>\\d{2})';
// RFC 9110, 5.6.7: the form to send, and two old ones that a recipient must still read. All are GMT.
const HTTP_DATES = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, (?<day>\\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\\d{2}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

function parseHttpDate(text: string, now: number): number | null {
  for (const form of HTTP_DATES) {
    const { day, month = '', year = '', h, m, s } = form.exec(text)?.groups ?? {};
    const at = Date.UTC(fullYear(year, now), MONTHS.indexOf(month), Number(day), Number(h), Number(m), Number(s));
    if (MONTHS.includes(month) && Number.isFinite(at)) return at;
  }
  return null;
}

/** Two digits mean the year with these last digits that is at most 50 years ahead. */
function fullYear(year: string, now: number): number {
  if (year.length !== 2) return Number(year);
  const thisYear = new Date(now).getUTCFullYear();
  const sameCentury = thisYear - (thisYear % 100) + Number(year);
  return sameCentury > thisYear + 50 ? sameCentury - 100 : sameCentury;
}

/** Exponential backoff from `minMs`, doubling with each failure up to `maxMs`. */
export const backoffMs = (failures: number, minMs: number, maxMs: number): number =>
  Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
