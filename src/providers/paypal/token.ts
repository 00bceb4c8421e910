// Fetches the access token that PayPal's API is asked with: the application's name and secret, traded for a token that
// lasts some hours. Never keeps one.
import { z } from 'zod';
import { parseJsonBody } from '../../core/json-body.ts';
import { err, ok } from '../../core/result.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import type { Provider, ProviderProblem } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';

const HOSTS: Readonly<Record<Credentials['environment'], string>> = {
  live: 'https://api-m.paypal.com',
  sandbox: 'https://api-m.sandbox.paypal.com',
};
export const hostOf = ({ environment }: Credentials): string => HOSTS[environment];

/** A token is not used in its last minute, so that it does not expire on its way. */
const MARGIN_MS = 60_000;

const Token = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,4096}$/),
  // A number in today's documents; it was text once.
  expires_in: z.union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ]),
});

export const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

export const token: NonNullable<Provider<Credentials, Notice>['token']> = {
  request: async (credentials) => {
    const { clientId, clientSecret } = credentials;
    if (clientId === undefined || clientSecret === undefined) {
      return problem('not_configured', 'clientId and clientSecret are missing: add them so that PayPal can be asked.');
    }
    return ok({
      method: 'POST',
      url: `${hostOf(credentials)}/v1/oauth2/token`,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${toBase64(utf8(`${clientId}:${clientSecret}`))}`,
      },
      body: 'grant_type=client_credentials',
    });
  },
  read: async ({ status, body }, now) => {
    if (status === 400 || status === 401 || status === 403) {
      return problem('refused', `PayPal gave no token (${status}): check clientId, clientSecret and environment.`);
    }
    if (status !== 200) {
      const isOutage = status === 429 || status >= 500 || status < 200;
      return problem(isOutage ? 'unavailable' : 'refused', `PayPal gave no token: it answered ${status}.`);
    }
    const read = Token.safeParse(parseJsonBody(body));
    if (!read.success) return problem('malformed', 'PayPal answered with a token that cannot be read.');
    const { access_token, expires_in } = read.data;
    return ok({ token: access_token, expiresAt: now + Math.max(0, expires_in * 1000 - MARGIN_MS) });
  },
};
