// Which of our two languages a reader likes, and how an amount is written in it. Pure. Knows no page.
import { decimalsOf, type Money, printMoney } from './money.ts';

export type Language = 'zh' | 'en';

/** BCP 47, for pages and for amounts. */
export const LOCALES: Readonly<Record<Language, string>> = { zh: 'zh-CN', en: 'en' };

/** The language that `Accept-Language` likes better; English where it likes neither (RFC 9110, 12.5.4). */
export function languageOf(chosen: string | null, accepted: string | null): Language {
  if (chosen === 'zh' || chosen === 'en') return chosen;
  const liked = (accepted ?? '')
    .slice(0, 500)
    .split(',')
    .map((item) => {
      const [, tag = '', weight = '1'] = /^\s*([A-Za-z]+)[\w-]*\s*(?:;\s*q=([\d.]+))?\s*$/.exec(item) ?? [];
      return { tag: tag.toLowerCase(), weight: Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  for (const { tag } of liked) if (tag === 'zh' || tag === 'en') return tag;
  return 'en';
}

/** A text with what is given put in the place of its `{name}`; a name that is not given leaves nothing. */
export const fill = (text: string, given: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => String(Object.hasOwn(given, name) ? given[name] : ''));

/** By its digits alone: no float ever touches an amount. */
export const amountText = (amount: Money, locale: string): string =>
  formatOf(locale, amount.currency).format(printMoney(amount) as `${number}`); // printMoney prints a decimal number

/** Making one takes longer than a table of amounts; `scale`: digits at most where they are more than the currency's. */
export function formatOf(locale: string, currency: string, scale = 0): Intl.NumberFormat {
  const key = `${locale} ${currency} ${scale}`;
  const known = FORMATS.get(key);
  if (known) return known;
  const decimals = decimalsOf(currency);
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: Math.max(decimals, scale) };
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, ...digits });
  if (FORMATS.size >= FORMATS_MAX) FORMATS.clear();
  FORMATS.set(key, format);
  return format;
}

const FORMATS = new Map<string, Intl.NumberFormat>();
const FORMATS_MAX = 200;
