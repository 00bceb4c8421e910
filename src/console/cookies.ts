// What the console keeps in a visitor's browser: the sealed session, the form token before it, language and theme.
// Never a key that could be read there, never anything that a script could read.
import { z } from 'zod';
import { newIv } from '../api/auth.ts';
import { toBase64Url } from '../crypto/bytes.ts';
import { open, seal } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import type { Context, Session } from './kit.ts';

/** A working day, and no longer. */
export const SESSION_MS = 8 * 3_600_000;
const YEAR_SECONDS = 365 * 86_400;
const TOKEN_BYTES = 24;
const CONTEXT = 'console/session';

const Sealed = z.object({ key: z.string(), token: z.string(), until: z.number() });

type Name = 'session' | 'form' | 'language' | 'theme';

/** Plain http is for the local address alone; elsewhere the browser itself guards the cookie (RFC 6265bis, 4.1.3.2). */
const isPlain = (c: Context): boolean => readConfig(c.env).isLocal && new URL(c.req.url).protocol === 'http:';
const nameOf = (c: Context, name: Name): string => `${isPlain(c) ? '' : '__Host-'}tollgate-${name}`;

export function readCookie(c: Context, name: Name): string | null {
  const wanted = `${nameOf(c, name)}=`;
  const found = (c.req.header('cookie') ?? '').split(/;\s*/).find((one) => one.startsWith(wanted));
  return found === undefined ? null : found.slice(wanted.length);
}

/** Values are of base64url, dots and plain letters alone: nothing needs escaping. */
export function writeCookie(c: Context, name: Name, value: string, maxAgeSeconds = YEAR_SECONDS): void {
  const secure = isPlain(c) ? '' : '; Secure';
  const cookie = `${nameOf(c, name)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
  c.header('set-cookie', cookie, { append: true });
}

export const newToken = (): string => toBase64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));

export async function startSession(c: Context, key: string, now: number): Promise<void> {
  const session: Session = { key, token: newToken(), until: now + SESSION_MS };
  const sealed = await seal(JSON.stringify(session), readConfig(c.env).masterKey, CONTEXT, newIv());
  writeCookie(c, 'session', sealed, SESSION_MS / 1_000);
}

/** Null for everything that this deployment did not seal, and for what is over. */
export async function readSession(c: Context, now: number): Promise<Session | null> {
  const sealed = readCookie(c, 'session');
  if (sealed === null) return null;
  try {
    const parsed = Sealed.parse(JSON.parse(await open(sealed, readConfig(c.env).masterKey, CONTEXT)));
    return parsed.until > now ? parsed : null;
  } catch {
    return null; // another master key, or a stranger's text: log in again
  }
}

export const endSession = (c: Context): void => writeCookie(c, 'session', '', 0);
