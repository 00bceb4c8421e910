import { DurableObject } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
export class OrderLedger extends DurableObject<Env> {
  async record(x: string): Promise<string> {
    this.ctx.storage.sql.exec('create table if not exists t(a)');
    this.ctx.storage.sql.exec('insert into t values (?)', x);
    return createHash('md5').update(x).digest('hex');
  }
}
export { Registry } from './objects/registry.ts';
export class OriginGate extends DurableObject<Env> {}
export { CallbackLog } from './objects/callback-log.ts';
export default {
  async fetch(r, env) {
    return Response.json({
      a: Uint8Array.fromBase64('aGk=').length,
      h: await env.LEDGER.getByName('x').record('y'),
      u: r.url,
    });
  },
  async queue(b, env) {
    for (const m of b.messages) m.ack();
  },
  async scheduled(_e, env) {},
} satisfies ExportedHandler<Env>;
