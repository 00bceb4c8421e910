// The one place that calls a provider's API: base rewritten for local runs, a timeout, no redirects, a capped answer.
// Never builds or believes anything: the provider's own file describes the request and reads the answer.
import { PROVIDER_ANSWER_BYTES_MAX, PROVIDER_CALL_TIMEOUT_MS } from './core/limits.ts';
import { err, ok, type Result } from './core/result.ts';
import { concat } from './crypto/bytes.ts';
import type { Config } from './env.ts';
import type { ProviderAnswer, ProviderRequest } from './providers/provider.ts';

export type CallProblem = {
  readonly code: 'timed_out' | 'unreachable' | 'too_large';
  /** For people. Names the host, never a header or a body. */
  readonly detail: string;
};

export async function callProvider(
  request: ProviderRequest,
  config: Pick<Config, 'providerBase'>,
): Promise<Result<ProviderAnswer, CallProblem>> {
  const asked = new URL(request.url);
  const url = config.providerBase === null ? asked : new URL(config.providerBase + asked.pathname + asked.search);
  // Cleared when the answer is there: a timer that goes on would keep the calling object awake.
  const deadline = new AbortController();
  const timeoutMs = Math.min(request.timeoutMs ?? PROVIDER_CALL_TIMEOUT_MS, PROVIDER_CALL_TIMEOUT_MS);
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: deadline.signal,
    });
    const body = await readCapped(response.body, PROVIDER_ANSWER_BYTES_MAX);
    if (body === null) {
      return err({ code: 'too_large', detail: `${url.host} answered more than ${PROVIDER_ANSWER_BYTES_MAX} bytes.` });
    }
    return ok({ status: response.status, headers: Object.fromEntries(response.headers), body });
  } catch {
    if (deadline.signal.aborted) {
      return err({ code: 'timed_out', detail: `${url.host} did not answer within ${timeoutMs} ms.` });
    }
    return err({ code: 'unreachable', detail: `${url.host} could not be reached.` });
  } finally {
    clearTimeout(timer);
  }
}

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
