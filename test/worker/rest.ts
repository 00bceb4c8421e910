// Lets every object of a test file come to rest before the runtime is torn down: one that is still bringing orders to
// D1, deliveries to the queue or news to another object may hang it.
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

/** An alarm beyond this is a timer that no test waits for. */
const SOON_MS = 60_000;
const ROUNDS_MAX = 50;
/** An alarm that a test left hanging is not waited for. */
const ALARM_MS_MAX = 500;

type Stub = Parameters<typeof runDurableObjectAlarm>[0];

const NAMESPACES = ['LEDGER', 'LOCATOR', 'CALLBACK_LOG', 'REGISTRY', 'ALARM_DESK', 'RECONCILER', 'REPLAYS'] as const;

async function stubsOf(): Promise<Stub[]> {
  const all = await Promise.all(
    NAMESPACES.map(async (name) => {
      const namespace: DurableObjectNamespace = env[name];
      return (await listDurableObjectIds(namespace)).map((id): Stub => namespace.get(id));
    }),
  );
  return all.flat();
}

async function isAtRest(stub: Stub): Promise<boolean> {
  const at = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  if (at === null || at > Date.now() + SOON_MS) return true;
  await runDurableObjectAlarm(stub);
  return false;
}

const given = () => new Promise<true>((resolve) => setTimeout(resolve, ALARM_MS_MAX, true));

/** Call after all tests of a file. */
export async function restObjects(): Promise<void> {
  let busy = await stubsOf();
  for (let round = 0; busy.length > 0 && round < ROUNDS_MAX; round++) {
    const resting = await Promise.all(busy.map((stub) => Promise.race([isAtRest(stub).catch(() => true), given()])));
    busy = busy.filter((_, index) => !resting[index]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
