// Bulletin: what one message tells, in the reader's language, before it is put into a platform's form. Pure. Texts of
// strangers are in it (an origin's answer, an order's number): each form makes them harmless in its own way.
import type { NoteKind } from '../core/alarm-rule.ts';
import type { Language } from '../core/language.ts';
import { alarmWords } from './words.ts';

export type BulletinItem = {
  readonly kind: NoteKind;
  readonly code: string;
  readonly subject: string;
  readonly detail: string;
  readonly count: number;
  /** How often it came since it was told last, and when that was; for `again`. */
  readonly since: { readonly count: number; readonly at: number } | null;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly critical: boolean;
  /** Where in the console to look; null while the gateway does not know its own address. */
  readonly link: string | null;
};

export type Bulletin = {
  readonly id: string;
  readonly at: number;
  readonly language: Language;
  readonly items: readonly BulletinItem[];
  /** How many more there are that are not listed. */
  readonly more: number;
  /** Where all of them are. */
  readonly link: string | null;
};

export type Paragraph = { readonly head: string; readonly lines: readonly string[]; readonly link: string | null };
export type Told = {
  readonly title: string;
  readonly paragraphs: readonly Paragraph[];
  readonly tail: string | null;
  readonly open: string;
};

type Words = { readonly en: string; readonly zh: string };
const SAID = {
  test: { en: 'Test of an alarm destination', zh: '告警通知测试' },
  testLine: { en: 'If you can read this, alarms arrive here.', zh: '看到此消息即表示告警可以送达。' },
  many: { en: '{n} alarms', zh: '{n} 条告警' },
  more: { en: 'and {n} more', zh: '另有 {n} 条' },
  resolved: { en: 'Over: {title}', zh: '已恢复：{title}' },
  again: { en: 'Again: {title}', zh: '持续：{title}' },
  times: { en: 'again: {n} times since {at}', zh: '自 {at} 起又发生 {n} 次' },
  several: { en: '{n} times since {at}; the last:', zh: '自 {at} 起 {n} 次，最近一次：' },
  next: { en: 'Next: {text}', zh: '处理：{text}' },
  first: { en: 'since {at}', zh: '始于 {at}' },
  // Robots may ask for a keyword, and it is not said whether a title counts.
  open: { en: 'Open Tollgate', zh: '打开 Tollgate' },
  order: { en: 'Order {rest}, channel {id}', zh: '订单 {rest}，渠道 {id}' },
  channel: { en: 'Channel {id}', zh: '渠道 {id}' },
  origin: { en: 'Origin {id}', zh: '源站 {id}' },
  destination: { en: 'Destination {id}', zh: '通知目的地 {id}' },
} as const satisfies Readonly<Record<string, Words>>;

const say = (words: Words, language: Language, given: Readonly<Record<string, string | number>> = {}): string =>
  words[language].replace(/\{(\w+)\}/g, (_, name: string) => String(given[name] ?? ''));

const WORDS: Readonly<Record<string, Words>> = alarmWords;
const titleOf = ({ code }: BulletinItem, language: Language): string => WORDS[`alarm.${code}`]?.[language] ?? code;

function subjectText(subject: string, language: Language): string {
  const [kind = '', id = ''] = subject.split('/');
  const rest = subject.slice(kind.length + id.length + 2);
  const isKnown = kind === 'order' || kind === 'channel' || kind === 'origin' || kind === 'destination';
  return isKnown ? say(SAID[kind], language, { id, rest }) + (kind !== 'order' && rest ? ` (${rest})` : '') : subject;
}

/** In UTC, to the minute, said so: readers may be anywhere. */
const clock = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function paragraphOf(item: BulletinItem, language: Language): Paragraph {
  const { kind, code, subject, detail, since, link } = item;
  if (kind === 'test') return { head: say(SAID.test, language), lines: [say(SAID.testLine, language)], link };
  const title = titleOf(item, language);
  const next = WORDS[`next.${code}`]?.[language];
  const head = kind === 'raised' ? title : say(SAID[kind], language, { title });
  const again = kind === 'again' && since ? [say(SAID.times, language, { n: since.count, at: clock(since.at) })] : [];
  const begun = begunText(item, language);
  const advice = kind === 'resolved' || next === undefined ? [] : [say(SAID.next, language, { text: next })];
  const told = kind === 'resolved' || detail === '' ? [] : [detail];
  return { head, lines: [subjectText(subject, language), ...again, ...begun, ...told, ...advice], link };
}

/** Of several that are one alarm only the last is told of, and how many there were. */
function begunText({ kind, count, firstAt, lastAt }: BulletinItem, language: Language): readonly string[] {
  const at = clock(firstAt);
  if (kind === 'raised' && count > 1) return [say(SAID.several, language, { n: count, at })];
  return kind === 'resolved' || firstAt !== lastAt ? [say(SAID.first, language, { at })] : [];
}

export function tell({ language, items, more, link }: Bulletin): Told {
  const all = items.length + more;
  const paragraphs = items.map((item) => paragraphOf(item, language));
  const title = all === 1 ? (paragraphs[0]?.head ?? '') : say(SAID.many, language, { n: all });
  const rest = more > 0 ? say(SAID.more, language, { n: more }) : null;
  const tail = rest === null ? null : link === null ? rest : `${rest}: ${link}`;
  return { title: `Tollgate · ${title}`, paragraphs, tail, open: say(SAID.open, language) };
}

/** One line in which no program finds an address to make a link of. */
export const unlinked = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').replaceAll('://', '：//');

/** The same without what Markdown takes for a link, a mention, an entity or markup: look-alikes stand in. Order numbers
 * stay as they are. */
export const plain = (text: string): string =>
  unlinked(text).replace(/[[\]<>*`~|\\@&#]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0));

/** What is made of as many alarms as fit; the others are counted. */
export function fitted<T>(bulletin: Bulletin, make: (told: Told) => T, fits: (made: T) => boolean): T {
  const { items, more } = bulletin;
  const makeOf = (shown: number) => {
    const left = items.length - shown;
    return make(tell({ ...bulletin, items: items.slice(0, shown), more: more + left }));
  };
  for (let shown = items.length; shown > 1; shown--) {
    const made = makeOf(shown);
    if (fits(made)) return made;
  }
  return makeOf(Math.min(1, items.length));
}

export const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** Cut to so many bytes of UTF-8, at a whole character. */
export function within(text: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= bytesMax) return text;
  const cut = new TextDecoder().decode(bytes.subarray(0, bytesMax - 3)).replace(/\uFFFD+$/, '');
  return `${cut}…`;
}

/** The form that the Markdown of chat platforms has in common: headings, quotes, links. */
export function markdown({ title, paragraphs, tail, open }: Told): string {
  const parts = paragraphs.map(({ head, lines, link }) =>
    [
      `**${plain(head)}**`,
      ...lines.map((line) => `> ${plain(line)}`),
      ...(link === null ? [] : [`[${open}](${link})`]),
    ].join('\n\n'),
  );
  return [`### ${plain(title)}`, ...parts, ...(tail === null ? [] : [tail])].join('\n\n');
}
