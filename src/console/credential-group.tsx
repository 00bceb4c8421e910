// A credential that has parts: each part a field of its own, so that nobody has to write JSON. Shows no secret again.
import { z } from 'zod';
import { ok, type Result } from '../core/result.ts';
import { Area, Input } from './fields.tsx';
import { type Form, linesOf } from './forms.ts';
import type { Visit } from './kit.ts';

const Words = z.object({ en: z.string(), zh: z.string() });
export const Part = z.looseObject({
  type: z.string().optional(),
  label: Words.optional(),
  help: Words.optional(),
  items: z.looseObject({ type: z.string().optional() }).optional(),
});
type Parts = Readonly<Record<string, z.infer<typeof Part>>>;

const isList = ({ type, items }: Parts[string]): boolean => type === 'array' && items?.type === 'string';

/** Whether each part says what it is, and is a text or a list of texts. */
export const isGroup = (parts: Parts): boolean => {
  const all = Object.values(parts);
  return all.length > 0 && all.every((part) => part.label && (part.type === 'string' || isList(part)));
};

type Props = {
  readonly visit: Visit;
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly wrong: string | undefined;
  readonly parts: Parts;
  readonly form: Form | null;
  readonly isSecret: boolean;
};

export function Group({ visit, name: whole, label: title, help, wrong, parts, form, isSecret }: Props) {
  const { say, language } = visit;
  return (
    <fieldset>
      <legend>{title}</legend>
      <p class="help soft small">{help}</p>
      {Object.entries(parts).map(([key, part]) => {
        const name = `${whole}.${key}`;
        const about = part.help?.[language] ?? '';
        const all = { visit, name, label: part.label?.[language] ?? key };
        const value = isSecret ? '' : form?.text(name);
        if (isList(part)) return <Area {...all} help={`${about} ${say('field.lines')}`.trim()} value={value} />;
        return <Input {...all} help={about} type={isSecret ? 'password' : 'text'} value={value} />;
      })}
      {wrong ? <p class="wrong">{wrong}</p> : null}
    </fieldset>
  );
}

/** The parts that were filled in; undefined where none was: the whole is left out. */
export function groupIn(whole: string, parts: Parts, form: Form): Result<unknown, null> | undefined {
  const filled = Object.entries(parts).flatMap(([key, part]) => {
    const text = form.text(`${whole}.${key}`);
    return text === '' ? [] : [[key, isList(part) ? linesOf(text) : text] as const];
  });
  return filled.length > 0 ? ok(Object.fromEntries(filled)) : undefined;
}
