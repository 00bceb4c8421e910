// How pages ask: the /v1 application itself, in process, with the visitor's own key or in the role of a person. No page
// reads a store or an object, so that nobody sees or does here what /v1 would refuse.
import { z } from 'zod';
import { api } from '../api/app.ts';
import { vouchFor } from '../api/auth.ts';
import { ProblemBody } from '../api/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Context } from './kit.ts';

export type Problem = Pick<z.infer<typeof ProblemBody>, 'status' | 'code' | 'detail' | 'errors'>;
export type Asked<T> = Result<T, Problem>;

type Write = {
  readonly body?: unknown;
  /** Sent as it is, in place of a body. */
  readonly file?: Uint8Array<ArrayBuffer> | undefined;
  /** The Idempotency-Key: a form that is sent twice acts once. */
  readonly once?: string | undefined;
};

const UNREADABLE: Problem = { status: 502, code: 'internal', detail: 'The answer of /v1 could not be read.' };

/** The answer as it came. */
export function fetchApi(
  c: Context,
  method: string,
  path: string,
  { body, file, once }: Write = {},
): Promise<Response> {
  const by = c.get('session')?.by;
  const headers = new Headers(by?.kind === 'key' ? { authorization: `Bearer ${by.key}` } : {});
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (once !== undefined) headers.set('idempotency-key', once);
  const address = c.req.header('cf-connecting-ip');
  if (address !== undefined) headers.set('cf-connecting-ip', address);
  if (file !== undefined) headers.set('content-type', 'application/octet-stream');
  const sent = file ?? (body === undefined ? null : JSON.stringify(body));
  const request = new Request(new URL(path, c.req.url), { method, headers, body: sent });
  const person = c.get('person');
  return Promise.resolve(api.fetch(person === null ? request : vouchFor(request, person), c.env, c.executionCtx));
}

/** The answer as what it should be, or the problem it tells. */
export async function readAs<T extends z.ZodType>(response: Response, schema: T): Promise<Asked<z.infer<T>>> {
  const json: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const problem = ProblemBody.safeParse(json);
    return err(problem.success ? problem.data : { ...UNREADABLE, status: response.status });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return ok(parsed.data);
  console.error(JSON.stringify({ hop: 'console', path: new URL(response.url || 'https://v1').pathname, unread: true }));
  return err(UNREADABLE);
}

export const get = async <T extends z.ZodType>(c: Context, path: string, schema: T): Promise<Asked<z.infer<T>>> =>
  readAs(await fetchApi(c, 'GET', path), schema);

/** A write whose answer the page shows. */
export const send = async <T extends z.ZodType>(
  c: Context,
  method: string,
  path: string,
  schema: T,
  write: Write,
): Promise<Asked<z.infer<T>>> => readAs(await fetchApi(c, method, path, write), schema);

/** Any write; what it answers is seldom needed, for the page that follows reads anew. */
export const post = async (c: Context, path: string, write: Write = {}): Promise<Asked<Record<string, unknown>>> =>
  readAs(await fetchApi(c, 'POST', path, write), z.record(z.string(), z.unknown()));

export const put = async (c: Context, path: string, write: Write): Promise<Asked<Record<string, unknown>>> =>
  readAs(await fetchApi(c, 'PUT', path, write), z.record(z.string(), z.unknown()));

export const del = async (c: Context, path: string, write: Write = {}): Promise<Asked<Record<string, unknown>>> =>
  readAs(await fetchApi(c, 'DELETE', path, write), z.record(z.string(), z.unknown()));

export const patch = async (c: Context, path: string, write: Write): Promise<Asked<Record<string, unknown>>> =>
  readAs(await fetchApi(c, 'PATCH', path, write), z.record(z.string(), z.unknown()));

/** A path of /v1; each part is escaped. */
export const v1 = (...parts: readonly string[]): string => ['/v1', ...parts.map(encodeURIComponent)].join('/');
