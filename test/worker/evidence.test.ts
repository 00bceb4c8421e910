// What proves an order: every byte that brought a fact, each linked to the one before, and who did what.

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { call, type Json, makeChannel, makeKey, unique } from './api-world.ts';
import { fact, ledger, paid, refunded, until } from './ledger-kit.ts';

const channel = await makeChannel();
const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

async function shardOf(orderNo: string): Promise<string> {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  if (!record) throw new Error('the channel is gone');
  return ledgerNameOf(record.channel, orderNo);
}

async function told(orderNo: string, events: Parameters<typeof fact>[0][]) {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  if (!record) throw new Error('the channel is gone');
  for (const event of events) {
    const body = new TextEncoder().encode(JSON.stringify({ raw: event.providerState, at: event.occurredAt }));
    const input = fact(event);
    const evidence = input.evidence && { ...input.evidence, body, digest: sha256(body) };
    const name = await shardOf(orderNo);
    await ledger(name).record({ v: 1, facts: [{ ...input, evidence }], dispatch: record.dispatch });
  }
}

const exported = (orderNo: string) => call('GET', `/v1/orders/${channel}/${orderNo}/evidence`);

describe('the evidence of an order', () => {
  it('can be recomputed from the export alone, as its note says', async () => {
    const orderNo = unique('EV');
    const pending = paid(orderNo, { status: 'pending', transactionId: null, amount: null });
    await told(orderNo, [pending, paid(orderNo), refunded(orderNo, 'R1'), { ...pending, occurredAt: 2 }]);
    const { status, body } = await exported(orderNo);
    expect(status).toBe(200);
    expect(body.intact).toBe(true);
    let link: string | null = null;
    for (const entry of body.entries ?? []) {
      expect(sha256(Buffer.from(String(entry.body), 'base64'))).toBe(entry.digest);
      expect(entry.covers).toContain(entry.digest);
      link = sha256(JSON.stringify([link, ...(entry.covers ?? [])]));
      expect(entry.link).toBe(link);
    }
    expect(body.chain).toBe(link);
    expect(body.entries).toHaveLength(3); // the second pending notice was a duplicate
  });

  it.each([
    ['a body', "UPDATE events SET body = x'00' WHERE sequence = 1"],
    ['a time', 'UPDATE events SET received_at = received_at + 1 WHERE sequence = 1'],
    ['an address', "UPDATE events SET remote_address = '192.0.2.1' WHERE sequence = 2"],
    ['a fact that is gone', 'DELETE FROM events WHERE sequence = 1'],
    ['the last fact that is gone', 'DELETE FROM events WHERE sequence = 2'],
  ])('shows %s that was changed later', async (_, statement) => {
    const orderNo = unique('EV');
    await told(orderNo, [paid(orderNo), refunded(orderNo, 'R1')]);
    expect((await exported(orderNo)).body.intact).toBe(true);
    await runInDurableObject(ledger(await shardOf(orderNo)), (_ledger: OrderLedger, state) => {
      state.storage.sql.exec(`${statement} AND order_no = ?`, orderNo);
    });
    expect((await exported(orderNo)).body.intact).toBe(false);
  });

  it('is for operators, and for orders that are there', async () => {
    const key = await makeKey('read', 'orders');
    const orderNo = unique('EV');
    expect((await call('GET', `/v1/orders/${channel}/${orderNo}/evidence`, undefined, { key })).status).toBe(403);
    expect((await exported(orderNo)).status).toBe(404);
    expect((await call('GET', `/v1/orders/no-channel/${orderNo}/evidence`)).status).toBe(404);
  });
});

describe('the audit log', () => {
  it('tells who asked for what, once, and pages', async () => {
    const orderNo = unique('AU');
    await told(orderNo, [paid(orderNo)]);
    const name = await shardOf(orderNo);
    const base = { v: 1, orderNo, reason: null, transactionId: null, askAgainAt: Date.now() + 60_000 } as const;
    for (const refundNo of ['A', 'B']) {
      const actor = { key: 'key_auditor', reason: 'returned' };
      await ledger(name).reserveRefund({ ...base, refundNo, amount: { minor: 10, currency: 'CNY' }, actor });
    }
    const mine = (items: Json) => [...items].filter((item) => String(item.orderNo) === orderNo);
    const items = await until(name, async () => {
      const listed = mine((await call('GET', '/v1/audit')).body.items ?? ([] as never));
      return listed.length === 2 && listed;
    });
    expect(items[0]).toMatchObject({
      actor: 'key_auditor',
      act: 'refund_requested',
      about: 'B: 0.10 CNY',
      reason: 'returned',
    });
    const first = await call('GET', '/v1/audit?limit=1');
    const second = await call('GET', `/v1/audit?limit=1&cursor=${first.body.next}`);
    expect(first.body.items).toHaveLength(1);
    expect(second.body.items).toHaveLength(1);
    expect(second.body.items).not.toEqual(first.body.items);
    const key = await makeKey('read');
    expect((await call('GET', '/v1/audit', undefined, { key })).status).toBe(403);
  });
});
