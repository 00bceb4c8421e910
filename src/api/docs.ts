// /docs: the OpenAPI document as one page for people: groups, parameters, bodies, answers, examples, problem codes and
// a search. Nothing from elsewhere, nothing inline, every text escaped; whole without its script.
import { html } from 'hono/html';
import {
  choicesOf,
  exampleOf,
  membersOf,
  nodeIn,
  refName,
  type Schema,
  type Schemas,
  typesOf,
} from './docs-example.ts';
import type { ApiDocument } from './document.ts';
import { z } from './kit.ts';
import { PROBLEMS } from './problem.ts';

const Content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()).optional() }));
const Operation = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).default([]),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        description: z.string().optional(),
        schema: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string().optional(), content: Content.optional() })),
});
type Operation = z.infer<typeof Operation>;
type Shown = { readonly method: string; readonly path: string; readonly operation: Operation };

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
};

let shown: { readonly document: ApiDocument; readonly page: Promise<string> } | null = null;

/** Rendered once an isolate, for all who ask meanwhile too, because anybody may. */
export async function docsPage(document: ApiDocument): Promise<Response> {
  if (shown?.document !== document) shown = { document, page: render(document) };
  return new Response(await shown.page, { headers: HEADERS });
}

async function render(document: ApiDocument): Promise<string> {
  const schemas = z.record(z.string(), z.record(z.string(), z.unknown())).parse(document.components?.schemas ?? {});
  const operations: Shown[] = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => ({
      path,
      method,
      operation: Operation.parse(item[method]),
    })),
  );
  const groups = (document.tags ?? []).map(({ name, description }) => ({
    name,
    description,
    own: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${document.info.title} API</title>
        <link rel="stylesheet" href="/docs/style.css" />
        <script src="/docs/script.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <nav aria-label="Operations">
          <p hidden>
            <label for="search">Search (press /)</label>
            <input id="search" type="search" autocomplete="off" spellcheck="false" />
            <span id="found" role="status"></span>
          </p>
          ${groups.map(({ name, own }) => html`<h2>${name}</h2><ul>${own.map(link)}</ul>`)}
          <h2>More</h2>
          <ul><li><a href="#problems">Problem codes</a></li><li><a href="#schemas">Schemas</a></li></ul>
        </nav>
        <main id="content" tabindex="-1">
          <h1>${document.info.title} API</h1>
          <p>${document.info.description}</p>
          <p>
            Send <code>Authorization: Bearer tg_…</code>. The contract for programs:
            <a href="/openapi.json">/openapi.json</a>.
          </p>
          ${groups.map(
            ({ name, description, own }) =>
              html`<h2>${name}</h2><p>${description}</p>${own.map((one) => section(one, schemas))}`,
          )}
          <h2 id="problems">Problem codes</h2>
          <p>Whatever is not a success is <code>application/problem+json</code>; <code>code</code> is stable.</p>
          ${table(
            ['code', 'status', 'title'],
            PROBLEMS.map(({ code, status, title }) => [mono(code), status, title]),
          )}
          <h2 id="schemas">Schemas</h2>
          ${Object.entries(schemas).map(
            ([name, schema]) => html`<details id="schema-${name}" data-find="${name.toLowerCase()}">
              <summary>${mono(name)}</summary>
              <p>${schema.description}</p>
              ${fields(schema, schemas)}
            </details>`,
          )}
        </main>
      </body>
    </html>`;
  return String(await page);
}

type Html = ReturnType<typeof html>;
type Cell = Html | string | number | undefined;

const mono = (text: string): Html => html`<code>${text}</code>`;
const json = (value: unknown): Html => html`<pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre>`;

const table = (heads: readonly string[], rows: readonly (readonly Cell[])[]): Html => html`<div class="wide">
  <table>
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
  </table>
</div>`;

const link = ({ method, path, operation }: Shown): Html =>
  html`<li><a href="#${operation.operationId}"><span class="verb">${method}</span> ${path}</a></li>`;

function section({ method, path, operation }: Shown, schemas: Schemas): Html {
  const { operationId, summary, description, parameters, responses } = operation;
  const body = operation.requestBody?.content['application/json']?.schema;
  const scopes = [...new Set(operation.security.flatMap((one) => Object.values(one).flat()))];
  const find = `${method} ${path} ${operationId} ${summary} ${description ?? ''}`.toLowerCase();
  return html`<section id="${operationId}" data-find="${find}">
    <h3><span class="verb">${method}</span> ${mono(path)}</h3>
    <p>${summary}. ${description}</p>
    <p class="soft">Scope: ${scopes.join(' or ')}</p>
    ${
      parameters.length > 0 &&
      html`<h4>Parameters</h4>
        ${table(
          ['name', 'in', 'type', 'about'],
          parameters.map((one) => [named(one.name, one.required), one.in, typeText(one.schema), one.description]),
        )}`
    }
    ${body && html`<h4>Body: ${typeText(body)}</h4>${fields(body, schemas)}`}
    <details>
      <summary>Example</summary>
      <pre tabindex="0"><code>${curl(method, path, body, schemas)}</code></pre>
    </details>
    <h4>Answers</h4>
    ${Object.entries(responses).map(([status, told]) => answer(status, told, schemas))}
  </section>`;
}

function answer(status: string, told: Operation['responses'][string], schemas: Schemas): Html {
  const { description: what, content } = told;
  const [type, media] = Object.entries(content ?? {})[0] ?? [];
  const schema = media?.schema;
  const isProblem = status.endsWith('XX');
  if (isProblem) return html`<p>${mono(status)} <a href="#problems">A problem document</a></p>`;
  const shape = schema && type === 'application/json' ? typeText(schema) : (type ?? '');
  const isNamed = schema !== undefined && refName(schema) !== null;
  return html`<p>${mono(status)} ${what} ${shape}</p>
    ${
      schema && type === 'application/json'
        ? html`${isNamed ? '' : html`<details><summary>Fields</summary>${fields(schema, schemas)}</details>`}
            <details><summary>Example</summary>${json(exampleOf(schema, schemas))}</details>`
        : ''
    }`;
}

const named = (name: string, isRequired: boolean): Html =>
  html`${mono(name)}${isRequired ? html`<span class="soft"> required</span>` : ''}`;

/** The members of a schema; those of what it names are behind a link. */
function fields(schema: Schema, schemas: Schemas): Html {
  const { properties, required } = membersOf(schema, schemas);
  const rows = Object.entries(properties).map(([name, one]): Cell[] => {
    const help = typeof one.description === 'string' ? one.description : undefined;
    const inner = Object.keys(membersOf(one, {}).properties).length > 0 && refName(one) === null;
    return [named(name, required.includes(name)), typeText(one), html`${help}${inner ? fields(one, schemas) : ''}`];
  });
  return rows.length === 0 ? html`<p>${typeText(schema)}</p>` : table(['field', 'type', 'about'], rows);
}

/** A link to a named schema; else what it is in a few words. */
function typeText(schema: Schema): Html {
  const name = refName(schema);
  if (name !== null) return html`<a href="#schema-${name}">${mono(name)}</a>`;
  const { some, orNull } = choicesOf(schema);
  const nullText = orNull ? ' or null' : '';
  if (some.length > 0) return html`${some.map((one, at) => html`${at > 0 ? ' or ' : ''}${typeText(one)}`)}${nullText}`;
  if (Array.isArray(schema.enum)) return html`${mono(schema.enum.join(' | '))}${nullText}`;
  const items = nodeIn(schema.items);
  if (items) return html`list of ${typeText(items)}${nullText}`;
  const types = typesOf(schema).filter((one) => one !== 'null');
  const format = typeof schema.format === 'string' ? `, ${schema.format}` : '';
  return html`${(types.join(' or ') || 'any') + format}${boundsText(schema)}${nullText}`;
}

function boundsText({ minimum, maximum, maxLength, default: usual }: Schema): string {
  const parts = [
    typeof minimum === 'number' ? `≥ ${minimum}` : '',
    typeof maximum === 'number' ? `≤ ${maximum}` : '',
    typeof maxLength === 'number' ? `up to ${maxLength} characters` : '',
    usual === undefined || typeof usual === 'object' ? '' : `${String(usual)} unless given`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function curl(method: string, path: string, body: Schema | undefined, schemas: Schemas): string {
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => String(exampleOf({ type: 'string' }, {}, name)));
  const head = `curl -X ${method.toUpperCase()} "$TG${place.replace('…', 'shop')}" -H "Authorization: Bearer $KEY"`;
  if (!body) return head;
  const text = JSON.stringify(exampleOf(body, schemas), null, 2).replaceAll("'", "'\\''");
  return `${head} \\\n  -H 'content-type: application/json' -d '${text}'`;
}
