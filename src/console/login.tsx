// Logging in with a key, logging out, and what a visitor prefers. Keeps no key but in the visitor's own sealed cookie.
import { MeBody } from '../api/me.ts';
import { networkOf } from '../core/network.ts';
import { get } from './call.ts';
import { endSession, startSession, writeCookie } from './cookies.ts';
import { Input } from './fields.tsx';
import { readForm, safeNext } from './forms.ts';
import { type Context, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note } from './parts.tsx';
import { show } from './show.tsx';
import type { Key } from './texts.ts';

export const login = newPages();

type Trouble = 'login.wrong' | 'login.empty' | 'login.often';
const STATUSES: Readonly<Record<Trouble, number>> = { 'login.wrong': 401, 'login.empty': 422, 'login.often': 429 };

function loginPage(c: Context, next: string, trouble: Trouble | null): Promise<Response> {
  const visit = c.get('visit');
  const { say, token } = visit;
  const isEnded = c.req.query('ended') === '1' && trouble === null;
  return show(c, {
    title: say('login.title'),
    status: trouble === null ? 200 : STATUSES[trouble],
    body: (
      <form class="card narrow" method="post" action={to('login')}>
        {isEnded ? (
          <Note tone="warn" role="status">
            <p>{say('login.ended')}</p>
          </Note>
        ) : null}
        <Token token={token} />
        <input type="hidden" name="next" value={next} />
        <Input
          visit={visit}
          name="key"
          type="password"
          label={say('login.key')}
          help={say('login.help')}
          wrong={trouble === null ? undefined : say(trouble satisfies Key)}
          isRequired
        />
        <button class="main" type="submit">
          {say('login.act')}
        </button>
      </form>
    ),
  });
}

login.get('/login', (c) => loginPage(c, safeNext(c.req.query('next'), c.req.url), null));

login.post('/login', async (c) => {
  const form = await readForm(c);
  const next = safeNext(form.text('next'), c.req.url);
  const key = form.text('key');
  if (key === '') return loginPage(c, next, 'login.empty');
  if (!(await mayTry(c))) return loginPage(c, next, 'login.often');
  c.set('session', { key, token: '', until: 0 });
  const me = await get(c, '/v1/me', MeBody);
  c.set('session', null);
  if (!me.ok) return loginPage(c, next, 'login.wrong');
  await startSession(c, key, Date.now());
  writeCookie(c, 'form', '', 0);
  return c.redirect(next, 303);
});

/** Local runs know no address. A limiter that fails lets in: keys cannot be guessed, and nobody must be locked out. */
async function mayTry(c: Context): Promise<boolean> {
  const address = c.req.header('cf-connecting-ip');
  if (address === undefined) return true;
  try {
    return (await c.env.LOGIN_BY_ADDRESS.limit({ key: networkOf(address) })).success;
  } catch {
    return true; // see above
  }
}

login.post('/logout', async (c) => {
  await readForm(c);
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
