// The bench's Worker: the gateway as it is, and below /bench/ what it is measured against. Never deployed, never a part
// of the gateway. What must be counted or left out is a subclass here, so that the product is measured unchanged.
import { DurableObject } from 'cloudflare:workers';
import { shardOf } from '../../src/core/channel.ts';
import type { DeliveryMessage } from '../../src/core/record.ts';
import gateway, { OrderLedger } from '../../src/index.ts';
import { wechatpayV3 } from '../../src/providers/wechatpay-v3.ts';
import { readBody, readHeaders } from '../../src/receive/request.ts';
import { bareCryptoOf } from './bare-crypto.ts';

export * from '../../src/index.ts';

type BenchEnv = Env & {
  readonly BARE_INSERT: DurableObjectNamespace<BareInsert>;
  /** The channel's credentials as JSON: for what runs without a registry. */
  readonly BENCH_CREDENTIALS: string;
  readonly BENCH_SHARDS: string;
};

const rows = { ledger: 0, alarms: 0, d1: 0 };
const OK = 204;

/** The same bytes, unverified: one call, one INSERT, one commit. */
export class BareInsert extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS bytes (id INTEGER PRIMARY KEY, body BLOB NOT NULL)');
  }

  insert(body: Uint8Array): void {
    this.ctx.storage.sql.exec('INSERT INTO bytes (body) VALUES (?)', body);
  }
}

/** Records, and neither dispatches nor projects: the ack path alone, as the bare insert has it. */
export class QuietLedger extends OrderLedger {
  override async alarm(): Promise<void> {}
}

/** Adds up the rows that its tables, its alarms and its projection write: what the platform bills. */
export class CountingLedger extends OrderLedger {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx.storage);
    super(ctx, { ...env, DB: countedDatabase(env.DB) });
  }
}

function countStorage(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]) => {
    const cursor = exec<T>(query, ...bindings);
    rows.ledger += cursor.rowsWritten; // complete: none of the ledger's writes returns rows
    return cursor;
  };
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (at, options) => {
    rows.alarms += 1; // billed as one row
    return setAlarm(at, options);
  };
}

function countedDatabase(db: D1Database): D1Database {
  const batch = async <T>(statements: D1PreparedStatement[]) => {
    const results = await db.batch<T>(statements);
    for (const { meta } of results) rows.d1 += meta.rows_written;
    return results;
  };
  const counted: Pick<D1Database, 'prepare' | 'batch'> = { prepare: (query) => db.prepare(query), batch };
  return counted as D1Database; // a ledger prepares and batches, and nothing else
}

type Proof = (headers: Record<string, string>, body: Uint8Array<ArrayBuffer>) => Promise<boolean>;
let proofs: Promise<Readonly<Record<string, Proof>>> | null = null;

/** The least that proves and opens a callback, and what the gateway does between its first byte and its ledger. */
async function makeProofs(credentialsJson: string): Promise<Readonly<Record<string, Proof>>> {
  const given: unknown = JSON.parse(credentialsJson);
  const credentials = wechatpayV3.credentials.parse(given);
  const verify: Proof = async (headers, body) => {
    const now = Date.now();
    const callback = { channelId: 'bench', headers, body, remoteAddress: null, receivedAt: now };
    const verified = await wechatpayV3.verify(callback, credentials, [], now);
    return verified.ok && wechatpayV3.translate(verified.value, credentials).ok;
  };
  return { crypto: await bareCryptoOf(given), verify };
}

async function proofOf(name: string, env: BenchEnv): Promise<Proof> {
  proofs ??= makeProofs(env.BENCH_CREDENTIALS);
  const proof = (await proofs)[name];
  if (!proof) throw new Error(`There is no proof called ${name}.`);
  return proof;
}

/** As long as a callback's sender is given. */
const BODY_TIMEOUT_MS = 3_500;

const answer = (good: boolean) => new Response(null, { status: good ? OK : 401 });

async function insert(request: Request, body: Uint8Array, env: BenchEnv): Promise<void> {
  const shard = shardOf(request.headers.get('wechatpay-nonce') ?? '', Number(env.BENCH_SHARDS));
  await env.BARE_INSERT.getByName(`${shard}`).insert(body);
}

async function bench(request: Request, path: string, env: BenchEnv): Promise<Response> {
  const [what = '', name = '', times = '1'] = path.split('/');
  switch (what) {
    case 'worker':
      return new Response(null, { status: OK });
    case 'crypto': {
      const proof = await proofOf('crypto', env);
      return answer(await proof(Object.fromEntries(request.headers), new Uint8Array(await request.arrayBuffer())));
    }
    case 'verify': {
      const proof = await proofOf('verify', env);
      const [headers, body] = [readHeaders(request.headers), await readBody(request, BODY_TIMEOUT_MS)];
      return answer(headers !== null && typeof body !== 'string' && (await proof(headers, body)));
    }
    // Many times in one request, so that HTTP has no share in the comparison.
    case 'loop': {
      const proof = await proofOf(name, env);
      const [headers, body] = [Object.fromEntries(request.headers), new Uint8Array(await request.arrayBuffer())];
      for (let left = Number(times); left > 0; left--) if (!(await proof(headers, body))) return answer(false);
      return answer(true);
    }
    case 'insert':
      await insert(request, new Uint8Array(await request.arrayBuffer()), env);
      return answer(true);
    case 'proven-insert': {
      const proof = await proofOf('crypto', env);
      const body = new Uint8Array(await request.arrayBuffer());
      const good = await proof(Object.fromEntries(request.headers), body);
      if (good) await insert(request, body, env);
      return answer(good);
    }
    case 'rows':
      return Response.json(rows);
    default:
      return new Response(null, { status: 404 });
  }
}

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    return pathname.startsWith('/bench/')
      ? bench(request, pathname.slice('/bench/'.length), env)
      : gateway.fetch(request, env, ctx);
  },
  queue: gateway.queue,
  scheduled: gateway.scheduled,
} satisfies ExportedHandler<BenchEnv, DeliveryMessage>;
