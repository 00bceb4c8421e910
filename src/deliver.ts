// Delivers: claims each message's delivery from its ledger, posts the event to the origin, settles the outcome.
// Never decides what comes next (the ledger does), never follows a redirect, never posts what it has not claimed.
import type { KeptCallback } from './core/callback.ts';
import { CLAIM_FRESH_MS, DELIVER_LANES, LEDGER_UNREACHABLE_RETRY_SECONDS } from './core/limits.ts';
import type { ClaimItem, ClaimReply, DeliveryMessage } from './core/record.ts';
import { post } from './deliver/post.ts';
import { SettleDesk } from './deliver/settle-desk.ts';
import { formatOf, gather, type Material, type Told } from './prepare.ts';
import { readOriginCopy } from './store/registry-copy.ts';

type Go = Extract<ClaimReply, { go: true }>;
type Job = {
  readonly message: Message<DeliveryMessage>;
  readonly go: Go;
  confirmedAt: number;
};

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
    const told = toldOf(go);
    const material = origin ? await gather(env, formatOf(origin), told, callbackOf(job, env), Date.now()) : NOTHING;
    // Asked last, because what came before may have taken a while.
    if (!(await mayStart(job, env))) return message.ack(); // the ledger dispatches it again when its time comes
    const outcome = await post(origin, told, material, env);
    if (outcome.status === 410) await pauseGone(originId, go, env);
    desk.add(shard, { seq, originId, claim: go.claim, attempt, ...outcome }, message);
  } catch (error) {
    // Something of ours failed, not the origin: the lease runs out and the same attempt is dispatched again.
    console.error(JSON.stringify({ hop: 'deliver', event: go.eventId, origin: originId, error: String(error) }));
    message.retry({ delaySeconds: LEDGER_UNREACHABLE_RETRY_SECONDS });
  }
}

const NOTHING: Material = { callback: null, channel: null };

const toldOf = ({ eventId: id, type, occurredAt, data, replay = false }: Go): Told => ({
  event: { id, type, occurredAt, data },
  isReplay: replay,
});

const callbackOf =
  ({ message: { body } }: Job, env: Env) =>
  (): Promise<KeptCallback | null> =>
    env.LEDGER.getByName(body.shard).readCallback(body.seq);

/** A pause acts within a second: a claim that has waited for its turn is confirmed first, and begins its lease anew. */
async function mayStart(job: Job, env: Env): Promise<boolean> {
  const now = Date.now();
  if (now - job.confirmedAt < CLAIM_FRESH_MS) return true;
  const { shard, seq, originId } = job.message.body;
  const [confirmed] = await env.LEDGER.getByName(shard).confirm([{ seq, originId, claim: job.go.claim }]);
  return confirmed === true;
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
