// Keys that end soon, as each channel's page of /v1 tells them: for the overview. Knows no key.
import { z } from 'zod';
import { get, v1 } from './call.ts';
import type { Context } from './kit.ts';

/** Channels that are asked: each is a question to the registry. */
const CHANNELS_MAX = 20;
const SOON_DAYS = 30;

const Keys = z.object({ keys: z.array(z.object({ serial: z.string(), daysLeft: z.int() })) });

export type EndingKey = { readonly channel: string; readonly serial: string; readonly daysLeft: number };

/** The first to end before the others. */
export async function endingKeys(c: Context, channels: readonly string[]): Promise<readonly EndingKey[]> {
  const asked = channels.slice(0, CHANNELS_MAX);
  const found = await Promise.all(asked.map((channel) => get(c, v1('channels', channel), Keys)));
  return found
    .flatMap((detail, index) =>
      detail.ok ? detail.value.keys.map((key) => ({ ...key, channel: asked[index] ?? '' })) : [],
    )
    .filter(({ daysLeft }) => daysLeft < SOON_DAYS)
    .sort((a, b) => a.daysLeft - b.daysLeft);
}
