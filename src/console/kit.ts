// The kit of the console: who visits, in which language and with which key, and Hono with these. Decides nothing.
import type { Context as AnyContext } from 'hono';
import { Hono } from 'hono';
import type { z } from 'zod';
import type { Principal } from '../api/kit.ts';
import type { MeBody } from '../api/me.ts';
import type { Language } from '../core/language.ts';
import type { Say } from './texts.ts';

export type Theme = 'system' | 'light' | 'dark';
export type Me = z.infer<typeof MeBody>;

/** By what somebody came in: an API key, or what Cloudflare Access said of a person, to be judged anew each time. */
export type CameBy =
  | { readonly kind: 'key'; readonly key: string }
  | {
      readonly kind: 'person';
      readonly issuer: string;
      /** The application that the person came through. */
      readonly audience: string;
      readonly email: string;
      readonly groups: readonly string[];
    };

/** What a session cookie holds, sealed. `token` is what every form of the session repeats. */
export type Session = {
  readonly by: CameBy;
  readonly token: string;
  readonly since: number;
  /** It is over then in any case. */
  readonly until: number;
  /** When it was last written anew; one that nobody uses for long is over. */
  readonly seen: number;
};

export type Visit = {
  readonly language: Language;
  readonly theme: Theme;
  readonly say: Say;
  /** What a form has to repeat: the session's, or the visitor's before there is one. */
  readonly token: string;
  /** Path and query of the page, for forms that lead back to it. */
  readonly here: string;
};
/** A visit of somebody who is logged in. */
export type Guest = Visit & { readonly me: Me };

export type ConsoleEnv = {
  Bindings: Env;
  Variables: {
    visit: Visit;
    session: Session | null;
    me: Me | null;
    /** A person in the role of now; null for a key, which /v1 knows itself. */
    person: Principal | null;
  };
};
export type Context = AnyContext<ConsoleEnv>;

/** Whose page it is: the id in the path. */
export const idIn = (c: Context): string => c.req.param('id') ?? '';

export const newPages = () => new Hono<ConsoleEnv>();

/** Behind the login: the middleware lets nobody else this far. */
export function guestOf(c: Context): Guest {
  const me = c.get('me');
  if (me === null) throw new Error('A page behind the login was reached without one.');
  return { ...c.get('visit'), me };
}

export const may = ({ me }: Guest, ...scopes: Me['scopes']): boolean =>
  me.scopes.includes('admin') || scopes.some((scope) => me.scopes.includes(scope));

/** A path of the console; each part is escaped. */
export const to = (...parts: readonly string[]): string => ['/console', ...parts.map(encodeURIComponent)].join('/');

/** A path with the parameters that have a value. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
