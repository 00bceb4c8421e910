// /docs: the OpenAPI document as one page for people. No script, nothing from elsewhere, every text escaped.
import { html, raw } from 'hono/html';
import type { ApiDocument } from './document.ts';

type Schema = Readonly<Record<string, unknown>>;
type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
};
type Operation = {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses?: Readonly<
    Record<string, { description?: string; content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
};

const METHODS = ['get', 'post', 'patch', 'put', 'delete'] as const;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 4px; }
h2 { margin-top: 2.5rem; font-size: 1.1rem; }
h2 code { font-size: 1rem; } b { text-transform: uppercase; }
td { padding: 0.15rem 1rem 0.15rem 0; vertical-align: top; } details { margin: 0.5rem 0; }
`;

let shown: { readonly document: ApiDocument; readonly page: string } | null = null;

/** Rendered once an isolate, because anybody may ask for it. */
export async function docsPage(document: ApiDocument): Promise<Response> {
  if (shown?.document !== document) shown = { document, page: await render(document) };
  return new Response(shown.page, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    },
  });
}

async function render(document: ApiDocument): Promise<string> {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => ({
      path,
      method,
      operation: (item[method] ?? {}) as Operation, // the members that are shown here, as OpenAPI defines them
    })),
  );
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${document.info.title} API</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <h1>${document.info.title} API</h1>
        <p>${document.info.description}</p>
        <p>
          Send <code>Authorization: Bearer tg_…</code>. The contract for programs:
          <a href="/openapi.json">/openapi.json</a>.
        </p>
        <ul>${operations.map(({ path, method }) => link(path, method))}</ul>
        ${operations.map(({ path, method, operation }) => section(path, method, operation))}
        <h2 id="schemas">Schemas</h2>
        ${Object.entries(document.components?.schemas ?? {}).map(
          ([name, schema]) =>
            html`<details id="schema-${name}"><summary><code>${name}</code></summary>${code(schema)}</details>`,
        )}
      </body>
    </html>`;
  return String(await page);
}

const anchor = (method: string, path: string) => `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;

const link = (path: string, method: string) =>
  html`<li><a href="#${anchor(method, path)}"><code>${method.toUpperCase()} ${path}</code></a></li>`;

const code = (value: unknown) => html`<pre><code>${JSON.stringify(value, null, 2)}</code></pre>`;

function section(path: string, method: string, operation: Operation) {
  const schema = operation.requestBody?.content?.['application/json']?.schema;
  return html`<section>
    <h2 id="${anchor(method, path)}"><code><b>${method}</b> ${path}</code></h2>
    <p>${operation.summary}. ${operation.description ?? ''}</p>
    ${
      operation.parameters &&
      html`<table>
        ${operation.parameters.map(row)}
      </table>`
    }
    ${schema && html`<p>Body: ${named(schema)}</p>`}
    <ul>
      ${Object.entries(operation.responses ?? {}).map(
        ([status, { description, content }]) =>
          html`<li><code>${status}</code> ${description} ${named(Object.values(content ?? {})[0]?.schema)}</li>`,
      )}
    </ul>
  </section>`;
}

const row = ({ name, in: place, required, description = '' }: Parameter) => html`<tr>
  <td><code>${name}</code></td>
  <td>${place}${required ? ', required' : ''}</td>
  <td>${description}</td>
</tr>`;

/** A link to a named schema; an unnamed one in full. */
function named(schema: Schema | undefined) {
  if (schema === undefined) return '';
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
  return name === undefined ? code(schema) : html`<a href="#schema-${name}"><code>${name}</code></a>`;
}
