// The Worker of the sweep figure: a shard full of orders that wait to be asked about, and one turn of its clock, with
// every row that it reads. Never deployed. The ledger is the gateway's own, but that its questions reach no provider.
import { DEFAULT_CHANNEL_SETTINGS, type DispatchConfig } from '../../src/core/channel.ts';
import { OrderLedger } from '../../src/index.ts';

export * from '../../src/index.ts';

const DISPATCH: DispatchConfig = {
  channelId: 'sweep',
  provider: 'sweep',
  channelVersion: 1,
  paused: false,
  mode: 'open',
  settings: DEFAULT_CHANNEL_SETTINGS,
  asks: true,
  origins: [],
};
const DAY_MS = 86_400_000;

export type Swept = { readonly rowsRead: number; readonly asked: number };

/** Sweeps when it is told to, and at no other time. */
export class SweepLedger extends OrderLedger {
  readonly #seen: SqlStorageCursor<Record<string, SqlStorageValue>>[];
  readonly #questions: unknown[];

  constructor(ctx: DurableObjectState, env: Env) {
    const [seen, questions]: [SqlStorageCursor<Record<string, SqlStorageValue>>[], unknown[]] = [[], []];
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    sql.exec = <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]) => {
      const cursor = exec<T>(query, ...bindings);
      seen.push(cursor);
      return cursor;
    };
    const ask: Pick<Queue, 'sendBatch'> = {
      sendBatch: async (messages) => {
        questions.push(...messages);
        return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
      },
    };
    super(ctx, { ...env, ASK: ask as Queue }); // a ledger sends batches to it, and nothing else
    this.#seen = seen;
    this.#questions = questions;
  }

  override async alarm(): Promise<void> {}

  /** The first order as the gateway makes it, and copies of it whose questions are due tomorrow, or an hour ago. */
  fill(orders: number, due: number): { readonly orders: number } {
    const now = Date.now();
    this.#register('first', now);
    const { sql } = this.ctx.storage;
    const numbered = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';
    sql.exec(
      `INSERT INTO orders (order_no, doc, updated_at) ${numbered}
       SELECT printf('S%09d', i), json_set(doc, '$.orderNo', printf('S%09d', i)), updated_at FROM n, orders
       WHERE order_no = 'first'`,
      orders,
    );
    sql.exec('DELETE FROM timers');
    sql.exec(
      `INSERT INTO timers (due_at, order_no, kind, ref) ${numbered}
       SELECT iif(i <= ?, ? - i, ? + i), printf('S%09d', i), 'query', '' FROM n`,
      orders,
      due,
      now - 3_600_000,
      now + DAY_MS,
    );
    return sql.exec<{ orders: number }>('SELECT COUNT(*) AS orders FROM orders').one();
  }

  /** One turn of the shard's clock. */
  async sweep(): Promise<Swept> {
    this.#register(`turn-${this.#seen.length}`, Date.now()); // a change: the shard looks at its timers anew
    this.#seen.length = 0;
    this.#questions.length = 0;
    await super.alarm();
    const rowsRead = this.#seen.reduce((sum, cursor) => sum + cursor.rowsRead, 0);
    return { rowsRead, asked: this.#questions.length };
  }

  #register(orderNo: string, now: number): void {
    const amount = { minor: 8888, currency: 'CNY' };
    const registration = { amount, description: 'a book', expiresAt: null, metadata: {}, registeredAt: now };
    this.register({ v: 1, orderNo, registration, dispatch: DISPATCH, eventId: `evt_${orderNo}`.padEnd(30, '0') });
  }
}

type SweepEnv = Omit<Env, 'LEDGER'> & { readonly LEDGER: DurableObjectNamespace<SweepLedger> };

export default {
  async fetch(request, env) {
    const [what, shard = '', orders = '0', due = '0'] = new URL(request.url).pathname.slice(1).split('/');
    const ledger = env.LEDGER.getByName(shard);
    if (what === 'fill') return Response.json(await ledger.fill(Number(orders), Number(due)));
    if (what === 'sweep') return Response.json(await ledger.sweep());
    return new Response(`nothing here is called ${what}`, { status: 404 });
  },
} satisfies ExportedHandler<SweepEnv>;
