// What went wrong when a key, a certificate or a secret was pasted: told from the text alone, before or after the
// provider's own schema refused it. Never repeats any of it, and trusts nothing.

import { certificateFieldsOf } from './certificate.ts';
import { pemBlocksOf, pemKindOf } from './pem.ts';

/** What a field of credentials is to hold; left out there: a plain text or secret. */
export type Holds = 'private_key' | 'public_key' | 'certificate' | 'certificates';

export type PasteProblem = {
  readonly code:
    | 'spaces'
    | 'inside'
    | 'quotes'
    | 'wide'
    | 'escaped'
    | 'no_begin'
    | 'no_end'
    | 'damaged'
    | 'private_key'
    | 'public_key'
    | 'certificate'
    | 'request'
    | 'ssh'
    | 'encrypted'
    | 'several'
    | 'expired'
    | 'early';
  readonly given: Readonly<Record<string, string | number>>;
};

const problem = (code: PasteProblem['code'], given: PasteProblem['given'] = {}): PasteProblem => ({ code, given });

/** Null where the text alone shows nothing wrong. */
export function pasteProblemOf(text: string, holds: Holds | null, now: number): PasteProblem | null {
  return holds === null ? plainProblem(text) : keyProblem(text, holds, now);
}

/** A secret of one line. */
function plainProblem(text: string): PasteProblem | null {
  if (text !== text.trim()) return problem('spaces');
  if (/^(["'`“”‘’]).*["'`“”‘’]$/s.test(text)) return problem('quotes');
  const space = text.search(/\s/);
  if (space >= 0) return problem('inside', { count: space });
  const wide = text.search(/[^\x21-\x7e]/);
  return wide >= 0 ? problem('wide', { count: wide }) : null;
}

function keyProblem(text: string, holds: Holds, now: number): PasteProblem | null {
  const bare = text.trim();
  if (/^(["'`“”]).*["'`“”]$/s.test(bare)) return problem('quotes');
  if (bare.includes('\\n') && !bare.includes('\n')) return problem('escaped');
  if (/^ssh-(rsa|ed25519|dss) |BEGIN OPENSSH PRIVATE KEY/.test(bare)) return problem('ssh', { wants: holds });
  const [hasBegin, hasEnd] = [bare.includes('-----BEGIN '), bare.includes('-----END ')];
  if (hasBegin && !hasEnd) return problem('no_end');
  if (hasEnd && !hasBegin) return problem('no_begin');
  if (!hasBegin) return bareProblem(bare);
  if (/BEGIN (NEW )?CERTIFICATE REQUEST/.test(bare)) return problem('request', { wants: holds });
  return blockProblem(bare, holds, now);
}

/** Key tools print a key without its lines, and some fields take it so: only the letters can be judged. */
function bareProblem(text: string): PasteProblem | null {
  const wide = text.search(/[^\s\x20-\x7e]/);
  if (wide >= 0) return problem('wide', { count: wide });
  return problem('no_begin');
}

function blockProblem(text: string, holds: Holds, now: number): PasteProblem | null {
  const kind = pemKindOf(text);
  const blocks = pemBlocksOf(text);
  const begun = [...text.matchAll(/-----BEGIN /g)].length;
  if (blocks.length < begun) return problem('damaged');
  if (kind === 'several') {
    const kinds = new Set(blocks.map((block) => pemKindOf(block.text)));
    const [only] = kinds;
    if (holds !== 'certificates') return problem('several', { count: begun });
    if (kinds.size === 1 && only === 'certificate')
      return validityProblem(
        blocks.map((block) => block.text),
        now,
      );
    return problem(kinds.has('private_key') ? 'private_key' : 'public_key', { wants: holds });
  }
  if (kind === 'encrypted_private_key') return problem('encrypted');
  if (kind !== 'private_key' && kind !== 'public_key' && kind !== 'certificate') return problem('damaged');
  const isWanted = kind === holds || (kind === 'certificate' && holds === 'certificates');
  if (!isWanted) return problem(kind, { wants: holds });
  return kind === 'certificate' ? validityProblem([text], now) : null;
}

/** Of several the one that lasts longest counts: old ones stay for a while beside the new. */
function validityProblem(pems: readonly string[], now: number): PasteProblem | null {
  const read = pems.map(certificateFieldsOf).filter((fields) => fields !== null);
  if (read.length === 0) return problem('damaged');
  const last = read.reduce((a, b) => (b.notAfter > a.notAfter ? b : a));
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  if (now > last.notAfter) return problem('expired', { day: day(last.notAfter) });
  return now < last.notBefore ? problem('early', { day: day(last.notBefore) }) : null;
}
