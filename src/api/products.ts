// /v1/products: things with a fixed price behind a static code. Create, read, change. A scan is answered by receive.
import type { Product } from '../core/product.ts';
import { providerOf } from '../providers/index.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, IdParam, iso, Money, MoneyInput, Time } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { type FieldError, invalid, problemResponse, refuse } from './problem.ts';
import { type Code, codeReader, productCodes } from './product-code.ts';
import { refuseWrite } from './write-problem.ts';

const ProductId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
    'must be 1 to 32 letters, digits, _, - or ., beginning with a letter or digit',
  )
  .openapi({ description: 'What the static code says; the provider brings it back with every scan.' });
const Name = z.string().trim().min(1).max(120).openapi({ description: 'What the payer is shown.' });
const Enabled = z.boolean().openapi({ description: 'A disabled product is refused to whoever scans its code.' });

const ProductInput = z
  .strictObject({ id: ProductId, channel: Id, name: Name, amount: MoneyInput, enabled: Enabled.default(true) })
  .openapi('ProductInput');

const ProductPatch = z
  .strictObject({ name: Name.optional(), amount: MoneyInput.optional(), enabled: Enabled.optional() })
  .openapi('ProductPatch', { description: 'Only what is named changes. Orders that were made keep their price.' });

const ProductBody = z
  .object({
    id: z.string(),
    channel: z.string(),
    name: z.string(),
    amount: Money,
    enabled: z.boolean(),
    codeUrl: z.string().nullable().openapi({
      description: 'What its static code says; null when the channel lacks what the code needs. `qr.svg` says what.',
    }),
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('Product');

const render = ({ createdAt, updatedAt, amount, ...plain }: Product, code: Code): z.infer<typeof ProductBody> => ({
  ...plain,
  amount: { ...amount },
  codeUrl: code.ok ? code.value : null,
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});

const renderProduct = async (env: Env, product: Product, codeOf = codeReader(env)) =>
  render(product, await codeOf(product));

/** What stands against this channel and currency, before anything is written. */
async function problemOf(c: Context, channelId: string, currency: string | undefined): Promise<FieldError | null> {
  const record = await registryOf(c.env).readChannel(channelId);
  if (!record) return { field: 'channel', message: 'is not a channel: create it first' };
  const product = providerOf(record.channel.provider)?.product;
  if (!product) return { field: 'channel', message: `is of ${record.channel.provider}, which has no static codes` };
  return currency === undefined || currency === product.currency
    ? null
    : { field: 'amount.currency', message: `must be ${product.currency}: the provider charges products in no other` };
}

export const products = newApp();
products.route('/', productCodes);

products.openapi(
  createRoute({
    method: 'post',
    path: '/products',
    summary: 'Create a product',
    middleware: requires('operate'),
    request: { headers: WriteHeaders, body: bodyOf(ProductInput) },
    responses: { 201: jsonOf('The product.', ProductBody), ...problemResponse },
  }),
  async (c) => {
    const input = c.req.valid('json');
    const problem = await problemOf(c, input.channel, input.amount.currency);
    if (problem) return refuse(c, invalid(problem));
    const reply = await registryOf(c.env).createProduct(input, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Product ${input.id}`);
    return c.json(await renderProduct(c.env, reply.value), 201);
  },
);

products.openapi(
  createRoute({
    method: 'get',
    path: '/products',
    summary: 'List the products',
    middleware: requires('read'),
    request: { query: PageQuery.extend({ channel: Id.optional() }) },
    responses: { 200: jsonOf('Products by id.', pageOf('ProductPage', ProductBody)), ...problemResponse },
  }),
  async (c) => {
    const { channel, ...query } = c.req.valid('query');
    const all = await registryOf(c.env).listProducts();
    const asked = channel === undefined ? all : all.filter((product) => product.channel === channel);
    const page = cutById(asked, query, (product) => product);
    if (!page.ok) return refuse(c, page.error);
    const codeOf = codeReader(c.env);
    const items = await Promise.all(page.value.items.map((product) => renderProduct(c.env, product, codeOf)));
    return c.json({ items, next: page.value.next }, 200);
  },
);

products.openapi(
  createRoute({
    method: 'get',
    path: '/products/{id}',
    summary: 'Read a product',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: { 200: jsonOf('The product.', ProductBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const product = await registryOf(c.env).readProduct(id);
    if (!product) return refuseWrite(c, { kind: 'missing' }, `Product ${id}`);
    return c.json(await renderProduct(c.env, product), 200);
  },
);

products.openapi(
  createRoute({
    method: 'patch',
    path: '/products/{id}',
    summary: 'Change a product',
    description: 'Scans see the change within 10 seconds.',
    middleware: requires('operate'),
    request: { params: IdParam, headers: WriteHeaders, body: bodyOf(ProductPatch) },
    responses: { 200: jsonOf('The product as it stands now.', ProductBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const change = c.req.valid('json');
    const product = await registryOf(c.env).readProduct(id);
    if (!product) return refuseWrite(c, { kind: 'missing' }, `Product ${id}`);
    const problem = await problemOf(c, product.channel, change.amount?.currency);
    if (problem) return refuse(c, invalid(problem));
    const reply = await registryOf(c.env).updateProduct(id, change, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Product ${id}`);
    return c.json(await renderProduct(c.env, reply.value), 200);
  },
);
