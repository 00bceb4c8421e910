// What Cloudflare Access says of a visitor: its token, verified with the team's own keys. Believes nothing else, and
// takes no key and no algorithm from the token itself.
// developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { type AccessSettings, type Person, plainEmail } from '../core/access.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type KeySet, keysOf } from './access-keys.ts';
import type { Context } from './kit.ts';

const CLOCK_SKEW_SECONDS = 10;
const TOKEN_CHARS_MAX = 16_384;

export type TokenProblem = 'expired' | 'wrong' | 'unknown_key' | 'no_email' | 'unavailable';
export type Proven = Person & { readonly issuer: string; readonly audience: string; readonly endsAt: number };

/** The header that Access adds to each request, or the cookie that it keeps at the browser; null where neither is. */
export function tokenOf(c: Pick<Context, 'req'>): string | null {
  const header = c.req.header('cf-access-jwt-assertion');
  const cookie = /(?:^|;\s*)CF_Authorization=([^;]+)/.exec(c.req.header('cookie') ?? '')?.[1];
  const token = header ?? cookie ?? null;
  return token !== null && token.length <= TOKEN_CHARS_MAX ? token : null;
}

const Groups = z.array(z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)])).catch([]);
const Claims = z.object({
  email: z
    .string()
    .max(200)
    .regex(/^[^\s@]+@[^\s@]+$/),
  exp: z.number(),
  groups: Groups.optional(),
  custom: z.object({ groups: Groups.optional() }).optional().catch(undefined),
});

/** RS256 alone, of this team, for one of these applications, not over. Services have no e-mail and are no people. */
export async function provePerson(
  token: string,
  settings: Pick<AccessSettings, 'audiences'>,
  issuer: string,
): Promise<Result<Proven, TokenProblem>> {
  const now = Date.now();
  const keys = await keysOf(issuer, now);
  if (keys === null) return err('unavailable');
  const proven = await proveBy(keys, token, settings, issuer, now);
  if (proven.ok || proven.error !== 'unknown_key') return proven;
  const newer = await keysOf(issuer, now, 'newer');
  return newer === null ? proven : proveBy(newer, token, settings, issuer, now);
}

async function proveBy(
  keys: KeySet,
  token: string,
  { audiences }: Pick<AccessSettings, 'audiences'>,
  issuer: string,
  now: number,
): Promise<Result<Proven, TokenProblem>> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer,
      audience: [...audiences],
      requiredClaims: ['exp', 'iat'],
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(now),
    });
    const claims = Claims.safeParse(payload);
    if (!claims.success) return err('no_email');
    const { email, exp, groups = [], custom } = claims.data;
    const all = [...groups, ...(custom?.groups ?? [])];
    const audience = audiences.find((one) => [payload.aud].flat().includes(one)) ?? ''; // it was verified above
    return ok({ email: plainEmail(email), groups: all, issuer, audience, endsAt: exp * 1_000 });
  } catch (error) {
    return err(problemOf(error));
  }
}

function problemOf(error: unknown): TokenProblem {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key';
  return 'wrong';
}
