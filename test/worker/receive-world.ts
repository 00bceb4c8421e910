// A pretend WeChat Pay and a channel for it, for tests in workerd. Signs and encrypts with WebCrypto alone, never with
// the gateway's own crypto; keys are made when the tests start.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { vi } from 'vitest';
import { type Channel, DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import { SEAL_IV_BYTES, seal } from '../../src/crypto/seal.ts';
import { providerOf } from '../../src/providers/index.ts';

export const API_V3_KEY = 'an-api-v3-key-of-32-characters!!';
export const MCH_ID = '1900000109';
export const SERIAL = 'PUB_KEY_ID_0119000001092026010100000001';
const INSIDE = '101.226.103.7'; // in the published ranges

type Signer = { readonly serial: string; readonly key: CryptoKey; readonly pem: string };

export async function makeSigner(serial = SERIAL): Promise<Signer> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048 };
  const publicExponent = new Uint8Array([1, 0, 1]);
  const pair = await crypto.subtle.generateKey({ ...algorithm, publicExponent }, true, ['sign', 'verify']);
  const { privateKey, publicKey } = pair as CryptoKeyPair; // RSA makes pairs
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer); // spki is bytes
  const lines = spki.toBase64().replace(/.{64}/g, '$&\n');
  return { serial, key: privateKey, pem: `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n` };
}

export const platform = await makeSigner();

let uids = 0;

export type ChannelOptions = Partial<Pick<Channel, 'allowlist' | 'environment' | 'origins' | 'provider' | 'shards'>> & {
  /** Of another provider. */
  readonly secrets?: object;
  readonly platformKeys?: Readonly<Record<string, string>>;
};

const sealed = (uid: string, platformKeys: Readonly<Record<string, string>>) =>
  sealedOf(uid, { mchId: MCH_ID, appIds: [], apiV3Key: API_V3_KEY, platformKeys });

const sealedOf = async (uid: string, credentials: object) => {
  const iv = crypto.getRandomValues(new Uint8Array(SEAL_IV_BYTES));
  return seal(JSON.stringify(credentials), env.TOLLGATE_MASTER_KEY, `channel/${uid}`, iv);
};

export const registry = () => env.REGISTRY.getByName('registry');
const stamp = () => ({ now: Date.now(), key: null, digest: '' });

/** A channel of its own, through the registry's door. */
export async function makeChannel(options: ChannelOptions = {}): Promise<{ id: string; uid: string }> {
  uids += 1;
  const [id, uid] = [`shop-${uids}`, `uid${uids}`];
  const { platformKeys = { [platform.serial]: platform.pem }, secrets, ...rest } = options;
  const created = await registry().createChannel(
    {
      id,
      uid,
      provider: 'wechatpay-v3',
      mode: 'open',
      settings: DEFAULT_CHANNEL_SETTINGS,
      environment: 'live',
      shards: 2,
      locationHint: null,
      origins: [],
      allowlist: { mode: 'monitor', ranges: providerOf('wechatpay-v3')?.sourceRanges ?? [] },
      credentials: await (secrets ? sealedOf(uid, secrets) : sealed(uid, platformKeys)),
      ...rest,
    },
    stamp(),
  );
  if (created.kind !== 'done') throw new Error(`the channel was not made: ${created.kind}`);
  return { id, uid };
}

export async function changeKeys({ id, uid }: { id: string; uid: string }, keys: Readonly<Record<string, string>>) {
  await registry().updateChannel(id, { credentials: await sealed(uid, keys) }, stamp());
}

export async function setStatus(id: string, to: Channel['status']) {
  await registry().setChannelStatus(id, { to, from: ['active', 'paused', 'disabled'] }, stamp());
}

export const transactionOf = (orderNo: string, more: object = {}) => ({
  mchid: MCH_ID,
  appid: 'wxd678efh567hg6787',
  out_trade_no: orderNo,
  transaction_id: `42000027${orderNo}`,
  trade_type: 'NATIVE',
  trade_state: 'SUCCESS',
  success_time: '2026-01-01T10:34:56+08:00',
  amount: { total: 100, payer_total: 100, currency: 'CNY', payer_currency: 'CNY' },
  ...more,
});

let notices = 0;

/** The envelope of a notice, its content encrypted. */
export async function noticeOf(content: object, type = 'TRANSACTION.SUCCESS', key = API_V3_KEY): Promise<string> {
  notices += 1;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const nonce = 'fdasflkja484';
  const aes = await crypto.subtle.importKey('raw', bytes(key), 'AES-GCM', false, ['encrypt']);
  const algorithm = { name: 'AES-GCM', iv: bytes(nonce), additionalData: bytes('transaction') };
  const ciphertext = new Uint8Array(await crypto.subtle.encrypt(algorithm, aes, bytes(JSON.stringify(content))));
  return JSON.stringify({
    id: `EV-20260101000000000000000${notices}`,
    create_time: '2026-01-01T10:34:58+08:00',
    resource_type: 'encrypt-resource',
    event_type: type,
    summary: '支付成功',
    resource: {
      original_type: 'transaction',
      algorithm: 'AEAD_AES_256_GCM',
      ciphertext: ciphertext.toBase64(),
      associated_data: 'transaction',
      nonce,
    },
  });
}

export async function signatureHeaders(body: string, signer: Signer = platform, at = Date.now()) {
  const [timestamp, nonce] = [String(Math.floor(at / 1000)), crypto.randomUUID().replaceAll('-', '')];
  const message = new TextEncoder().encode(`${timestamp}\n${nonce}\n${body}\n`);
  const signature = new Uint8Array(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', signer.key, message));
  return {
    'content-type': 'application/json',
    'cf-connecting-ip': INSIDE,
    'wechatpay-serial': signer.serial,
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-signature': signature.toBase64(),
    'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
  };
}

type Headers = Readonly<Record<string, string>>;

export const requestTo = (channelId: string, body: BodyInit, headers: Headers): Request =>
  new Request(`https://gate.example/callbacks/${channelId}`, { method: 'POST', body, headers });

/** Sends a body to a channel through the Worker's own door. */
export const post = (channelId: string, body: BodyInit, headers: Headers): Promise<Response> =>
  exports.default.fetch(requestTo(channelId, body, headers));

/** A genuine callback for a paid order, ready to be sent. */
export async function paid(orderNo: string, signer: Signer = platform, at = Date.now()) {
  const body = await noticeOf(transactionOf(orderNo));
  return { body, headers: await signatureHeaders(body, signer, at) };
}

/** What the channel's log shows once it has everything: rows of D1. */
export async function arrivals(channelId: string, log: string, expected = 1) {
  const count = async () =>
    Number(
      await env.DB.prepare('SELECT sum(count) n FROM callback_counts WHERE channel = ?').bind(channelId).first('n'),
    );
  await vi.waitUntil(
    async () => {
      await runDurableObjectAlarm(env.CALLBACK_LOG.getByName(log));
      return (await count()) >= expected;
    },
    { timeout: 5_000, interval: 100 },
  );
  const rows = await env.DB.prepare('SELECT * FROM callbacks WHERE channel = ? ORDER BY at').bind(channelId).all();
  return rows.results;
}
