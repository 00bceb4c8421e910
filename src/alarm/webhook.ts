// A program of the merchant's: JSON, signed in its headers as Standard Webhooks says, like every delivery.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11)
import { signWebhook } from '../crypto/standard-webhook.ts';
import { type BulletinItem, tell } from './bulletin.ts';
import type { Form } from './destination.ts';

const iso = (at: number): string => new Date(at).toISOString();

const TYPES = {
  raised: 'alarm.raised',
  again: 'alarm.raised',
  resolved: 'alarm.resolved',
  test: 'alarm.test',
} as const;

const documentOf = ({ kind, since, firstAt, lastAt, ...item }: BulletinItem) => ({
  type: TYPES[kind],
  ...item,
  firstAt: iso(firstAt),
  lastAt: iso(lastAt),
  since: since && { count: since.count, at: iso(since.at) },
});

export const webhook: Form = {
  hosts: null,
  path: '/',
  secret: 'needed',
  render: async (bulletin, { url, secret }, now) => {
    const { id, items, more, at } = bulletin;
    const { title } = tell(bulletin);
    const timestamp = Math.floor(now / 1_000);
    const alarms = items.map(documentOf);
    const type = alarms.length === 1 && more === 0 ? alarms[0]?.type : 'alarm.digest';
    const body = JSON.stringify({ type, timestamp: iso(at), data: { id, title, alarms, more } });
    const signature = secret === null ? {} : await signatureOf(id, timestamp, body, secret);
    const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
    return { kind: 'http', url, headers: { ...headers, ...signature }, body };
  },
  complaint: (status, body) => (status >= 200 && status <= 299 ? null : `${status} ${body}`.trim()),
};

const signatureOf = async (id: string, timestamp: number, body: string, secret: string) => ({
  'webhook-signature': await signWebhook(id, timestamp, body, [{ kind: 'hmac', secret }]),
});
