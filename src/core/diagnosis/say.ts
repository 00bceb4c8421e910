// A finding in words: which text says what was seen, which says how to mend it, and what is filled into both. Pure.
import { fill, type Language } from '../language.ts';
import { reasons } from '../reason-texts.ts';
import type { Finding, Given } from './finding.ts';
import { inbound } from './inbound-texts.ts';
import { outbound } from './outbound-texts.ts';

/** A finding as /v1 tells it, too. */
type Told = { readonly code: string; readonly given: Given };

/** The texts of a finding, as `family.code`; the first mend that there is a text for is the one. */
export const textsOf = ({ code, given: { reason, alarm, outcome, keys } }: Told) => ({
  seen: `seen.${code}`,
  fix: [
    ...(code === 'refused' || code === 'refused_order' ? [`mend.signature_${keys}`, `mend.${reason}`] : []),
    ...(code === 'alarmed' ? [`next.${alarm}`] : []),
    ...(outcome === undefined || code === 'delivered' ? [] : [`mend.${outcome}`]),
    `fix.${code}`,
  ],
});

/** Given names that stand for a code of a family of words. */
const FAMILIES: Readonly<Record<string, string>> = {
  reason: 'reason',
  verdict: 'verdict',
  alarm: 'alarm',
  outcome: 'outcome',
  source: 'source',
};
const STATE_FAMILIES: Readonly<Record<string, string>> = { order_state: 'state' };

/** What is given, with codes put into words; `word` leaves a code that it does not know as it is. */
export function inWords({ code, given }: Told, word: (family: string, code: string) => string): Given {
  const worded = Object.entries(given).map(([name, value]) => {
    const family = name === 'state' ? (STATE_FAMILIES[code] ?? 'delivery') : FAMILIES[name];
    return [name, family === undefined || typeof value === 'number' ? value : word(family, value)];
  });
  return Object.fromEntries(worded);
}

/** Nothing was given for a word: no gap is left before what follows it. */
export const sentence = (text: string): string => text.replace(/ +(?=[ .。,，])/g, '').trim();

type Texts = Readonly<Record<string, Readonly<Record<Language, string>>>>;
const TEXTS: Texts = { ...reasons, ...inbound, ...outbound };

/** For programs, and for whoever reads what they print. `alarms`: what alarms are called, and what to do next. */
export function inEnglish(finding: Finding, alarms: Texts): { readonly seen: string; readonly fix: string | null } {
  const textAt = (key: string): string | undefined =>
    [TEXTS, alarms].find((texts) => Object.hasOwn(texts, key))?.[key]?.en;
  const given = inWords(finding, (family, code) => textAt(`${family}.${code}`) ?? code);
  const { seen, fix } = textsOf(finding);
  const mend = fix.map(textAt).find((text) => text !== undefined);
  return {
    seen: sentence(fill(textAt(seen) ?? finding.code, given)),
    fix: mend === undefined ? null : fill(mend, given),
  };
}
