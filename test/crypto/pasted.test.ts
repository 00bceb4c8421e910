// What went wrong in pasting, told from the text alone.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pasted } from '../../src/core/pasted-texts.ts';
import { type Holds, pasteProblemOf } from '../../src/crypto/pasted.ts';
import { makeCertificate } from '../../src/sandbox/certificate.ts';

const NOW = Date.UTC(2026, 0, 15);
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PRIVATE = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
const PUBLIC = String(publicKey.export({ type: 'spki', format: 'pem' }));
const ENCRYPTED = String(
  privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }),
);
const linesOf = (pem: string) => pem.trimEnd().split('\n');
const codeOf = (text: string, holds: Holds | null, now = NOW) => pasteProblemOf(text, holds, now)?.code ?? null;

describe('a pasted secret', () => {
  it.each([
    ['as it is', 'a-secret-of-32-letters-and-digits', null],
    ['with a line end', 'a-secret\n', 'spaces'],
    ['with a tab before it', '\ta-secret', 'spaces'],
    ['with a space inside', 'a secret', 'inside'],
    ['over two lines', 'a-sec\nret', 'inside'],
    ['in quotes', '"a-secret"', 'quotes'],
    ['in curly quotes', '“a-secret”', 'quotes'],
    ['with a full-width letter', 'ａ-secret', 'wide'],
    ['with an invisible letter', 'a-sec\u200bret', 'wide'],
  ])('%s', (_, text, code) => {
    expect(codeOf(text, null)).toBe(code);
  });

  it('says where, and never what', () => {
    expect(pasteProblemOf('abc def', null, NOW)).toEqual({ code: 'inside', given: { count: 3 } });
  });
});

describe('a pasted key', () => {
  it.each([
    ['a private key where one belongs', PRIVATE, 'private_key', null],
    ['a public key where one belongs', PUBLIC, 'public_key', null],
    ['a private key where a public key belongs', PRIVATE, 'public_key', 'private_key'],
    ['a public key where a private key belongs', PUBLIC, 'private_key', 'public_key'],
    ['a public key where a certificate belongs', PUBLIC, 'certificate', 'public_key'],
    ['no first line', linesOf(PRIVATE).slice(1).join('\n'), 'private_key', 'no_begin'],
    ['no last line', linesOf(PRIVATE).slice(0, -1).join('\n'), 'private_key', 'no_end'],
    ['neither', linesOf(PRIVATE).slice(1, -1).join('\n'), 'private_key', 'no_begin'],
    ['a letter that is none of base64', PRIVATE.replace(/\n[A-Za-z]{2}/, '\n*!'), 'private_key', 'damaged'],
    ['written-out line ends', linesOf(PRIVATE).join('\\n'), 'private_key', 'escaped'],
    ['quotes around it', `"${PRIVATE}"`, 'private_key', 'quotes'],
    ['a password on it', ENCRYPTED, 'private_key', 'encrypted'],
    ['two of them', PRIVATE + PUBLIC, 'private_key', 'several'],
    ['an SSH key', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB me@here', 'public_key', 'ssh'],
    ['an SSH private key', PRIVATE.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY'), 'private_key', 'ssh'],
    ['a request for a certificate', PUBLIC.replaceAll('PUBLIC KEY', 'CERTIFICATE REQUEST'), 'certificate', 'request'],
    ['nothing readable between its lines', PUBLIC.replaceAll('PUBLIC KEY', 'CERTIFICATE'), 'certificate', 'damaged'],
  ] as const)('%s', (_, text, holds, code) => {
    expect(codeOf(text, holds)).toBe(code);
  });

  it('has words for everything it may be told of', () => {
    const found = pasteProblemOf(PRIVATE, 'public_key', NOW);
    expect(pasted[`pasted.${found?.code ?? 'sound'}`].en).toContain('{wants}');
    expect(found?.given).toEqual({ wants: 'public_key' });
  });
});

describe('a pasted certificate', () => {
  const make = (from: number, to: number) =>
    makeCertificate({ serial: '1A', privateKey, notBefore: new Date(from), notAfter: new Date(to) });
  const DAY = 86_400_000;

  it('is told when it is over, or has not begun', () => {
    const [old, next] = [make(NOW - 9 * DAY, NOW - DAY), make(NOW + DAY, NOW + 9 * DAY)];
    const now = make(NOW - DAY, NOW + DAY);
    expect([codeOf(old, 'certificate'), codeOf(next, 'certificate'), codeOf(now, 'certificate')]).toEqual([
      'expired',
      'early',
      null,
    ]);
    expect(pasteProblemOf(old, 'certificate', NOW)?.given).toEqual({ day: '2026-01-14' });
    expect(codeOf(old + now, 'certificates')).toBeNull();
    expect(codeOf(now + PRIVATE, 'certificates')).toBe('private_key');
    expect(codeOf(now, 'private_key')).toBe('certificate');
  });
});
