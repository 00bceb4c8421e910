// What a callback proves and says, beyond what its dialect knows: shared by who takes it in and who rehearses it.
// Never records anything, never answers.
import type { Callback, Verdict } from './core/callback.ts';
import type { Channel } from './core/channel.ts';
import type { Evidence, RecordVerdict } from './core/record.ts';
import { type Rejection, reject } from './core/rejection.ts';
import { sha256, toHex } from './crypto/bytes.ts';
import { isRehearsalNo } from './crypto/rehearsal-no.ts';

export { type Proved, type Proving, prove } from './judge/prove.ts';

/** Null when every fact is of the channel's environment. */
export function otherEnvironment(
  { environment }: Pick<Channel, 'environment'>,
  facts: readonly { readonly test: boolean }[],
): Rejection | null {
  if (facts.every(({ test }) => test === (environment === 'test'))) return null;
  const other = environment === 'live' ? 'test' : 'live';
  return reject('wrong_environment', `A genuine ${other} notice at a ${environment} channel; give it its own channel.`);
}

/** Null unless a test callback of this gateway's own was sent where real ones go: there no secret makes it real. */
export async function strayTest(masterKey: string, facts: readonly object[]): Promise<Rejection | null> {
  for (const fact of facts) {
    const orderNo = 'orderNo' in fact ? String(fact.orderNo) : '';
    if (await isRehearsalNo(masterKey, orderNo)) return STRAY;
  }
  return null;
}

const STRAY = reject(
  'wrong_environment',
  'A test callback of this gateway’s own, sent on to where real ones go: tests are taken by the test route alone.',
);

/** What is kept of a callback with its facts. */
export async function evidenceOf(
  callback: Callback,
  body: Uint8Array<ArrayBuffer>,
  names: readonly string[],
): Promise<Evidence> {
  const headers: Record<string, string> = {};
  for (const name of names) {
    const value = callback.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  const contentType = callback.headers['content-type'] ?? null;
  return { contentType, headers, body, remoteAddress: callback.remoteAddress, digest: toHex(await sha256(body)) };
}

/** What all of its facts together come to; `refused`: the order holds more than any real one has. */
export function verdictOf(verdicts: readonly RecordVerdict[]): Exclude<Verdict, 'ignored' | 'rejected'> | 'refused' {
  if (verdicts.includes('refused')) return 'refused';
  if (verdicts.length > 0 && verdicts.every((one) => one === 'duplicate')) return 'duplicate';
  return verdicts.includes('parked') ? 'parked' : 'accepted';
}
