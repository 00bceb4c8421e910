// Notices as WeChat Pay posts them: the envelope with its encrypted resource, the signed headers, and every way in
// which the sandbox can spoil them on request. Builds requests, sends nothing.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Identity, PlatformKey } from './identity.ts';
import { beijing } from './orders.ts';
import { seal, signMessage } from './signature.ts';
import { isV2Receipt, isV2Spoil, spoiledV2Body, V2_HEADERS, type V2Content, v2BodyOf } from './v2-notice.ts';

/** Spoils the first attempts of a notice: a receiver must refuse each, then take the good one that follows. */
export const SPOILS = {
  'tampered-amount': 'the amount in the body is changed after signing',
  'wrong-serial': 'signed by a key under a serial that nobody knows',
  forged: 'signed by a wrong key under the right serial',
  stale: 'signed correctly, but 301 seconds ago',
  signtest: "WeChat Pay's own probe: a signature that begins with WECHATPAY/SIGNTEST/",
  'missing-signature': 'the Wechatpay-Signature header is left out',
} as const;

/** Changes what an authentic notice says. */
export const VARIANTS = {
  'unknown-event': 'an event type that nobody has documented yet, authentic',
  'other-merchant': 'an authentic notice for another merchant number',
} as const;

/** Changes when and how often it is sent. */
export const TIMINGS = {
  duplicate: 'sent again, `copies` times (2), after it was acknowledged',
  concurrent: 'sent `copies` times (3) at the same moment',
  reorder: 'held back until the next notice for the same order was sent',
  delay: 'sent only after `delayMs` (5000)',
  lost: 'never sent: somebody on the way answers in the merchant’s stead',
} as const;

export type Spoil = keyof typeof SPOILS;
export type Variant = keyof typeof VARIANTS;
export type Timing = keyof typeof TIMINGS;
export type Misbehaviour = Spoil | Variant | Timing;

export const isSpoil = (kind: string): kind is Spoil => kind in SPOILS;
export const isVariant = (kind: string): kind is Variant => kind in VARIANTS;

export type NoticeContent = {
  readonly eventType: string;
  /** `transaction` or `refund`. */
  readonly originalType: string;
  readonly summary: string;
  readonly resource: Record<string, unknown>;
  /** Of an order that the XML API made: then all of this is said in XML. */
  readonly v2?: V2Content;
};

/** XML notices have no serials, times and probes to spoil, and no types to invent. */
export const canMisbehave = ({ v2 }: NoticeContent, kind: Misbehaviour): boolean =>
  v2 === undefined || (isSpoil(kind) ? isV2Spoil(kind) : kind !== 'unknown-event');

/** Which key signs: the certificate's, the one that follows it in a rotation, or the bare public key's. */
export type SigningKey = 'public-key' | 'certificate' | 'next-certificate';

export function signingKeyOf(identity: Identity, which: SigningKey): PlatformKey {
  switch (which) {
    case 'public-key':
      return identity.publicKey;
    case 'certificate':
      return identity.certificate;
    case 'next-certificate':
      return identity.nextCertificate;
  }
}

/** The body: the same bytes in every attempt of one notice. */
export const bodyOf = (id: string, content: NoticeContent, identity: Identity, now: number): string =>
  content.v2 === undefined ? envelopeOf(id, content, identity, now) : v2BodyOf(content.v2, identity);

export function envelopeOf(id: string, content: NoticeContent, identity: Identity, now: number): string {
  return JSON.stringify({
    id,
    create_time: beijing(now),
    resource_type: 'encrypt-resource',
    event_type: content.eventType,
    summary: content.summary,
    resource: {
      original_type: content.originalType,
      ...seal(JSON.stringify(content.resource), identity.apiV3Key, content.originalType),
    },
  });
}

/** What an authentic but odd notice says instead. */
export function varied(content: NoticeContent, variant: Variant): NoticeContent {
  switch (variant) {
    case 'unknown-event':
      return { ...content, eventType: 'SANDBOX.SOMETHING_NEW', originalType: 'something_new' };
    case 'other-merchant': {
      const own = 'sub_mchid' in content.resource ? 'sub_mchid' : 'mchid';
      const v2 = content.v2 && { ...content.v2, fields: { ...content.v2.fields, mch_id: '1699999999' } };
      return { ...content, resource: { ...content.resource, [own]: '1699999999' }, ...(v2 ? { v2 } : {}) };
    }
  }
}

export type Post = { readonly headers: Record<string, string>; readonly body: string };

/** A public address from the ranges that WeChat Pay publishes for its notices (providers' docs, 2026). */
export const NOTICE_ADDRESS = '101.226.103.20';

const dress = (signed: Record<string, string>): Record<string, string> => ({
  'Content-Type': 'application/json',
  Accept: '*/*',
  'User-Agent': 'Mozilla/4.0',
  'CF-Connecting-IP': NOTICE_ADDRESS,
  'Request-ID': randomBytes(16).toString('hex').toUpperCase(),
  ...signed,
});

/** What the receiver said of it. */
export const isReceipt = ({ v2 }: NoticeContent, status: number | null, answer: string): boolean =>
  v2 === undefined ? status === 200 || status === 204 : isV2Receipt(status, answer);

const v2Post = (body: string): Post => ({ headers: dress(V2_HEADERS), body });

/** An attempt as it is sent: genuine, or spoiled in one way. */
export function postOf(
  notice: { readonly body: string; readonly content: NoticeContent },
  spoil: Spoil | null,
  identity: Identity,
  key: PlatformKey,
  now: number,
): Post {
  const { v2 } = notice.content;
  if (v2 !== undefined) {
    return v2Post(spoil !== null && isV2Spoil(spoil) ? spoiledV2Body(spoil, v2, notice.body) : notice.body);
  }
  return spoil === null ? genuinePost(notice.body, key, now) : spoiledPost(spoil, notice, identity, key, now);
}

/** One genuine attempt: signed anew, with its own time and nonce. */
export function genuinePost(body: string, key: PlatformKey, now: number): Post {
  return { headers: dress(signMessage(body, key, Math.floor(now / 1000))), body };
}

/** An attempt that must be refused. */
function spoiledPost(
  spoil: Spoil,
  notice: { body: string; content: NoticeContent },
  identity: Identity,
  key: PlatformKey,
  now: number,
): Post {
  const seconds = Math.floor(now / 1000);
  const good = signMessage(notice.body, key, seconds);
  switch (spoil) {
    case 'tampered-amount':
      return { headers: dress(good), body: withTamperedAmount(notice, identity) };
    case 'wrong-serial':
      return {
        headers: dress({ ...good, 'Wechatpay-Serial': randomBytes(20).toString('hex').toUpperCase() }),
        body: notice.body,
      };
    case 'forged':
      return { headers: dress(signMessage(notice.body, strangerKey(key.serial), seconds)), body: notice.body };
    case 'stale':
      return { headers: dress(signMessage(notice.body, key, seconds - 301)), body: notice.body };
    case 'signtest': {
      const probe = `WECHATPAY/SIGNTEST/${randomBytes(238).toString('base64')}`.slice(0, 344);
      return { headers: dress({ ...good, 'Wechatpay-Signature': probe }), body: notice.body };
    }
    case 'missing-signature': {
      const { 'Wechatpay-Signature': _left, ...rest } = good;
      return { headers: dress(rest), body: notice.body };
    }
  }
}

/** The thief knows the APIv3 key but not the signing key: it decrypts, and the signature no longer fits. */
function withTamperedAmount(notice: { body: string; content: NoticeContent }, identity: Identity): string {
  const { resource, originalType } = notice.content;
  const amount = { ...(resource.amount as object), total: 1, payer_total: 1, refund: 1 }; // both kinds have an amount
  const sealed = seal(JSON.stringify({ ...resource, amount }), identity.apiV3Key, originalType);
  const envelope = JSON.parse(notice.body) as Record<string, unknown>; // we built it
  return JSON.stringify({ ...envelope, resource: { original_type: originalType, ...sealed } });
}

let stranger: string | null = null;

/** A key that the platform does not have, made once because making it is slow. */
function strangerKey(serial: string): PlatformKey {
  stranger ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  return { serial, publicPem: '', privatePem: stranger };
}
