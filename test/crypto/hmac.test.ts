// HMAC: the vectors of RFC 4231, an independent implementation, and what is refused.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toHex, utf8 } from '../../src/crypto/bytes.ts';
import { hmac, hmacSha256, hmacSha512, verifyHmac } from '../../src/crypto/hmac.ts';

const JEFE = utf8('Jefe');
const QUESTION = utf8('what do ya want for nothing?');
const SHA256 = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';

it('is the specified one for each hash', async () => {
  expect(toHex(await hmacSha256(JEFE, QUESTION))).toBe(SHA256);
  expect(toHex(await hmacSha512(JEFE, QUESTION))).toBe(
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
      '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  );
});

it('agrees with node:crypto for any key and message, met before or not', async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.uint8Array({ maxLength: 300 }), async (anyKey, anyMessage) => {
      const [key, message] = [new Uint8Array(anyKey), new Uint8Array(anyMessage)];
      const expected = createHmac('sha256', key).update(message).digest('hex');
      expect(toHex(await hmacSha256(key, message))).toBe(expected);
      expect(toHex(await hmacSha256(key, message))).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

it('verifies the whole signature and nothing less or more', async () => {
  const signature = Uint8Array.fromHex(SHA256);
  expect(await verifyHmac('SHA-256', JEFE, signature, QUESTION)).toBe(true);
  expect(await verifyHmac('SHA-256', JEFE, signature.slice(0, -1), QUESTION)).toBe(false);
  expect(await verifyHmac('SHA-256', JEFE, new Uint8Array([...signature, 0]), QUESTION)).toBe(false);
  expect(await verifyHmac('SHA-256', JEFE, new Uint8Array(), QUESTION)).toBe(false);
  expect(await verifyHmac('SHA-256', utf8('Jeff'), signature, QUESTION)).toBe(false);
  expect(await verifyHmac('SHA-512', JEFE, signature, QUESTION)).toBe(false);
});

it('takes no empty key, with which anybody could sign', async () => {
  await expect(hmac('SHA-256', new Uint8Array(), QUESTION)).rejects.toThrow('must not be empty');
  await expect(verifyHmac('SHA-256', new Uint8Array(), new Uint8Array(32), QUESTION)).rejects.toThrow();
});
