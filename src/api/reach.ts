// One call from outside to a channel's own callback URL, as whoever looks for a lost callback would make it: bounded,
// no redirect followed, and no POST, so that nothing can come of it. Our own Worker fetches by the front door
// (`global_fetch_strictly_public`).
import type { Reach } from '../core/diagnosis.ts';

const TIMEOUT_MS = 5_000;
/** One channel is called this often by one isolate at most: each call is an arrival at it, refused as no POST. */
const AGAIN_MS = 5_000;
const KEPT_MAX = 100;

const known = new Map<string, { readonly at: number; readonly reach: Promise<Reach> }>();

export function reachOf(callbackUrl: string, now: number): Promise<Reach> {
  const last = known.get(callbackUrl);
  if (last && Math.abs(now - last.at) < AGAIN_MS) return last.reach;
  if (known.size >= KEPT_MAX) known.clear();
  const reach = tryToReach(new URL(callbackUrl), now);
  known.set(callbackUrl, { at: now, reach });
  return reach;
}

async function tryToReach(url: URL, startedAt: number): Promise<Reach> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(url, { method: 'GET', redirect: 'manual', signal: deadline.signal });
    await response.body?.cancel();
    return judged(response, Math.max(0, Date.now() - startedAt));
  } catch {
    return deadline.signal.aborted
      ? { kind: 'late', host: url.host, ms: TIMEOUT_MS }
      : { kind: 'failed', host: url.host };
  } finally {
    clearTimeout(timer);
  }
}

const LOCATION_CHARS_MAX = 200;

/** The gateway answers a GET with 405 and the method it takes, whatever the channel: nobody else does. */
function judged({ status, headers }: Response, ms: number): Reach {
  if (status === 405 && headers.get('allow') === 'POST') return { kind: 'answered', ms };
  if (status >= 300 && status < 400) {
    return { kind: 'redirect', status, location: (headers.get('location') ?? '').slice(0, LOCATION_CHARS_MAX) };
  }
  return { kind: status === 401 || status === 403 || status === 429 ? 'blocked' : 'stranger', status };
}
