// Runs a tool of the project with the project's own Node and installs what is missing first, so that a machine with
// git, npm and Node 20 is enough. Plain JavaScript without dependencies, because nothing is installed yet when it
// starts.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(new URL('.', import.meta.url)), '..');
const MODULES = join(ROOT, 'node_modules');
const BIN = join(MODULES, '.bin');
const isWindows = process.platform === 'win32';
const PROJECT_NODE = join(MODULES, 'node/bin', isWindows ? 'node.exe' : 'node');
/** Where the runtime (workerd) is published for. */
const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'win32-x64'];
/** Tools that look at the repository itself. */
const NEED_GIT = ['vitest', 'tools/check.ts'];
/** How often progress is shown: in place on a terminal, as a line elsewhere. */
const PROGRESS_MS = process.stderr.isTTY ? 200 : 5_000;

/** @param {string} sentence @returns {never} */
function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** True when node_modules holds what package-lock.json says; reads two files and starts nothing. */
function isInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const found = readJson(join(MODULES, '.package-lock.json'))?.packages;
  if (!wanted) fail('package-lock.json is missing or broken: get it back with `git checkout package-lock.json`.');
  if (!found) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return path in found ? found[path].version === version : optional === true;
  });
}

function checkMachine() {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20)
    fail(`Tollgate needs Node 20 or newer; this is ${process.version}. Install one from https://nodejs.org.`);
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    fail(`The Workers runtime is not published for ${platform}; it runs on ${PLATFORMS.join(', ')}.`);
  }
  if (process.platform === 'linux' && !isGlibc()) {
    fail('The Workers runtime needs a Linux with glibc (Debian, Ubuntu, Fedora, …); this one has musl (Alpine).');
  }
}

function isGlibc() {
  if (!process.report) return true;
  process.report.excludeNetwork = true;
  return Boolean(JSON.parse(JSON.stringify(process.report.getReport())).header?.glibcVersionRuntime);
}

/** PATH without the project's own tools: npm is about to replace them and must not run on them. */
function outerPath() {
  const parts = (process.env.PATH ?? '').split(delimiter);
  return parts.filter((part) => !part.endsWith(`node_modules${sep}.bin`)).join(delimiter);
}

async function install() {
  checkMachine();
  const env = { ...process.env, PATH: outerPath() };
  const npm = (args, options) =>
    spawn(isWindows ? 'npm.cmd' : 'npm', args, { cwd: ROOT, env, shell: isWindows, ...options });
  const wanted = packagesForThisMachine();
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const show = (end) => {
    const there = wanted.filter((file) => existsSync(file)).length;
    const line = `installing packages: ${there} of ${wanted.length}, ${seconds()} s`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}${end}` : `${line}\n`);
  };
  console.error('Installing what is missing (about 750 MB on disk; takes a minute or two, once).');

  const args = ['ci', '--loglevel=error', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=3000'];
  const child = npm(args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const stopForwarding = forwardSignals(child);
  const timer = setInterval(() => show(''), PROGRESS_MS);
  const code = await new Promise((done) => {
    child.on('error', (error) => done(error.code === 'ENOENT' ? 'missing' : String(error)));
    child.on('close', (status, signal) => done(signal ?? status));
  });
  clearInterval(timer);
  stopForwarding();
  if (code === 'missing') fail('npm is not on the PATH. It comes with Node: install Node from https://nodejs.org.');
  show('\n');
  if (code !== 0) fail(explain(output, code));
  if (!projectNodeRuns()) fail(NODE_MISSING);
  console.error(`installed in ${seconds()} s`);
}

/** The folders that npm will fill on this machine: other platforms' packages are left out. */
function packagesForThisMachine() {
  const fits = (list, own) =>
    !list || ((list.includes(own) || !list.some((name) => !name.startsWith('!'))) && !list.includes(`!${own}`));
  return Object.entries(readJson(join(ROOT, 'package-lock.json')).packages)
    .filter(([path, entry]) => path !== '' && fits(entry.os, process.platform) && fits(entry.cpu, process.arch))
    .filter(([, entry]) => fits(entry.libc, 'glibc'))
    .map(([path]) => join(ROOT, path, 'package.json'));
}

/** @param {string} output what npm printed */
function explain(output, code) {
  const tail = output.trim().split('\n').slice(-15).join('\n');
  const reasons = [
    [
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network/,
      NO_NETWORK,
    ],
    [/ENOSPC/, 'The disk is full: make about 1 GB free and run the command again.'],
    [/EACCES|EPERM/, `npm may not write to ${MODULES}: give this user the folder, or clone the project elsewhere.`],
    [/can only install packages when your package.json and package-lock.json/, LOCKFILE_APART],
  ];
  const reason = reasons.find(([pattern]) => pattern.test(output))?.[1] ?? `npm ci ended with ${code}.`;
  return `${tail}\n\n${reason}`;
}

const NO_NETWORK =
  'No network: npm could not reach its package registry. Check the connection (behind a proxy: ' +
  '`npm config set proxy …`) and run the command again.';
const LOCKFILE_APART =
  'package.json and package-lock.json do not belong together: get both back with ' +
  '`git checkout package.json package-lock.json`.';
const NODE_MISSING = `The project's own Node (package "node") is not usable: ${PROJECT_NODE} is missing or does not run.
npm was probably told not to run install scripts. Allow this one and run the command again:
  npm rebuild node --ignore-scripts=false`;

function projectNodeRuns() {
  return spawnSync(PROJECT_NODE, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** A file of the project as it is; a tool's name as the JavaScript file behind it. */
function resolveTarget(target) {
  const file = join(ROOT, target);
  if (/\.(ts|mjs|js)$/.test(target)) {
    return existsSync(file) && statSync(file).isFile() ? file : fail(`There is no ${target} in this project.`);
  }
  const manifest = readJson(join(MODULES, target, 'package.json'));
  const bin = typeof manifest?.bin === 'string' ? manifest.bin : manifest?.bin?.[target];
  if (bin) return join(MODULES, target, bin);
  const link = join(BIN, target);
  return !isWindows && existsSync(link)
    ? realpathSync(link)
    : fail(`There is no tool named ${target} in this project.`);
}

/** A terminal sends Ctrl-C to the child too; everything else reaches only this process and is passed on. */
function forwardSignals(child) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const forward = (signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  return () => {
    for (const signal of signals) process.removeListener(signal, forward);
  };
}

/** npm passes a kill on to its shell alone, which dies and leaves us behind: its end is then ours too. */
function stopWithNpm(child) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 300).unref();
}

function run(file, args) {
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(PROJECT_NODE, [file, ...args], { stdio: 'inherit', env });
  forwardSignals(child);
  stopWithNpm(child);
  child.on('error', () => fail(NODE_MISSING));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}

const [target, ...args] = process.argv.slice(2);
if (!target) fail('usage: node tools/run.mjs <tools/x.ts | tool> [arguments]');
if (NEED_GIT.includes(target) && spawnSync('git', ['--version'], { stdio: 'ignore' }).status !== 0) {
  fail('git is not on the PATH, and this command looks at the repository: install git from https://git-scm.com.');
}
if (!isInstalled()) await install();
if (!existsSync(PROJECT_NODE)) fail(NODE_MISSING);
run(resolveTarget(target), args);
