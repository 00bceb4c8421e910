// docs/formats.md against the code: every format, option, field and provider is there, and its examples are true.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FLAT_FIELD_NAMES } from '../../src/formats/flat.ts';
import { FORMATS } from '../../src/formats/index.ts';
import { WRITINGS } from '../../src/formats/mapped-schema.ts';
import { PROVIDER_IDS, providerOf } from '../../src/providers/index.ts';
import { formFields, hmacHex, rendered, signedString, textOf } from './input.ts';

const page = readFileSync('docs/formats.md', 'utf8');
const mentions = (word: string) => page.includes(`\`${word}\``) || page.includes(`"${word}"`);

/** The text between two headings of the same or a higher rank. */
function sectionOf(heading: string): string {
  const rank = heading.split(' ')[0]?.length ?? 0;
  const [, after = ''] = page.split(`\n${heading}\n`);
  return after.split(new RegExp(`\n#{1,${rank}} `))[0] ?? '';
}
const blocksOf = (text: string, language = ''): string[] =>
  [...text.matchAll(/```(\w*)\n([\s\S]*?)\n```/g)].filter(([, of]) => of === language).map(([, , code = '']) => code);

describe('the page of formats', () => {
  it('explains every format and each of its options', () => {
    type Shaped = { shape: Record<string, unknown> };
    for (const { name, options } of FORMATS) {
      const { shape } = options as unknown as Shaped; // every format's options are a zod object
      expect([name, ...Object.keys(shape)].filter((word) => !mentions(word))).toEqual([]);
    }
  });

  it('lists every flat field, and every way to write a value', () => {
    expect([...FLAT_FIELD_NAMES, ...WRITINGS].filter((word) => !mentions(word))).toEqual([]);
  });

  it('says of every provider what is read as yes, and of those with a clock or a shared secret what follows', () => {
    const [yes, clock, anew] = [
      '### What is read as yes',
      '### A callback past its time',
      '### What goes by the fallback',
    ];
    const lacking = PROVIDER_IDS.flatMap((id) => {
      const provider = providerOf(id);
      const wanted = [yes, ...(provider?.freshUntil ? [clock] : []), ...(provider?.resign ? [anew] : [])];
      return wanted
        .filter((heading) => !sectionOf(heading).includes(`\`${id}\``))
        .map((heading) => `${id}: ${heading}`);
    });
    expect(lacking).toEqual([]);
  });

  it('signs its example as the gateway does', async () => {
    const [body = '', text = ''] = blocksOf(sectionOf('### The signature'));
    const fields = { eventId: 'event_id', type: 'event_type', orderNo: 'order_no', amount: 'amount', attach: 'attach' };
    const made = await rendered({ name: 'form', options: { fields } });
    expect(textOf(made)).toBe(body);
    expect(signedString(formFields(made))).toBe(text);
    expect(formFields(made).sign).toBe(hmacHex(text).toUpperCase());
  });

  it('maps its example as the gateway does', async () => {
    const [entered = ''] = blocksOf(sectionOf('## `mapped`'), 'json');
    const { format: name, formatOptions: options } = JSON.parse(entered);
    expect(JSON.parse(textOf(await rendered({ name, options })))).toEqual({
      head: { version: 3, action: 'PAID' },
      order: { no: 'N1', amount: '1.00', paidAt: '2026-01-01 08:00:00' },
    });
  });
});
