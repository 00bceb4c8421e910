// Who the sandbox plays: one WeChat Pay platform with its keys, and one merchant with its account at it. Made once and
// kept in a file. None of it is worth anything outside the sandbox.
import { generateKeyPair, type KeyObject, randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { makeCertificate } from './certificate.ts';

/** A key the platform signs with; its public half is a certificate or a bare public key. */
const PlatformKey = z.object({ serial: z.string(), publicPem: z.string(), privatePem: z.string() });

const Identity = z.object({
  mchId: z.string(),
  appId: z.string(),
  apiV3Key: z.string().length(32),
  apiV2Key: z.string().length(32),
  merchant: PlatformKey,
  certificate: PlatformKey,
  /** Listed by /v3/certificates too, not signing yet: what a rotation looks like. */
  nextCertificate: PlatformKey,
  publicKey: PlatformKey,
  certificatesFrom: z.string(),
  certificatesUntil: z.string(),
});

export type PlatformKey = z.infer<typeof PlatformKey>;
export type Identity = z.infer<typeof Identity>;

const CERTIFICATE_YEARS = 5;
const YEAR_MS = 365 * 86_400_000;

/** The identity in the file; made and written (readable by the owner alone) when there is none. */
export async function readOrCreateIdentity(file: string): Promise<Identity> {
  const kept: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  const known = Identity.safeParse(kept);
  if (known.success) return known.data;
  // A file from before the v2 API lacks its key: the merchant stays the same.
  const identity = Identity.parse({ ...(await createIdentity(Date.now())), ...(kept ?? {}) });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600 });
  return identity;
}

export async function createIdentity(now: number): Promise<Identity> {
  const from = new Date(now - 86_400_000);
  const until = new Date(now + CERTIFICATE_YEARS * YEAR_MS);
  const certified = async () => {
    const { publicPem, privatePem, privateKey } = await makeKeyPair();
    const serial = `1${randomBytes(20).toString('hex').toUpperCase().slice(1)}`;
    const certificate = makeCertificate({ serial, notBefore: from, notAfter: until, privateKey });
    return { serial, publicPem: certificate, privatePem, barePem: publicPem };
  };
  const [merchant, certificate, nextCertificate, bare] = await Promise.all([
    certified(),
    certified(),
    certified(),
    makeKeyPair(),
  ]);
  const mchId = `16${randomInt(10 ** 7, 10 ** 8)}`;
  return Identity.parse({
    mchId,
    appId: `wx${randomBytes(8).toString('hex')}`,
    apiV3Key: newApiKey(),
    apiV2Key: newApiKey(),
    merchant,
    certificate,
    nextCertificate,
    publicKey: {
      serial: `PUB_KEY_ID_01${mchId}2026010100${randomInt(10 ** 11, 10 ** 12)}`,
      publicPem: bare.publicPem,
      privatePem: bare.privatePem,
    },
    certificatesFrom: from.toISOString(),
    certificatesUntil: until.toISOString(),
  });
}

async function makeKeyPair(): Promise<{ publicPem: string; privatePem: string; privateKey: KeyObject }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
  };
}

const newApiKey = () => randomBytes(24).toString('base64url');

/** What the merchant types into its channel: the public key by its id, the certificate by its serial. */
export function credentialsOf(identity: Identity) {
  return {
    mchId: identity.mchId,
    appIds: [identity.appId],
    apiV3Key: identity.apiV3Key,
    platformKeys: {
      [identity.publicKey.serial]: identity.publicKey.publicPem,
      [identity.certificate.serial]: identity.certificate.publicPem,
    },
    merchantSerial: identity.merchant.serial,
    merchantPrivateKey: identity.merchant.privatePem,
  };
}

/** The same for a channel of API v2. In a local run no certificate is shown, whatever the binding is called. */
export function credentialsOfV2(identity: Identity) {
  return {
    mchId: identity.mchId,
    appIds: [identity.appId],
    apiKey: identity.apiV2Key,
    refundCertBinding: 'MTLS_SANDBOX',
  };
}
