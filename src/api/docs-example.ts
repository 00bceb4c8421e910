// Examples for /docs, made from the schemas: what a person may copy and change. Pure. Invents no field.
import { z } from './kit.ts';

export type Schema = Readonly<Record<string, unknown>>;
export type Schemas = Readonly<Record<string, Schema>>;

/** Deeper is left out: an example is to be read. */
const DEPTH_MAX = 6;

/** Values that a reader recognises, by the name of the field. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  channel: 'shop',
  orderNo: 'tea-1001',
  refundNo: 'tea-1001-r1',
  transactionId: '4200187014656031714776374422',
  currency: 'CNY',
  minor: 250,
  origin: 'backend',
  url: 'https://shop.example/hooks/tollgate',
  reason: 'Looked at it: the payer was charged once.',
  name: 'the shop',
  email: 'ops@shop.example',
  remoteAddress: '203.0.113.7',
  issuer: 'https://your-team.cloudflareaccess.com',
};

const Node = z.record(z.string(), z.unknown());
const nodesIn = (value: unknown): readonly Schema[] => z.array(Node).catch([]).parse(value);
export const nodeIn = (value: unknown): Schema | null => Node.safeParse(value).data ?? null;

export const refName = ({ $ref }: Schema): string | null =>
  typeof $ref === 'string' ? ($ref.split('/').at(-1) ?? null) : null;

export const typesOf = ({ type }: Schema): readonly string[] =>
  z
    .union([z.string().transform((one) => [one]), z.array(z.string())])
    .catch([])
    .parse(type);

/** The alternatives of a schema, the null apart. */
export function choicesOf(schema: Schema): { readonly some: readonly Schema[]; readonly orNull: boolean } {
  const all = nodesIn(schema.anyOf ?? schema.oneOf);
  const some = all.filter((one) => one.type !== 'null');
  return { some, orNull: some.length < all.length || typesOf(schema).includes('null') };
}

/** Properties with those of what it is put together from, references followed. */
export function membersOf(schema: Schema, schemas: Schemas): { properties: Schemas; required: readonly string[] } {
  const name = refName(schema);
  const known = name === null ? undefined : schemas[name];
  if (known) return membersOf(known, schemas);
  const parts = nodesIn(schema.allOf).map((part) => membersOf(part, schemas));
  const own = z.record(z.string(), Node).catch({}).parse(schema.properties);
  const required = z.array(z.string()).catch([]).parse(schema.required);
  return {
    properties: Object.assign({}, ...parts.map(({ properties }) => properties), own),
    required: [...parts.flatMap((part) => part.required), ...required],
  };
}

export function exampleOf(schema: Schema, schemas: Schemas, name = '', depth = 0): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (name in SAMPLES && !('properties' in schema) && refName(schema) === null) return SAMPLES[name];
  if (schema.default !== undefined) return schema.default;
  const [first] = choicesOf(schema).some;
  if (first) return exampleOf(first, schemas, name, depth);
  const { properties } = membersOf(schema, schemas);
  if (Object.keys(properties).length > 0) return objectOf(properties, schemas, depth);
  const known = schemas[refName(schema) ?? ''];
  return known ? exampleOf(known, schemas, name, depth) : plainOf(schema, schemas, depth);
}

function objectOf(properties: Schemas, schemas: Schemas, depth: number): unknown {
  if (depth >= DEPTH_MAX) return {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, exampleOf(one, schemas, name, depth + 1)]),
  );
}

function plainOf(schema: Schema, schemas: Schemas, depth: number): unknown {
  const [type] = typesOf(schema);
  switch (type) {
    case 'string':
      return schema.format === 'date-time' ? '2026-01-01T00:00:00.000Z' : '…';
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 0;
    case 'boolean':
      return false;
    case 'array': {
      const items = nodeIn(schema.items);
      return items === null || depth >= DEPTH_MAX ? [] : [exampleOf(items, schemas, '', depth + 1)];
    }
    case 'object':
      return {};
    default:
      return null;
  }
}
