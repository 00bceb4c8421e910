// /v1/providers: each dialect's credential fields, as forms need them, and what it can do. No channel's data.
import { BILL_KINDS } from '../core/bill.ts';
import { providers as all } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { requires } from './auth.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { problemResponse, refuse } from './problem.ts';

const Words = z.object({ en: z.string(), zh: z.string() });

export const ProviderBody = z
  .object({
    id: z.string(),
    name: Words,
    credentials: z.array(
      z.object({
        field: z.string(),
        label: Words,
        help: Words,
        required: z.boolean(),
        secret: z.boolean(),
        holds: z.enum(['private_key', 'public_key', 'certificate', 'certificates']).nullable().openapi({
          description: 'What kind of PEM file belongs here; null for a plain text.',
        }),
        rotates: z.boolean().openapi({
          description:
            'Whether POST /v1/channels/{id}/rotate may change it: it proves callbacks and does not say whose.',
        }),
        schema: z.record(z.string(), z.unknown()).openapi({ description: "JSON Schema of the field's value." }),
      }),
    ),
    credentialsSchema: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'JSON Schema of all credentials, with label, help, secret and default of each field.' }),
    capabilities: z
      .array(z.string())
      .openapi({ description: 'Such as pay and keys: what this provider can be asked.' }),
    bill: z
      .object({
        kinds: z.array(z.enum(BILL_KINDS)),
        offsetMinutes: z.int().openapi({ description: 'How far the days of its bills are ahead of UTC.' }),
        readyAfterHours: z.number().openapi({ description: 'After the end of its day, at the soonest.' }),
        keptDays: z.int().openapi({ description: 'How far back bills can be asked for.' }),
      })
      .nullable()
      .openapi({ description: 'Its daily bills; null where none can be asked for.' }),
    sourceRanges: z.array(z.string()).openapi({ description: 'Where its callbacks come from; the default allowlist.' }),
    retryScheduleSeconds: z.array(z.number()),
  })
  .openapi('Provider');

/** What a field of the credentials says of itself, after zod turned the schema into JSON Schema. */
const Field = z.looseObject({
  label: Words.optional(),
  help: Words.optional(),
  secret: z.boolean().optional(),
  holds: z.enum(['private_key', 'public_key', 'certificate', 'certificates']).optional(),
  rotates: z.boolean().optional(),
});
const ObjectSchema = z.object({
  properties: z.record(z.string(), Field).default({}),
  required: z.array(z.string()).default([]),
  // What several fields share; each field's own schema brings it along where it refers to it.
  $defs: z.record(z.string(), z.unknown()).optional(),
});

/** Optional parts of the contract, shown by their presence. */
const OPTIONAL_PARTS = ['bill', 'close', 'keys', 'pay', 'product', 'query', 'refund'] as const;
const CAPABILITIES: readonly (keyof AnyProvider)[] = OPTIONAL_PARTS;

const schemaOf = (provider: AnyProvider) =>
  z.toJSONSchema(provider.credentials, { io: 'input', unrepresentable: 'any' });

/** What a form needs of each field. */
export function credentialFields(provider: AnyProvider): z.infer<typeof ProviderBody>['credentials'] {
  const { properties, required, $defs } = ObjectSchema.parse(schemaOf(provider));
  const whole = (schema: object) => (JSON.stringify(schema).includes('"$ref"') ? { ...schema, $defs } : schema);
  return Object.entries(properties).map(([field, { label, help, secret, holds, rotates, ...schema }]) => ({
    field,
    label: label ?? { en: field, zh: field },
    help: help ?? { en: '', zh: '' },
    required: required.includes(field),
    secret: secret ?? false,
    holds: holds ?? null,
    rotates: rotates ?? secret ?? false,
    schema: { ...whole(schema) },
  }));
}

function renderBill({ bill }: AnyProvider): z.infer<typeof ProviderBody>['bill'] {
  if (bill === undefined) return null;
  const { kinds, offsetMinutes, readyAfterHours, keptDays } = bill;
  return { kinds: [...kinds], offsetMinutes, readyAfterHours, keptDays };
}

function renderProvider(provider: AnyProvider): z.infer<typeof ProviderBody> {
  return {
    id: provider.id,
    name: provider.name,
    credentials: credentialFields(provider),
    credentialsSchema: { ...schemaOf(provider) },
    capabilities: CAPABILITIES.filter((name) => provider[name] !== undefined),
    bill: renderBill(provider),
    sourceRanges: [...provider.sourceRanges],
    retryScheduleSeconds: [...provider.retryScheduleSeconds],
  };
}

export const providers = newApp();

providers.openapi(
  createRoute({
    method: 'get',
    path: '/providers',
    summary: 'List the providers and what their channels need',
    middleware: requires('read'),
    request: { query: PageQuery },
    responses: { 200: jsonOf('Providers by id.', pageOf('ProviderPage', ProviderBody)), ...problemResponse },
  }),
  async (c) => {
    const page = cutById(Object.values(all), c.req.valid('query'), renderProvider);
    return page.ok ? c.json(page.value, 200) : refuse(c, page.error);
  },
);
