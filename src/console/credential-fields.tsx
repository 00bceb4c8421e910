// The fields of a provider's credentials as a form, made from its own JSON Schema: labels, help, what kind each is.
// What was entered becomes what /v1 takes; secrets are never written back into a page.
import { z } from 'zod';
import type { ProviderBody } from '../api/providers.ts';
import { err, ok, type Result } from '../core/result.ts';
import { Area, Checks, Input, Select } from './fields.tsx';
import type { Form } from './forms.ts';
import type { Visit } from './kit.ts';

type Field = z.infer<typeof ProviderBody>['credentials'][number];
type Kind = 'text' | 'long' | 'number' | 'switch' | 'choice' | 'choices' | 'lines' | 'json';

/** From here on a text is a key or a certificate of several lines. */
const LONG_CHARS = 4_096;

const Schema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  maxLength: z.number().optional(),
  default: z.unknown().optional(),
  items: z
    .looseObject({
      type: z.string().optional(),
      enum: z.array(z.string()).optional(),
      maxLength: z.number().optional(),
    })
    .optional(),
});
type Schema = z.infer<typeof Schema>;

function kindOf(schema: Schema): Kind {
  const { items } = schema;
  switch (schema.type) {
    case 'string':
      if (schema.enum) return 'choice';
      return (schema.maxLength ?? 0) >= LONG_CHARS ? 'long' : 'text';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'switch';
    case 'array':
      if (items?.type !== 'string' || (items.maxLength ?? 0) >= LONG_CHARS) return 'json';
      return items.enum ? 'choices' : 'lines';
    default:
      return 'json';
  }
}

const nameOf = ({ field }: Field): string => `credentials.${field}`;
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const hasDefault = (value: unknown): boolean =>
  value !== undefined && value !== '' && !(typeof value === 'object' && Object.keys(value ?? {}).length === 0);

type Props = {
  readonly visit: Visit;
  readonly field: Field;
  /** What was entered before; secrets are left out. */
  readonly form: Form | null;
  readonly wrong: string | undefined;
  /** In a rotation nothing has to be filled in. */
  readonly isRotation?: boolean;
};

export function CredentialField({ visit, field, form, wrong, isRotation = false }: Props) {
  const { say, language } = visit;
  const schema = Schema.parse(field.schema);
  const kind = kindOf(schema);
  const name = nameOf(field);
  const hints = [
    field.help[language],
    kind === 'lines' ? say('field.lines') : '',
    kind === 'json' ? say('field.json') : '',
    hasDefault(schema.default) && !isRotation ? say('field.default.is', { value: plain(schema.default) }) : '',
    field.secret ? say('channel.secret.help') : '',
  ];
  const all = {
    visit,
    name,
    label: field.label[language],
    help: hints.filter(Boolean).join(' '),
    wrong,
    isRequired: field.required && !isRotation,
  };
  const value = field.secret ? '' : (form?.text(name) ?? '');
  switch (kind) {
    case 'text':
      return <Input {...all} type={field.secret ? 'password' : 'text'} value={value} />;
    case 'number':
      return <Input {...all} value={value} mode="numeric" />;
    case 'long':
    case 'lines':
    case 'json':
      return <Area {...all} value={value} isMasked={field.secret} />;
    case 'switch':
      return <Select {...all} value={value} choices={[auto(visit), ...SWITCH.map((one) => choiceOf(visit, one))]} />;
    case 'choice': {
      const named = (schema.enum ?? []).map((one) => ({ value: one, text: one }));
      return <Select {...all} value={value} choices={all.isRequired ? named : [auto(visit), ...named]} />;
    }
    case 'choices': {
      const named = (schema.items?.enum ?? []).map((one) => ({ value: one, text: one }));
      const before = form === null ? z.array(z.string()).catch([]).parse(schema.default) : form.all(name);
      return <Checks {...all} values={isRotation ? [] : before} choices={named} />;
    }
  }
}

const SWITCH = ['true', 'false'] as const;
const auto = ({ say }: Visit) => ({ value: '', text: say('field.default') });
const choiceOf = ({ say }: Visit, value: 'true' | 'false') => ({
  value,
  text: say(value === 'true' ? 'word.yes' : 'word.no'),
});

/** What was entered, as /v1 takes it; what was left empty is left out. Or the fields that are no JSON. */
export function credentialsIn(
  fields: readonly Field[],
  form: Form,
): Result<Record<string, unknown>, readonly string[]> {
  const entered: Record<string, unknown> = {};
  const unread: string[] = [];
  for (const field of fields) {
    const value = valueIn(field, form);
    if (value === undefined) continue;
    if (value.ok) entered[field.field] = value.value;
    else unread.push(nameOf(field));
  }
  return unread.length > 0 ? err(unread) : ok(entered);
}

function valueIn(field: Field, form: Form): Result<unknown, null> | undefined {
  const kind = kindOf(Schema.parse(field.schema));
  const name = nameOf(field);
  const text = form.text(name);
  if (kind === 'choices') return form.all(name).length > 0 ? ok(form.all(name)) : undefined;
  if (text === '') return undefined;
  switch (kind) {
    case 'number':
      return ok(Number.isFinite(Number(text)) ? Number(text) : text);
    case 'switch':
      return ok(text === 'true');
    case 'lines':
      return ok(linesOf(text));
    case 'json':
      return parsed(text);
    default:
      return ok(text);
  }
}

export const linesOf = (text: string): string[] => text.split(/\s*\n\s*/).filter((line) => line !== '');

export function parsed(text: string): Result<unknown, null> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(null); // the field says so
  }
}

/** The message for a field, also where /v1 names a place inside of it. */
export const wrongAt = (
  errors: readonly { readonly field: string; readonly message: string }[] | undefined,
  name: string,
): string | undefined => errors?.find(({ field }) => field === name || field.startsWith(`${name}.`))?.message;
