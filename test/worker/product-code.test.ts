// Static codes of products: what is printed can be scanned, says what the provider asks for, and stays the same.
import { exports } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pictureOfPng, pictureOfSvg, scan } from '../pictures.ts';
import { ADMIN_KEY, call, makeChannel, makeKey, unique } from './api-world.ts';

const API_KEY = 'TollgateTestApiV2KeyOf32Letters0';

const makeShop = (appIds: readonly string[] = ['wx2421b1c4370ec43b']) =>
  makeChannel({
    provider: 'wechatpay-v2',
    credentials: { mchId: '1900000109', appIds, apiKey: API_KEY, signTypes: ['MD5'] },
  });

async function makeProduct(channel: string): Promise<string> {
  const id = unique('tea');
  const input = { id, channel, name: '龙井茶', amount: { minor: 1_200, currency: 'CNY' } };
  const reply = await call('POST', '/v1/products', input);
  if (reply.status !== 201) throw new Error(`the product was not made: ${reply.text}`);
  return id;
}

const printed = (id: string, kind: string, key = ADMIN_KEY) =>
  exports.default.fetch(
    new Request(`http://127.0.0.1:8787/v1/products/${id}/qr.${kind}`, { headers: { authorization: `Bearer ${key}` } }),
  );

describe('the code of a product', () => {
  it('is signed, names the product, and comes as text, as SVG and as PNG', async () => {
    const id = await makeProduct(await makeShop());
    const { codeUrl } = (await call('GET', `/v1/products/${id}`)).body;
    const { sign, ...fields } = Object.fromEntries(new URL(String(codeUrl)).searchParams);
    expect(fields).toMatchObject({ appid: 'wx2421b1c4370ec43b', mch_id: '1900000109', product_id: id });
    const text = Object.keys(fields)
      .sort()
      .map((name) => `${name}=${fields[name]}`)
      .join('&');
    expect(sign).toBe(createHash('md5').update(`${text}&key=${API_KEY}`).digest('hex').toUpperCase());

    const [svg, png] = [await printed(id, 'svg'), await printed(id, 'png')];
    expect([svg.status, svg.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
    expect([png.status, png.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(scan(pictureOfSvg(await svg.text()))).toBe(codeUrl);
    expect(scan(pictureOfPng(new Uint8Array(await png.arrayBuffer())))).toBe(codeUrl);
  });

  it('never changes, whatever becomes of the price, and is another for each product', async () => {
    const channel = await makeShop();
    const [id, other] = [await makeProduct(channel), await makeProduct(channel)];
    const before = (await call('GET', `/v1/products/${id}`)).body.codeUrl;
    const changed = await call('PATCH', `/v1/products/${id}`, { amount: { minor: 1_300, currency: 'CNY' } });
    expect(changed.body.codeUrl).toBe(before);
    const list = (await call('GET', `/v1/products?channel=${channel}`)).body.items ?? [];
    const codes = new Map([...list].map((product) => [String(product.id), product.codeUrl]));
    expect(codes.get(id)).toBe(before);
    expect(codes.get(other)).not.toBe(before);
  });

  it('is told to be missing what it needs, and the product can be read all the same', async () => {
    const id = await makeProduct(await makeShop([]));
    const reply = await call('GET', `/v1/products/${id}`);
    expect([reply.status, reply.body.codeUrl]).toEqual([200, null]);
    const refused = await call('GET', `/v1/products/${id}/qr.svg`);
    expect([refused.status, refused.body.code]).toEqual([422, 'provider_not_configured']);
    expect(refused.body.detail).toContain('appIds');
  });

  it('is printed for keys that read or register orders, and for no others', async () => {
    const id = await makeProduct(await makeShop());
    expect((await printed(id, 'svg', await makeKey('read'))).status).toBe(200);
    expect((await printed(id, 'png', await makeKey('orders'))).status).toBe(200);
    expect((await printed(id, 'png', await makeKey('metrics'))).status).toBe(403);
    expect((await printed(id, 'svg', 'tg_nobody')).status).toBe(401);
    expect((await printed('nothing', 'svg')).status).toBe(404);
  });

  it('stands in the contract', async () => {
    const { paths } = (await call('GET', '/openapi.json', undefined, { key: null })).body;
    const png = JSON.stringify(paths?.['/v1/products/{id}/qr.png']);
    expect(png).toContain('"image/png":{"schema":{"type":"string","format":"binary"}}');
  });
});
