// tools/run.mjs on a machine where nothing is installed: a stand-in npm plays what goes wrong there.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-run-test-'));
  mkdirSync(join(folder, 'project/tools'), { recursive: true });
  mkdirSync(join(folder, 'bin'));
  copyFileSync('tools/run.mjs', join(folder, 'project/tools/run.mjs'));
  writeFileSync(
    join(folder, 'project/tools/hello.mjs'),
    'console.log("hello", ...process.argv.slice(2)); process.exit(7);',
  );
  lock('package-lock.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function lock(file: string, version = '1.0.0'): void {
  const packages = {
    '': {},
    'node_modules/one': { version },
    'node_modules/other-platform': { version, optional: true },
  };
  if (file.includes('.package-lock')) Reflect.deleteProperty(packages, 'node_modules/other-platform');
  mkdirSync(join(folder, 'project', file, '..'), { recursive: true });
  writeFileSync(join(folder, 'project', file), JSON.stringify({ packages }));
}

/** A program on the PATH; `sh` finds its own tools by their full names. */
function program(name: string, script: string): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

/** What `npm ci` leaves behind when all is well, this test's own Node as the project's. */
function installed(version?: string): void {
  lock('node_modules/.package-lock.json', version);
  mkdirSync(join(folder, 'project/node_modules/node/bin'), { recursive: true });
  symlinkSync(process.execPath, join(folder, 'project/node_modules/node/bin/node'));
}

function run(...args: string[]) {
  const env = { ...process.env, PATH: join(folder, 'bin'), HOME: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'project/tools/run.mjs'), ...args], {
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

it('runs the target with the project’s Node, passes its arguments and ends with its code', () => {
  installed();
  expect(run('tools/hello.mjs', '--a', 'b')).toEqual({ status: 7, stdout: 'hello --a b\n', stderr: '' });
});

it('installs when the lockfile names another version than node_modules holds', () => {
  installed('0.9.0');
  program('npm', 'echo "$1" > "$HOME/asked"; echo "npm error code EWHATEVER" >&2; exit 1');
  const { status, stderr } = run('tools/hello.mjs');
  expect(status).toBe(1);
  expect(stderr).toContain('Installing what is missing');
  expect(stderr).toContain('EWHATEVER');
});

it('says that npm is missing', () => {
  const { status, stderr } = run('tools/hello.mjs');
  expect(status).toBe(1);
  expect(stderr).toContain('npm is not on the PATH');
});

it('says that there is no network', () => {
  program('npm', 'echo "npm error code ENOTFOUND" >&2; exit 1');
  const { status, stderr } = run('tools/hello.mjs');
  expect(status).toBe(1);
  expect(stderr).toContain('No network');
});

it('says how to mend an install whose scripts were not allowed', () => {
  program('npm', 'exit 0');
  const { status, stderr } = run('tools/hello.mjs');
  expect(status).toBe(1);
  expect(stderr).toContain('npm rebuild node --ignore-scripts=false');
});

it('says that git is missing where the repository is looked at', () => {
  installed();
  const { status, stderr } = run('vitest', 'run');
  expect(status).toBe(1);
  expect(stderr).toContain('git is not on the PATH');
});
