// What the printed code of a product says, and the code as a picture. The same product always has the same code, so
// that one that hangs on a wall stays good until the channel's credentials change.
import type { ChannelRecord } from '../core/channel.ts';
import type { Product } from '../core/product.ts';
import { qrPng, qrSvg } from '../core/qr.ts';
import { err, type Result } from '../core/result.ts';
import { sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import { openCredentials } from '../store/registry-copy.ts';
import { requires } from './auth.ts';
import { IdParam } from './fields.ts';
import { createRoute, newApp, registryOf, z } from './kit.ts';
import { notFound, type Problem, problemResponse, refuse } from './problem.ts';
import { problemOf } from './provider-problem.ts';

export type Code = Result<string, Problem>;

const NONCE_CHARS = 32;

/** Reads what codes say; each channel is read once, and never from a copy: what is printed stays. */
export function codeReader(env: Env): (product: Product) => Promise<Code> {
  const records = new Map<string, Promise<ChannelRecord | null>>();
  return async (product) => {
    const reading = records.get(product.channel) ?? registryOf(env).readChannel(product.channel);
    records.set(product.channel, reading);
    return codeOf(env, product, await reading);
  };
}

async function codeOf(env: Env, { id, channel, createdAt }: Product, record: ChannelRecord | null): Promise<Code> {
  const capability = record && providerOf(record.channel.provider)?.product;
  if (!capability) return err({ code: 'not_found', detail: `Channel ${channel} has no static codes any more.` });
  const credentials = await openCredentials(record, readConfig(env).masterKey);
  const nonce = toHex(await sha256(utf8(`product/${id}`))).slice(0, NONCE_CHARS);
  const said = await capability.codeUrl(id, credentials, { now: createdAt, nonce });
  return said.ok ? said : err(problemOf(said.error, 'Try again later.'));
}

const PICTURES = [
  { path: '/products/{id}/qr.svg', name: 'SVG', type: 'image/svg+xml', schema: z.string(), draw: qrSvg },
  {
    path: '/products/{id}/qr.png',
    name: 'PNG',
    type: 'image/png',
    schema: z.string().openapi({ format: 'binary' }),
    draw: qrPng,
  },
] as const;

export const productCodes = newApp();

for (const { path, name, type, schema, draw } of PICTURES) {
  productCodes.openapi(
    createRoute({
      method: 'get',
      path,
      summary: `A product’s static code as ${name}`,
      description: 'To be printed. It stays the same until the channel’s credentials change, the price too may change.',
      middleware: requires('read', 'orders'),
      request: { params: IdParam },
      responses: { 200: { description: 'The code.', content: { [type]: { schema } } }, ...problemResponse },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const product = await registryOf(c.env).readProduct(id);
      if (!product) return refuse(c, notFound(`Product ${id}`));
      const code = await codeReader(c.env)(product);
      return code.ok ? c.body(draw(code.value), 200, { 'content-type': type }) : refuse(c, code.error);
    },
  );
}
