// GET /pay/{token}: what a payer sees of one order, as a page, as JSON and as a picture of the code. Public: whoever
// has the token may look. Never writes, never asks a provider, and never says who sells or what.
import { type Language, languageOf } from './core/language.ts';
import { HTTPS_ALONE_SECONDS } from './core/limits.ts';
import { qrPng, qrSvg } from './core/qr.ts';
import { unreachable } from './core/result.ts';
import { readPayToken } from './crypto/pay-token.ts';
import { readConfig } from './env.ts';
import { contentSecurityPolicy } from './payer/behaviour.ts';
import { mayLook, mayLookAt, RETRY_AFTER_SECONDS } from './payer/limit.ts';
import { payPage, plainPage } from './payer/page.ts';
import { type PayView, readPayView } from './payer/view.ts';

type Form = 'page' | 'status' | 'qr.svg' | 'qr.png';
type Ask = { readonly token: string; readonly form: Form; readonly language: Language };

const PATH = /^\/pay\/([^/]+)(?:\/(status|qr\.svg|qr\.png))?$/;
const METHODS = ['GET', 'HEAD'];

/** Kept by nobody, found by no search engine, shown in no frame, told to no other site. */
const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'strict-transport-security': `max-age=${HTTPS_ALONE_SECONDS}`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

export async function payer(request: Request, env: Env): Promise<Response> {
  const ask = askOf(request);
  try {
    return await look(ask, request, env);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'pay', form: ask.form, error: String(error) }));
    return refuse(ask, 'down', { 'retry-after': `${RETRY_AFTER_SECONDS}` });
  }
}

function askOf(request: Request): Ask {
  const { pathname, searchParams } = new URL(request.url);
  const [, token = '', form = 'page'] = PATH.exec(pathname) ?? [];
  const language = languageOf(searchParams.get('lang'), request.headers.get('accept-language'));
  return { token, form: form as Form, language }; // PATH names no other
}

async function look(ask: Ask, request: Request, env: Env): Promise<Response> {
  if (!METHODS.includes(request.method))
    return new Response(null, { status: 405, headers: { ...HEADERS, allow: 'GET, HEAD' } });
  const later = { 'retry-after': `${RETRY_AFTER_SECONDS}` };
  if (!(await mayLook(env, request.headers.get('cf-connecting-ip')))) return refuse(ask, 'busy', later);
  // Before anything is looked up or counted by it: a stranger's text is nobody's token.
  const name = await readPayToken(readConfig(env).masterKey, ask.token);
  if (name === null) return refuse(ask, 'missing');
  if (!(await mayLookAt(env, ask.token))) return refuse(ask, 'busy', later);
  const now = Date.now();
  const view = await readPayView(env, ask.token, name, now);
  return view === null ? refuse(ask, 'missing') : show(ask, view, now);
}

async function show(ask: Ask, view: PayView, now: number): Promise<Response> {
  switch (ask.form) {
    case 'page':
      return page(200, await payPage(view, { ...ask, now }));
    case 'status':
      return Response.json(statusOf(view, now), { headers: HEADERS });
    case 'qr.svg':
    case 'qr.png':
      if (view.codeUrl === null) return refuse(ask, 'missing');
      return ask.form === 'qr.svg'
        ? new Response(qrSvg(view.codeUrl), { headers: { ...HEADERS, 'content-type': 'image/svg+xml' } })
        : new Response(qrPng(view.codeUrl), { headers: { ...HEADERS, 'content-type': 'image/png' } });
    default:
      return unreachable(ask.form);
  }
}

const statusOf = ({ state, codeExpiresAt }: PayView, now: number) => ({
  state,
  codeExpiresAt: codeExpiresAt === null ? null : new Date(codeExpiresAt).toISOString(),
  now: new Date(now).toISOString(),
});

const STATUSES = { missing: 404, busy: 429, down: 503 } as const;

async function refuse(ask: Ask, what: keyof typeof STATUSES, more: Readonly<Record<string, string>> = {}) {
  const status = STATUSES[what];
  if (ask.form === 'page') return page(status, await plainPage(what, ask.language), more);
  return Response.json({ state: null, reason: what }, { status, headers: { ...HEADERS, ...more } });
}

const page = async (status: number, text: string, more: Readonly<Record<string, string>> = {}) =>
  new Response(text, {
    status,
    headers: {
      ...HEADERS,
      ...more,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': await contentSecurityPolicy(),
      vary: 'accept-language',
    },
  });
