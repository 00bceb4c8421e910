// The console's one dictionary: every text that a person reads, in both languages. Pages hold no text of their own.
import { alarmWords } from '../alarm/words.ts';
import { inbound } from '../core/diagnosis/inbound-texts.ts';
import { outbound } from '../core/diagnosis/outbound-texts.ts';
import { fill, type Language } from '../core/language.ts';
import { pasted } from '../core/pasted-texts.ts';
import { reached } from '../core/reached-texts.ts';
import { reasons } from '../core/reason-texts.ts';
import { access } from './texts/access.ts';
import { alarmTexts } from './texts/alarms.ts';
import { deliveries } from './texts/deliveries.ts';
import { figures } from './texts/figures.ts';
import { flags } from './texts/flags.ts';
import { frame } from './texts/frame.ts';
import { orders } from './texts/orders.ts';
import { problems } from './texts/problems.ts';
import { reconciliations } from './texts/reconciliations.ts';
import { setup } from './texts/setup.ts';
import { tests } from './texts/tests.ts';
import { why } from './texts/why.ts';
import { words } from './texts/words.ts';

export const TEXTS = {
  ...access,
  ...frame,
  ...orders,
  ...flags,
  ...words,
  ...problems,
  ...reasons,
  ...alarmWords,
  ...alarmTexts,
  ...deliveries,
  ...setup,
  ...reconciliations,
  ...why,
  ...pasted,
  ...reached,
  ...inbound,
  ...outbound,
  ...figures,
  ...tests,
};
export type Key = keyof typeof TEXTS;
type Given = Readonly<Record<string, string | number>>;
/** A text in the visitor's language; `{name}` stands for what is given by that name. */
export type Say = (key: Key, given?: Given) => string;

export const sayIn =
  (language: Language): Say =>
  (key, given = {}) =>
    fill(TEXTS[key][language], given);

const isKey = (key: string): key is Key => Object.hasOwn(TEXTS, key);

/** What a code of the API is called, such as `state.paid`; the code itself where it is newer than these texts. */
export const wordFor = (say: Say, family: string, code: string): string => adviceFor(say, family, code) ?? code;

/** The same, or null: for advice, which is shown only where there is some. */
export const adviceFor = (say: Say, family: string, code: string, given?: Given): string | null => {
  const key = `${family}.${code}`;
  return isKey(key) ? say(key, given) : null;
};
