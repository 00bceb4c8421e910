// /v1/providers: what a console needs to build a form for any provider, and what a tool needs to check one.
import { describe, expect, it } from 'vitest';
import { PROVIDER_IDS } from '../../src/providers/index.ts';
import { call, type Json } from './api-world.ts';

const all = async (): Promise<Json[]> => [...((await call('GET', '/v1/providers?limit=200')).body.items ?? [])];
const one = async (id: string): Promise<Json> => {
  const found = (await all()).find((item) => String(item.id) === id);
  if (!found) throw new Error(`${id} is not listed`);
  return found;
};

/** Every reference within a schema, as JSON Schema writes them. */
const refsIn = (schema: unknown) => [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"/]+)"/g)];

describe('the list of providers', () => {
  it('has every provider with a name in both languages and a schema of an object', async () => {
    const items = await all();
    expect(items.map(({ id }) => String(id)).sort()).toEqual([...PROVIDER_IDS].sort());
    for (const item of items) {
      expect(item.name).toEqual({ en: expect.stringMatching(/./), zh: expect.stringMatching(/./) });
      expect(item.credentialsSchema).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });

  it('labels and explains every field of every schema, and shows no value of anybody’s', async () => {
    for (const { credentialsSchema } of await all()) {
      const properties: Record<string, unknown> = { ...credentialsSchema?.properties };
      expect(Object.keys(properties)).not.toEqual([]);
      const words = { en: expect.stringMatching(/./), zh: expect.stringMatching(/./) };
      for (const field of Object.values(properties)) expect(field).toMatchObject({ label: words, help: words });
    }
  });

  it('gives every reference what it refers to, in the whole schema and in each field’s own', async () => {
    let refs = 0;
    for (const { credentialsSchema, credentials } of await all()) {
      for (const schema of [credentialsSchema, ...(credentials?.map((field) => field.schema) ?? [])]) {
        for (const [, name = ''] of refsIn(schema)) {
          refs += 1;
          expect(schema?.$defs).toHaveProperty([name]);
        }
      }
    }
    expect(refs).toBeGreaterThan(0);
  });

  it('shows the shipped defaults of a configurable provider, down to each field of the mapping', async () => {
    const { credentialsSchema, capabilities } = await one('tokenim');
    expect(credentialsSchema?.properties).toMatchObject({
      secrets: { secret: true, label: { en: 'Secrets' } },
      fields: { properties: { orderNo: { default: 'order_id', label: { en: 'Order number', zh: '商户订单号' } } } },
      statuses: { properties: { payment: { default: { SUCCESS: 'succeeded' } } } },
      signature: { properties: { algorithm: { default: 'hmac-sha256', enum: expect.arrayContaining(['ed25519']) } } },
      formats: { default: ['json', 'form', 'xml'] },
    });
    expect(credentialsSchema?.required).toBeUndefined();
    expect(capabilities).toEqual(['close', 'pay', 'query', 'refund']);
  });

  it('shows that the same engine without defaults asks for each thing', async () => {
    const { credentialsSchema, credentials } = await one('generic');
    expect(credentialsSchema?.required).toEqual(expect.arrayContaining(['fields', 'statuses', 'signature']));
    expect(credentials?.find(({ field }) => String(field) === 'fields')).toMatchObject({
      required: true,
      secret: false,
    });
  });
});
