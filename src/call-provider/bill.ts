// Fetches one bill: asks the provider for it by a signed request, and opens its file where one is told of, at once:
// such addresses are good for minutes. Reads nothing of the file, keeps nothing, and follows no redirect.
import { type CallProblem, type OpenedCall, openCall } from '../call-provider.ts';
import { err, ok, type Result } from '../core/result.ts';
import { BILL_FETCH_TIMEOUT_MS, BILL_HEAD_BYTES } from '../core/run-limits.ts';
import { concat } from '../crypto/bytes.ts';
import { readConfig } from '../env.ts';
import type { BillAsk, BillChecksum } from '../providers/provider/bill.ts';
import type { AnyProvider, ProviderAnswer, ProviderRequest } from '../providers/provider.ts';
import { type Asker, type AskProblem, askProvider, problemOf } from './ask.ts';

export type BillAsker = Asker & { readonly bill: NonNullable<AnyProvider['bill']> };

export type FetchedBill =
  | { readonly kind: 'none' }
  | { readonly kind: 'later'; readonly detail: string }
  /** `close` when it was read, or is not wanted any more. */
  | {
      readonly kind: 'file';
      readonly bytes: AsyncIterable<Uint8Array>;
      readonly checksum: BillChecksum | null;
      readonly close: () => Promise<void>;
    };

export async function fetchBill(asker: BillAsker, ask: BillAsk): Promise<Result<FetchedBill, AskProblem>> {
  const { bill, credentials, env } = asker;
  const config = readConfig(env);
  let file: HeadedFile | null = null;
  const open = async (request: ProviderRequest): Promise<Result<ProviderAnswer, CallProblem>> => {
    await file?.close();
    const opened = await openCall(request, config);
    if (!opened.ok) return opened;
    file = new HeadedFile(opened.value);
    return file.head();
  };
  const context = () => ({ now: Date.now(), nonce: crypto.randomUUID().replaceAll('-', '') });
  const said = await askProvider(asker, {
    request: (asked) => bill.request(ask, credentials, asked),
    read: (answer, keys) => bill.read(answer, ask, credentials, keys, context()),
    call: open,
  });
  const opened = file as HeadedFile | null; // assigned in a closure, which the compiler does not follow
  if (!said.ok || said.value.value.kind !== 'here') await opened?.close();
  if (!said.ok) return said;
  const { value } = said.value;
  switch (value.kind) {
    case 'none':
    case 'later':
      return ok(value);
    case 'here':
      if (opened === null) throw new Error('A file is here and was not opened.');
      return ok(opened.fetched(null));
    case 'there': {
      const download = await openCall(value.download, config);
      if (!download.ok) return err(problemOf(download.error));
      const there = new HeadedFile(download.value);
      const { status } = download.value.response;
      if (status === 200) return ok(there.fetched(value.checksum));
      await there.close();
      const detail = `${download.value.host} answered ${status} instead of the bill.`;
      return err({ code: 'unavailable', detail, wasSent: true });
    }
  }
}

/** An answer of which the beginning is read first, and the rest may be a file. */
class HeadedFile {
  readonly #call: OpenedCall;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  #head: Uint8Array[] = [];

  constructor(call: OpenedCall) {
    this.#call = call;
    this.#reader = call.response.body?.getReader() ?? null;
  }

  async head(): Promise<Result<ProviderAnswer, CallProblem>> {
    const { response, host, deadline } = this.#call;
    try {
      for (let length = 0; length < BILL_HEAD_BYTES; ) {
        const part = await this.#reader?.read();
        if (part?.value === undefined) break;
        this.#head.push(part.value);
        length += part.value.length;
      }
    } catch {
      await this.close();
      return err(deadline.problem(host));
    }
    const body = concat(...this.#head).subarray(0, BILL_HEAD_BYTES);
    return ok({ status: response.status, headers: Object.fromEntries(response.headers), body });
  }

  fetched(checksum: BillChecksum | null): FetchedBill {
    this.#call.deadline.extend(BILL_FETCH_TIMEOUT_MS);
    return { kind: 'file', bytes: this.#bytes(), checksum, close: () => this.close() };
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    const head = this.#head;
    this.#head = [];
    yield* head;
    for (;;) {
      const part = await this.#reader?.read();
      if (part?.value === undefined) return;
      yield part.value;
    }
  }

  async close(): Promise<void> {
    this.#call.deadline.clear();
    await this.#reader?.cancel().catch(() => null); // it is broken, or over
  }
}
