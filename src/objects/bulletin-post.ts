// One message to one destination of alarms: opened, put into its form, sent, and the answer read. Whatever the
// destination does is an outcome. Never follows a redirect, never sends where the address rules do not let it.

import type { Bulletin, Message } from '../alarm/index.ts';
import { FORMS, hookProblem } from '../alarm/index.ts';
import { keptText, readStart } from '../answer.ts';
import type { Destination } from '../core/alarm-rule.ts';
import { parseRetryAfter } from '../core/delivery.ts';
import { NOTE_REST_MS_MAX, NOTE_TIMEOUT_MS } from '../core/limits.ts';
import { addressProblem } from '../core/origin-address.ts';
import { within } from '../core/within.ts';
import { open } from '../crypto/seal.ts';
import { mailOf, readConfig } from '../env.ts';

/**
 * `error` null: it was taken. Else why not, for a person, with nothing in it that opens a door. `restMs`: for how long
 * it asked to be left alone.
 */
export type Posted = { readonly error: string | null; readonly restMs: number };

export async function postBulletin(env: Env, destination: Destination, bulletin: Bulletin): Promise<Posted> {
  const secrets: string[] = [];
  try {
    const address = await openAddress(env, destination);
    secrets.push(...secretsIn(address.url), ...(address.secret === null ? [] : [address.secret]));
    const forbidden = destination.kind === 'email' ? null : urlProblem(env, destination, address.url);
    if (forbidden !== null) return failed(`Not sent: its URL ${forbidden}. Change it.`);
    const message = await FORMS[destination.kind].render(bulletin, address, Date.now());
    secrets.push(...(message.kind === 'http' ? secretsIn(message.url) : []));
    const { error, restMs } = message.kind === 'email' ? await mail(env, message) : await call(destination, message);
    return { error: error && keptText(error, secrets), restMs };
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    return failed(isLate ? `No answer within ${NOTE_TIMEOUT_MS} ms.` : keptText(String(error), secrets));
  }
}

const failed = (error: string): Posted => ({ error, restMs: 0 });

const contextOf = ({ id }: Pick<Destination, 'id'>): string => `alarm-destination/${id}`;

async function openAddress(env: Env, destination: Destination) {
  const { masterKey } = readConfig(env);
  const { url, secret, from, to } = destination;
  const opened = (sealed: string | null) => (sealed === null ? null : open(sealed, masterKey, contextOf(destination)));
  const [plainUrl, plainSecret] = await Promise.all([opened(url), opened(secret)]);
  return { url: plainUrl ?? '', secret: plainSecret, from: from ?? '', to };
}

/** Path and query: what a platform's address has beyond its host is its password. */
function secretsIn(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { pathname, search, searchParams } = new URL(url);
  return [url, pathname + search, pathname, ...searchParams.values(), pathname.split('/').at(-1) ?? ''];
}

// What was allowed when it was entered may not be allowed here.
function urlProblem(env: Env, { kind }: Destination, url: string): string | null {
  const { isLocal, publicUrl } = readConfig(env);
  return addressProblem(url, { isLocal, publicUrl, binding: null }) ?? hookProblem(kind, new URL(url), isLocal);
}

async function call({ kind }: Destination, message: Extract<Message, { kind: 'http' }>): Promise<Posted> {
  const { url, headers, body } = message;
  const signal = AbortSignal.timeout(NOTE_TIMEOUT_MS);
  const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal });
  const answer = new TextDecoder().decode(await readStart(response));
  const restSeconds = parseRetryAfter(response.headers.get('retry-after'), Date.now()) ?? 0;
  const restMs = Math.min(restSeconds * 1_000, NOTE_REST_MS_MAX);
  return { error: FORMS[kind].complaint(response.status, answer), restMs };
}

async function mail(env: Env, { from, to, subject, text }: Extract<Message, { kind: 'email' }>): Promise<Posted> {
  const binding = mailOf(env);
  if (binding === null) return failed(NO_BINDING);
  await within(binding.send({ from, to: [...to], subject, text }), NOTE_TIMEOUT_MS, 'The mail binding');
  return { error: null, restMs: 0 };
}

const NO_BINDING = 'Not sent: this deployment has no send_email binding EMAIL. Add it to wrangler.toml.';
