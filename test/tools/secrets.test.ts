// Local secrets: made once, kept as they are, and tied to the state that was sealed with them.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertSameMasterKey, readOrCreateSecrets } from '../../tools/secrets.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-secrets-'));
  file = join(folder, '.dev.vars');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('makes both secrets once, in the form the gateway wants, readable by the owner alone', () => {
  const first = readOrCreateSecrets(file);
  expect(Buffer.from(first.TOLLGATE_MASTER_KEY ?? '', 'base64')).toHaveLength(32);
  expect(first.TOLLGATE_ADMIN_KEY).toMatch(/^tg_[A-Za-z0-9_-]{20,}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readOrCreateSecrets(file)).toEqual(first);
});

it('adds what is missing and leaves everything else as it is', () => {
  writeFileSync(file, '# mine\nOTHER=1\nTOLLGATE_ADMIN_KEY=tg_chosen_by_hand_0123456789');
  const vars = readOrCreateSecrets(file);
  expect(vars).toMatchObject({ OTHER: '1', TOLLGATE_ADMIN_KEY: 'tg_chosen_by_hand_0123456789' });
  expect(vars.TOLLGATE_MASTER_KEY).toBeTruthy();
  expect(readFileSync(file, 'utf8').startsWith('# mine\nOTHER=1\n')).toBe(true);
});

it.skipIf(process.platform === 'win32')(
  'takes a file that others may read out of their sight before a secret goes in',
  () => {
    writeFileSync(file, 'OTHER=1\n', { mode: 0o644 });
    readOrCreateSecrets(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  },
);

it.skipIf(process.platform === 'win32')(
  'keeps a state folder that it makes for its owner alone: payers are in it',
  () => {
    const state = join(folder, 'new', 'state');
    assertSameMasterKey(state, 'a key');
    expect(statSync(state).mode & 0o777).toBe(0o700);
  },
);

it('refuses state that was sealed under another master key, without naming either', () => {
  assertSameMasterKey(folder, 'first key');
  assertSameMasterKey(folder, 'first key');
  expect(() => assertSameMasterKey(folder, 'second key')).toThrow(/sealed under another TOLLGATE_MASTER_KEY/);
  expect(() => assertSameMasterKey(folder, 'second key')).not.toThrow(/second key|first key/);
});
