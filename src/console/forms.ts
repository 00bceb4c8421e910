// What comes in by forms: read within bounds, and only from our own pages of the same visitor. Decides nothing else.
import { API_BODY_BYTES_MAX } from '../core/limits.ts';
import { concat, equalBytes, utf8 } from '../crypto/bytes.ts';
import type { Context } from './kit.ts';

/** A form that was not sent by one of our pages, or by a page that is too old. */
export class FormRefused extends Error {}

export class Form {
  readonly #fields: URLSearchParams;
  constructor(fields: URLSearchParams) {
    this.#fields = fields;
  }
  /** Without spaces around it; empty where it was not sent. */
  text(name: string): string {
    return (this.#fields.get(name) ?? '').trim();
  }
  all(name: string): readonly string[] {
    return this.#fields.getAll(name);
  }
  /** Undefined where it was left empty. */
  given(name: string): string | undefined {
    return this.text(name) || undefined;
  }
  entries(): readonly (readonly [string, string])[] {
    return [...this.#fields.entries()];
  }
}

/** Throws FormRefused unless both the browser says that the form is ours, and the form knows the visitor's token. */
export async function readForm(c: Context): Promise<Form> {
  if (!isOurs(c)) throw new FormRefused('origin');
  const bytes = await readWithin(c.req.raw, API_BODY_BYTES_MAX);
  const form = new Form(new URLSearchParams(new TextDecoder().decode(bytes)));
  if (!equalBytes(utf8(form.text('token')), utf8(c.get('visit').token))) throw new FormRefused('token');
  return form;
}

/** What was entered one a line. */
export const linesOf = (text: string): string[] => text.split(/\s*\n\s*/).filter((line) => line !== '');

/** Files through a page are held whole for a moment; larger ones go to /v1, which passes them on as they come. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** The same of a form with one file; null where none was chosen. */
export async function readFileForm(
  c: Context,
  name: string,
): Promise<{ form: Form; file: Uint8Array<ArrayBuffer> | null }> {
  if (!isOurs(c)) throw new FormRefused('origin');
  const bytes = await readWithin(c.req.raw, FILE_BYTES_MAX);
  const type = c.req.header('content-type') ?? '';
  const parts = await new Response(bytes, { headers: { 'content-type': type } }).formData().catch(() => null);
  if (parts === null) throw new FormRefused('form');
  const texts = [...parts].flatMap(([field, value]) => (typeof value === 'string' ? [[field, value]] : []));
  const form = new Form(new URLSearchParams(texts));
  if (!equalBytes(utf8(form.text('token')), utf8(c.get('visit').token))) throw new FormRefused('token');
  const file = parts.get(name);
  return { form, file: file instanceof File && file.size > 0 ? new Uint8Array(await file.arrayBuffer()) : null };
}

/** Browsers name the origin of every POST; the policy of our pages lets them (Fetch standard, 3.2). */
function isOurs(c: Context): boolean {
  const origin = c.req.header('origin');
  if (origin !== undefined) return origin === new URL(c.req.url).origin;
  return c.req.header('sec-fetch-site') === 'same-origin';
}

/** No more is ever held: whoever does not say how much comes is stopped at the bound, logged in or not. */
async function readWithin(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw new FormRefused('size');
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > bytesMax) throw new FormRefused('size'); // leaving the loop cancels the rest
    parts.push(part);
  }
  return concat(...parts);
}

/** Where to go after a login: a page of the console, or its first one. */
export function safeNext(next: string | undefined, base: string): string {
  const first = '/console';
  // Browsers drop tabs and newlines and read a backslash as a slash (URL standard, 4.4).
  if (!next || !/^\/console(?:[/?]|$)/.test(next) || /[\\\p{Cc}]/u.test(next) || !URL.canParse(next, base))
    return first;
  const url = new URL(next, base);
  const isHere = url.origin === new URL(base).origin && /^\/console(\/|$)/.test(url.pathname);
  return isHere && !/^\/console\/(login|logout|preferences)\b/.test(url.pathname) ? url.pathname + url.search : first;
}
