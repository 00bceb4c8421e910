// Who the pretend Alipay plays: one platform with its key, and one merchant's application with its own. Made once and
// kept in a file. None of it is worth anything outside the sandbox.
import { generateKeyPair, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const KeyPair = z.object({ publicPem: z.string(), privatePem: z.string() });
const AlipayIdentity = z.object({
  appId: z.string(),
  sellerId: z.string(),
  /** Signs answers and notices. */
  platform: KeyPair,
  /** The application's: signs requests. */
  merchant: KeyPair,
});
export type AlipayIdentity = z.infer<typeof AlipayIdentity>;

/** The identity in the file; made and written (readable by the owner alone) when there is none. */
export async function readOrCreateAlipayIdentity(file: string): Promise<AlipayIdentity> {
  if (existsSync(file)) return AlipayIdentity.parse(JSON.parse(readFileSync(file, 'utf8')));
  const identity = await createAlipayIdentity();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600 });
  return identity;
}

export async function createAlipayIdentity(): Promise<AlipayIdentity> {
  const [platform, merchant] = await Promise.all([makeKeyPair(), makeKeyPair()]);
  const digits = () => randomInt(10 ** 11, 10 ** 12);
  return { appId: `2021${digits()}`, sellerId: `2088${digits()}`, platform, merchant };
}

async function makeKeyPair(): Promise<z.infer<typeof KeyPair>> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** What the merchant types into its channel. */
export const alipayCredentialsOf = ({ appId, sellerId, platform, merchant }: AlipayIdentity) => ({
  appId,
  sellerIds: [sellerId],
  alipayPublicKey: platform.publicPem,
  privateKey: merchant.privatePem,
});
