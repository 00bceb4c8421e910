// Makes clients/typescript/contract.ts from the OpenAPI document: every schema and every operation as TypeScript types.
// Understands what our own document uses, and stops at anything else rather than guess.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const FILE = join(import.meta.dirname, '../clients/typescript/contract.ts');
const BIOME = join(import.meta.dirname, '../node_modules/.bin/biome');

const HEAD = `// Made from the OpenAPI document by tools/api-client.ts (npm run client); never edited by hand.
`;

/** In a process of its own: workerd has Uint8Array.fromBase64, Node 24 has it behind this flag. */
export const openApiText = (): string =>
  execFileSync(process.execPath, ['--js-base-64', join(import.meta.dirname, 'openapi.ts')], { encoding: 'utf8' });

type Schema = z.infer<typeof SchemaNode>;
const SchemaNode = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  const: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  description: z.string().optional(),
  required: z.array(z.string()).optional(),
});
const Parameter = z.looseObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().optional(),
  description: z.string().optional(),
  schema: SchemaNode,
});
const Content = z.record(z.string(), z.looseObject({ schema: SchemaNode.optional() }));
const Operation = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  parameters: z.array(Parameter).optional(),
  requestBody: z.looseObject({ required: z.boolean().optional(), content: Content }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: Content.optional() })),
});
const Document = z.looseObject({
  paths: z.record(z.string(), z.record(z.enum(['get', 'post', 'put', 'patch', 'delete']), Operation.optional())),
  components: z.looseObject({ schemas: z.record(z.string(), SchemaNode) }),
});

const nodesIn = (schema: Schema, name: string): Schema[] | null => {
  const value = schema[name];
  return value === undefined ? null : z.array(SchemaNode).parse(value);
};

/** One schema as a type. */
function typeOf(schema: Schema): string {
  const { $ref, type } = schema;
  if ($ref !== undefined) return `Schemas[${JSON.stringify($ref.split('/').at(-1))}]`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const all = nodesIn(schema, 'allOf');
  if (all) return all.map((one) => `(${typeOf(one)})`).join(' & ');
  const any = nodesIn(schema, 'anyOf') ?? nodesIn(schema, 'oneOf');
  if (any) return [...new Set(any.map(typeOf))].join(' | ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ');
  return plainTypeOf(schema, type);
}

function plainTypeOf(schema: Schema, type: string | undefined): string {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return arrayOf(schema);
    case 'object':
      return objectOf(schema);
    case undefined:
      return 'unknown';
    default:
      throw new Error(`A schema has the type ${type}, which this tool does not know.`);
  }
}

function arrayOf(schema: Schema): string {
  const places = nodesIn(schema, 'prefixItems');
  if (places) return `readonly [${places.map(typeOf).join(', ')}]`;
  return `readonly (${typeOf(SchemaNode.parse(schema.items ?? {}))})[]`;
}

function objectOf(schema: Schema): string {
  const properties = z.record(z.string(), SchemaNode).parse(schema.properties ?? {});
  const more = schema.additionalProperties;
  const isOpen = more === true || (typeof more === 'object' && more !== null);
  const members = Object.entries(properties).map(
    ([name, one]) =>
      `${noted(one)}readonly ${JSON.stringify(name)}${schema.required?.includes(name) ? '' : '?'}: ${typeOf(one)};`,
  );
  const named = members.length === 0 && isOpen ? '' : `{ ${members.join('\n')} }`;
  const index = isOpen
    ? `{ readonly [name: string]: ${more === true ? 'unknown' : typeOf(SchemaNode.parse(more))} }`
    : '';
  return [named, index].filter((part) => part !== '').join(' & ');
}

const noted = ({ description }: { readonly description?: string | undefined }): string =>
  description === undefined ? '' : `\n/** ${description.replaceAll('*/', '*\\/').replaceAll('\n', ' ')} */\n`;

type Place = z.infer<typeof Parameter>['in'];

function operationOf(operation: z.infer<typeof Operation>): string {
  const parameters = operation.parameters ?? [];
  const group = (place: Place): string => {
    const some = parameters.filter((one) => one.in === place);
    const isNeeded = some.some(({ required }) => required);
    const members = some.map(({ name, required, schema, description }) => {
      const type = typeOf(schema).replace(/ \| null$/, ''); // an address has no null
      return `${noted({ description })}readonly ${JSON.stringify(name)}${required ? '' : '?'}: ${type};`;
    });
    return some.length === 0 ? '' : `readonly ${place}${isNeeded ? '' : '?'}: { ${members.join('\n')} };`;
  };
  const body = operation.requestBody;
  const json = body?.content['application/json']?.schema;
  const sent = body ? `readonly body${body.required ? '' : '?'}: ${json ? typeOf(json) : 'BodyInit'};` : '';
  const parts = [group('path'), group('query'), sent].filter((part) => part !== '');
  const input = parts.length === 0 ? 'Record<never, never>' : `{ ${parts.join(' ')} }`;
  return `{ input: ${input}; answer: ${answerOf(operation)} }`;
}

function answerOf({ responses }: z.infer<typeof Operation>): string {
  const answers = Object.entries(responses).flatMap(([status, { content }]) => {
    if (!status.startsWith('2')) return [];
    const json = content?.['application/json']?.schema;
    return [json ? typeOf(json) : content ? 'string' : 'undefined'];
  });
  return [...new Set(answers)].join(' | ') || 'undefined';
}

const typeNamed = (name: string, members: readonly string[]): string =>
  `export type ${name} = { ${members.join('\n')} };\n`;

/** The whole file, formatted as the project is. */
export function contractText(text: string): string {
  const { paths, components } = Document.parse(JSON.parse(text));
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `${noted(schema)}${name}: ${typeOf(schema)};`,
  );
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
      operation ? [`/** ${operation.summary}. */\n'${method.toUpperCase()} ${path}': ${operationOf(operation)};`] : [],
    ),
  );
  const types = [typeNamed('Schemas', schemas), typeNamed('Operations', operations)];
  const input = HEAD + types.join('\n');
  return execFileSync(BIOME, ['format', `--stdin-file-path=${FILE}`], { input, encoding: 'utf8' });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(FILE, contractText(openApiText()));
}
