// The pretend merchant: an origin that proves every delivery genuine, keeps it once by its id, and can be told to
// fail in every way that real backends do. Listens on this machine alone.
import { createPublicKey, verify } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { json, type Listening, type SandboxAnswer, type SandboxRequest, serve } from './http.ts';

/** What a delivery says, as far as the merchant looks at it. */
const Body = z.looseObject({
  type: z.string(),
  timestamp: z.string(),
  data: z.looseObject({
    id: z.string(),
    sequence: z.int(),
    channel: z.string(),
    order: z.looseObject({ orderNo: z.string(), state: z.string() }),
  }),
});

export type ReceivedEvent = {
  readonly id: string;
  readonly receivedAt: number;
  /** How often it came, this time included. */
  times: number;
  readonly outOfOrder: boolean;
  readonly body: z.infer<typeof Body>;
};

const Mode = z.strictObject({
  mode: z.enum(['ok', 'fail', 'hang', 'gone', 'busy']),
  /** Back to `ok` after so many requests; for ever unless given. */
  times: z.int().min(1).optional(),
  /** Of `fail`. */
  status: z.int().min(300).max(599).default(500),
  /** Of `busy`. */
  retryAfterSeconds: z.int().min(0).default(2),
});
export type Mode = z.input<typeof Mode>;

const Trust = z.strictObject({ secret: z.string().regex(/^(whsec|whpk)_[A-Za-z0-9+/]+=*$/) });

export type MerchantOptions = {
  readonly port: number;
  /** Any of them may have signed: `whsec_…` (HMAC) or `whpk_…` (ed25519 public key). */
  readonly secrets: readonly string[];
  /** Called once for each new event. */
  readonly onEvent?: (event: ReceivedEvent) => void;
  /** Called when it answered badly because it was told to. */
  readonly onFailed?: (mode: string) => void;
};

export type Merchant = Listening & {
  readonly webhookUrl: string;
  readonly trust: (secret: string) => void;
  readonly set: (mode: Mode) => void;
  readonly report: () => Report;
};

export type Report = {
  /** Distinct events. */
  readonly received: number;
  readonly duplicates: number;
  /** New events of an order that came after a later one. */
  readonly outOfOrder: number;
  /** Requests whose signature or form was not genuine. */
  readonly refused: number;
  /** Requests answered badly because it was told to. */
  readonly failed: number;
  readonly mode: string;
  readonly events: readonly ReceivedEvent[];
};

const EVENTS_MAX = 10_000;
export const WEBHOOK_PATH = '/webhooks/tollgate';

export async function startMerchant(options: MerchantOptions): Promise<Merchant> {
  const desk = new Desk(options);
  const { url, port, close } = await serve(options.port, (request) => desk.answer(request));
  return {
    url,
    port,
    close,
    webhookUrl: `${url}${WEBHOOK_PATH}`,
    trust: (secret) => desk.trust(secret),
    set: (mode) => desk.set(mode),
    report: () => desk.report(),
  };
}

class Desk {
  readonly #secrets: string[];
  readonly #options: MerchantOptions;
  readonly #events = new Map<string, ReceivedEvent>();
  /** The greatest sequence seen of each order. */
  readonly #sequences = new Map<string, number>();
  #counts = { duplicates: 0, outOfOrder: 0, refused: 0, failed: 0 };
  #mode: z.output<typeof Mode> = Mode.parse({ mode: 'ok' });
  #left = Number.POSITIVE_INFINITY;

  constructor(options: MerchantOptions) {
    this.#secrets = [...options.secrets];
    this.#options = options;
  }

  trust(secret: string): void {
    this.#secrets.push(secret);
  }

  set(mode: Mode): void {
    this.#mode = Mode.parse(mode);
    this.#left = this.#mode.times ?? Number.POSITIVE_INFINITY;
  }

  report(): Report {
    return { received: this.#events.size, ...this.#counts, mode: this.#mode.mode, events: [...this.#events.values()] };
  }

  async answer(request: SandboxRequest): Promise<SandboxAnswer> {
    switch (`${request.method} ${request.path}`) {
      case 'GET /':
        return json(200, DESCRIPTION);
      case 'GET /events':
        return json(200, this.report());
      case 'DELETE /events':
        this.#events.clear();
        this.#sequences.clear();
        this.#counts = { duplicates: 0, outOfOrder: 0, refused: 0, failed: 0 };
        return { status: 204 };
      case 'POST /trust':
        return this.#trustAsked(request);
      case 'POST /mode':
        return this.#changeMode(request);
      case `POST ${WEBHOOK_PATH}`:
        return this.#receive(request);
      default:
        return json(404, { error: `There is no ${request.method} ${request.path} here; GET / lists what there is.` });
    }
  }

  #trustAsked(request: SandboxRequest): SandboxAnswer {
    const asked = Trust.safeParse(parseJson(request.body.toString('utf8')));
    if (!asked.success) return json(400, { error: 'secret: whsec_… or whpk_…' });
    this.trust(asked.data.secret);
    return { status: 204 };
  }

  #changeMode(request: SandboxRequest): SandboxAnswer {
    const asked = Mode.safeParse(parseJson(request.body.toString('utf8')));
    if (!asked.success) return json(400, { error: z.prettifyError(asked.error) });
    this.set(asked.data);
    return json(200, { mode: asked.data });
  }

  async #receive(request: SandboxRequest): Promise<SandboxAnswer> {
    const told = this.#misbehave();
    if (told !== 'ok') {
      this.#counts.failed += 1;
      this.#options.onFailed?.(told);
      return this.#fail(told, request);
    }
    const text = request.body.toString('utf8');
    const body = isGenuine(text, request.headers, this.#secrets) ? Body.safeParse(parseJson(text)) : null;
    const id = request.headers['webhook-id'] ?? '';
    if (!body?.success || body.data.data.id !== id) {
      this.#counts.refused += 1;
      return json(401, { error: 'not a genuine delivery' });
    }
    this.#keep(id, body.data);
    return { status: 204 };
  }

  /** Counts down a mode that ends by itself. */
  #misbehave(): z.output<typeof Mode>['mode'] {
    const { mode } = this.#mode;
    if (mode === 'ok') return mode;
    this.#left -= 1;
    if (this.#left < 0) {
      this.set({ mode: 'ok' });
      return 'ok';
    }
    return mode;
  }

  async #fail(mode: 'fail' | 'hang' | 'gone' | 'busy', request: SandboxRequest): Promise<SandboxAnswer> {
    switch (mode) {
      case 'fail':
        return json(this.#mode.status, { error: 'told to fail' });
      case 'gone':
        return json(410, { error: 'told to be gone' });
      case 'busy':
        return { status: 429, headers: { 'retry-after': String(this.#mode.retryAfterSeconds) } };
      case 'hang':
        await sleep(600_000, undefined, { signal: request.hungUp, ref: false }).catch(() => {});
        return { status: 503 };
    }
  }

  #keep(id: string, body: z.infer<typeof Body>): void {
    const known = this.#events.get(id);
    if (known) {
      known.times += 1;
      this.#counts.duplicates += 1;
      return;
    }
    const order = `${body.data.channel}/${body.data.order.orderNo}`;
    const greatest = this.#sequences.get(order) ?? 0;
    const outOfOrder = body.data.sequence < greatest;
    if (outOfOrder) this.#counts.outOfOrder += 1;
    this.#sequences.set(order, Math.max(greatest, body.data.sequence));
    const event: ReceivedEvent = { id, receivedAt: Date.now(), times: 1, outOfOrder, body };
    this.#events.set(id, event);
    const oldest = this.#events.size > EVENTS_MAX ? this.#events.keys().next().value : undefined;
    if (oldest !== undefined) this.#events.delete(oldest);
    this.#options.onEvent?.(event);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True when one of the secrets signed it (Standard Webhooks: v1 is HMAC-SHA256, v1a is ed25519). */
function isGenuine(text: string, headers: Readonly<Record<string, string>>, secrets: readonly string[]): boolean {
  return secrets.some((secret) =>
    secret.startsWith('whpk_') ? fitsPublicKey(text, headers, secret) : fitsSharedSecret(text, headers, secret),
  );
}

function fitsSharedSecret(text: string, headers: Readonly<Record<string, string>>, secret: string): boolean {
  try {
    new Webhook(secret).verify(text, { ...headers });
    return true;
  } catch {
    return false;
  }
}

const TOLERANCE_SECONDS = 300;
/** DER of an ed25519 public key up to the key's own 32 bytes (RFC 8410). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function fitsPublicKey(text: string, headers: Readonly<Record<string, string>>, publicKey: string): boolean {
  const raw = Buffer.from(publicKey.slice('whpk_'.length), 'base64');
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  const isFresh = Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
  if (raw.length !== 32 || !id || !isFresh) return false;
  const key = createPublicKey({ key: Buffer.concat([ED25519_SPKI, raw]), format: 'der', type: 'spki' });
  const message = Buffer.from(`${id}.${timestamp}.${text}`);
  return signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1a,'))
    .some((signature) => verify(null, message, key, Buffer.from(signature.slice('v1a,'.length), 'base64')));
}

const DESCRIPTION = {
  what: 'A pretend merchant: it proves each delivery genuine and keeps it once by its id.',
  [`POST ${WEBHOOK_PATH}`]: 'where the gateway delivers',
  'GET /events': 'what came, how often, in which order',
  'DELETE /events': 'forget all of it',
  'POST /trust': '{"secret":"whsec_… or whpk_…"}: also takes what this secret signed, after a rotation',
  'POST /mode': {
    ok: '{"mode":"ok"}',
    'answer 500': '{"mode":"fail","status"?:500,"times"?:3}',
    'never answer': '{"mode":"hang","times"?:1}',
    'answer 410': '{"mode":"gone"}',
    'answer 429': '{"mode":"busy","retryAfterSeconds"?:2,"times"?:1}',
  },
};
