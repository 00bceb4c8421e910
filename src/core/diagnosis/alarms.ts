// Which alarms of a channel can explain that a callback is missing, and at which step of the way; all others are told
// apart, so that nobody takes them for the cause. Pure.
import type { AlarmCode } from '../alarm.ts';
import { type DiagnosisFacts, hasArrived, isUnpaid } from './facts.ts';
import { bad, type Finding, open } from './finding.ts';

const EXPLAINS: Readonly<Partial<Record<AlarmCode, 'usual' | 'provider'>>> = {
  channel_silent: 'usual',
  rejection_spike: 'usual',
  wrong_merchant: 'usual',
  wrong_environment: 'usual',
  decrypt_failed: 'usual',
  keys_unavailable: 'usual',
  unlinked: 'usual',
  provider_away: 'provider',
  provider_refuses: 'provider',
};
const stepOf = (code: string): string | undefined => Object.entries(EXPLAINS).find(([known]) => known === code)?.[1];

/** Nothing came that should have: of the order that is named, or at all. */
function isMissing(facts: DiagnosisFacts): boolean {
  const { orderNo, isRehearsal, arrivals } = facts;
  if (isRehearsal) return false;
  if (orderNo === null) return arrivals !== null && arrivals.taken === 0;
  return !hasArrived(facts) && !isUnpaid(facts);
}

export function alarmFindings(facts: DiagnosisFacts, step: 'usual' | 'provider'): readonly Finding[] {
  if (!isMissing(facts)) return [];
  const found = facts.alarms.filter(({ code }) => stepOf(code) === step);
  return found.map(({ code, detail }) => bad('alarmed', { alarm: code, detail }, 'see_alarms'));
}

/** What else is open at the channel. */
export function remarksOf(facts: DiagnosisFacts): readonly Finding[] {
  const isMissed = isMissing(facts);
  const apart = facts.alarms.filter(({ code }) => !isMissed || stepOf(code) === undefined);
  return apart.map(({ code, detail }) => open('alarmed', { alarm: code, detail }, 'see_alarms'));
}
