// The payer's page as HTML: whole without a script, every text escaped, nothing from elsewhere.
import { html, raw } from 'hono/html';
import { amountText, type Language } from '../core/language.ts';
import { SCRIPT, STYLE } from './behaviour.ts';
import { TEXTS, type Texts } from './texts.ts';
import type { PayView } from './view.ts';

/** How often a browser without scripts loads the page anew: while there is a code, and while there is none. */
const REFRESH_SECONDS = 5;
const REFRESH_IDLE_SECONDS = 30;

type Html = ReturnType<typeof html>;

const frame = (language: Language, title: string, head: Html | '', body: Html) => {
  const { locale, languages } = TEXTS[language];
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
${head}
<style>${raw(STYLE)}</style>
</head>
<body>
${body}
<nav aria-label="${languages}">
<a href="?lang=zh" lang="zh-CN" hreflang="zh-CN"${language === 'zh' ? raw(' aria-current="true"') : ''}>中文</a>
<a href="?lang=en" lang="en" hreflang="en"${language === 'en' ? raw(' aria-current="true"') : ''}>English</a>
</nav>
</body>
</html>`;
};

export type Place = { readonly token: string; readonly language: Language; readonly now: number };

/** The page of an order, as it stands now. */
export async function payPage(view: PayView, { token, language, now }: Place): Promise<string> {
  const texts = TEXTS[language];
  const amount = view.amount && amountText(view.amount, texts.locale);
  const { name } = texts.states[view.state];
  const until = view.codeExpiresAt === null ? '' : iso(view.codeExpiresAt);
  const body = html`<main data-state="${view.state}" data-status="/pay/${token}/status" data-now="${iso(now)}"
  data-until="${until}" data-left="${texts.validFor}" data-waiting="${texts.states.waiting.name}"
  data-paid="${texts.states.paid.name}" data-expired="${texts.states.expired.name}"
  data-closed="${texts.states.closed.name}">
<h1>${amount === null ? texts.title : texts.amount}</h1>
${amount === null ? '' : html`<p class="amount">${amount}</p>`}
<p class="said" role="status" aria-live="polite">${name}</p>
<div class="for waiting">
${view.codeUrl === null ? html`<p class="soft">${texts.preparing}</p>` : code(view, token, texts, amount ?? '')}
</div>
<div class="for paid">
<svg class="mark" viewBox="0 0 48 48" aria-hidden="true">
<circle cx="24" cy="24" r="21"/><path d="M14 25l7 7 13-15"/>
</svg>
<p class="soft">${texts.states.paid.advice}</p>
</div>
<div class="for expired"><p class="soft">${texts.states.expired.advice}</p></div>
<div class="for closed"><p class="soft">${texts.states.closed.advice}</p></div>
</main>
<script>${raw(SCRIPT)}</script>`;
  return String(await frame(language, amount === null ? name : `${name} · ${amount}`, refresh(view), body));
}

function code({ codeExpiresAt, appUrl }: PayView, token: string, texts: Texts, amount: string): Html {
  const until = iso(codeExpiresAt ?? 0);
  const png = `/pay/${token}/qr.png`;
  return html`<p class="soft">${texts.states.waiting.advice}</p>
<img class="code" src="${png}" width="450" height="450" alt="${texts.codeOf.replace('{}', amount)}">
<p class="soft left" role="timer"><time datetime="${until}">${texts.validUntil.replace('{}', clock(until))}</time></p>
<div class="phone">
<p class="soft">${texts.onPhone}</p>
<a class="act" href="${png}" download="pay.png">${texts.save}</a>
${appUrl === null ? '' : html`<a class="act" href="${appUrl}" rel="noopener noreferrer">${texts.open}</a>`}
</div>`;
}

/** A page that shows no order: what happened, and what to do. */
export async function plainPage(what: 'missing' | 'busy' | 'down', language: Language): Promise<string> {
  const { name, advice } = TEXTS[language][what];
  const body = html`<main><p class="said" role="alert">${name}</p><p class="soft">${advice}</p></main>`;
  return String(await frame(language, name, '', body));
}

function refresh({ state, codeUrl }: PayView): Html | '' {
  if (state === 'paid' || state === 'closed') return '';
  const seconds = codeUrl === null ? REFRESH_IDLE_SECONDS : REFRESH_SECONDS;
  return html`<noscript><meta http-equiv="refresh" content="${seconds}"></noscript>`;
}

const iso = (at: number): string => new Date(at).toISOString();
/** 10:34 of 2026-01-01T10:34:56.000Z. */
const clock = (at: string): string => at.slice(11, 16);
