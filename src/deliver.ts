// Delivers: claims each message's delivery from its ledger, posts the event to the origin, settles the outcome.
// Never decides what comes next (the ledger does), never follows a redirect, never posts what it has not claimed.
import type { KeptCallback } from './core/callback.ts';
import { CLAIM_FRESH_MS, DELIVER_LANES, LEDGER_UNREACHABLE_RETRY_SECONDS, ORIGIN_PATIENCE_MS } from './core/limits.ts';
import type { Origin } from './core/origin.ts';
import type { ClaimItem, ClaimReply, DeliveryMessage } from './core/record.ts';
import { isRehearsalLedger } from './core/rehearsal.ts';
import { traceOfEvent } from './core/trace.ts';
import { Lanes } from './deliver/lanes.ts';
import { type Outcome, post } from './deliver/post.ts';
import { SettleDesk } from './deliver/settle-desk.ts';
import { logHop } from './log.ts';
import { formatOf, gather, type Material, type Told } from './prepare.ts';
import { readOriginCopy } from './store/registry-copy.ts';

type Go = Extract<ClaimReply, { go: true }>;
type Job = {
  readonly message: Message<DeliveryMessage>;
  readonly go: Go;
  confirmedAt: number;
};

/** Takes over what a batch need not wait for. */
export type LetGo = (rest: Promise<void>) => void;

/**
 * Consumes a batch: each message is acknowledged only when its outcome is settled, or the ledger said no. Origins that
 * are silent hold up neither the others nor the next batch: their posts end behind it, and what was not begun goes back
 * to the ledger, which sends it the slow way. Their leases cover what is lost with this consumer.
 */
export async function deliver(
  batch: MessageBatch<DeliveryMessage>,
  env: Env,
  letGo: LetGo | null = null,
): Promise<void> {
  const jobs = (await Promise.all([...byShard(batch.messages)].map((entry) => claimAll(entry, env)))).flat();
  const desk = new SettleDesk(env);
  const lanes = new Lanes(jobs, {
    lanes: DELIVER_LANES,
    patienceMs: letGo === null ? Number.POSITIVE_INFINITY : ORIGIN_PATIENCE_MS,
    calledBy: ({ message }) => message.body.originId,
    work: (job) => work(job, env, desk),
  });
  const left = await lanes.run();
  const silent = lanes.silent();
  if (silent.length > 0) await giveBack(jobs, new Set(left), silent, env);
  await desk.finish();
  letGo?.(lanes.rest().then(() => desk.finish()));
}

/** Tells each ledger which origins are silent, and which of its deliveries were not begun. */
async function giveBack(
  jobs: readonly Job[],
  left: ReadonlySet<Job>,
  silent: readonly string[],
  env: Env,
): Promise<void> {
  await Promise.all(
    [...Map.groupBy(jobs, ({ message }) => message.body.shard)].map(async ([shard, all]) => {
      const mine = all.filter((job) => left.has(job));
      const items = mine.map(({ message, go }) => {
        const { seq, originId } = message.body;
        return { seq, originId, claim: go.claim };
      });
      const slow = silent.filter((id) => all.some(({ message }) => message.body.originId === id));
      if (items.length === 0 && slow.length === 0) return;
      try {
        await env.LEDGER.getByName(shard).giveBack(items, slow);
      } catch (error) {
        console.error(JSON.stringify({ hop: 'give back', shard, error: String(error) })); // their leases run out
      }
    }),
  );
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
    // Asked last, because what came before may have taken a while. The ledger dispatches it again when its time comes.
    if (!mayGo(job, origin) || !(await mayStart(job, env))) return message.ack();
    const outcome = await post(origin, told, material, env);
    logPost(env, job, outcome);
    // What a backend says of a test stops nothing real.
    if (outcome.status === 410 && !isRehearsalLedger(shard)) await pauseGone(originId, go, env);
    const settlement = { seq, originId, claim: go.claim, attempt, ...outcome };
    desk.add(shard, { settlement, message, trace: traceOf(go) });
  } catch (error) {
    // Something of ours failed, not the origin: the lease runs out and the same attempt is dispatched again.
    console.error(JSON.stringify({ hop: 'deliver', eventId: go.eventId, origin: originId, error: String(error) }));
    message.retry({ delaySeconds: LEDGER_UNREACHABLE_RETRY_SECONDS });
  }
}

const NOTHING: Material = { callback: null, channel: null };

const toldOf = ({ eventId: id, type, occurredAt, data, replay = false, trace = null }: Go): Told => ({
  event: { id, type, occurredAt, data },
  isReplay: replay,
  trace,
});

const traceOf = ({ trace, eventId }: Go): string => trace ?? traceOfEvent(eventId);

function logPost(env: Env, { message, go }: Job, { outcome, ms, status }: Outcome): void {
  const { orderNo = null, channel = null, eventId } = go;
  const trace = traceOf(go);
  const { originId: origin, attempt } = message.body;
  logHop(env, { hop: 'deliver', trace, channel, orderNo, eventId, outcome, ms, more: { origin, attempt, status } });
}

const callbackOf =
  ({ message: { body } }: Job, env: Env) =>
  (): Promise<KeptCallback | null> =>
    env.LEDGER.getByName(body.shard).readCallback(body.seq);

/** The ledger may not have heard yet that the origin takes no tests any more. */
const mayGo = ({ message }: Job, origin: Origin | null): boolean =>
  origin === null || origin.settings.acceptsTest || !isRehearsalLedger(message.body.shard);

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
