// Lets every ledger of a test file come to rest before the runtime is torn down: one that is still bringing orders to
// D1, or deliveries to the queue, may hang it.
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

/** An alarm beyond this is a timer that no test waits for. */
const SOON_MS = 60_000;
const ROUNDS_MAX = 100;

async function isAtRest(ledger: ReturnType<typeof env.LEDGER.get>): Promise<boolean> {
  const at = await runInDurableObject(ledger, (_, { storage }) => storage.getAlarm());
  if (at === null || at > Date.now() + SOON_MS) return true;
  await runDurableObjectAlarm(ledger);
  return false;
}

/** Call after all tests of a file. */
export async function restLedgers(): Promise<void> {
  let busy = (await listDurableObjectIds(env.LEDGER)).map((id) => env.LEDGER.get(id));
  for (let round = 0; busy.length > 0 && round < ROUNDS_MAX; round++) {
    const resting = await Promise.all(busy.map(isAtRest));
    busy = busy.filter((_, index) => !resting[index]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
