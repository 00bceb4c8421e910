// The fields of a provider's credentials as a form, made from its own JSON Schema: labels, help, what kind each is.
// What was entered becomes what /v1 takes; secrets are never written back into a page.
import { z } from 'zod';
import type { ProviderBody } from '../api/providers.ts';
import { err, ok, type Result } from '../core/result.ts';
import { straightened } from '../crypto/pem.ts';
import type { Problem } from './call.ts';
import { Group, groupIn, isGroup, Part } from './credential-group.tsx';
import { Area, Checks, Input, Select } from './fields.tsx';
import { type Form, linesOf } from './forms.ts';
import type { Visit } from './kit.ts';

type Field = z.infer<typeof ProviderBody>['credentials'][number];
type Kind =
  | 'text'
  | 'long'
  | 'number'
  | 'switch'
  | 'choice'
  | 'choices'
  | 'lines'
  | 'pems'
  | 'named'
  | 'group'
  | 'json';

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
  additionalProperties: z
    .union([z.boolean(), z.looseObject({ type: z.string().optional(), maxLength: z.number().optional() })])
    .optional(),
  properties: z.record(z.string(), Part).optional(),
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
      if (items?.type !== 'string') return 'json';
      if ((items.maxLength ?? 0) >= LONG_CHARS) return 'pems';
      return items.enum ? 'choices' : 'lines';
    case 'object':
      return kindOfObject(schema);
    default:
      return 'json';
  }
}

function kindOfObject({ properties, additionalProperties: rest }: Schema): Kind {
  if (typeof rest === 'object' && rest.type === 'string' && (rest.maxLength ?? 0) >= LONG_CHARS) return 'named';
  return isGroup(properties ?? {}) ? 'group' : 'json';
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
    kind === 'named' ? say('field.named') : '',
    kind === 'pems' ? say('field.pems') : '',
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
    case 'pems':
    case 'named':
    case 'json':
      return <Area {...all} value={value} isMasked={field.secret} />;
    case 'group':
      return <Group {...all} parts={schema.properties ?? {}} form={form} isSecret={field.secret} />;
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

/** What was entered, as /v1 takes it; what was left empty is left out. Or what is wrong with what cannot be read. */
export function credentialsIn(
  fields: readonly Field[],
  form: Form,
  { say }: Visit,
): Result<Record<string, unknown>, NonNullable<Problem['errors']>> {
  const entered: Record<string, unknown> = {};
  const unread: { field: string; message: string }[] = [];
  for (const field of fields) {
    const value = valueIn(field, form);
    if (value === undefined) continue;
    if (value.ok) entered[field.field] = value.value;
    else {
      const isNamed = kindOf(Schema.parse(field.schema)) === 'named' && !form.text(nameOf(field)).startsWith('{');
      unread.push({ field: nameOf(field), message: say(isNamed ? 'field.named.wrong' : 'field.json.wrong') });
    }
  }
  return unread.length > 0 ? err(unread) : ok(entered);
}

function valueIn(field: Field, form: Form): Result<unknown, null> | undefined {
  const schema = Schema.parse(field.schema);
  const kind = kindOf(schema);
  const name = nameOf(field);
  const text = form.text(name);
  if (kind === 'choices') return form.all(name).length > 0 ? ok(form.all(name)) : undefined;
  if (kind === 'group') return groupIn(name, schema.properties ?? {}, form);
  if (text === '') return undefined;
  switch (kind) {
    case 'number':
      return ok(Number.isFinite(Number(text)) ? Number(text) : text);
    case 'switch':
      return ok(text === 'true');
    case 'lines':
      return ok(linesOf(text));
    case 'pems':
      return text.startsWith('[') ? parsed(text) : ok(pemsIn(straightened(text)));
    case 'named':
      return text.startsWith('{') ? parsed(text) : namedIn(straightened(text));
    case 'long':
      return ok(straightened(text));
    case 'json':
      return parsed(text);
    default:
      return ok(text);
  }
}

const PEM_END = /(?<=-----END [^-\n]+-----)/;

/** Keys or certificates as files have them, one after another. */
const pemsIn = (text: string): string[] =>
  text
    .split(PEM_END)
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Each on lines of its own below its name; what has no name, or no key, cannot be read. */
function namedIn(text: string): Result<unknown, null> {
  const named = pemsIn(text).map((one) => /^([^\s:=-]+)\s*[:=]?\s+(\S[\s\S]*)$/.exec(one));
  if (named.some((found) => found === null)) return err(null);
  return ok(Object.fromEntries(named.map((found) => [found?.[1] ?? '', found?.[2] ?? ''])));
}

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
