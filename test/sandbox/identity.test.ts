// The sandbox's keys: made once, kept private, and in the form that a channel takes.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { credentialsOf, readOrCreateIdentity } from '../../src/sandbox/identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('makes an identity once and reads the same one afterwards, readable by the owner alone', async () => {
  const file = join(folder, 'below', 'sandbox.json');
  const first = await readOrCreateIdentity(file);
  expect(await readOrCreateIdentity(file)).toEqual(first);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('stays the same merchant where its file is older than the APIv2 key, which it is given for good', async () => {
  const file = join(folder, 'sandbox.json');
  const { apiV2Key: _, ...older } = await readOrCreateIdentity(file);
  writeFileSync(file, JSON.stringify(older));
  const newer = await readOrCreateIdentity(file);
  expect(newer).toEqual({ ...older, apiV2Key: expect.stringMatching(/^[\x21-\x7e]{32}$/) });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(newer);
});

it('gives credentials in the form that WeChat Pay gives them', async () => {
  const credentials = credentialsOf(await readOrCreateIdentity(join(folder, 'sandbox.json')));
  expect(credentials.apiV3Key).toMatch(/^[\x21-\x7e]{32}$/);
  expect(credentials.merchantSerial).toMatch(/^[1-9A-F][0-9A-F]{39}$/);
  expect(Object.keys(credentials.platformKeys)[0]).toMatch(/^PUB_KEY_ID_\d+$/);
  expect(Object.values(credentials.platformKeys)[1]).toContain('BEGIN CERTIFICATE');
});
