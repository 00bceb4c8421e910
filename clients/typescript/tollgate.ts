// A client of the /v1 API: one call for every operation of the contract, typed by its name. Needs `fetch` and nothing
// else. Tries nothing again by itself: send a write again under the same idempotencyKey.
import type { Operations, Schemas } from './contract.ts';

export type { Operations, Schemas } from './contract.ts';

/** Such as `POST /v1/orders`. */
export type OperationName = keyof Operations;
export type Input<Name extends OperationName> = Operations[Name]['input'];
export type Answer<Name extends OperationName> = Operations[Name]['answer'];
export type Event = Schemas['Event'];

/** What is not a success: `code` is stable, `detail` says what to do next, `errors` name the fields. */
export class TollgateProblem extends Error {
  override readonly name = 'TollgateProblem';
  readonly status: number;
  readonly code: string;
  readonly errors: readonly { readonly field: string; readonly message: string }[];

  constructor(status: number, problem: Partial<Pick<Schemas['Problem'], 'code' | 'detail' | 'errors'>>) {
    super(problem.detail ?? `The gateway answered ${status} without a problem document.`);
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.errors = problem.errors ?? [];
  }
}

export type Options = {
  /** Where the gateway is, such as https://pay.shop.example. */
  readonly url: string;
  /** An API key, tg_…. */
  readonly key: string;
  readonly fetch?: (request: Request) => Promise<Response>;
};
export type More = { readonly idempotencyKey?: string; readonly signal?: AbortSignal };

/** The longest that the gateway waits for an event. */
const WAIT_SECONDS = 25;

/** Any input, as the parts of a request. */
type Parts = {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
};
/** Left out where every part of it may be. */
type Given<Name extends OperationName> =
  Record<never, never> extends Input<Name> ? [input?: Input<Name>, more?: More] : [input: Input<Name>, more?: More];

export class Tollgate {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Throws a TollgateProblem for whatever is not a success. */
  async call<Name extends OperationName>(name: Name, ...[input, more]: Given<Name>): Promise<Answer<Name>> {
    const response = await this.#send(name, input ?? {}, more ?? {});
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const body: unknown = isJson ? await response.json() : await response.text();
    if (response.ok) return body as Answer<Name>; // as the contract says
    throw new TollgateProblem(response.status, isJson ? (body as Schemas['Problem']) : {}); // the same
  }

  #send(name: OperationName, { path = {}, query = {}, body }: Parts, { idempotencyKey, signal }: More) {
    const [method = 'GET', pattern = '/'] = name.split(' ');
    const place = pattern.replace(/\{(\w+)\}/g, (_, one: string) => encodeURIComponent(String(path[one])));
    const url = new URL(this.#options.url.replace(/\/+$/, '') + place);
    for (const [one, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(one, String(value));
    const headers = new Headers({ authorization: `Bearer ${this.#options.key}` });
    if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
    const init: RequestInit = { method, headers };
    if (signal !== undefined) init.signal = signal;
    if (body !== undefined) {
      headers.set('content-type', 'application/json');
      init.body = JSON.stringify(body);
    }
    return (this.#options.fetch ?? fetch)(new Request(url, init));
  }

  /**
   * The feed, page by page and for ever: keep `next` with what was done for the events, and begin again with it. Ends
   * when the signal does.
   */
  async *feed(query: Input<'GET /v1/events'>['query'] = {}, signal?: AbortSignal): AsyncGenerator<Schemas['Feed']> {
    let asked = { ...query };
    while (!signal?.aborted) {
      const page = await this.call('GET /v1/events', { query: asked }, signal === undefined ? {} : { signal });
      yield page;
      asked = { ...query, after: page.next, wait: page.more ? 0 : WAIT_SECONDS };
    }
  }
}
