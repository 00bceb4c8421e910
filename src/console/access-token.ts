// What Cloudflare Access says of a visitor: its token, verified with the team's own keys. Believes nothing else, and
// takes no key and no algorithm from the token itself.
// developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { type AccessSettings, type Person, plainEmail } from '../core/access.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Context } from './kit.ts';

const CERTS_TIMEOUT_MS = 5_000;
/** A token with an unknown key makes the keys be fetched again, but no more often than this. */
const CERTS_COOLDOWN_MS = 30_000;
const CERTS_FRESH_MS = 600_000;
const CLOCK_SKEW_SECONDS = 10;
const TOKEN_CHARS_MAX = 16_384;

export type TokenProblem = 'expired' | 'wrong' | 'unknown_key' | 'no_email' | 'unavailable';
export type Proven = Person & { readonly issuer: string; readonly endsAt: number };

/** The header that Access adds to each request, or the cookie that it keeps at the browser; null where neither is. */
export function tokenOf(c: Pick<Context, 'req'>): string | null {
  const header = c.req.header('cf-access-jwt-assertion');
  const cookie = /(?:^|;\s*)CF_Authorization=([^;]+)/.exec(c.req.header('cookie') ?? '')?.[1];
  const token = header ?? cookie ?? null;
  return token !== null && token.length <= TOKEN_CHARS_MAX ? token : null;
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;
const keySets = new Map<string, KeySet>();

/** The keys of one team, cached; the settings name the team, never a token. */
function keysOf(issuer: string): KeySet {
  const known = keySets.get(issuer);
  if (known) return known;
  const made = createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`), {
    timeoutDuration: CERTS_TIMEOUT_MS,
    cooldownDuration: CERTS_COOLDOWN_MS,
    cacheMaxAge: CERTS_FRESH_MS,
    [customFetch]: (url, options) => fetch(url, options),
  });
  keySets.clear(); // one team at a time
  keySets.set(issuer, made);
  return made;
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
  { audiences }: Pick<AccessSettings, 'audiences'>,
  issuer: string,
): Promise<Result<Proven, TokenProblem>> {
  try {
    const { payload } = await jwtVerify(token, keysOf(issuer), {
      algorithms: ['RS256'],
      issuer,
      audience: [...audiences],
      requiredClaims: ['exp', 'iat'],
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(Date.now()),
    });
    const claims = Claims.safeParse(payload);
    if (!claims.success) return err('no_email');
    const { email, exp, groups = [], custom } = claims.data;
    const all = [...groups, ...(custom?.groups ?? [])];
    return ok({ email: plainEmail(email), groups: all, issuer, endsAt: exp * 1_000 });
  } catch (error) {
    return err(problemOf(error));
  }
}

function problemOf(error: unknown): TokenProblem {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key';
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return 'unavailable';
  // What it throws for an answer of the certs that is no 200 has the bare class; a fetch that fails is no error of its.
  if (!(error instanceof errors.JOSEError) || error.constructor === errors.JOSEError) return 'unavailable';
  return 'wrong';
}
