// What an origin asks to see besides the signature: checked and sealed here, and never shown again. A header that the
// gateway or the transport writes cannot be chosen.
import type { OriginAuth } from '../core/origin.ts';
import { seal } from '../crypto/seal.ts';
import { newIv } from './auth.ts';
import { z } from './kit.ts';

/** Shorter secrets show no ending: four characters of eight are half of it. */
const ENDING_SHOWN_FROM_CHARS = 16;

const Visible = z
  .string()
  .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'must be visible ASCII characters, without spaces around it')
  .max(4_096);

/** The gateway's own, and those that the transport owns: RFC 9110 (7.6.1, 10.1.1), the Fetch standard, Cloudflare. */
const RESERVED_PREFIX = /^(webhook-|tollgate-|cf-|x-forwarded-|sec-|proxy-|ce-|content-)/;
const RESERVED: readonly string[] = [
  ...['host', 'user-agent', 'date', 'via', 'forwarded', 'x-real-ip', 'true-client-ip', 'accept-encoding', 'expect'],
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'],
];
const isReserved = (name: string): boolean => RESERVED_PREFIX.test(name) || RESERVED.includes(name);

const HeaderName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'must be a header name, such as X-Api-Key')
  .transform((name) => name.toLowerCase())
  .refine((name) => !isReserved(name), 'is written by the gateway or the transport: choose another header');

export const AuthInput = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('basic'),
      // RFC 7617, 2: the first colon ends the user, and there are no control characters.
      user: z
        .string()
        .regex(/^[ -9;-~\u00a0-\uffff]+$/, 'must have no colon and no control characters')
        .max(255),
      password: z
        .string()
        .regex(/^[ -~\u00a0-\uffff]+$/, 'must have no control characters')
        .max(4_096),
    }),
    z.strictObject({ kind: z.literal('bearer'), token: Visible }),
    z.strictObject({ kind: z.literal('header'), name: HeaderName, value: Visible }),
  ])
  .openapi('OriginAuth');
type Entered = z.output<typeof AuthInput>;

const headerOf = (auth: Entered): string => (auth.kind === 'header' ? auth.name : 'authorization');

/** Where the list itself is wrong, in words; null when it may be used. */
export function authProblem(entered: readonly Entered[]): { readonly index: number; readonly message: string } | null {
  const names = entered.map(headerOf);
  const index = names.findIndex((name, at) => names.indexOf(name) !== at);
  return index < 0 ? null : { index, message: `would send the header ${names[index]} a second time: keep one of them` };
}

/** Opens with `origin/{id}/auth`. */
export function sealAuth(entered: readonly Entered[], id: string, masterKey: string): Promise<readonly OriginAuth[]> {
  return Promise.all(
    entered.map(async (auth) => {
      const [name, secret] = namedSecret(auth);
      return {
        kind: auth.kind,
        name,
        sealed: await seal(secret, masterKey, `origin/${id}/auth`, newIv()),
        ending: secret.length >= ENDING_SHOWN_FROM_CHARS ? secret.slice(-4) : null,
      };
    }),
  );
}

function namedSecret(auth: Entered): readonly [name: string | null, secret: string] {
  switch (auth.kind) {
    case 'basic':
      return [auth.user, auth.password];
    case 'bearer':
      return [null, auth.token];
    case 'header':
      return [auth.name, auth.value];
  }
}
