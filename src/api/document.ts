// The OpenAPI document as it is served: what the routes and schemas say, with names, groups and scopes added, so that
// tools can be made from it. Adds nothing that no route does.
import type { OpenAPIHono } from '@hono/zod-openapi';
import { type ApiEnv, OR_NULL, tellPlain } from './kit.ts';

type App = OpenAPIHono<ApiEnv>;
export type ApiDocument = ReturnType<App['getOpenAPI31Document']>;
type Operation = {
  operationId?: string;
  tags?: string[];
  responses?: Record<string, unknown>;
};

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const VERBS: Readonly<Record<(typeof METHODS)[number], string>> = {
  get: 'get',
  post: 'create',
  put: 'put',
  patch: 'change',
  delete: 'remove',
};

/** What each group is about, in the order in which they are shown. */
const GROUPS: readonly (readonly [name: string, segments: readonly string[], description: string])[] = [
  ['Orders', ['orders', 'products'], 'What was sold, what was paid, and what may be done about it.'],
  ['Events', ['events', 'deliveries', 'replays'], 'What origins get, whether they got it, and getting it again.'],
  ['Callbacks', ['callbacks', 'rejections', 'archives'], 'What providers sent, and what was refused.'],
  ['Setup', ['channels', 'origins', 'providers'], 'Merchant accounts, and the endpoints that receive events.'],
  ['Reconciliation', ['reconciliations', 'discrepancies'], 'The provider’s bill compared with what is known here.'],
  ['Figures', ['stats', 'reports'], 'Counts, times and sums.'],
  [
    'Alarms',
    ['alarms', 'alarm-rules', 'alarm-destinations', 'alarm-messages'],
    'What wants a person, and who is told.',
  ],
  ['Access', ['api-keys', 'access', 'sessions', 'audit', 'me'], 'Who may do what, and who did what.'],
  ['Upkeep', ['projection'], 'Repairs.'],
];

const groupOf = (segment: string): string => GROUPS.find(([, segments]) => segments.includes(segment))?.[0] ?? 'Upkeep';

export function makeDocument(app: App): ApiDocument {
  tellPlain(app);
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version: '1',
      description:
        'The /v1 API of the gateway. Errors are RFC 9457 problem documents with a stable code; writes take an ' +
        'Idempotency-Key; lists are pages with a cursor.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This deployment.' }],
    security: [{ key: [] }],
    tags: GROUPS.map(([name, , description]) => ({ name, description })),
  });
  const taken = new Set<string>();
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation: Operation | undefined = item[method];
      if (operation !== undefined) complete(operation, method, path, taken);
    }
  }
  explain(document.components?.schemas);
  explain(document.paths);
  const problem = { $ref: '#/components/schemas/Problem' };
  document.components = {
    ...document.components,
    responses: {
      Problem: {
        description: 'A problem document (RFC 9457); `code` says which.',
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  };
  return document;
}

function complete(operation: Operation, method: (typeof METHODS)[number], path: string, taken: Set<string>): void {
  const parts = path.split('/').filter((part) => part !== '' && part !== 'v1');
  const name = nameOf(method, parts);
  const id = taken.has(name) ? `${name}By${camel((parts.at(-1) ?? '').replace(/[{}]/g, ''))}` : name;
  taken.add(id);
  operation.operationId = id;
  operation.tags = [groupOf((parts[0] ?? '').split('.')[0] ?? '')];
  const { default: _, ...answers } = operation.responses ?? {};
  const problem = { $ref: '#/components/responses/Problem' };
  operation.responses = { ...answers, '4XX': problem, '5XX': problem };
}

const isParam = (part: string | undefined): boolean => part?.startsWith('{') === true;
const one = (noun: string): string => noun.replace(/ies$/, 'y').replace(/([^s])s$/, '$1');

/** POST /v1/channels/{id}/pause is pauseChannel, GET /v1/channels is getChannels, and with {id} getChannel. */
function nameOf(method: (typeof METHODS)[number], parts: readonly string[]): string {
  const nouns = parts.flatMap((part, index) => (isParam(part) ? [] : [{ part, ofOne: isParam(parts[index + 1]) }]));
  const last = nouns.at(-1)?.part ?? '';
  const isVerb = method === 'post' && nouns.length > 1 && !last.endsWith('s');
  const isMade = method === 'post' && !isVerb;
  const words = nouns
    .slice(0, isVerb ? -1 : undefined)
    .map(({ part, ofOne }, index, all) => camel(ofOne || (isMade && index === all.length - 1) ? one(part) : part));
  return (isVerb ? last : VERBS[method]) + words.join('');
}

const camel = (part: string): string =>
  part
    .split(/[-.]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

const isText = (value: unknown): value is { readonly en: string } =>
  typeof value === 'object' && value !== null && 'en' in value && typeof value.en === 'string' && 'zh' in value;

/** Forms are built from labels in two languages; here they are a schema's title and description. */
function explain(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const schema = node as Record<string, unknown>; // any object of the document
  const { label, help } = schema;
  if (isText(label)) {
    schema.title ??= label.en;
    delete schema.label;
  }
  if (isText(help)) {
    schema.description ??= help.en;
    delete schema.help;
  }
  mendNull(schema);
  for (const value of Object.values(schema)) explain(value);
}

/** A reference or null: with the mark it came as allOf, which null could never satisfy. */
function mendNull(schema: Record<string, unknown>): void {
  const { allOf } = schema;
  if (!Array.isArray(allOf)) return;
  const marked: Record<string, unknown> | undefined = allOf.find((one: object) => OR_NULL in one);
  if (marked === undefined) return;
  const { [OR_NULL]: _, type: __, ...rest } = marked;
  delete schema.allOf;
  Object.assign(schema, rest, { anyOf: [...allOf.filter((one) => one !== marked), { type: 'null' }] });
}
