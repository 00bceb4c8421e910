// Who may come into the console besides API keys: people whom Cloudflare Access names, by e-mail or group, each with a
// role. Pure. Never checks a token: whoever calls has done so.
import type { Scope } from './registry.ts';

/** From the least to the most. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const SCOPES_OF: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: ['read'],
  operator: ['read', 'orders', 'operate'],
  admin: ['admin'],
};

/** One of: this e-mail, every e-mail of this domain, everybody in this group. */
export type AccessRule = {
  readonly kind: 'email' | 'domain' | 'group';
  readonly value: string;
  readonly role: Role;
};
export type AccessSettings = {
  /** Who signs, without a slash at the end: https://<team>.cloudflareaccess.com. Null: nobody comes in this way. */
  readonly issuer: string | null;
  /** The Application Audience tags of the applications that guard the console. */
  readonly audiences: readonly string[];
  readonly rules: readonly AccessRule[];
};
export const NO_ACCESS: AccessSettings = { issuer: null, audiences: [], rules: [] };

/** What a token that holds says of a person. */
export type Person = { readonly email: string; readonly groups: readonly string[] };

const fits = ({ kind, value }: AccessRule, { email, groups }: Person): boolean => {
  switch (kind) {
    case 'email':
      return email === value;
    case 'domain':
      return email.endsWith(`@${value}`);
    case 'group':
      return groups.includes(value);
  }
};

/** The highest role that a rule gives; null: nobody we know. */
export function roleOf({ rules }: Pick<AccessSettings, 'rules'>, person: Person): Role | null {
  const given = rules.filter((rule) => fits(rule, person)).map(({ role }) => role);
  return ROLES.findLast((role) => given.includes(role)) ?? null;
}

/** A cookie has 4 KB, and such a letter may be three bytes. */
const GROUPS_CHARS_MAX = 600;

/** Of a person's groups those that a rule names, the ones that give most first, as far as a session holds them. */
export function groupsKept({ rules }: Pick<AccessSettings, 'rules'>, groups: readonly string[]): readonly string[] {
  const rankOf = (group: string): number =>
    Math.max(
      -1,
      ...rules.flatMap((rule) => (fits(rule, { email: '', groups: [group] }) ? ROLES.indexOf(rule.role) : [])),
    );
  const named = groups.filter((group) => rankOf(group) >= 0).toSorted((a, b) => rankOf(b) - rankOf(a));
  let chars = 0;
  return named.filter((group) => {
    chars += group.length;
    return chars <= GROUPS_CHARS_MAX;
  });
}

/** Whoever came by what is no longer named is out for good, even where it is named again. */
export const endsPeople = (before: AccessSettings, after: AccessSettings): boolean =>
  before.issuer !== null &&
  (before.issuer !== after.issuer || before.audiences.some((audience) => !after.audiences.includes(audience)));

/** E-mails are compared in small letters, as providers treat them; without spaces around. */
export const plainEmail = (text: string): string => text.trim().toLowerCase();

/** Since when older sessions are over: of each that was logged out everywhere, and of all. */
export type Logouts = { readonly all: number; readonly of: Readonly<Record<string, number>> };
export const NO_LOGOUTS: Logouts = { all: 0, of: {} };
const endOf = (of: Logouts['of'], name: string): number => (Object.hasOwn(of, name) ? (of[name] ?? 0) : 0);
/** All people, whoever they are: keys have no @, and an e-mail is longer. */
export const PEOPLE = '@';
export const sessionsEndedAt = ({ all, of }: Logouts, actor: string): number =>
  Math.max(all, actor.includes('@') ? endOf(of, PEOPLE) : 0, endOf(of, actor));
/** Of one session, wherever a copy of its cookie may be. */
export const isSessionOver = (logouts: Logouts, actor: string, { id, since }: { id: string; since: number }): boolean =>
  sessionsEndedAt(logouts, actor) >= since || endOf(logouts.of, `session/${id}`) > 0;

/** What an isolate needs to let a person in. */
export type AccessCopy = { readonly settings: AccessSettings; readonly logouts: Logouts };
