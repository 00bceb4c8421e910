// Sealing of secrets: what opens, what refuses to open, and that no refusal shows what is inside.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, sha256, toHex } from '../../src/crypto/bytes.ts';
import { open, SEAL_IV_BYTES, seal } from '../../src/crypto/seal.ts';

const KEY = 'dGVzdC1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzLWxvbmc='; // generated for tests, valid nowhere
const OTHER_KEY = 'QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE='.slice(0, 43).concat('=');
const iv = (fill: number) => new Uint8Array(SEAL_IV_BYTES).fill(fill);

describe('seal', () => {
  it('opens to the same text, whatever the text and the context', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (plain, context) => {
        expect(await open(await seal(plain, KEY, context, iv(1)), KEY, context)).toBe(plain);
      }),
    );
  });

  it('keeps beside the text the first eight hex digits of the SHA-256 of the key', async () => {
    const id = toHex(await sha256(fromBase64(KEY) ?? new Uint8Array())).slice(0, 8);
    expect(await seal('secret', KEY, 'channel/a', iv(1))).toMatch(new RegExp(`^v1\\.${id}\\.[\\w-]{16}\\.[\\w-]+$`));
  });

  it('gives another ciphertext for another IV', async () => {
    const [one, two] = await Promise.all([seal('secret', KEY, 'c', iv(1)), seal('secret', KEY, 'c', iv(2))]);
    expect(one.split('.')[3]).not.toBe(two.split('.')[3]);
  });

  it('does not open in another context', async () => {
    const sealed = await seal('secret', KEY, 'channel/a', iv(1));
    await expect(open(sealed, KEY, 'channel/b')).rejects.toThrow('altered or belong elsewhere');
  });

  it('names both key ids when the master key is another, and says what to do', async () => {
    const sealed = await seal('the-secret-itself', KEY, 'channel/a', iv(1));
    const error = await open(sealed, OTHER_KEY, 'channel/a').catch((refused: Error) => refused.message);
    expect(error).toMatch(
      /sealed under master key [0-9a-f]{8}, but TOLLGATE_MASTER_KEY is [0-9a-f]{8}: set the old key/,
    );
    expect(error).not.toContain('the-secret-itself');
    expect(error).not.toContain(OTHER_KEY);
  });

  it('refuses every text in which one character was changed', async () => {
    const sealed = await seal('secret', KEY, 'channel/a', iv(7));
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 3), fc.constantFrom('A', 'B', '0'), async (at, letter) => {
        fc.pre(sealed[at] !== letter);
        const altered = sealed.slice(0, at) + letter + sealed.slice(at + 1);
        await expect(open(altered, KEY, 'channel/a')).rejects.toThrow();
      }),
    );
  });

  it.each(['', 'v1', 'v2.00000000.AA.AA', 'v1.00000000.AA', 'v1.00000000..'])('refuses the form %j', async (text) => {
    await expect(open(text, KEY, 'channel/a')).rejects.toThrow('not in the form');
  });

  it('refuses a master key that is not 32 bytes', async () => {
    await expect(seal('secret', 'c2hvcnQ=', 'channel/a', iv(1))).rejects.toThrow('32 bytes in base64');
  });

  it('refuses an IV of another length', async () => {
    await expect(seal('secret', KEY, 'channel/a', new Uint8Array(16))).rejects.toThrow('12 bytes');
  });
});
