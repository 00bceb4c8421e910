// Fills a template into a request. Every value is escaped for where it goes; none can change the host, add a header,
// a parameter or a field. Makes no call.
import { err, ok, type Result } from '../../core/result.ts';
import { printXml, xmlSafe } from '../../core/xml.ts';
import { utf8 } from '../../crypto/bytes.ts';
import type { ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
import { type Fields, plainText, printJson, type Tree } from './document.ts';
import { type SigningKeys, signatureOf } from './signature.ts';
import type { Content, Template } from './template-schema.ts';

/** What the placeholders stand for. Null: this order has none of it. */
export type Values = Readonly<Record<string, string | null>>;

const PLACEHOLDER = /\{(\w+)\}/g;
const CONTENT_TYPES = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'application/xml; charset=utf-8',
} as const;

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });
const lacking = (name: string) =>
  problem('refused', `The template needs {${name}}, and this order has none: leave it out of the template.`);

export async function requestOf(
  template: Template,
  given: Values,
  keys: SigningKeys,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const seconds = String(Math.floor(context.now / 1_000));
  const clock = { timestamp: seconds, timestampMs: String(context.now), nonce: context.nonce };
  const values = { ...given, ...clock };
  const url = urlOf(template.url, values);
  if (!url.ok) return url;
  const headers = headersOf(template, values);
  if (!headers.ok) return headers;
  const content = template.body === undefined ? ok(null) : fieldsOf(template.body, values);
  if (!content.ok) return content;
  const draft: Draft = { url: url.value, headers: headers.value, fields: content.value };
  const signed = template.sign === undefined ? ok(draft) : await sign(draft, template, keys, clock);
  if (!signed.ok) return signed;
  const { fields } = signed.value;
  const body = fields === null ? null : printed(fields, template);
  const type: Record<string, string> = body === null ? {} : { 'content-type': CONTENT_TYPES[template.bodyFormat] };
  return ok({
    method: template.method,
    url: signed.value.url.href,
    headers: { accept: '*/*', 'user-agent': 'Tollgate', ...type, ...signed.value.headers },
    body,
    timeoutMs: template.timeoutMs,
  });
}

type Draft = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Fields | null;
};

/** A value that is all dots would climb out of the path that was configured. */
function urlOf(template: string, values: Values): Result<URL, ProviderProblem> {
  for (const [, name = ''] of template.matchAll(PLACEHOLDER)) {
    const value = wordOf(values, name);
    if (value === null) return lacking(name);
    if (/^\.{1,2}$/.test(value)) return problem('refused', `{${name}} is ${value}, which is no part of an address.`);
    if (!value.isWellFormed()) return problem('refused', `{${name}} is no text that an address can carry.`);
  }
  return ok(
    new URL(template.replace(PLACEHOLDER, (_, name: string) => encodeURIComponent(wordOf(values, name) ?? ''))),
  );
}

const wordOf = (values: Values, name: string): string | null =>
  Object.hasOwn(values, name) ? (values[name] ?? null) : null;

function headersOf(template: Template, values: Values): Result<Record<string, string>, ProviderProblem> {
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(template.headers)) {
    const filled = fill(text, values);
    if (!filled.ok) return filled;
    if (!/^[\x20-\x7e]*$/.test(filled.value)) {
      return problem('refused', `The header ${name} would hold letters that headers do not carry.`);
    }
    headers[name.toLowerCase()] = filled.value;
  }
  return ok(headers);
}

function fill(text: string, values: Values): Result<string, ProviderProblem> {
  const missing = [...text.matchAll(PLACEHOLDER)].find(([, name = '']) => wordOf(values, name) === null)?.[1];
  if (missing !== undefined) return lacking(missing);
  return ok(text.replace(PLACEHOLDER, (_, name: string) => wordOf(values, name) ?? ''));
}

/** A field that is one placeholder alone is left out where there is no value for it. */
function fieldsOf(body: { readonly [name: string]: Content }, values: Values): Result<Fields, ProviderProblem> {
  const fields = new Map<string, Tree>();
  for (const [name, content] of Object.entries(body)) {
    const tree = treeOf(content, values);
    if (!tree.ok) return tree;
    if (tree.value !== undefined) fields.set(name, tree.value);
  }
  return ok(fields);
}

function treeOf(content: Content, values: Values): Result<Tree | undefined, ProviderProblem> {
  if (content === null || typeof content === 'boolean') return ok(content);
  if (typeof content === 'number') return ok({ number: String(content) });
  if (typeof content === 'string') return textTree(content, values);
  if (!isList(content)) return fieldsOf(content, values);
  const items: Tree[] = [];
  for (const one of content) {
    const tree = treeOf(one, values);
    if (!tree.ok) return tree;
    if (tree.value !== undefined) items.push(tree.value);
  }
  return ok(items);
}

const isList = (content: readonly Content[] | { readonly [name: string]: Content }): content is readonly Content[] =>
  Array.isArray(content);

function textTree(text: string, values: Values): Result<Tree | undefined, ProviderProblem> {
  const alone = /^\{(\w+)(:number)?\}$/.exec(text);
  const value = alone?.[1] === undefined ? null : wordOf(values, alone[1]);
  if (alone !== null && value === null) return ok(undefined);
  if (alone?.[2] === undefined || value === null) return fill(text, values);
  return /^\d{1,15}(?:\.\d{1,8})?$/.test(value)
    ? ok({ number: value })
    : problem('refused', `{${alone[1]}} is no number: take :number away.`);
}

function printed(fields: Fields, { bodyFormat, root }: Template): string {
  if (bodyFormat === 'json') return printJson(fields, false);
  const flat = [...fields].map(([name, value]) => [name, plainText(value) ?? ''] as const);
  if (bodyFormat === 'xml')
    return printXml(root, Object.fromEntries(flat.map(([name, text]) => [name, xmlSafe(text)])));
  return new URLSearchParams(flat.map(([name, text]) => [name, text])).toString();
}

async function sign(
  draft: Draft,
  template: Template,
  keys: SigningKeys,
  clock: Readonly<Record<string, string>>,
): Promise<Result<Draft, ProviderProblem>> {
  const { sign: signing, method } = template;
  if (signing === undefined) return ok(draft);
  const { url, headers, fields } = draft;
  const params = fields ?? new Map<string, Tree>(url.searchParams);
  const body = utf8(fields === null ? '' : printed(fields, template));
  const words = { ...clock, method, path: url.pathname + url.search };
  // Nothing to cut out: the signature's own field is not there yet.
  const signature = await signatureOf({ ...signing, in: 'header' }, { body, fields: params, words }, keys);
  if (signature === null) {
    const mend = 'give signingSecret or secrets, or privateKey as PEM.';
    return problem('not_configured', `The key that signs requests with ${signing.algorithm} is missing: ${mend}`);
  }
  if (signing.in === 'header')
    return ok({ ...draft, headers: { ...headers, [signing.name.toLowerCase()]: signature } });
  if (fields !== null) return ok({ ...draft, fields: new Map([...fields, [signing.name, signature]]) });
  const signed = new URL(url);
  signed.searchParams.append(signing.name, signature);
  return ok({ ...draft, url: signed });
}
