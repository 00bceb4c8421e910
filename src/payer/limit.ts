// How often strangers may look: by address, so that nobody tries tokens, and by token, so that no page is a burden. A
// limiter that fails lets everybody in: a payer must not be kept from paying.
import { networkOf } from '../core/network.ts';

/** When to come back: the limits count by the minute, and whoever waits this long is inside them again. */
export const RETRY_AFTER_SECONDS = 15;

/** Local runs know no address. */
export const mayLook = (env: Env, address: string | null): Promise<boolean> =>
  address === null ? Promise.resolve(true) : isWithin(env.PAY_BY_ADDRESS, networkOf(address));

export const mayLookAt = (env: Env, token: string): Promise<boolean> => isWithin(env.PAY_BY_TOKEN, token);

async function isWithin(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success;
  } catch {
    return true; // see above
  }
}
