// /v1/orders/…/evidence: what proves an order, byte for byte. Reads only. Callbacks hold what payers would not show
// everybody, so the scope is `operate`.
import { ledgerNameOf } from '../core/channel.ts';
import type { EvidenceEntry } from '../core/record.ts';
import { sha256, toBase64, toHex } from '../crypto/bytes.ts';
import { chainLink } from '../crypto/chain-link.ts';
import { coveredBy } from '../store/ledger-events.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { requires } from './auth.ts';
import { iso, OrderNo, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { notFound, problemResponse, refuse } from './problem.ts';

const NOTE =
  'body is what the provider sent, a callback or an answer, byte for byte, in base64; its SHA-256 is digest, ' +
  "and headers are those that its signature needs, as JSON text: with the provider's key they prove it again. " +
  'link is the SHA-256, hex, of the JSON array [link of the entry before or null, ...covers], written without ' +
  'spaces; the last link is chain. pruned says that the channel keeps such bytes no longer, and archive where they ' +
  'are now; digest and link still prove them. Another entry without a body came from a bill, an operator or the ' +
  'merchant. ' +
  'intact says that all of this was recomputed and agrees. Keep the last link elsewhere to show later that ' +
  'nothing was rewritten.';

const EvidenceBody = z
  .object({
    channel: z.string(),
    orderNo: z.string(),
    exportedAt: Time,
    note: z.string(),
    intact: z.boolean().openapi({ description: 'Every digest and every link was recomputed and agrees.' }),
    chain: z.string().nullable().openapi({ description: 'The last link; null before the first fact.' }),
    entries: z.array(
      z.object({
        eventId: z.string(),
        sequence: z.int().nullable(),
        type: z.string().nullable(),
        verdict: z.string(),
        source: z.string(),
        occurredAt: Time,
        receivedAt: Time,
        remoteAddress: z.string().nullable(),
        contentType: z.string().nullable(),
        headers: z.string().nullable(),
        body: z.string().nullable().openapi({ description: 'Base64.' }),
        digest: z.string().nullable(),
        pruned: z.boolean().openapi({ description: 'The bytes were let go of; digest and link stay.' }),
        archive: z.string().nullable().openapi({ description: 'The key of GET /v1/archives/lines that has them.' }),
        covers: z.array(z.union([z.string(), z.number()]).nullable()),
        link: z.string().nullable().openapi({ description: 'Null while the fact waits for a registration.' }),
      }),
    ),
  })
  .openapi('Evidence');

export const evidence = newApp();

evidence.openapi(
  createRoute({
    method: 'get',
    path: '/orders/{channel}/{orderNo}/evidence',
    summary: 'Export what proves an order',
    middleware: requires('operate'),
    request: {
      params: z.object({
        channel: z.string().openapi({ param: { name: 'channel', in: 'path' } }),
        orderNo: z.string().openapi({ param: { name: 'orderNo', in: 'path' } }),
      }),
    },
    responses: { 200: jsonOf('Each fact with the bytes that brought it.', EvidenceBody), ...problemResponse },
  }),
  async (c) => {
    const { channel, orderNo } = c.req.valid('param');
    const now = Date.now();
    const record = OrderNo.safeParse(orderNo).success ? await readChannelCopy(c.env, channel, now) : null;
    const ledger = record && c.env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo));
    const found = await ledger?.readEvidence(orderNo);
    if (!found) return refuse(c, notFound(`Order ${channel}/${orderNo}`));
    const { order, entries } = found;
    const { chain } = order;
    const intact = await isIntact(orderNo, entries, chain);
    const rendered = entries.map((entry) => renderEntry(orderNo, entry));
    return c.json({ channel, orderNo, exportedAt: iso(now), note: NOTE, intact, chain, entries: rendered }, 200);
  },
);

const renderEntry = (orderNo: string, entry: EvidenceEntry) => {
  const { factKey: _, body, chain: link, occurredAt, receivedAt, archive = null, ...rest } = entry;
  const pruned = body === null && entry.digest !== null;
  const covers = [...coveredBy(orderNo, entry)];
  const times = { occurredAt: iso(occurredAt), receivedAt: iso(receivedAt) };
  return { ...rest, ...times, body: body === null ? null : toBase64(body), pruned, archive, covers, link };
};

/** Recomputes every digest and every link. Parked facts have no link yet. */
async function isIntact(orderNo: string, entries: readonly EvidenceEntry[], head: string | null): Promise<boolean> {
  let link: string | null = null;
  for (const entry of entries) {
    if (entry.body !== null && toHex(await sha256(entry.body)) !== entry.digest) return false;
    if (entry.verdict === 'parked') continue;
    link = chainLink(link, coveredBy(orderNo, entry));
    if (link !== entry.chain) return false;
  }
  return link === head;
}
