// What the console keeps in a visitor's browser: the sealed session, the form token before it, language and theme.
// Never a key that could be read there, never anything that a script could read.
import { z } from 'zod';
import { newIv } from '../api/auth.ts';
import { SESSION_IDLE_MS, SESSION_MS_MAX } from '../core/limits.ts';
import { sha256, toBase64Url, utf8 } from '../crypto/bytes.ts';
import { open, seal } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import type { CameBy, Context, Session } from './kit.ts';

/** A session that is used is written anew this often at most. */
const RENEWED_MS = 300_000;
const YEAR_SECONDS = 365 * 86_400;
const TOKEN_BYTES = 24;
const CONTEXT = 'console/session';

const Sealed = z.object({
  by: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('key'), key: z.string() }),
    z.object({
      kind: z.literal('person'),
      issuer: z.string(),
      audience: z.string(),
      email: z.string(),
      groups: z.array(z.string()),
    }),
  ]),
  token: z.string(),
  since: z.number(),
  until: z.number(),
  seen: z.number(),
});

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

/** `endsAt`: what let the visitor in is over then. */
export function startSession(c: Context, by: CameBy, now: number, endsAt = Number.POSITIVE_INFINITY): Promise<void> {
  const until = Math.min(now + SESSION_MS_MAX, endsAt);
  return writeSession(c, { by, token: newToken(), since: now, until, seen: now });
}

async function writeSession(c: Context, session: Session): Promise<void> {
  const sealed = await seal(JSON.stringify(session), readConfig(c.env).masterKey, CONTEXT, newIv());
  const leftMs = Math.min(SESSION_IDLE_MS, session.until - session.seen);
  writeCookie(c, 'session', sealed, Math.max(1, Math.ceil(leftMs / 1_000)));
}

/** Whoever goes on working stays in, until the session is over in any case. */
export async function renewSession(c: Context, session: Session, now: number): Promise<void> {
  if (now - session.seen >= RENEWED_MS) await writeSession(c, { ...session, seen: now });
}

/** Says nothing of the session itself: it may stand in a table. */
export const idOf = async ({ token }: Pick<Session, 'token'>): Promise<string> =>
  toBase64Url(await sha256(utf8(token))).slice(0, 22);

/** Null for everything that this deployment did not seal, and for what is over. */
export async function readSession(c: Context, now: number): Promise<Session | null> {
  const sealed = readCookie(c, 'session');
  if (sealed === null) return null;
  try {
    const parsed = Sealed.parse(JSON.parse(await open(sealed, readConfig(c.env).masterKey, CONTEXT)));
    return parsed.until > now && parsed.seen + SESSION_IDLE_MS > now ? parsed : null;
  } catch {
    return null; // another master key, or a stranger's text: log in again
  }
}

export const endSession = (c: Context): void => writeCookie(c, 'session', '', 0);
