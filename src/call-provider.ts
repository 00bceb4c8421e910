// The one place that calls a provider's API: base rewritten for local runs, a client certificate where a binding holds
// one, a timeout, no redirects, a capped answer. Never builds or believes anything: the provider's own file does.
import { env } from 'cloudflare:workers';
import { PROVIDER_ANSWER_BYTES_MAX, PROVIDER_CALL_TIMEOUT_MS } from './core/limits.ts';
import { publicAddressProblem } from './core/origin-address.ts';
import { err, ok, type Result } from './core/result.ts';
import { concat } from './crypto/bytes.ts';
import type { Config } from './env.ts';
import type { ProviderAnswer, ProviderRequest } from './providers/provider.ts';

export type CallProblem = {
  /** After the last two nothing was sent; after the others nobody knows what was done. */
  readonly code: 'timed_out' | 'unreachable' | 'too_large' | 'no_certificate' | 'no_public_address';
  /** For people. Names the host, never a header or a body. */
  readonly detail: string;
};

export async function callProvider(
  request: ProviderRequest,
  config: Pick<Config, 'providerBase'>,
  bindings: object = env,
): Promise<Result<ProviderAnswer, CallProblem>> {
  const opened = await openCall(request, config, bindings);
  if (!opened.ok) return opened;
  const { response, host, deadline } = opened.value;
  try {
    const body = await readCapped(response.body, PROVIDER_ANSWER_BYTES_MAX);
    if (body === null) {
      return err({ code: 'too_large', detail: `${host} answered more than ${PROVIDER_ANSWER_BYTES_MAX} bytes.` });
    }
    return ok({ status: response.status, headers: Object.fromEntries(response.headers), body });
  } catch {
    return err(deadline.problem(host));
  } finally {
    deadline.clear();
  }
}

/** An answer whose body has not been read yet. Whoever opens it clears the deadline, or nothing else would. */
export type OpenedCall = { readonly response: Response; readonly host: string; readonly deadline: Deadline };

export async function openCall(
  request: ProviderRequest,
  config: Pick<Config, 'providerBase'>,
  bindings: object = env,
): Promise<Result<OpenedCall, CallProblem>> {
  const asked = new URL(request.url);
  const url = config.providerBase === null ? asked : new URL(config.providerBase + asked.pathname + asked.search);
  const caller = config.providerBase === null ? callerOf(request.certificateBinding, bindings) : globalThis;
  if (caller === null) {
    return err({ code: 'no_certificate', detail: bindingMissing(request.certificateBinding ?? '', asked.host) });
  }
  // Some channels name the host themselves. What was allowed when it was entered may not be allowed here.
  const problem = config.providerBase === null ? publicAddressProblem(url) : null;
  if (problem !== null) {
    return err({ code: 'no_public_address', detail: `Not asked: the provider's address ${problem}. Change it.` });
  }
  const deadline = new Deadline(Math.min(request.timeoutMs ?? PROVIDER_CALL_TIMEOUT_MS, PROVIDER_CALL_TIMEOUT_MS));
  try {
    const response = await caller.fetch(url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: deadline.signal,
    });
    return ok({ response, host: url.host, deadline });
  } catch {
    deadline.clear();
    return err(deadline.problem(url.host));
  }
}

/** Cleared when the answer is there: a timer that goes on would keep the calling object awake. */
export class Deadline {
  readonly #abort = new AbortController();
  #timeoutMs: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#timer = setTimeout(() => this.#abort.abort(), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** From now on, so long once more. */
  extend(timeoutMs: number): void {
    this.clear();
    this.#timeoutMs = timeoutMs;
    this.#timer = setTimeout(() => this.#abort.abort(), timeoutMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  /** Why nothing more comes. */
  problem(host: string): CallProblem {
    if (!this.signal.aborted) return { code: 'unreachable', detail: `${host} could not be reached.` };
    return { code: 'timed_out', detail: `${host} did not answer within ${this.#timeoutMs} ms.` };
  }
}

type Caller = { readonly fetch: typeof fetch };

/** Whose certificate is shown, if any; null where the binding is not there. A local base needs none. */
function callerOf(binding: string | undefined, bindings: object): Caller | null {
  if (binding === undefined) return globalThis;
  const held: unknown = Reflect.get(bindings, binding);
  const isCertificate = CERTIFICATE_BINDING.test(binding) && typeof held === 'object' && held !== null;
  const isCaller = isCertificate && 'fetch' in held && typeof held.fetch === 'function';
  return isCaller ? (held as Caller) : null; // checked one line above
}

/** A channel names the binding, so no other than a certificate's may be meant. */
const CERTIFICATE_BINDING = /^MTLS_[A-Z0-9_]{1,60}$/;

const bindingMissing = (binding: string, host: string) =>
  `${host} wants a client certificate; this Worker has no binding ${binding}. Nothing was sent. Run: npx wrangler ` +
  `mtls-certificate upload --cert apiclient_cert.pem --key apiclient_key.pem --name ${binding.toLowerCase()}; add ` +
  `to wrangler.toml: [[mtls_certificates]] binding = "${binding}" certificate_id = "the id it gave"; then deploy.`;

/** The whole stream, or null when it holds more than the limit. */
async function readCapped(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array | null> {
  if (stream === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > bytesMax) return null; // leaving the loop cancels the stream
    parts.push(part);
  }
  return concat(...parts);
}
