// Lets every object of a test file come to rest before the runtime is torn down: one that is still bringing orders to
// D1, deliveries to the queue or news to another object may hang it.
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

/** An alarm beyond this is a timer that no test waits for. */
const SOON_MS = 60_000;
/** What a test left hanging, or going round, is not waited for. */
const REST_MS_MAX = 2_000;

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

/** Call after all tests of a file. */
export async function restObjects(): Promise<void> {
  let isOver = false;
  const over = new Promise<true>((resolve) => setTimeout(resolve, REST_MS_MAX, true)).finally(() => {
    isOver = true;
  });
  let busy = await stubsOf();
  while (busy.length > 0 && !isOver) {
    const resting = await Promise.all(busy.map((stub) => Promise.race([isAtRest(stub).catch(() => true), over])));
    busy = busy.filter((_, index) => !resting[index]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
