// Calls the gateway's /v1 as any merchant's own code would: over HTTP, with a key. Knows nothing of its inside.
import { z } from 'zod';
import { Sentence } from './terminal.ts';

const Problem = z.object({
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

export class Client {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const found = await this.find(path, schema);
    if (found === null) throw new Sentence(`GET ${path} answered 404, although it should be there.`);
    return found;
  }

  /** Null when there is none (404). */
  find<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
    return this.#call('GET', path, undefined, schema);
  }

  async send<T>(method: 'POST' | 'PATCH', path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    const done = await this.#call(method, path, body, schema);
    if (done === null) throw new Sentence(`${method} ${path} answered 404, although it should be there.`);
    return done;
  }

  async #call<T>(method: string, path: string, body: unknown, schema: z.ZodType<T>): Promise<T | null> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#key}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${this.#url}${path}`, init);
    const text = await response.text();
    if (response.status === 404) return null;
    if (!response.ok) throw new Sentence(`${method} ${path} answered ${response.status}: ${reasonOf(text)}`);
    return schema.parse(JSON.parse(text));
  }
}

function reasonOf(text: string): string {
  try {
    const { code, detail, errors = [] } = Problem.parse(JSON.parse(text));
    const fields = errors.map(({ field, message }) => `${field} ${message}`);
    return [code, detail, ...fields].filter(Boolean).join('; ');
  } catch {
    return text.slice(0, 300);
  }
}
