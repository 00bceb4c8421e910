// The demo's origin and channel, through the public /v1 API: read, or created when missing. Never touches anything
// else.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { credentialsOf, type Identity } from '../src/sandbox/identity.ts';
import type { Client } from './client.ts';

export const CHANNEL = 'demo-wechat';
export const ORIGIN = 'demo-shop';

const Status = z.enum(['active', 'paused', 'disabled']);
const Origin = z.object({ url: z.string(), status: Status, secrets: z.array(z.object({ createdAt: z.string() })) });
const OriginWithSecret = Origin.extend({ secret: z.string() });
const Channel = z.object({ status: Status, origins: z.array(z.string()) });

/** What the gateway shows only once, and which merchant the channel was given. */
const Kept = z.object({
  originSecret: z.string().optional(),
  /** Tells whether somebody rotated the secret since. */
  secretCreatedAt: z.string().optional(),
  merchantSerial: z.string().optional(),
});
type Kept = z.infer<typeof Kept>;

export type Demo = {
  /** What the origin verifies deliveries with. */
  readonly originSecret: string;
  /** Why no payment can be driven now; null when one can. */
  readonly obstacle: string | null;
};

export async function readOrCreateDemo(
  client: Client,
  file: string,
  identity: Identity,
  webhookUrl: string,
): Promise<Demo> {
  const kept: Kept = existsSync(file) ? Kept.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
  const origin = await readOrCreateOrigin(client, kept, webhookUrl);
  const secret = { originSecret: origin.secret, secretCreatedAt: origin.secrets[0]?.createdAt };
  keep(file, { ...kept, ...secret });
  const channel = await readOrCreateChannel(client, kept, identity);
  keep(file, { ...secret, merchantSerial: identity.merchant.serial });
  const obstacle =
    obstacleOf(`origin ${ORIGIN}`, origin.status, `/v1/origins/${ORIGIN}/resume`) ??
    obstacleOf(`channel ${CHANNEL}`, channel.status, `/v1/channels/${CHANNEL}/${enabler(channel.status)}`) ??
    absenceOf(channel.origins);
  return { originSecret: origin.secret, obstacle };
}

const enabler = (status: z.infer<typeof Status>) => (status === 'disabled' ? 'enable' : 'resume');

const obstacleOf = (subject: string, status: z.infer<typeof Status>, mend: string): string | null =>
  status === 'active' ? null : `The ${subject} is ${status}, so no payment is driven. To go on: POST ${mend}`;

const absenceOf = (origins: readonly string[]): string | null =>
  origins.includes(ORIGIN)
    ? null
    : `The channel ${CHANNEL} does not deliver to origin ${ORIGIN}, so no payment is driven. To go on: ` +
      `PATCH /v1/channels/${CHANNEL} {"origins":${JSON.stringify([...origins, ORIGIN])}}`;

/** A secret that is lost, or that somebody rotated, is replaced: the pretend merchant would refuse what it signs. */
async function readOrCreateOrigin(client: Client, kept: Kept, url: string): Promise<z.infer<typeof OriginWithSecret>> {
  const found = await client.find(`/v1/origins/${ORIGIN}`, Origin);
  if (!found) return client.send('POST', '/v1/origins', { id: ORIGIN, url }, OriginWithSecret);
  const origin = found.url === url ? found : await client.send('PATCH', `/v1/origins/${ORIGIN}`, { url }, Origin);
  const isKnown = origin.secrets[0]?.createdAt === kept.secretCreatedAt;
  if (kept.originSecret !== undefined && isKnown) return { ...origin, secret: kept.originSecret };
  const rotation = { signature: 'hmac', overlapSeconds: 0 };
  return client.send('POST', `/v1/origins/${ORIGIN}/rotate`, rotation, OriginWithSecret);
}

async function readOrCreateChannel(client: Client, kept: Kept, identity: Identity): Promise<z.infer<typeof Channel>> {
  const credentials = credentialsOf(identity);
  const found = await client.find(`/v1/channels/${CHANNEL}`, Channel);
  if (!found) {
    const draft = { id: CHANNEL, provider: 'wechatpay-v3', origins: [ORIGIN], credentials };
    return client.send('POST', '/v1/channels', draft, Channel);
  }
  if (kept.merchantSerial === identity.merchant.serial) return found;
  return client.send('PATCH', `/v1/channels/${CHANNEL}`, { credentials }, Channel);
}

function keep(file: string, kept: Kept): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
}
