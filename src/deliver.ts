// Delivers: claims each message's delivery from its ledger, posts the event to the origin, settles the outcome.
// Never decides what comes next (the ledger does), never follows a redirect, never posts what it has not claimed.
import type { Origin } from './core/channel.ts';
import { parseRetryAfter } from './core/delivery.ts';
import {
  CLAIM_FRESH_MS,
  DELIVER_LANES,
  LEDGER_UNREACHABLE_RETRY_SECONDS,
  ORIGIN_RESPONSE_BYTES_MAX,
  ORIGIN_RESPONSE_KEPT_CHARS,
  SETTLE_BATCH_MAX,
  SETTLE_WAIT_MS,
} from './core/limits.ts';
import type { ClaimItem, ClaimReply, DeliveryMessage, Settlement } from './core/record.ts';
import { signWebhook } from './crypto/standard-webhook.ts';
import { readConfig } from './env.ts';
import { formatOf } from './formats/index.ts';
import { openOriginSecrets, readOriginCopy } from './store/registry-copy.ts';

type Go = Extract<ClaimReply, { go: true }>;
type Job = {
  readonly message: Message<DeliveryMessage>;
  readonly go: Go;
  confirmedAt: number;
};
type Outcome = Pick<Settlement, 'outcome' | 'at' | 'ms' | 'status' | 'detail' | 'retryAfterSeconds'>;

/** Consumes a batch: each message is acknowledged only when its outcome is settled, or the ledger said no. */
export async function deliver(batch: MessageBatch<DeliveryMessage>, env: Env): Promise<void> {
  const jobs = (await Promise.all([...byShard(batch.messages)].map((entry) => claimAll(entry, env)))).flat();
  const desk = new SettleDesk(env);
  let next = 0;
  const lane = async () => {
    for (let job = jobs[next++]; job; job = jobs[next++]) await work(job, env, desk);
  };
  await Promise.all(Array.from({ length: Math.min(DELIVER_LANES, jobs.length) }, lane));
  await desk.finish();
}

/** The dead-letter consumer only nudges: the ledger alone decides what is dead (protocol: dispatch 13). */
export async function nudge(batch: MessageBatch<DeliveryMessage>, env: Env): Promise<void> {
  for (const [shard, messages] of byShard(batch.messages)) {
    try {
      await env.LEDGER.getByName(shard).nudge(messages.map(({ body }) => itemOf(body)));
      for (const message of messages) message.ack();
    } catch (error) {
      console.error(JSON.stringify({ hop: 'nudge', shard, error: String(error) }));
      for (const message of messages) message.retry({ delaySeconds: 60 });
    }
  }
}

const itemOf = ({ seq, originId, attempt, epoch }: DeliveryMessage): ClaimItem => ({ seq, originId, attempt, epoch });

function byShard(messages: readonly Message<DeliveryMessage>[]): Map<string, Message<DeliveryMessage>[]> {
  return Map.groupBy(messages, (message) => message.body.shard);
}

async function claimAll([shard, messages]: [string, Message<DeliveryMessage>[]], env: Env): Promise<Job[]> {
  try {
    const replies = await env.LEDGER.getByName(shard).claim(messages.map(({ body }) => itemOf(body)));
    const claimedAt = Date.now();
    return messages.flatMap((message, index) => {
      const go = replies[index];
      if (go?.go) return [{ message, go, confirmedAt: claimedAt }];
      message.ack(); // settled, paused, claimed by another or of a former life: the ledger has it in hand
      return [];
    });
  } catch (error) {
    console.error(JSON.stringify({ hop: 'claim', shard, error: String(error) }));
    for (const message of messages) message.retry({ delaySeconds: LEDGER_UNREACHABLE_RETRY_SECONDS });
    return [];
  }
}

async function work(job: Job, env: Env, desk: SettleDesk): Promise<void> {
  const { message, go } = job;
  const { shard, seq, originId, attempt } = message.body;
  try {
    const origin = await readOriginCopy(env, originId, Date.now(), go.originVersion);
    // Asked last, because what came before may have taken a while.
    if (!(await mayStart(job, env))) return message.ack(); // the ledger dispatches it again when its time comes
    const outcome = await post(origin, go, env);
    if (outcome.status === 410) await pauseGone(originId, go, env);
    desk.add(shard, { seq, originId, claim: go.claim, attempt, ...outcome }, message);
  } catch (error) {
    // Something of ours failed, not the origin: the lease runs out and the same attempt is dispatched again.
    console.error(JSON.stringify({ hop: 'deliver', event: go.eventId, origin: originId, error: String(error) }));
    message.retry({ delaySeconds: LEDGER_UNREACHABLE_RETRY_SECONDS });
  }
}

/** A pause acts within a second: a claim that has waited for its turn is confirmed first, and begins its lease anew. */
async function mayStart(job: Job, env: Env): Promise<boolean> {
  const now = Date.now();
  if (now - job.confirmedAt < CLAIM_FRESH_MS) return true;
  const { shard, seq, originId } = job.message.body;
  const [confirmed] = await env.LEDGER.getByName(shard).confirm([{ seq, originId, claim: job.go.claim }]);
  return confirmed === true;
}

/** One POST. Whatever the origin does is an outcome; only our own faults throw. */
async function post(origin: Origin | null, go: Go, env: Env): Promise<Outcome> {
  const config = readConfig(env);
  const at = Date.now();
  const failed = { at, ms: 0, status: null, retryAfterSeconds: null };
  if (!origin) return { ...failed, outcome: 'unreachable', detail: 'The origin is no longer configured.' };
  let ready: Prepared;
  try {
    ready = await prepare(origin, go, config.masterKey, at);
  } catch (error) {
    // Would fail each time: it must end as dead and alarmed, not come round for ever unseen.
    const detail = `Not sent, the gateway could not prepare it: ${String(error)}`.slice(0, ORIGIN_RESPONSE_KEPT_CHARS);
    return { ...failed, outcome: 'unreachable', detail };
  }
  const signal = AbortSignal.timeout(origin.timeoutMs);
  const startedAt = Date.now();
  try {
    const response = await fetch(origin.url, { method: 'POST', redirect: 'manual', ...ready, signal });
    const { status } = response;
    const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), Date.now());
    const detail = await readStart(response);
    const outcome = response.ok ? 'delivered' : 'refused';
    return { outcome, at, ms: Date.now() - startedAt, status, detail, retryAfterSeconds };
  } catch (error) {
    const ms = Date.now() - startedAt;
    if (signal.aborted)
      return { ...failed, ms, outcome: 'timed_out', detail: `No answer within ${origin.timeoutMs} ms.` };
    return { ...failed, ms, outcome: 'unreachable', detail: String(error).slice(0, ORIGIN_RESPONSE_KEPT_CHARS) };
  }
}

type Prepared = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** The event in the origin's format, signed with its secrets. */
async function prepare(origin: Origin, go: Go, masterKey: string, at: number): Promise<Prepared> {
  const render = formatOf(origin.format);
  if (!render) throw new Error(`origin ${origin.id} has the unknown format ${origin.format}`);
  const { contentType, body } = render(go.type, go.occurredAt, go.data);
  const opened = await openOriginSecrets(origin, masterKey);
  const secrets = opened.filter(({ expiresAt }) => expiresAt === null || expiresAt > at);
  const timestamp = Math.floor(at / 1000);
  const headers = {
    'content-type': contentType,
    'user-agent': 'Tollgate/1 (+payment events)',
    'webhook-id': go.eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await signWebhook(go.eventId, timestamp, body, secrets),
  };
  return { headers, body };
}

/** The start of the answer, for people. Bounded, and never a reason to doubt a status that has arrived. */
async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    while (bytes < ORIGIN_RESPONSE_BYTES_MAX) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      if (text.length < ORIGIN_RESPONSE_KEPT_CHARS) text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
  } catch {
    // The status decided already; a body that breaks off only makes the note shorter.
  }
  return text.slice(0, ORIGIN_RESPONSE_KEPT_CHARS);
}

/** 410 Gone: the origin asked not to be called again. It pauses, its events wait, a person is told. */
async function pauseGone(originId: string, go: Go, env: Env): Promise<void> {
  const registry = env.REGISTRY.getByName('registry');
  const now = Date.now();
  const told = `${originId} answered 410 Gone to ${go.eventId} and was paused.`;
  const detail = `${told} Its events wait; resume it when it is back.`;
  try {
    await registry.pauseOrigin({ id: originId, version: go.originVersion, reason: 'gone', now });
    await registry.raiseAlarms([{ code: 'origin_gone', subject: `origin/${originId}`, detail, at: now }]);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'pause', origin: originId, error: String(error) })); // the next 410 tries again
  }
}

/** Gathers outcomes per shard and settles them in groups; a message is acknowledged after its settle returned. */
class SettleDesk {
  readonly #env: Env;
  readonly #groups = new Map<string, { settlement: Settlement; message: Message<DeliveryMessage> }[]>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #settling: Promise<void>[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  add(shard: string, settlement: Settlement, message: Message<DeliveryMessage>): void {
    const group = this.#groups.get(shard) ?? [];
    group.push({ settlement, message });
    this.#groups.set(shard, group);
    if (group.length >= SETTLE_BATCH_MAX) this.#flush(shard);
    else if (!this.#timers.has(shard))
      this.#timers.set(
        shard,
        setTimeout(() => this.#flush(shard), SETTLE_WAIT_MS),
      );
  }

  async finish(): Promise<void> {
    for (const shard of [...this.#groups.keys()]) this.#flush(shard);
    await Promise.all(this.#settling);
  }

  #flush(shard: string): void {
    clearTimeout(this.#timers.get(shard));
    this.#timers.delete(shard);
    const group = this.#groups.get(shard) ?? [];
    this.#groups.delete(shard);
    if (group.length > 0) this.#settling.push(this.#settle(shard, group));
  }

  async #settle(shard: string, group: { settlement: Settlement; message: Message<DeliveryMessage> }[]): Promise<void> {
    for (let tries = 3; tries > 0; tries--) {
      try {
        await this.#env.LEDGER.getByName(shard).settle(group.map(({ settlement }) => settlement));
        for (const { message } of group) message.ack();
        return;
      } catch (error) {
        console.error(JSON.stringify({ hop: 'settle', shard, error: String(error), tries }));
        await new Promise((resolve) => setTimeout(resolve, 200 * (4 - tries)));
      }
    }
    // Not settled: the lease runs out and the ledger sends again. The origin knows the event by its id.
    for (const { message } of group) message.retry({ delaySeconds: LEDGER_UNREACHABLE_RETRY_SECONDS });
  }
}
