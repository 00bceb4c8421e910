// Logging in with a key or as a person whom Cloudflare Access knows, logging out, and what a visitor prefers. Keeps no
// key but in the visitor's own sealed cookie.
import { addressOf } from '../api/auth.ts';
import { MeBody } from '../api/me.ts';
import { endOneSession, noteLogin } from '../api/sessions.ts';
import { groupsKept } from '../core/access.ts';
import { networkOf } from '../core/network.ts';
import type { Result } from '../core/result.ts';
import { readAccessCopy } from '../store/access-copy.ts';
import { type Proven, provePerson, type TokenProblem, tokenOf } from './access-token.ts';
import { get } from './call.ts';
import { endSession, idOf, startSession, writeCookie } from './cookies.ts';
import { Input } from './fields.tsx';
import { readForm, safeNext } from './forms.ts';
import { type CameBy, type Context, newPages, to, type Visit, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note } from './parts.tsx';
import { principalOf } from './person.ts';
import { show } from './show.tsx';
import type { Key } from './texts.ts';

export const login = newPages();

type Trouble = 'login.wrong' | 'login.empty' | 'login.often' | 'login.person.refused' | 'login.person.unknown';
const STATUSES: Readonly<Record<Trouble, number>> = {
  'login.wrong': 401,
  'login.empty': 422,
  'login.often': 429,
  'login.person.refused': 401,
  'login.person.unknown': 403,
};
const isOfKey = (trouble: Trouble): boolean => !trouble.startsWith('login.person');

async function loginPage(c: Context, next: string, trouble: Trouble | null): Promise<Response> {
  const visit = c.get('visit');
  const { say, token } = visit;
  const isEnded = c.req.query('ended') === '1' && trouble === null;
  const person = await proveVisitor(c);
  return show(c, {
    title: say('login.title'),
    status: trouble === null ? 200 : STATUSES[trouble],
    body: (
      <>
        {isEnded ? (
          <Note tone="warn" role="status">
            <p>{say('login.ended')}</p>
          </Note>
        ) : null}
        <PersonForm visit={visit} next={next} person={person} trouble={trouble} />
        <form class="card narrow" method="post" action={to('login')}>
          <Token token={token} />
          <input type="hidden" name="next" value={next} />
          <Input
            visit={visit}
            name="key"
            type="password"
            label={say('login.key')}
            help={say('login.help')}
            wrong={trouble === null || !isOfKey(trouble) ? undefined : say(trouble satisfies Key)}
            isRequired
          />
          <button class="main" type="submit">
            {say('login.act')}
          </button>
        </form>
      </>
    ),
  });
}

type PersonProps = {
  readonly visit: Visit;
  readonly next: string;
  readonly person: Result<Proven, TokenProblem> | null;
  readonly trouble: Trouble | null;
};
/** Shown where Cloudflare Access stands before the console. */
function PersonForm({ visit: { say, token }, next, person, trouble }: PersonProps) {
  if (person === null) return null;
  const refused = trouble !== null && !isOfKey(trouble) ? say(trouble satisfies Key) : null;
  if (!person.ok || refused !== null) {
    return (
      <Note tone="bad" role="alert">
        <p>{refused ?? say('login.person.refused')}</p>
        {person.ok ? null : <p class="small">{say(`login.person.${person.error}` satisfies Key)}</p>}
      </Note>
    );
  }
  return (
    <form class="card narrow" method="post" action={to('login', 'person')}>
      <Token token={token} />
      <input type="hidden" name="next" value={next} />
      <p>{say('login.person.help')}</p>
      <button class="main" type="submit">
        {say('login.person.act', { email: person.value.email })}
      </button>
    </form>
  );
}

/** Null where Access is not set up, or has said nothing of this visitor. */
async function proveVisitor(c: Context): Promise<Result<Proven, TokenProblem> | null> {
  const token = tokenOf(c);
  if (token === null) return null;
  const { settings } = await readAccessCopy(c.env, Date.now());
  return settings.issuer === null ? null : provePerson(token, settings, settings.issuer);
}

login.get('/login', (c) => loginPage(c, safeNext(c.req.query('next'), c.req.url), null));

/** What is none could not even be asked with: a header takes no such text. */
const KEY_FORM = /^[\x21-\x7e]{1,300}$/;

login.post('/login', async (c) => {
  const form = await readForm(c);
  const next = safeNext(form.text('next'), c.req.url);
  const key = form.text('key');
  if (key === '') return loginPage(c, next, 'login.empty');
  if (!(await mayTry(c))) return loginPage(c, next, 'login.often');
  const now = Date.now();
  const by: CameBy = { kind: 'key', key };
  c.set('session', { by, token: '', since: now, until: 0, seen: now });
  const me = KEY_FORM.test(key) ? await get(c, '/v1/me', MeBody) : null;
  c.set('session', null);
  const address = addressOf(c);
  if (!me?.ok) {
    await noteLogin(c.env, { actor: '', address }, 'login.failed', 'key');
    return loginPage(c, next, 'login.wrong');
  }
  await noteLogin(c.env, { actor: me.value.id, address }, 'login.done', 'key');
  await startSession(c, by, now);
  writeCookie(c, 'form', '', 0);
  return c.redirect(next, 303);
});

login.post('/login/person', async (c) => {
  const form = await readForm(c);
  const next = safeNext(form.text('next'), c.req.url);
  if (!(await mayTry(c))) return loginPage(c, next, 'login.often');
  const address = addressOf(c);
  const proven = await proveVisitor(c);
  if (!proven?.ok) {
    await noteLogin(c.env, { actor: '', address }, 'login.failed', `access: ${proven?.error ?? 'nothing'}`);
    return loginPage(c, next, 'login.person.refused');
  }
  const { email, issuer, audience, endsAt } = proven.value;
  const { settings } = await readAccessCopy(c.env, Date.now());
  const by = {
    kind: 'person',
    issuer,
    audience,
    email,
    groups: [...groupsKept(settings, proven.value.groups)],
  } as const;
  if (principalOf(by, settings) === null) {
    await noteLogin(c.env, { actor: email, address }, 'login.failed', 'access: no rule');
    return loginPage(c, next, 'login.person.unknown');
  }
  await noteLogin(c.env, { actor: email, address }, 'login.done', 'access');
  await startSession(c, by, Date.now(), endsAt);
  writeCookie(c, 'form', '', 0);
  return c.redirect(next, 303);
});

/** Local runs know no address. A limiter that fails lets in: keys cannot be guessed, and nobody must be locked out. */
async function mayTry(c: Context): Promise<boolean> {
  const address = addressOf(c);
  if (address === null) return true;
  try {
    return (await c.env.LOGIN_BY_ADDRESS.limit({ key: networkOf(address) })).success;
  } catch {
    return true; // see above
  }
}

login.post('/logout', async (c) => {
  await readForm(c);
  const [session, me] = [c.get('session'), c.get('me')];
  if (session && me) await endOneSession(c.env, { actor: me.id, address: addressOf(c) }, await idOf(session));
  endSession(c);
  return c.redirect(to('login'), 303);
});

login.post('/preferences', async (c) => {
  const form = await readForm(c);
  const [language, theme] = [form.text('language'), form.text('theme')];
  if (language === 'zh' || language === 'en') writeCookie(c, 'language', language);
  if (theme === 'system' || theme === 'light' || theme === 'dark') writeCookie(c, 'theme', theme);
  const back = form.text('next');
  const toLogin = withQuery(to('login'), { next: back.startsWith(to('login')) ? undefined : back });
  return c.redirect(c.get('session') === null ? toLogin : safeNext(back, c.req.url), 303);
});
