// /v1/projection: what an operator rebuilds.
import { callbackLogNameOf, UNKNOWN_LOG } from '../core/arrival.ts';
import { shardNameOf } from '../core/channel.ts';
import { reconcilerNameOf } from '../core/reconciliation.ts';
import { actOf, requires, WriteHeaders } from './auth.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { problemResponse } from './problem.ts';

/** Shards that rebuild at the same time: each reads all its orders. */
const REBUILDS_AT_ONCE = 4;

export const operations = newApp();

operations.openapi(
  createRoute({
    method: 'post',
    path: '/projection/rebuild',
    summary: 'Rebuild D1 from the ledgers, the callback logs and the reconcilers',
    description: 'Each ledger projects all its orders again, in the background; the newest version wins.',
    middleware: requires(),
    request: { headers: WriteHeaders },
    responses: {
      200: jsonOf(
        'What is being projected again.',
        z.object({ channels: z.int(), shards: z.int(), orders: z.int() }).openapi('Rebuild'),
      ),
      ...problemResponse,
    },
  }),
  async (c) => {
    const records = await registryOf(c.env).listChannels();
    const names = records.flatMap(({ channel }) =>
      Array.from({ length: channel.shards }, (_, shard) => shardNameOf(channel, shard)),
    );
    const logs = [UNKNOWN_LOG, ...records.map(({ channel }) => callbackLogNameOf(channel.uid))];
    await Promise.all(logs.map((name) => c.env.CALLBACK_LOG.getByName(name).rebuild()));
    await registryOf(c.env).noteAct(actOf(c, { subject: 'projection' }), Date.now());
    await registryOf(c.env).rebuild();
    const reconcilers = records.map(({ channel }) => reconcilerNameOf(channel));
    await Promise.all(reconcilers.map((name) => c.env.RECONCILER.getByName(name).rebuild()));
    let orders = 0;
    for (let at = 0; at < names.length; at += REBUILDS_AT_ONCE) {
      const some = names.slice(at, at + REBUILDS_AT_ONCE);
      const rebuilt = await Promise.all(some.map((name) => c.env.LEDGER.getByName(name).rebuild()));
      orders += rebuilt.reduce((sum, shard) => sum + shard.orders, 0);
    }
    return c.json({ channels: records.length, shards: names.length, orders }, 200);
  },
);
