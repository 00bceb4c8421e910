// The /v1 application: its routes, its refusals, its OpenAPI document and the page that shows it. Decides nothing.
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { API_BODY_BYTES_MAX, HTTPS_ALONE_SECONDS } from '../core/limits.ts';
import { access } from './access.ts';
import { alarmDestinations } from './alarm-destinations.ts';
import { alarmRules } from './alarm-rules.ts';
import { alarms } from './alarms.ts';
import { apiKeys } from './api-keys.ts';
import { archives } from './archives.ts';
import { audit } from './audit.ts';
import { takeVouched } from './auth.ts';
import { channelCheck } from './channel-check.ts';
import { channelEcho } from './channel-echo.ts';
import { channelTest } from './channel-test.ts';
import { channels } from './channels.ts';
import { diagnosing } from './diagnose.ts';
import { discrepancies } from './discrepancies.ts';
import { docsPage } from './docs.ts';
import { DOCS_SCRIPT, DOCS_STYLE } from './docs-files.ts';
import { type ApiDocument, makeDocument } from './document.ts';
import { events } from './events.ts';
import { evidence } from './evidence.ts';
import { health } from './health.ts';
import { keyEnds } from './key-ends.ts';
import { newApp } from './kit.ts';
import { me } from './me.ts';
import { metrics } from './metrics.ts';
import { operations } from './operations.ts';
import { orderActions } from './order-actions.ts';
import { orderList } from './order-list.ts';
import { orders } from './orders.ts';
import { originCheck } from './origin-check.ts';
import { originPreview } from './origin-preview.ts';
import { origins } from './origins.ts';
import { outsiders } from './outsiders.ts';
import { type Problem, refuse, refuseInvalid, refuseThrown } from './problem.ts';
import { products } from './products.ts';
import { providers } from './providers.ts';
import { reconciliations } from './reconciliations.ts';
import { records } from './records.ts';
import { refundAbandon } from './refund-abandon.ts';
import { refunds } from './refunds.ts';
import { replays } from './replays.ts';
import { reports } from './reports.ts';
import { sessions } from './sessions.ts';
import { stats } from './stats.ts';
import { statsCallbacks } from './stats-callbacks.ts';
import { statsWaiting } from './stats-waiting.ts';

const TOO_LARGE: Problem = { code: 'body_too_large', detail: `A body may have ${API_BODY_BYTES_MAX} bytes at most.` };

export const api = newApp();
api.defaultHook = refuseInvalid;
api.onError(refuseThrown);
api.notFound((c) =>
  refuse(c, { code: 'not_found', detail: `There is no ${c.req.method} ${c.req.path}: /docs lists what there is.` }),
);

api.use(takeVouched);
api.use(async (c, next) => {
  await next();
  c.header('x-content-type-options', 'nosniff');
  c.header('strict-transport-security', `max-age=${HTTPS_ALONE_SECONDS}`);
  if (c.req.path.startsWith('/v1/')) c.header('cache-control', 'no-store');
});
api.use(
  methodNotAllowed({
    app: api,
    onMethodNotAllowed: (c, methods) => {
      const detail = `${c.req.path} takes ${methods.join(', ')}: /docs says what each does.`;
      const refused = refuse(c, { code: 'method_not_allowed', detail });
      refused.headers.set('allow', methods.join(', '));
      return refused;
    },
  }),
);
const bounded = bodyLimit({ maxSize: API_BODY_BYTES_MAX, onError: (c) => refuse(c, TOO_LARGE) });
// A bill is no body of ours: it is bounded where it is kept, a piece at a time.
api.use('/v1/*', (c, next) => (c.req.path === '/v1/reconciliations/bills' ? next() : bounded(c, next)));

const ROUTES = [
  channels,
  channelCheck,
  outsiders,
  diagnosing,
  channelTest,
  channelEcho,
  origins,
  originCheck,
  originPreview,
  orderList,
  orders,
  orderActions,
  refunds,
  refundAbandon,
  replays,
  evidence,
  events,
  archives,
  records,
  alarms,
  alarmRules,
  alarmDestinations,
  operations,
  apiKeys,
  access,
  sessions,
  audit,
  reconciliations,
  discrepancies,
  stats,
  statsCallbacks,
  statsWaiting,
  keyEnds,
  reports,
  products,
  providers,
  me,
];
for (const routes of ROUTES) api.route('/v1', routes);
api.route('/', metrics);

api.openAPIRegistry.registerComponent('securitySchemes', 'key', {
  type: 'http',
  scheme: 'bearer',
  description: 'An API key, tg_…, or the admin key of the deployment.',
});

let made: ApiDocument | null = null;
/** The whole contract, from the same schemas that validate it. Made once an isolate, because anybody may ask for it. */
function document(): ApiDocument {
  made ??= makeDocument(api);
  return made;
}

api.get('/openapi.json', (c) => c.json(document()));
api.get('/docs', () => docsPage(document()));
api.get('/docs/style.css', (c) => c.body(DOCS_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
api.get('/docs/script.js', (c) => c.body(DOCS_SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
api.get('/healthz', (c) => health(c.env, Date.now()));
