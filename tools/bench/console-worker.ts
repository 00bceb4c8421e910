// The Worker of the console figures: the gateway with a database that counts what it reads, and a way to fill that
// database by the thousand. Never deployed.
import gateway from '../../src/index.ts';
import { foldMinutes, foldShards } from '../../src/store/fold.ts';
import { SHOP_IDS, seedOf } from './console-seed.ts';

export * from '../../src/index.ts';

const FLOOR = 'SELECT 1';
/** Added up over one request: the bench sends one at a time. */
let rowsRead = 0;

/** What answers to a query says how many rows it took. */
const counted = <T extends { readonly meta?: { readonly rows_read?: number } }>(result: T): T => {
  rowsRead += result.meta?.rows_read ?? 0;
  return result;
};

const plain = new WeakMap<object, D1PreparedStatement>();

function countedStatement(statement: D1PreparedStatement): D1PreparedStatement {
  const wrapped = {
    bind: (...values: unknown[]) => countedStatement(statement.bind(...values)),
    all: async <T>() => counted(await statement.all<T>()),
    run: async <T>() => counted(await statement.run<T>()),
    first: async <T>(column?: string) => {
      const [row = null] = counted(await statement.all<Record<string, unknown>>()).results;
      return (row === null || column === undefined ? row : row[column]) as T | null; // as the caller expects it
    },
  } as unknown as D1PreparedStatement; // the gateway uses no more of it
  plain.set(wrapped, statement);
  return wrapped;
}

function countedDatabase(db: D1Database): D1Database {
  const of = {
    prepare: (query: string) => countedStatement(db.prepare(query)),
    batch: async <T>(statements: D1PreparedStatement[]) =>
      (await db.batch<T>(statements.map((one) => plain.get(one) ?? one))).map(counted),
  };
  return of as unknown as D1Database; // the gateway prepares and batches, and nothing else
}

let known: Env | null = null;
const counting = (env: Env): Env => {
  known ??= { ...env, DB: countedDatabase(env.DB) };
  return known;
};

const FOLDED_AT_ONCE = 200;

/** What ledgers and callback logs do while they tell of hours. */
async function foldAll(db: D1Database, isFirst: boolean): Promise<void> {
  for (const channel of SHOP_IDS) {
    const asked = isFirst
      ? 'SELECT DISTINCT hour AS at FROM rollups WHERE channel = ?'
      : 'SELECT DISTINCT minute - minute % 3600000 AS at FROM callback_counts WHERE channel = ?';
    const { results } = await db.prepare(asked).bind(channel).all<{ at: number }>();
    for (let n = 0; n < results.length; n += FOLDED_AT_ONCE) {
      const some = results.slice(n, n + FOLDED_AT_ONCE).map(({ at }) => ({ channel, hour: at, minute: at }));
      await db.batch(isFirst ? foldShards(db, some) : foldMinutes(db, channel, JSON.stringify(some)));
    }
  }
}

export default {
  ...gateway,
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, kind, from, count] = /^\/bench\/(seed|fold|floor)(?:\/(\d+)\/(\d+))?$/.exec(pathname) ?? [];
    if (kind === 'seed') {
      for (const statement of seedOf(Number(from), Number(count), Date.now())) await env.DB.prepare(statement).run();
      return new Response(null, { status: 204 });
    }
    if (kind === 'fold') {
      await foldAll(env.DB, Number(count) > 0);
      return new Response(null, { status: 204 });
    }
    rowsRead = 0;
    if (kind === 'floor') await counting(env).DB.prepare(FLOOR).all();
    const asked = request as Request<unknown, IncomingRequestCfProperties>; // whatever a platform adds, nobody reads
    const response = kind === 'floor' ? new Response('1') : await gateway.fetch(asked, counting(env), ctx);
    const body = await response.arrayBuffer();
    const headers = new Headers(response.headers);
    headers.set('bench-rows-read', String(rowsRead));
    return new Response(body.byteLength === 0 ? null : body, { status: response.status, headers });
  },
};
