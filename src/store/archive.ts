// The archive: what was let go of, as compressed lines of JSON in a bucket of the merchant's: facts with the bytes that
// proved them, events with their deliveries, and what was refused. Written once under a name of its own, never changed.
import type { PrunedEvent, PrunedRow } from './ledger-prune.ts';

/** `rejections`: all that changed no order, with the bytes of those notices that were kept whole. */
export const ARCHIVE_KINDS = ['evidence', 'events', 'rejections'] as const;
export type ArchiveKind = (typeof ARCHIVE_KINDS)[number];

export type Archived = {
  readonly kind: ArchiveKind;
  readonly channel: string;
  /** Names the rows within the channel: the same rows again are the same object. */
  readonly place: string;
  /** Each with the time it came, epoch milliseconds. */
  readonly lines: readonly { readonly at: number; readonly line: Readonly<Record<string, unknown>> }[];
};

const prefixOf = (kind: ArchiveKind, channel: string): string => `${kind}/${channel}/`;

/** The optional binding; null where no bucket is configured. */
export function archiveOf(env: object): R2Bucket | null {
  const bucket: unknown = Reflect.get(env, 'ARCHIVE');
  return isBucket(bucket) ? bucket : null;
}

const isBucket = (value: unknown): value is R2Bucket =>
  typeof value === 'object' && value !== null && 'put' in value && typeof value.put === 'function';

/** `{kind}/{channel}/{day of the first}/{place}.ndjson.gz`; answers once the bucket has it. */
export async function putArchive(bucket: R2Bucket, { kind, channel, place, lines }: Archived): Promise<string> {
  if (lines.length === 0) throw new Error('an archive of nothing');
  const times = lines.map(({ at }) => at);
  const [from, to] = [iso(Math.min(...times)), iso(Math.max(...times))];
  const key = `${prefixOf(kind, channel)}${from.slice(0, 10)}/${place.replaceAll(':', '-')}.ndjson.gz`;
  const text = lines.map(({ line }) => `${JSON.stringify(line)}\n`).join('');
  const packed = new Response(text).body?.pipeThrough(new CompressionStream('gzip'));
  await bucket.put(key, await new Response(packed).arrayBuffer(), {
    httpMetadata: { contentType: 'application/jsonl', contentEncoding: 'gzip' },
    customMetadata: { channel, from, to, items: String(lines.length) },
  });
  return key;
}

const iso = (at: number) => new Date(at).toISOString();

/** Facts with their bytes, in the shape of an order's evidence. */
export const evidenceLines = (rows: readonly PrunedRow[]): Archived['lines'] =>
  rows.map((row) => ({ at: row.received_at, line: evidenceLine(row) }));

const evidenceLine = (row: PrunedRow) => ({
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
});

/** Events as they went out, and what became of their deliveries: the rows that lists show of them. */
export const eventLines = (
  rows: readonly PrunedEvent[],
  deliveries: readonly Readonly<Record<string, unknown>>[],
): Archived['lines'] =>
  rows.map(({ data, occurredAt, receivedAt, ...rest }) => ({
    at: receivedAt,
    line: {
      ...rest,
      occurredAt: iso(occurredAt),
      receivedAt: iso(receivedAt),
      data: data === null ? null : JSON.parse(data), // written by the ledger alone
      deliveries: deliveries
        .filter(({ event_id: id }) => id === rest.eventId)
        .map(({ origin, state, reason, attempts, last_outcome: outcome, last_status: status }) => ({
          ...{ origin, state, reason, attempts, outcome: outcome ?? null, status: status ?? null },
        })),
    },
  }));

export type ArchiveInfo = {
  readonly key: string;
  readonly channel: string;
  readonly from: string;
  readonly to: string;
  readonly items: number;
  readonly bytes: number;
};

/** A page of what a channel has archived of one kind, by day. */
export async function listArchives(
  bucket: R2Bucket,
  { kind, channel }: Pick<Archived, 'kind' | 'channel'>,
  limit: number,
  cursor: string | null,
) {
  const options = { prefix: prefixOf(kind, channel), limit, include: ['customMetadata' as const] };
  const page = await bucket.list(cursor === null ? options : { ...options, cursor });
  const items = page.objects.map(({ key, size, customMetadata: said = {} }): ArchiveInfo => {
    const { from = '', to = '', items: count = '0' } = said;
    return { key, channel, from, to, items: Number(count), bytes: size };
  });
  return { items, next: page.truncated ? page.cursor : null };
}

/** The lines of one archive, whole or of one order; null when there is none of that name. */
export async function readArchive(bucket: R2Bucket, key: string, orderNo: string | null): Promise<string | null> {
  if (!ARCHIVE_KINDS.some((kind) => key.startsWith(`${kind}/`))) return null;
  const object = await bucket.get(key);
  if (object === null) return null;
  const text = await new Response(object.body.pipeThrough(new DecompressionStream('gzip'))).text();
  if (orderNo === null) return text;
  const lines = text.split('\n').filter((line) => line !== '' && JSON.parse(line).orderNo === orderNo);
  return lines.map((line) => `${line}\n`).join('');
}
