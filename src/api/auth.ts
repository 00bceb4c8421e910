// Who calls and what the caller may do: bearer keys, scopes, the stamp of a write. Never keeps or logs a key.

import { ID_BYTES, idOf } from '../core/id.ts';
import type { Scope, WriteStamp } from '../core/registry.ts';
import { equalBytes, sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { SEAL_IV_BYTES } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import { readApiKeyCopy } from '../store/registry-copy.ts';
import { type ApiEnv, type Context, createMiddleware, type Principal, z } from './kit.ts';
import { refuse } from './problem.ts';

/** Lets in callers whose key has one of these scopes, or `admin`. */
export const requires = (...scopes: readonly Scope[]) =>
  createMiddleware<ApiEnv>(async (c, next) => {
    const principal = await principalOf(c);
    if (principal === null) {
      return refuse(c, {
        code: 'unauthorized',
        detail: 'Send Authorization: Bearer tg_… with a key that is not revoked.',
      });
    }
    if (!principal.scopes.includes('admin') && !scopes.some((scope) => principal.scopes.includes(scope))) {
      return refuse(c, { code: 'forbidden', detail: `The key needs the scope ${[...scopes, 'admin'].join(' or ')}.` });
    }
    c.set('principal', principal);
    return next();
  });

async function principalOf(c: Context): Promise<Principal | null> {
  const [, key] = /^Bearer (tg_[A-Za-z0-9_-]{1,200})$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (key === undefined) return null;
  const hash = await sha256(utf8(key));
  // Hashes of both are compared, so that time tells neither the length nor the place of a difference.
  if (equalBytes(hash, await sha256(utf8(readConfig(c.env).adminKey)))) return { id: 'admin', scopes: ['admin'] };
  return readApiKeyCopy(c.env, toHex(hash), Date.now());
}

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

export async function stampOf(c: Context): Promise<WriteStamp> {
  const asked = utf8(`${c.req.method} ${c.req.path}\n${await c.req.text()}`);
  return { now: Date.now(), key: idempotencyKeyOf(c), digest: toHex(await sha256(asked)) };
}
