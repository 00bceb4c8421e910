// What the tests of the console share: a visitor who keeps cookies, opens pages and sends the forms that are on them.
import { exports } from 'cloudflare:workers';
import { ADMIN_KEY } from './api-world.ts';

export const BASE = 'http://127.0.0.1:8787';

export type Seen = { readonly status: number; readonly headers: Headers; readonly text: string };
type Ask = { readonly headers?: Readonly<Record<string, string>>; readonly form?: Readonly<Record<string, string>> };

export class Visitor {
  readonly cookies = new Map<string, string>();

  static async in(key = ADMIN_KEY, language = 'en'): Promise<Visitor> {
    const visitor = new Visitor();
    visitor.cookies.set('tollgate-language', language);
    const seen = await visitor.send('/console/login', { key });
    if (seen.status !== 303) throw new Error(`not let in: ${seen.status}`);
    return visitor;
  }

  async ask(method: string, path: string, { headers = {}, form }: Ask = {}): Promise<Seen> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const body = form === undefined ? null : new URLSearchParams(form);
    const response = await exports.default.fetch(
      new Request(BASE + path, { method, headers: { cookie, ...headers }, body, redirect: 'manual' }),
    );
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0\b/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  open(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Seen> {
    return this.ask('GET', path, { headers });
  }

  /** Sends a form as a browser sends one from our own page, with the page's token. */
  async send(path: string, fields: Readonly<Record<string, string>>, page = path): Promise<Seen> {
    const { text } = await this.open(page);
    return this.ask('POST', path, { headers: { origin: BASE }, form: { token: tokenIn(text), ...fields } });
  }
}

export const tokenIn = (html: string): string => /name="token" value="([^"]*)"/.exec(html)?.[1] ?? '';
export const fieldIn = (html: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
