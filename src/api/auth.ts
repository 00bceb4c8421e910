// Who calls and what the caller may do: bearer keys, scopes, the stamp of a write. Never keeps or logs a key.

import { type Act, actNameOf, fieldNamesOf, type Who, WRITE_REFUSED } from '../core/act.ts';
import { ID_BYTES, idOf } from '../core/id.ts';
import type { Actor } from '../core/record.ts';
import type { Scope, WriteStamp } from '../core/registry.ts';
import { equalBytes, sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { SEAL_IV_BYTES } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import { readApiKeyCopy, wantsUseNoted } from '../store/registry-copy.ts';
import {
  type ApiEnv,
  type Context,
  createMiddleware,
  guards,
  type Principal,
  registryOf,
  routePath,
  z,
} from './kit.ts';
import { refuse } from './problem.ts';

/** Lets in callers whose key has one of these scopes, or `admin`. */
export const requires = (...scopes: readonly Scope[]) =>
  guards(
    createMiddleware<ApiEnv>(async (c, next) => {
      const principal = await principalOf(c);
      if (principal === null) {
        return refuse(c, {
          code: 'unauthorized',
          detail: 'Send Authorization: Bearer tg_… with a key that is not revoked.',
        });
      }
      c.set('principal', principal);
      if (!principal.scopes.includes('admin') && !scopes.some((scope) => principal.scopes.includes(scope))) {
        if (c.req.method !== 'GET' && c.req.method !== 'HEAD') c.executionCtx.waitUntil(noteRefused(c));
        return refuse(c, {
          code: 'forbidden',
          detail: `The key needs the scope ${[...scopes, 'admin'].join(' or ')}.`,
        });
      }
      return next();
    }),
    scopes,
  );

async function principalOf(c: Context): Promise<Principal | null> {
  const person = c.get('vouched');
  if (person !== null) return person;
  const [, key] = /^Bearer (tg_[A-Za-z0-9_-]{1,200})$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (key === undefined) return null;
  const hash = await sha256(utf8(key));
  // Hashes of both are compared, so that time tells neither the length nor the place of a difference.
  if (equalBytes(hash, await sha256(utf8(readConfig(c.env).adminKey)))) return { id: 'admin', scopes: ['admin'] };
  const now = Date.now();
  const found = await readApiKeyCopy(c.env, toHex(hash), now);
  if (found === null) return null;
  if (wantsUseNoted(found, now)) c.executionCtx.waitUntil(noteUse(c.env, found.id, now));
  return { id: found.id, scopes: found.scopes };
}

/** For people who look which keys are still in use. A failure is told again with the next use. */
async function noteUse(env: Env, id: string, now: number): Promise<void> {
  try {
    await registryOf(env).noteKeyUse(id, now);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'api', key: id, error: String(error) }));
  }
}

const REFUSED_AGAIN_MS = 60_000;
const REFUSED_KEPT_MAX = 1_000;
/** When this isolate last wrote down who was refused what. */
const refusals = new Map<string, number>();

/** Somebody whom we know tried what the key or the role does not allow: once a minute and act. Failing is no matter. */
async function noteRefused(c: Context): Promise<void> {
  const { kind, subject, ...act } = actOf(c);
  const now = Date.now();
  const what = `${act.actor} ${kind}`;
  if (now - (refusals.get(what) ?? 0) < REFUSED_AGAIN_MS) return;
  if (refusals.size >= REFUSED_KEPT_MAX) refusals.clear();
  refusals.set(what, now);
  const { channel, orderNo } = c.req.param();
  const order = channel === undefined || orderNo === undefined ? '' : `order/${channel}/${orderNo}`;
  const done = { ...act, kind: WRITE_REFUSED, subject: (subject ?? order).slice(0, SUBJECT_CHARS_MAX), about: kind };
  try {
    await registryOf(c.env).noteAct(done, now);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'api', refused: kind, error: String(error) }));
  }
}

const SUBJECT_CHARS_MAX = 200;

const vouched = new WeakMap<Request, Principal>();

/**
 * Lets a request that was made in this process act for a person whose session was checked. It goes by the request
 * itself: nothing that comes from outside can be such an object.
 */
export function vouchFor(request: Request, principal: Principal): Request {
  vouched.set(request, principal);
  return request;
}

/** Before anything that may put another request in the place of this one. */
export const takeVouched = createMiddleware<ApiEnv>((c, next) => {
  c.set('vouched', vouched.get(c.req.raw) ?? null);
  return next();
});

export const newId = (prefix: string): string => idOf(prefix, crypto.getRandomValues(new Uint8Array(ID_BYTES)));
export const newIv = () => crypto.getRandomValues(new Uint8Array(SEAL_IV_BYTES));

const IDEMPOTENCY_KEY_CHARS_MAX = 255;

/** The headers of every write. */
export const WriteHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(IDEMPOTENCY_KEY_CHARS_MAX)
    .optional()
    .openapi({ description: 'The same key with the same request gives the first answer again, for 24 hours.' }),
});

/** The Idempotency-Key in the caller's own name, so that two callers cannot meet each other's answers. */
export function idempotencyKeyOf(c: Context): string | null {
  const key = c.req.header('idempotency-key');
  return key === undefined ? null : `${c.get('principal').id}:${key}`;
}

/** What the caller wants written once, and what the audit log is told of it. */
export async function stampOf(c: Context, subject?: string): Promise<WriteStamp> {
  const text = await c.req.text();
  const asked = utf8(`${c.req.method} ${c.req.path}\n${text}`);
  const about = c.req.method === 'PATCH' || c.req.method === 'PUT' ? fieldNamesOf(parseJson(text)) : '';
  const act = actOf(c, { about, ...(subject === undefined ? {} : { subject }) });
  return { now: Date.now(), key: idempotencyKeyOf(c), digest: toHex(await sha256(asked)), act };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the route has refused it already, or wants no body
  }
}

type Told = { readonly subject?: string; readonly about?: string; readonly reason?: string | undefined };

/** The request as an act: named by its path, done to what the path names. */
export function actOf(c: Context, { subject, about = '', reason }: Told = {}): Act {
  const { noun, kind } = actNameOf(c.req.method, routePath(c));
  const id = c.req.param('id');
  const done = subject ?? (id === undefined ? null : `${noun}/${id}`);
  return { kind, subject: done, about, reason: reason ?? null, ...whoOf(c) };
}

/** For what another object has written: the registry's audit log hears of it once it was done. */
export async function noteDone(c: Context, stamp: WriteStamp, reply: { readonly repeated: boolean }): Promise<void> {
  if (!reply.repeated && stamp.act) await registryOf(c.env).noteAct(stamp.act, stamp.now);
}

/** Set by Cloudflare's edge; local runs have none. */
export const addressOf = (c: Pick<Context, 'req'>): string | null => c.req.header('cf-connecting-ip') ?? null;

export const whoOf = (c: Context): Who => ({ actor: c.get('principal').id, address: addressOf(c) });

/** The same for an act that a ledger writes down. */
export const actorOf = (c: Context, reason: string | null | undefined): Actor => ({
  key: c.get('principal').id,
  reason: reason ?? null,
  address: addressOf(c),
});
