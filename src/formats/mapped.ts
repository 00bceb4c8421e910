// The `mapped` format, version 1: the merchant's own names, constants and words for an event's values, as JSON, form or
// XML. Pure. Looks values up and replaces them; runs nothing, and never finds what every object inherits.
import type { Money } from '../core/money.ts';
import { ok, type Result } from '../core/result.ts';
import { FORM_TYPE, writeForm } from './form.ts';
import { type FormatInput, type FormatProblem, format, iso, readData, webhookHeaders } from './format.ts';
import { type Field, withSignature } from './house-signature.ts';
import { type MappedField, MappedOptions, type Writing } from './mapped-schema.ts';
import { writeAmount, writeTime } from './written.ts';
import { cleanXml, writeXml, type XmlNode } from './xml-text.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What paths lead into. */
function treeOf(input: FormatInput): Json {
  const { event, now } = input;
  // Only what JSON can hold is in a snapshot: it was parsed from JSON.
  const data = readData(event) as unknown as Json; // as said above
  return { id: event.id, type: event.type, timestamp: iso(event.occurredAt), sentAt: iso(now), data };
}

function find(tree: Json, path: string): Json {
  let at: Json = tree;
  for (const name of path.split('.')) {
    if (isList(at)) at = (/^(?:-1|\d+)$/.test(name) ? at.at(Number(name)) : null) ?? null;
    else if (isObject(at)) at = Object.hasOwn(at, name) ? (at[name] ?? null) : null;
    else return null;
  }
  return at;
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !isList(value);

function moneyIn(value: Json): Money | null {
  if (!isObject(value)) return null;
  const { minor, currency } = value;
  return typeof minor === 'number' && typeof currency === 'string' ? { minor, currency } : null;
}

/** What stands for a value in text: a list's parts by commas, an amount in minor units, anything else as JSON. */
function textOf(value: Json): string {
  if (value === null) return '';
  if (isList(value)) return value.map(textOf).join(',');
  if (!isObject(value)) return String(value);
  const amount = moneyIn(value);
  return amount === null ? JSON.stringify(value) : writeAmount(amount, 'minor');
}

/** A value that has not the form asked for is none: a receiver must not meet half of one. */
function written(value: Json, as: Writing | undefined, utcOffsetMinutes: number): Json {
  if (as === undefined || value === null) return value;
  const amount = moneyIn(value);
  switch (as) {
    case 'text':
      return textOf(value);
    case 'json':
      return JSON.stringify(value);
    case 'number':
      return numberOf(amount === null ? value : amount.minor);
    case 'boolean':
      return value === true || value === 'true' || value === 1 || value === '1';
    case 'minor':
      return amount === null ? null : amount.minor;
    case 'decimal':
      return amount === null ? null : writeAmount(amount, 'decimal');
    case 'currency':
      return amount === null ? null : amount.currency;
    default: {
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      return Number.isFinite(at) ? writeTime(at, as, utcOffsetMinutes) : null;
    }
  }
}

/** Only whole numbers that no language rounds. */
function numberOf(value: Json): number | null {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}

function valueIn(field: MappedField, tree: Json, utcOffsetMinutes: number): Json {
  const { from, constant, words, otherwise, as } = field;
  if (from === undefined) return constant ?? null;
  const found = find(tree, from);
  const word = textOf(found);
  if (words !== undefined && Object.hasOwn(words, word)) return words[word] ?? null;
  if (otherwise !== undefined && (words !== undefined || found === null)) return otherwise;
  return written(found, as, utcOffsetMinutes);
}

type Named = readonly [name: string, value: Json];

/** Nested names become objects; `leaf` makes the value. Names are the schema's, which knows no `__proto__`. */
function nested(fields: readonly Named[]): { [name: string]: Json } {
  const root: { [name: string]: Json } = {};
  for (const [name, value] of fields) {
    const words = name.split('.');
    const last = words.pop() ?? name;
    let at = root;
    for (const word of words) {
      const below = Object.hasOwn(at, word) ? at[word] : undefined;
      const inner: { [name: string]: Json } = below !== undefined && isObject(below) ? below : {};
      at[word] = inner;
      at = inner;
    }
    at[last] = value;
  }
  return root;
}

const nodesOf = (tree: { readonly [name: string]: Json }): XmlNode[] =>
  Object.entries(tree).map(([name, value]) => ({ name, content: isObject(value) ? nodesOf(value) : textOf(value) }));

/** As text, for a form or XML. */
const textFields = (fields: readonly Named[], clean: (text: string) => string): readonly Field[] =>
  fields.map(([name, value]) => [name, clean(textOf(value))]);

type Body = { readonly contentType: string; readonly body: string };

async function bodyOf(input: FormatInput, options: MappedOptions): Promise<Result<Body, FormatProblem>> {
  const { body, fields, empty, utcOffsetMinutes, signature, xml } = options;
  const tree = treeOf(input);
  const all = fields.map((field): Named => [field.name, valueIn(field, tree, utcOffsetMinutes)]);
  const filled = <T extends Named>(named: readonly T[]): readonly T[] =>
    empty === 'keep' ? named : named.filter(([, value]) => value !== null && value !== '');
  if (body === 'json') return ok({ contentType: 'application/json', body: JSON.stringify(nested(filled(all))) });
  const clean = body === 'xml' ? cleanXml : (text: string) => text.toWellFormed();
  const texts = filled(textFields(all, clean));
  const signed = signature === null ? ok(texts) : await withSignature(texts, signature, input.secrets);
  if (!signed.ok) return signed;
  if (body === 'form') return ok({ contentType: FORM_TYPE, body: writeForm(signed.value) });
  const content = nodesOf(nested(signed.value));
  const contentType = `${xml.contentType}; charset=utf-8`;
  return ok({ contentType, body: writeXml({ name: xml.root, content }, xml) });
}

export const mapped = format<MappedOptions>({
  name: 'mapped',
  version: 1,
  label: { en: 'Mapped fields', zh: '自定义字段' },
  help: {
    en: 'You choose the fields, their names, constants and value maps; JSON, form or XML.',
    zh: '自行选择字段、名称、常量与值映射；支持 JSON、表单或 XML。',
  },
  options: MappedOptions,
  wantsCallback: false,
  render: async (input, options) => {
    const made = await bodyOf(input, options);
    if (!made.ok) return made;
    const { contentType, body } = made.value;
    return ok({ contentType, headers: await webhookHeaders(input, body), body, answersAs: 'origin' as const });
  },
});
