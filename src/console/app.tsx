// /console: who comes in, in which language, and which page answers. Everything that pages show or do goes through /v1.
import { MeBody } from '../api/me.ts';
import { isSessionOver } from '../core/access.ts';
import { languageOf } from '../core/language.ts';
import { HTTPS_ALONE_SECONDS } from '../core/limits.ts';
import { readConfig } from '../env.ts';
import { readAccessCopy } from '../store/access-copy.ts';
import { access } from './access.tsx';
import { alarmDestination } from './alarm-destination.tsx';
import { alarmDestinationNew } from './alarm-destination-new.tsx';
import { alarmRules } from './alarm-rules.tsx';
import { alarms } from './alarms.tsx';
import { allowlist } from './allowlist.tsx';
import { assetAt } from './assets.ts';
import { audit } from './audit.tsx';
import { get, type Problem } from './call.ts';
import { callbacks } from './callbacks.tsx';
import { channelChange } from './channel-change.tsx';
import { channelNew } from './channel-new.tsx';
import { channelSettings } from './channel-settings.tsx';
import { channelTest } from './channel-test.tsx';
import { channels } from './channels.tsx';
import { endSession, idOf, newToken, readCookie, readSession, renewSession, writeCookie } from './cookies.ts';
import { deliveries } from './deliveries.tsx';
import { discrepancies } from './discrepancies.tsx';
import { FormRefused } from './forms.ts';
import { keys } from './keys.tsx';
import { type Context, newPages, type Theme, to, withQuery } from './kit.ts';
import { login } from './login.tsx';
import { order } from './order.tsx';
import { orderActs } from './order-acts.tsx';
import { orders } from './orders.tsx';
import { originChange } from './origin-change.tsx';
import { originCheck } from './origin-check.tsx';
import { originNew } from './origin-new.tsx';
import { originTests } from './origin-tests.tsx';
import { origins } from './origins.tsx';
import { overview } from './overview.tsx';
import { principalOf } from './person.ts';
import { reconciliations } from './reconciliations.tsx';
import { refund } from './refund.tsx';
import { replays } from './replays.tsx';
import { reports } from './reports.tsx';
import { show, showProblem } from './show.tsx';
import { switches } from './switches.tsx';
import { sayIn } from './texts.ts';
import { why } from './why.tsx';

const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Kept by nobody, shown in no frame, told to no other site; forms still say where they come from. */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': CSP,
  'referrer-policy': 'same-origin',
  'strict-transport-security': `max-age=${HTTPS_ALONE_SECONDS}`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

const OPEN: readonly string[] = [to('login'), to('login', 'person'), to('preferences')];

export const operators = newPages().basePath('/console');

operators.use(async (c, next) => {
  readConfig(c.env);
  await next();
  if (c.req.path.startsWith('/console/assets/') && c.res.ok) return;
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
});

operators.get('/assets/:name', async (c) => (await assetAt(c.env, c.req.param('name'))) ?? c.body(null, 404));

operators.use(async (c, next) => {
  const session = await readSession(c, Date.now());
  const language = readCookie(c, 'language');
  const theme = readCookie(c, 'theme');
  const spoken = languageOf(language, c.req.header('accept-language') ?? null);
  const { pathname, search } = new URL(c.req.url);
  c.set('session', session);
  c.set('me', null);
  c.set('person', null);
  c.set('visit', {
    language: spoken,
    theme: isTheme(theme) ? theme : 'system',
    say: sayIn(spoken),
    token: session?.token ?? formToken(c),
    here: pathname + search,
  });
  return next();
});

const isTheme = (text: string | null): text is Theme => text === 'system' || text === 'light' || text === 'dark';

/** Before there is a session the form token has a cookie of its own. */
function formToken(c: Context): string {
  const known = readCookie(c, 'form');
  if (known !== null && /^[\w-]{16,64}$/.test(known)) return known;
  const token = newToken();
  writeCookie(c, 'form', token, 3_600);
  return token;
}

/**
 * Each request asks /v1 who the key is, or the settings which role a person has: whoever was revoked, removed or logged
 * out elsewhere is out.
 */
operators.use(async (c, next) => {
  const { here, say } = c.get('visit');
  const session = c.get('session');
  if (session === null) {
    if (OPEN.includes(c.req.path)) return next();
    // Our cookie is kept back where another site led here: the browser brings it when it is our own page that asks.
    if (c.req.method === 'GET' && c.req.header('sec-fetch-site') === 'cross-site') {
      return show(c, { title: say('login.forward'), forward: here, body: <a href={here}>{say('login.onward')}</a> });
    }
    return c.redirect(withQuery(to('login'), { next: c.req.method === 'GET' ? here : undefined }), 303);
  }
  const now = Date.now();
  const copy = await readAccessCopy(c.env, now).catch(() => null);
  if (copy === null) return showProblem(c, AWAY);
  c.set('person', session.by.kind === 'key' ? null : principalOf(session.by, copy.settings));
  const me = await get(c, '/v1/me', MeBody);
  if (me.ok && !isSessionOver(copy.logouts, me.value.id, { id: await idOf(session), since: session.since })) {
    c.set('me', me.value);
    const isAtWork = c.req.path !== to('live') && c.req.header('x-refresh') === undefined; // pages refresh themselves
    if (isAtWork) await renewSession(c, session, now);
    return next();
  }
  if (!me.ok && me.error.code !== 'unauthorized') return showProblem(c, me.error);
  endSession(c);
  return c.redirect(withQuery(to('login'), { ended: '1' }), 303);
});

const AWAY: Problem = {
  status: 503,
  code: 'unavailable',
  detail: 'The registry does not answer, so nobody can say whether this session still holds. Try again.',
};

operators.notFound((c) => showProblem(c, { status: 404, code: 'page', detail: `GET ${c.req.path}` }));

operators.onError((error, c) => {
  if (error instanceof FormRefused) return showProblem(c, { status: 403, code: 'form', detail: error.message });
  console.error(JSON.stringify({ hop: 'console', path: c.req.path, error: String(error).slice(0, 500) }));
  // Half-configured, the Worker knows no visitor: what is wrong is in the log, as for every other trigger.
  if (c.get('visit') === undefined) return new Response(null, { status: 500 });
  return showProblem(c, { status: 500, code: 'internal', detail: 'The log has one line about it.' });
});

const PAGES = [
  ...[
    login,
    overview,
    reports,
    alarms,
    alarmRules,
    alarmDestination,
    alarmDestinationNew,
    callbacks,
    deliveries,
    replays,
    audit,
  ],
  ...[orders, order, orderActs, refund],
  ...[
    why,
    allowlist,
    originCheck,
    channels,
    channelNew,
    channelChange,
    channelSettings,
    channelTest,
    origins,
    originNew,
    originChange,
    originTests,
    switches,
  ],
  ...[reconciliations, discrepancies, keys, access],
];
for (const pages of PAGES) operators.route('/', pages);
