// The signature of a delivery, checked by code that is not ours: the specification's npm package and node:crypto.

import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signWebhook } from '../../src/crypto/standard-webhook.ts';

const NOW = Math.floor(Date.now() / 1000); // the package compares with its own clock
const secretOf = (bytes: Uint8Array, prefix = 'whsec_') => prefix + Buffer.from(bytes).toString('base64');
const hmac = (fill: number, length = 32) => ({
  kind: 'hmac' as const,
  secret: secretOf(new Uint8Array(length).fill(fill)),
});

/** An ed25519 secret and its public half, as node:crypto makes them. */
function makeEd25519(withPublic = false) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(jwk.d ?? '', 'base64url');
  const bytes = withPublic ? Buffer.concat([seed, Buffer.from(jwk.x ?? '', 'base64url')]) : seed;
  return { publicKey, secret: { kind: 'ed25519' as const, secret: secretOf(bytes, 'whsk_') } };
}

const headersOf = (id: string, at: number, signature: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(at),
  'webhook-signature': signature,
});

describe('an HMAC signature', () => {
  it("is the specification's own", async () => {
    const id = fc.stringMatching(/^evt_[0-9a-z]{1,26}$/);
    const secret = fc.uint8Array({ minLength: 24, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(
        id,
        fc.integer({ min: -200, max: 200 }),
        fc.json(),
        secret,
        async (eventId, shift, body, bytes) => {
          const text = secretOf(bytes);
          const signature = await signWebhook(eventId, NOW + shift, body, [{ kind: 'hmac', secret: text }]);
          expect(signature).toBe(new Webhook(text).sign(eventId, new Date((NOW + shift) * 1000), body));
          new Webhook(text).verify(body, headersOf(eventId, NOW + shift, signature));
        },
      ),
    );
  });

  it('covers the id, the time and every byte of the body', async () => {
    const { kind, secret } = hmac(7);
    const body = '{"type":"payment.succeeded","data":{"name":"茶"}}';
    const signature = await signWebhook('evt_1', NOW, body, [{ kind, secret }]);
    const check = (text: string, headers: Record<string, string>) => () => new Webhook(secret).verify(text, headers);
    expect(check(body, headersOf('evt_1', NOW, signature))).not.toThrow();
    expect(check(body, headersOf('evt_2', NOW, signature))).toThrow();
    expect(check(body, headersOf('evt_1', NOW + 1, signature))).toThrow();
    expect(check(body.replace('茶', '茗'), headersOf('evt_1', NOW, signature))).toThrow();
  });
});

describe('an ed25519 signature', () => {
  it.each([
    ['the seed', false],
    ['the seed and the public key', true],
  ])('made from %s is verified by the public key alone', async (_, withPublic) => {
    const { publicKey, secret } = makeEd25519(withPublic);
    const signature = await signWebhook('evt_1', NOW, '{"a":"茶"}', [secret]);
    const [version, text = ''] = signature.split(',');
    expect(version).toBe('v1a');
    const bytes = Buffer.from(text, 'base64');
    expect(verify(null, Buffer.from(`evt_1.${NOW}.{"a":"茶"}`), publicKey, bytes)).toBe(true);
    expect(verify(null, Buffer.from(`evt_1.${NOW}.{"a":"茗"}`), publicKey, bytes)).toBe(false);
    const raw = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      rawOf(publicKey.export({ format: 'jwk' }).x),
    ]);
    expect(
      verify(
        null,
        Buffer.from(`evt_1.${NOW}.{"a":"茶"}`),
        createPublicKey({ key: raw, format: 'der', type: 'spki' }),
        bytes,
      ),
    ).toBe(true);
  });
});

describe('a rotation', () => {
  it('signs with every secret, so that a receiver with either accepts', async () => {
    const [fresh, old] = [hmac(1), hmac(2)];
    const { publicKey, secret } = makeEd25519();
    const signature = await signWebhook('evt_1', NOW, '{}', [fresh, old, secret]);
    const parts = signature.split(' ');
    expect(parts.map((part) => part.split(',')[0])).toEqual(['v1', 'v1', 'v1a']);
    for (const { secret: text } of [fresh, old]) new Webhook(text).verify('{}', headersOf('evt_1', NOW, signature));
    const third = () => new Webhook(hmac(3).secret).verify('{}', headersOf('evt_1', NOW, signature));
    expect(third).toThrow();
    const asymmetric = Buffer.from(parts[2]?.split(',')[1] ?? '', 'base64');
    expect(verify(null, Buffer.from(`evt_1.${NOW}.{}`), publicKey, asymmetric)).toBe(true);
  });

  it('goes on when many secrets have come and gone', async () => {
    for (let n = 0; n < 600; n++) {
      const bytes = new Uint8Array(24).fill(n % 256);
      bytes[0] = n >> 8;
      const text = secretOf(bytes);
      const signature = await signWebhook('evt_1', NOW, '{}', [{ kind: 'hmac', secret: text }]);
      new Webhook(text).verify('{}', headersOf('evt_1', NOW, signature));
    }
  });
});

describe('a secret', () => {
  const bytes = (length: number) => new Uint8Array(length).fill(5);

  it.each([
    ['without its prefix', 'hmac', Buffer.from(bytes(32)).toString('base64')],
    ['with the prefix of the other kind', 'hmac', secretOf(bytes(32), 'whsk_')],
    ['that is too short', 'hmac', secretOf(bytes(23))],
    ['that is too long', 'hmac', secretOf(bytes(65))],
    ['that is empty', 'hmac', 'whsec_'],
    ['that is no base64', 'hmac', 'whsec_***'],
    ['with the prefix of the other kind', 'ed25519', secretOf(bytes(32))],
    ['of neither length', 'ed25519', secretOf(bytes(33), 'whsk_')],
    ['that is empty', 'ed25519', 'whsk_'],
  ] as const)('%s is refused for %s, without being told', async (_, kind, secret) => {
    const refused = signWebhook('evt_1', NOW, '{}', [{ kind, secret }]);
    await expect(refused).rejects.toThrow(kind === 'hmac' ? /whsec_ and 24 to 64 bytes/ : /whsk_ and 32 or 64 bytes/);
    await refused.catch((error: Error) => expect(error.message).not.toContain(secret.slice(6) || 'nothing'));
  });

  it('is needed: nothing is ever sent unsigned', async () => {
    await expect(signWebhook('evt_1', NOW, '{}', [])).rejects.toThrow(/at least one/);
  });
});

const rawOf = (x: string | undefined) => Buffer.from(x ?? '', 'base64url');
