// The page's style and script, as texts that never change: their digests are what its Content-Security-Policy allows.
// The script asks for the state and shows it; it decides nothing, and the page is whole without it.
import { sha256, toBase64, utf8 } from '../crypto/bytes.ts';

export const STYLE = `
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#16181d;--soft:#555b66;--line:#d5d8de;--link:#0b57d0;
--good:#0a7a3d;font:17px/1.5 system-ui,-apple-system,"PingFang SC","Microsoft YaHei",sans-serif}
@media (prefers-color-scheme:dark){:root{--ground:#101216;--card:#1b1e24;--ink:#f2f3f5;--soft:#b4bac5;--line:#3a3f49;
--link:#8ab4f8;--good:#5ad48a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;
justify-content:center;gap:.75rem;padding:1rem;background:var(--ground);color:var(--ink)}
main{width:100%;max-width:24rem;padding:1.5rem 1.25rem;border:1px solid var(--line);border-radius:1rem;
background:var(--card);text-align:center;overflow-wrap:anywhere}
h1{margin:0;font-size:1rem;font-weight:500;color:var(--soft)}
p{margin:.5rem 0 0}
.amount{margin:0;font-size:2.25rem;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums}
.said{font-weight:600}
.soft{color:var(--soft);font-size:.9375rem}
.code{display:block;width:100%;max-width:17rem;height:auto;margin:1rem auto 0;border-radius:.75rem;background:#fff}
.left{font-variant-numeric:tabular-nums}
.mark{display:block;width:4rem;height:4rem;margin:1rem auto 0;fill:none;stroke:var(--good);stroke-width:3;
stroke-linecap:round;stroke-linejoin:round}
.for{display:none}
[data-state=waiting] .for.waiting,[data-state=paid] .for.paid,[data-state=expired] .for.expired,
[data-state=closed] .for.closed{display:block}
[data-state=paid] .said{color:var(--good)}
.phone{display:none;margin-top:1rem;padding-top:.5rem;border-top:1px solid var(--line)}
@media (pointer:coarse),(max-width:40rem){.phone{display:block}}
.act{display:block;margin-top:.75rem;padding:.625rem 1rem;border:1px solid var(--link);border-radius:.625rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
nav a{display:inline-block;padding:.625rem .75rem}
`;

/**
 * Asks every two seconds while there is a code to be paid, ever more rarely otherwise and after a failure, and not at
 * all while nobody sees the page or once its state is final. A code that came since is shown by loading the page anew.
 */
export const SCRIPT = `
(function () {
  var main = document.querySelector('main');
  var data = main.dataset;
  var said = main.querySelector('[role=status]');
  var left = main.querySelector('.left');
  var FAST = 2000, SLOW = 30000;
  var wait = FAST, timer = 0, asking = false;
  var ahead = Date.parse(data.now) - Date.now();
  function isFinal() { return data.state === 'paid' || data.state === 'closed'; }
  function show(seen) {
    ahead = Date.parse(seen.now) - Date.now();
    var isNewer = seen.codeExpiresAt && (!data.until || Date.parse(seen.codeExpiresAt) > Date.parse(data.until));
    if (seen.state === 'waiting' && isNewer) return location.reload();
    if (seen.state !== data.state) {
      data.state = seen.state;
      said.textContent = data[seen.state];
      document.title = data[seen.state];
      wait = FAST;
    }
    wait = seen.state === 'waiting' && data.until ? FAST : Math.min(wait * 1.5, SLOW);
  }
  function ask() {
    clearTimeout(timer);
    if (asking || isFinal()) return;
    asking = true;
    var limit = new AbortController();
    var giveUp = setTimeout(function () { limit.abort(); }, 10000);
    fetch(data.status, { cache: 'no-store', signal: limit.signal }).then(function (reply) {
      if (reply.ok) return reply.json().then(show);
      wait = Math.max(Math.min(wait * 2, SLOW), (Number(reply.headers.get('retry-after')) || 0) * 1000);
    }).catch(function () {
      wait = Math.min(wait * 2, SLOW);
    }).then(function () {
      clearTimeout(giveUp);
      asking = false;
      next();
    });
  }
  function next() {
    clearTimeout(timer);
    if (!isFinal() && !document.hidden) timer = setTimeout(ask, wait);
  }
  function two(number) { return (number < 10 ? '0' : '') + number; }
  function count() {
    if (!left || data.state !== 'waiting') return;
    var seconds = Math.max(0, Math.ceil((Date.parse(data.until) - Date.now() - ahead) / 1000));
    var hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    var clock = (hours ? hours + ':' + two(minutes) : minutes) + ':' + two(seconds % 60);
    left.textContent = data.left.replace('{}', clock);
  }
  document.addEventListener('visibilitychange', function () {
    if (!document.hidden) { wait = FAST; ask(); }
  });
  if (isFinal()) return;
  count();
  setInterval(count, 1000);
  next();
})();
`;

let policy: Promise<string> | null = null;

/** Nothing from elsewhere, no script and no style but these two, no frame around the page. */
export function contentSecurityPolicy(): Promise<string> {
  policy ??= makePolicy();
  return policy;
}

async function makePolicy(): Promise<string> {
  const digestOf = async (text: string) => `'sha256-${toBase64(await sha256(utf8(text)))}'`;
  return [
    "default-src 'none'",
    `script-src ${await digestOf(SCRIPT)}`,
    `style-src ${await digestOf(STYLE)}`,
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
