// The archive: facts with the bytes that proved them, as compressed lines of JSON in a bucket of the merchant's.
// Written once under a name of its own, never changed; a repeated write is the same object.
import type { PrunedRow } from './ledger-prune.ts';

export type Archived = { readonly channel: string; readonly shard: string; readonly rows: readonly PrunedRow[] };

const PREFIX = 'evidence/';
export const prefixOf = (channel: string): string => `${PREFIX}${channel}/`;

/** The optional binding; null where no bucket is configured. */
export function archiveOf(env: object): R2Bucket | null {
  const bucket: unknown = Reflect.get(env, 'ARCHIVE');
  return isBucket(bucket) ? bucket : null;
}

const isBucket = (value: unknown): value is R2Bucket =>
  typeof value === 'object' && value !== null && 'put' in value && typeof value.put === 'function';

/** `evidence/{channel}/{day of the first}/{shard}-{first}-{last}.ndjson.gz`; answers once the bucket has it. */
export async function putArchive(bucket: R2Bucket, { channel, shard, rows }: Archived): Promise<string> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) throw new Error('an archive of nothing');
  const times = rows.map(({ received_at: at }) => at);
  const [from, to] = [Math.min(...times), Math.max(...times)].map((at) => new Date(at).toISOString());
  const place = `${shard.replaceAll(':', '-')}-${first.seq}-${last.seq}`;
  const key = `${prefixOf(channel)}${from?.slice(0, 10)}/${place}.ndjson.gz`;
  const lines = rows.map((row) => `${JSON.stringify(lineOf(row))}\n`).join('');
  const packed = new Response(lines).body?.pipeThrough(new CompressionStream('gzip'));
  await bucket.put(key, await new Response(packed).arrayBuffer(), {
    httpMetadata: { contentType: 'application/jsonl', contentEncoding: 'gzip' },
    customMetadata: { channel, from: from ?? '', to: to ?? '', items: String(rows.length) },
  });
  return key;
}

const iso = (at: number) => new Date(at).toISOString();

function lineOf(row: PrunedRow) {
  return {
    orderNo: row.order_no,
    eventId: row.event_id,
    factKey: row.fact_key,
    source: row.source,
    occurredAt: iso(row.occurred_at),
    receivedAt: iso(row.received_at),
    remoteAddress: row.remote_address,
    contentType: row.content_type,
    headers: row.headers,
    body: row.body === null ? null : new Uint8Array(row.body).toBase64(),
    digest: row.digest,
    link: row.chain,
  };
}

export type ArchiveInfo = {
  readonly key: string;
  readonly channel: string;
  readonly from: string;
  readonly to: string;
  readonly items: number;
  readonly bytes: number;
};

/** A page of what a channel has archived, by day. */
export async function listArchives(bucket: R2Bucket, channel: string, limit: number, cursor: string | null) {
  const options = { prefix: prefixOf(channel), limit, include: ['customMetadata' as const] };
  const page = await bucket.list(cursor === null ? options : { ...options, cursor });
  const items = page.objects.map(({ key, size, customMetadata: said = {} }): ArchiveInfo => {
    const { from = '', to = '', items: count = '0' } = said;
    return { key, channel, from, to, items: Number(count), bytes: size };
  });
  return { items, next: page.truncated ? page.cursor : null };
}

/** The lines of one archive, whole or of one order; null when there is none of that name. */
export async function readArchive(bucket: R2Bucket, key: string, orderNo: string | null): Promise<string | null> {
  if (!key.startsWith(PREFIX)) return null;
  const object = await bucket.get(key);
  if (object === null) return null;
  const text = await new Response(object.body.pipeThrough(new DecompressionStream('gzip'))).text();
  if (orderNo === null) return text;
  const lines = text.split('\n').filter((line) => line !== '' && JSON.parse(line).orderNo === orderNo);
  return lines.map((line) => `${line}\n`).join('');
}
