// The example receivers as their READMEs start them: what each needs, how it runs, and what its shop has written down.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { claimPort, HOST } from '../../tools/ports.ts';

/** What a shop knows of one order. */
export type Known = { sequence: number; state: string; shipments: number; notes: string[] };

export type Receiver = {
  readonly name: string;
  /** The file of its source below examples/. */
  readonly source: string;
  /** What keeps it from running on this machine; null when nothing does. */
  readonly missing: string | null;
  /** What keeps it from verifying ed25519; null when nothing does. */
  readonly withoutEd25519: string | null;
  readonly format: 'standard' | 'form';
  /** Below the folder of its state. */
  readonly store: string;
  /** What is done once, before the first start. */
  readonly build?: (folder: string) => void;
  readonly command: (port: number, folder: string) => readonly string[];
  /** By channel and order number. */
  readonly read: (store: string) => ReadonlyMap<string, Known>;
};

const succeeds = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const python = process.platform === 'win32' ? 'python' : 'python3';
const source = (path: string) => resolve('examples', path);

/** A tool's first version number; null when it does not run. */
function versionOf(command: string, ...args: string[]): number[] | null {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? (/\d+(\.\d+)*/.exec(stdout + stderr)?.[0] ?? '0').split('.').map(Number) : null;
}

/** Says what is missing when the tool is not there, or is older than this. */
function wants(major: number, minor: number, command: string, ...args: string[]): string | null {
  const version = versionOf(command, ...args);
  if (version === null) return `${command} is not on this machine`;
  const [foundMajor = 0, foundMinor = 0] = version;
  const isNew = foundMajor > major || (foundMajor === major && foundMinor >= minor);
  return isNew ? null : `${command} is ${version.join('.')}, and ${major}.${minor} is needed`;
}

const needs = (what: string, isThere: boolean) => (isThere ? null : `${what} is not on this machine`);

export const RECEIVERS: readonly Receiver[] = [
  {
    name: 'Node',
    source: 'node/receiver.mjs',
    missing: wants(22, 16, process.execPath, '--version'),
    withoutEd25519: null,
    format: 'standard',
    store: 'shop.db',
    command: () => [process.execPath, source('node/receiver.mjs')],
    read: readTables,
  },
  {
    name: 'Python',
    source: 'python/receiver.py',
    missing: wants(3, 9, python, '--version') ?? needs('sqlite3 for Python', succeeds(python, '-c', 'import sqlite3')),
    withoutEd25519: needs('cryptography for Python', succeeds(python, '-c', 'import cryptography')),
    format: 'standard',
    store: 'shop.db',
    command: () => [python, source('python/receiver.py')],
    read: readTables,
  },
  {
    name: 'PHP',
    source: 'php/receiver.php',
    missing: wants(8, 0, 'php', '-r', 'echo PHP_VERSION;') ?? needs('pdo_sqlite for PHP', hasPhp('pdo_sqlite')),
    withoutEd25519: needs('sodium for PHP', hasPhp('sodium')),
    format: 'standard',
    store: 'shop.db',
    command: (port) => ['php', '-S', `${HOST}:${port}`, source('php/receiver.php')],
    read: readTables,
  },
  {
    name: 'Java',
    source: 'java/Receiver.java',
    missing: wants(11, 0, 'java', '-version'),
    withoutEd25519: 'it takes HMAC alone',
    format: 'form',
    store: 'shop.journal',
    command: () => ['java', source('java/Receiver.java')],
    read: readJournal,
  },
  {
    name: 'Go',
    source: 'go/receiver.go',
    missing: wants(1, 22, 'go', 'version'),
    withoutEd25519: 'it takes HMAC alone',
    format: 'standard',
    store: 'shop',
    // Built here: `go run` would stay between us and the receiver.
    build: (folder) => {
      const args = ['build', '-o', join(folder, 'receiver'), source('go/receiver.go')];
      const { status, stderr } = spawnSync('go', args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    },
    command: (_, folder) => [join(folder, 'receiver')],
    read: readFolder,
  },
];

function hasPhp(extension: string): boolean {
  return succeeds('php', '-r', `exit(extension_loaded('${extension}') ? 0 : 1);`);
}

function readTables(store: string): ReadonlyMap<string, Known> {
  const db = new DatabaseSync(store, { readOnly: true });
  type Row = Record<string, unknown>;
  const rows = (sql: string): (Row & { order: string })[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row, order: `${row.channel}/${row.order_no}` }));
  const shipments = rows('SELECT * FROM shipments');
  const notes = rows('SELECT * FROM notes ORDER BY note');
  const known = rows('SELECT * FROM orders').map(({ order, ...row }): [string, Known] => [
    order,
    {
      sequence: Number(row.sequence),
      state: String(row.state),
      shipments: shipments.filter((shipment) => shipment.order === order).length,
      notes: notes.filter((note) => note.order === order).map(({ note }) => String(note)),
    },
  ]);
  db.close();
  return new Map(known);
}

type Line = { order: string; sequence: number; state: string; ship: boolean; notes: string[] };

/** What the lines of a journal add up to. A late one changes no state. */
function sumOf(lines: readonly Line[]): ReadonlyMap<string, Known> {
  const sums = new Map<string, Known>();
  for (const { order, sequence, state, ship, notes } of lines) {
    const sum = sums.get(order) ?? { sequence: 0, state: '', shipments: 0, notes: [] };
    const isLate = sequence < sum.sequence;
    sums.set(order, {
      sequence: isLate ? sum.sequence : sequence,
      state: isLate ? sum.state : state,
      shipments: sum.shipments + (ship ? 1 : 0),
      notes: [...new Set([...sum.notes, ...notes.filter(Boolean)])].sort(),
    });
  }
  return sums;
}

function readJournal(store: string): ReadonlyMap<string, Known> {
  const lines = readFileSync(store, 'utf8').split('\n').filter(Boolean);
  return sumOf(
    lines.map((line) => {
      const [, order = '', sequence, state = '', ship, notes = ''] = line.split('\t');
      const name = new URLSearchParams(`order=${order}`).get('order') ?? '';
      return { order: name, sequence: Number(sequence), state, ship: ship === 'ship', notes: notes.split(',') };
    }),
  );
}

/** As the Go receiver writes an event, its fields in its own letters. */
type Written = {
  Data: { Channel: string; Sequence: number; Order: { OrderNo: string; State: string; Flags: string[] | null } };
  Ship: boolean;
  Note: string;
};

function readFolder(store: string): ReadonlyMap<string, Known> {
  const files = existsSync(store) ? readdirSync(store) : [];
  const texts = files.flatMap((name) => readFileSync(join(store, name), 'utf8').split('\n').filter(Boolean));
  return sumOf(
    texts.map((text) => {
      const { Data, Ship, Note }: Written = JSON.parse(text);
      const { OrderNo, State, Flags } = Data.Order;
      const notes = Note.startsWith('late') ? [Note] : [...(Flags ?? []), Note];
      return { order: `${Data.Channel}/${OrderNo}`, sequence: Data.Sequence, state: State, ship: Ship, notes };
    }),
  );
}

export type Running = {
  readonly url: string;
  /** Everything printed so far. */
  readonly text: () => string;
  /** As a crash ends it: without a word. */
  readonly kill: () => Promise<void>;
};

/** Starts it on a free port and waits until that is open; null when it ended before. */
export async function start(receiver: Receiver, folder: string, secret: string): Promise<Running | null> {
  const port = await claimPort(0, '--port');
  const [command = '', ...args] = receiver.command(port, folder);
  const env = {
    ...process.env,
    PORT: String(port),
    STORE: join(folder, 'state', receiver.store),
    TOLLGATE_SECRET: secret,
  };
  const child: ChildProcess = spawn(command, args, { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  let hasEnded = false;
  const ended = new Promise<void>((done, failed) => {
    child.once('error', failed);
    child.once('close', () => {
      hasEnded = true;
      done();
    });
  });
  while (!(await isOpen(port))) {
    if (hasEnded) return null;
    await Promise.race([ended, new Promise((tick) => setTimeout(tick, 50))]);
  }
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { url: `http://${HOST}:${port}/hooks/tollgate`, text: () => `${basename(command)}: ${text}`, kill };
}

/** Connects rather than binds: a probe that binds could take the port at the moment it is wanted. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}
