// The console's words: each in both languages, each used, and none outside of the dictionary.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TEXTS } from '../../src/console/texts.ts';
import { ALARM_CODES } from '../../src/core/alarm.ts';
import { FLAGS } from '../../src/core/order.ts';
import { REJECTION_REASONS } from '../../src/core/rejection.ts';
import { filesUnder } from '../tidy/source.ts';

const entries = Object.entries(TEXTS);
const pages = filesUnder('src/console')
  .filter((path) => /\.tsx?$/.test(path) && !path.includes('/texts'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
/** The words of a diagnosis are named where the API takes them from too. */
const source = [...pages.map(({ text }) => text), readFileSync('src/core/diagnosis/say.ts', 'utf8')].join('\n');

const CODES: Readonly<Record<string, readonly string[]>> = {
  flag: FLAGS,
  advice: FLAGS,
  reason: REJECTION_REASONS,
  mend: REJECTION_REASONS,
};

/** How pages name a whole family of texts, one for each code. */
const WAYS: readonly ((family: string) => string)[] = [
  (family) => `\`${family}.\${`,
  (family) => `family="${family}"`,
  (family) => `say, '${family}', `,
  (family) => `choices('${family}', `,
];

describe('the dictionary', () => {
  it('has every text in Chinese and in English', () => {
    expect(entries.length).toBeGreaterThan(250);
    const wanting = entries.filter(([, { en, zh }]) => en.trim() === '' || zh.trim() === '');
    expect(wanting).toEqual([]);
    const SAME = /^(product|frame\.language\.\w+|\w+\.id)$/;
    expect(entries.filter(([key, { en, zh }]) => en === zh && !SAME.test(key)).map(([key]) => key)).toEqual([]);
  });

  it('gives each name to one text alone', () => {
    const keys = filesUnder('src/console/texts').flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/^ {2}'([^']+)':/gm)].map(([, key]) => key),
    );
    expect(keys.length).toBeGreaterThan(250);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });

  it('asks for the same in both languages', () => {
    const asked = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    expect(entries.filter(([, { en, zh }]) => `${asked(en)}` !== `${asked(zh)}`).map(([key]) => key)).toEqual([]);
  });

  it('holds no text that no page uses', () => {
    const isUsed = (key: string) => {
      if (source.includes(`'${key}'`)) return true;
      const parts = key.split('.');
      const families = parts.map((_, at) => parts.slice(0, at).join('.')).filter(Boolean);
      return families.some((family) => WAYS.some((way) => source.includes(way(family))));
    };
    expect(entries.map(([key]) => key).filter((key) => !isUsed(key))).toEqual([]);
  });

  it.each(Object.entries(CODES))('knows a word for every code of %s', (family, codes) => {
    expect(codes.filter((code) => !(`${family}.${code}` in TEXTS))).toEqual([]);
  });

  it('knows a word and a next step for every alarm', () => {
    expect(ALARM_CODES.length).toBeGreaterThan(10);
    expect(ALARM_CODES.filter((code) => !(`alarm.${code}` in TEXTS && `next.${code}` in TEXTS))).toEqual([]);
  });
});

describe('pages', () => {
  it('hold no text of their own', () => {
    const found = pages
      .filter(({ path }) => path.endsWith('.tsx'))
      .flatMap(({ path, text }) => {
        const bare = [...text.matchAll(/(?<=[\w"'}/]|^\s*)>([^<>{}=;()]*[A-Za-z一-龥]{2}[^<>{}=;()]*)<\//gm)].map(
          ([, words]) => words,
        );
        const named = [
          ...text.matchAll(
            /\b(?:aria-label|title|alt|placeholder|label|help|head|caption)(?:=|: )["']([^"'{\n]+)["']/g,
          ),
        ];
        return [...bare, ...named.map(([, words]) => words)].map((words) => `${path}: ${words?.trim()}`);
      });
    expect(found).toEqual([]);
  });

  it('would be caught with one', () => {
    const caught = /(?<=[\w"'}/]|^\s*)>([^<>{}=;()]*[A-Za-z一-龥]{2}[^<>{}=;()]*)<\//gm;
    expect('<p class="soft">Some words</p>'.match(caught)).not.toBeNull();
  });
});
