// An act: what somebody did here, from where, for the audit log. Pure. Names fields, never their values, and no secret.

/** Who acts: an API key, a person, or the gateway itself; and the address that the request came from. */
export type Who = { readonly actor: string; readonly address: string | null };

export type Act = Who & {
  /** What was done, such as `channel.pause`. */
  readonly kind: string;
  /** What it was done to, such as `channel/shop`; null: whatever the act has made. */
  readonly subject: string | null;
  readonly about: string;
  readonly reason: string | null;
};

/** What the gateway does without being asked. */
export const GATEWAY = 'gateway';

/** Somebody was not let in, and somebody who is in was not allowed: of each only so many an hour are written down. */
export const LOGIN_FAILED = 'login.failed';
export const WRITE_REFUSED = 'write.refused';

export const ACT_ABOUT_CHARS_MAX = 300;

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PATCH: 'change', PUT: 'change', DELETE: 'revoke' };

/** The name of a write by its method and the pattern of its path: POST /v1/channels/:id/pause is `channel.pause`. */
export function actNameOf(method: string, pattern: string): { readonly noun: string; readonly kind: string } {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== 'v1');
  const isParam = (part: string | undefined) => part?.startsWith(':') === true || part?.startsWith('{') === true;
  const last = parts.at(-1) ?? '';
  const hasVerb = method === 'POST' && parts.length > 1 && !isParam(last);
  const nouns = (hasVerb ? parts.slice(0, -1) : parts).filter((part) => !isParam(part));
  const noun = nouns.map((part) => part.replace(/ies$/, 'y').replace(/([^s])s$/, '$1')).join('.');
  return { noun, kind: `${noun}.${hasVerb ? last : (VERBS[method] ?? method.toLowerCase())}` };
}

/** The names of the fields that a body sets, one level into what is nested. */
export function fieldNamesOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return '';
  const names = Object.entries(body).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && name === 'settings'
      ? Object.keys(value).map((inner) => `${name}.${inner}`)
      : [name],
  );
  return names.join(', ').slice(0, ACT_ABOUT_CHARS_MAX);
}
