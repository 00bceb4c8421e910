// The keys that a team of Cloudflare Access signs with: from the team's own address, kept for a while, and asked for no
// more often than so, whatever tokens bring. Follows no redirect, reads no more than its bound.
import { createLocalJWKSet } from 'jose';
import { readStart } from '../answer.ts';
import { ORIGIN_RESPONSE_BYTES_MAX } from '../core/limits.ts';
import { within } from '../core/within.ts';

const TIMEOUT_MS = 5_000;
const FRESH_MS = 600_000;
/** A token with an unknown key makes the keys be fetched again, but no more often than this. */
const AGAIN_MS = 30_000;
/** After a failure: until then tokens are refused without a question. */
const FAILED_AGAIN_MS = 5_000;

export type KeySet = ReturnType<typeof createLocalJWKSet>;
type Team = {
  readonly issuer: string;
  keys: KeySet | null;
  fetchedAt: number;
  askAgainAt: number;
  asking: Promise<KeySet> | null;
};

/** One team at a time. */
let team: Team | null = null;

function teamOf(issuer: string): Team {
  if (team?.issuer === issuer) return team;
  team = { issuer, keys: null, fetchedAt: 0, askAgainAt: 0, asking: null };
  return team;
}

/** Fetched where they are old; `newer`: where a token names one that is not among them. Null: not to be had now. */
export async function keysOf(issuer: string, now: number, wanted: 'known' | 'newer' = 'known'): Promise<KeySet | null> {
  const mine = teamOf(issuer);
  if (wanted === 'known' && mine.keys !== null && now - mine.fetchedAt < FRESH_MS) return mine.keys;
  if (now >= mine.askAgainAt) ask(mine, now);
  if (mine.asking === null) return null;
  try {
    return await within(mine.asking, TIMEOUT_MS, issuer);
  } catch {
    return null;
  }
}

/** Who comes meanwhile waits for the same answer; one whose request was cut off is waited for no longer than others. */
function ask(mine: Team, now: number): void {
  mine.askAgainAt = now + FAILED_AGAIN_MS;
  const asking = fetchKeys(mine.issuer);
  mine.asking = asking;
  const isOver = () => {
    if (mine.asking === asking) mine.asking = null;
  };
  asking.then((keys) => {
    Object.assign(mine, { keys, fetchedAt: now, askAgainAt: now + AGAIN_MS });
    isOver();
  }, isOver);
}

/** Throws where they cannot be had. */
async function fetchKeys(issuer: string): Promise<KeySet> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { accept: 'application/json' };
  const response = await fetch(`${issuer}/cdn-cgi/access/certs`, { redirect: 'manual', headers, signal });
  const bytes = await readStart(response);
  if (response.status !== 200 || bytes.length === ORIGIN_RESPONSE_BYTES_MAX) throw new Error(`${issuer} has no keys.`);
  return createLocalJWKSet(JSON.parse(new TextDecoder().decode(bytes)));
}
