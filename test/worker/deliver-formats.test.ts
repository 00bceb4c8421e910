// What an origin gets in the format that it chose, what it has to answer, and what it asks to see.
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OriginSettings } from '../../src/core/origin.ts';
import type { FactInput } from '../../src/core/record.ts';
import { parseFormat } from '../../src/formats/index.ts';
import { call } from './api-world.ts';
import {
  alarmsOf,
  carry,
  deliveriesOf,
  dispatchOf,
  makeOrigin,
  makeShop,
  makeShopOf,
  newSecret,
  nextMessage,
  onceThenOk,
  record,
  type ScriptedOrigin,
  type Shop,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { fact, ledger, paid, refunded, unique } from './ledger-kit.ts';
import * as wechat from './receive-world.ts';

vi.setConfig({ testTimeout: 20_000 });

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined); // alarms, of which there are some here
});
afterEach(() => {
  vi.restoreAllMocks();
});

const choose = async (origin: ScriptedOrigin, more: object) => {
  const { status, text } = await call('PATCH', `/v1/origins/${origin.id}`, more);
  if (status !== 200) throw new Error(`the origin was not changed: ${text}`);
};

const originOf = async (settings: object, ...rest: Parameters<typeof makeOrigin>) => {
  const origin = await makeOrigin(...rest);
  await choose(origin, settings);
  return origin;
};

const formParsed = (options: object) => {
  const choice = parseFormat({ name: 'form', options });
  if (!choice.ok) throw new Error('these are no options of a form');
  return choice.value.options;
};

const attemptsOf = async (shop: Shop, orderNo: string) => (await deliveriesOf(shop, orderNo))[0]?.attempts ?? [];

/** Records facts that no callback told of: their evidence is what the provider answered. */
async function recordUntold(shop: Shop, ...events: readonly FactInput['event'][]) {
  const facts = events.map((event): FactInput => {
    const { evidence, ...told } = fact(event);
    return { ...told, source: 'query', evidence: evidence && { ...evidence, remoteAddress: null } };
  });
  return ledger(shop.shard).record({ v: 1, facts, dispatch: await dispatchOf(shop) });
}

const hex = (bytes: ArrayBuffer) => new Uint8Array(bytes).toHex().toUpperCase();
const utf8 = (text: string) => new TextEncoder().encode(text);

/** The house's own rule, as a legacy backend writes it. */
function signedTextOf(body: string): { readonly text: string; readonly sign: string } {
  const fields = new URLSearchParams(body);
  const sign = fields.get('sign') ?? '';
  const pairs = [...fields]
    .filter(([name, value]) => name !== 'sign' && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { text: pairs.map(([name, value]) => `${name}=${value}`).join('&'), sign };
}

describe('an origin that chose a form', () => {
  it('gets flat fields that its secret signs', async () => {
    const origin = await originOf({ format: 'form', formatOptions: { amountUnit: 'decimal' } });
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    const [post] = origin.posts;
    expect(post?.headers.get('content-type')).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(new URLSearchParams(post?.body))).toMatchObject({ order_no: orderNo, amount: '1.00' });
    const { text, sign } = signedTextOf(post?.body ?? '');
    const key = await crypto.subtle.importKey(
      'raw',
      utf8(origin.secrets[0] ?? ''),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    );
    expect(sign).toBe(hex(await crypto.subtle.sign('HMAC', key, utf8(text))));
    expect(post?.signedBy).toEqual(origin.secrets); // the headers are signed as ever
  });

  it('gets it signed with the RSA key that the gateway made for it, whose public half it may read', async () => {
    const origin = await makeOrigin();
    const rotated = await call('POST', `/v1/origins/${origin.id}/rotate`, { signature: 'rsa' });
    await choose(origin, { format: 'form', formatOptions: { signature: { algorithm: 'rsa-sha256' } } });
    expect(rotated.body.secret).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    const { text, sign } = signedTextOf(origin.posts[0]?.body ?? '');
    const pem = String((await call('GET', `/v1/origins/${origin.id}`)).body.publicKey);
    const der = Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, ''));
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('spki', der, algorithm, false, ['verify']);
    expect(await crypto.subtle.verify(algorithm, key, Uint8Array.fromBase64(sign), utf8(text))).toBe(true);
  });

  it('ends dead and alarmed where none of its secrets can sign it, and the attempt says what to do', async () => {
    const formatOptions = JSON.stringify(formParsed({ signature: { algorithm: 'rsa-sha256' } }));
    // By the door behind /v1, which refuses this: a secret may also have come to its end.
    const more = { format: 'form', settings: { formatOptions }, ladderSeconds: [0, 0] };
    const origin = await makeOrigin(undefined, more);
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'dead');
    expect(origin.posts).toEqual([]);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([
      { outcome: 'unreachable', status: null, detail: expect.stringMatching(/no rsa secret.*rotate/) },
      { outcome: 'unreachable', status: null },
    ]);
    await vi.waitUntil(async () => (await alarmsOf(`origin/${origin.id}`)).length > 0, { timeout: 5_000 });
  });
});

describe('what counts as success', () => {
  const answers = (body: string) => () => new Response(body);

  it.each<[string, object, string]>([
    ['a body that is the text, white space aside', { bodyEquals: 'SUCCESS' }, '\ufeffSUCCESS\r\n'],
    ['a body that contains the text', { bodyContains: '"code":0' }, '{"code":0,"msg":"ok"}'],
  ])('may be %s', async (_, success, body) => {
    const origin = await originOf({ success }, onceThenOk(answers(body)));
    const shop = await makeShop(origin);
    const orderNo = unique('S');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
  });

  it('is asked for again until the body says it, whatever the status', async () => {
    const origin = await originOf({ success: { bodyEquals: 'SUCCESS' } }, (_, nth) =>
      nth === 1 ? new Response('fail') : new Response('SUCCESS', { status: nth === 2 ? 500 : 200 }),
    );
    const shop = await makeShop(origin);
    const orderNo = unique('S');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([
      { outcome: 'refused', status: 200, detail: 'Answered 200, but not as agreed: fail' },
      { outcome: 'refused', status: 500, detail: 'SUCCESS' },
      { outcome: 'delivered', status: 200 },
    ]);
  });
});

describe('an origin that speaks to the provider', () => {
  const passthrough = (fallback: unknown) => ({ format: 'passthrough', formatOptions: { fallback } });

  it('gets the callback byte for byte, with the signature that the provider made, which still verifies', async () => {
    const origin = await originOf(passthrough({ name: 'standard' }));
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    const { body, headers } = await wechat.paid(orderNo);
    expect((await wechat.post(shop.channelId, body, headers)).status).toBe(204);
    await settled(shop, orderNo);
    const [post] = origin.posts;
    expect(post?.body).toBe(body);
    const seen = Object.fromEntries(post?.headers ?? []);
    const { 'cf-connecting-ip': _, ...signed } = headers;
    expect(seen).toMatchObject(signed);
    expect(seen['tollgate-event']).toBe('payment.succeeded');
    const spki = Uint8Array.fromBase64(wechat.platform.pem.replace(/-----[^-]+-----|\s/g, ''));
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('spki', spki, algorithm, false, ['verify']);
    const message = `${seen['wechatpay-timestamp']}\n${seen['wechatpay-nonce']}\n${post?.body}\n`;
    const signature = Uint8Array.fromBase64(seen['wechatpay-signature'] ?? '');
    expect(await crypto.subtle.verify(algorithm, key, signature, utf8(message))).toBe(true);
    expect(post?.signedBy).toEqual(origin.secrets);
  });

  it('gets bytes that are no text as they came', async () => {
    const origin = await originOf(passthrough({ name: 'standard' }));
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    const bytes = new Uint8Array([0, 255, 254, 10, 13, 195, 40]);
    const told = fact(paid(orderNo));
    const evidence = told.evidence && { ...told.evidence, body: bytes, contentType: null };
    await ledger(shop.shard).record({ v: 1, facts: [{ ...told, evidence }], dispatch: await dispatchOf(shop) });
    await settled(shop, orderNo);
    expect(origin.posts[0]?.bytes).toEqual(bytes);
    expect(origin.posts[0]?.headers.has('content-type')).toBe(false);
  });

  it('gets what no callback told of in its fallback', async () => {
    const origin = await originOf(passthrough({ name: 'standard' }));
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    await recordUntold(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(origin.posts[0]).toMatchObject({ type: 'payment.succeeded', orderNo });
  });

  it('gets the callback that made the gateway ask, with what was answered', async () => {
    const origin = await originOf(passthrough({ name: 'standard' }));
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    const told = { ...fact(paid(orderNo)), source: 'query' as const };
    await ledger(shop.shard).record({ v: 1, facts: [told], dispatch: await dispatchOf(shop) });
    await settled(shop, orderNo);
    expect(origin.posts[0]?.body).toBe('{"raw":true}');
  });

  it('says yes in the words of the provider, and in its own for what came in the fallback', async () => {
    const secrets = { merchantApiKey: 'TESTKEY-TESTKEY-TESTKEY-TESTKEY' };
    const settings = { ...passthrough({ name: 'standard' }), success: { bodyEquals: 'taken' } };
    const answers = ['taken', 'ok', 'ok', 'taken'];
    const origin = await originOf(settings, (_, nth) => new Response(answers[nth - 1]));
    const shop = await makeShopOf({ provider: 'oxapay', secrets }, origin);
    const [told, untold] = [unique('P'), unique('P')];
    await record(shop, paid(told));
    await settled(shop, told);
    await recordUntold(shop, paid(untold));
    await settled(shop, untold);
    expect(await attemptsOf(shop, told)).toMatchObject([
      { outcome: 'refused' },
      { outcome: 'delivered', detail: 'ok' },
    ]);
    expect(await attemptsOf(shop, untold)).toMatchObject([
      { outcome: 'refused', detail: 'Answered 200, but not as agreed: ok' },
      { outcome: 'delivered', detail: 'taken' },
    ]);
  });

  it('whose fallback cannot be written is told why, event by event, and the next event goes on', async () => {
    const origin = await originOf(passthrough('resign'), undefined, { ladderSeconds: [0] });
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    await recordUntold(shop, paid(orderNo));
    await settled(shop, orderNo, 'dead');
    await record(shop, refunded(orderNo, 'R1'));
    await vi.waitUntil(async () => (await deliveriesOf(shop, orderNo))[1]?.state === 'delivered', { timeout: 5_000 });
    expect((await attemptsOf(shop, orderNo))[0]?.detail).toMatch(/^Not sent: Only the provider can sign/);
    expect(origin.posts).toHaveLength(1);
  });

  it('is asked again, no attempt burned, when the ledger cannot say what came', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const origin = await originOf(passthrough({ name: 'standard' }));
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    const taken = takeMessages();
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    const stub = ledger(shop.shard);
    const moved = {
      claim: (...given: Parameters<typeof stub.claim>) => stub.claim(...given),
      confirm: (...given: Parameters<typeof stub.confirm>) => stub.confirm(...given),
      settle: (...given: Parameters<typeof stub.settle>) => stub.settle(...given),
      readCallback: () => Promise.reject(new Error('moved')),
    };
    const given = { ...env, LEDGER: { getByName: () => moved } } as unknown as Env; // only what deliver calls
    expect(await carry([message], 'deliver', given)).toEqual({ acked: 0, retried: 1 });
    expect(origin.posts).toEqual([]);
    await carry([await nextMessage(shop, taken)]);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
  });
});

describe('what an origin asks to see', () => {
  const seenWith = async (auth: object[], respond?: Parameters<typeof makeOrigin>[0]) => {
    const origin = await originOf({ auth }, respond);
    const shop = await makeShop(origin);
    const orderNo = unique('A');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    return { origin, headers: origin.posts[0]?.headers, attempts: await attemptsOf(shop, orderNo) };
  };

  it('may be a user and a password, of any letters', async () => {
    const { headers } = await seenWith([{ kind: 'basic', user: 'käse', password: 'p:ss wörd' }]);
    const sent = headers?.get('authorization')?.replace('Basic ', '') ?? '';
    expect(new TextDecoder().decode(Uint8Array.fromBase64(sent))).toBe('käse:p:ss wörd');
  });

  it('may be a token and headers of its own, beside the signature', async () => {
    const { headers, origin } = await seenWith([
      { kind: 'bearer', token: 'abc.def' },
      { kind: 'header', name: 'X-Api-Key', value: 'of the till' },
    ]);
    expect([headers?.get('authorization'), headers?.get('x-api-key')]).toEqual(['Bearer abc.def', 'of the till']);
    expect(origin.posts[0]?.signedBy).toEqual(origin.secrets);
  });

  it('is masked where the origin repeats it, like everything that looks like a proof', async () => {
    const echo = 'X-Api-Key: of-the-till-2026; Authorization: Bearer abcdefghijk; {"password":"hunter22"} fine';
    const { attempts } = await seenWith(
      [{ kind: 'header', name: 'X-Api-Key', value: 'of-the-till-2026' }],
      ({ headers }) => new Response(`${echo} ${headers.get('x-api-key')}`),
    );
    const detail = attempts[0]?.detail ?? '';
    expect(detail).toMatch(/fine/);
    expect(detail).not.toMatch(/of-the-till|abcdefghijk|hunter22/);
  });

  it('is masked also where the origin repeats a user and a password as they were sent', async () => {
    const { attempts, headers } = await seenWith(
      [{ kind: 'basic', user: 'käse', password: 'p:ss wörd' }],
      ({ headers }) => new Response(`you are ${headers.get('authorization')?.slice('Basic '.length)}`),
    );
    expect(headers?.get('authorization')).toMatch(/^Basic .{8}/);
    expect(attempts[0]?.detail).toBe('you are •••');
  });
});

describe('a binding', () => {
  const bind = async (binding: string, fetcher: unknown, url: string) => {
    const origin = await makeOrigin(undefined, { ladderSeconds: [0] });
    const settings: Partial<OriginSettings> = { binding };
    const stamp = { now: Date.now(), key: null, digest: '' };
    await wechat.registry().updateOrigin(origin.id, { settings, url }, stamp);
    if (fetcher !== undefined) Object.assign(env, { [binding]: fetcher });
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    return { origin, shop, orderNo };
  };

  it('carries deliveries instead of the open net, to names that only it knows', async () => {
    const seen: Request[] = [];
    const fetcher = {
      fetch: async (url: string, init: RequestInit) => {
        seen.push(new Request(url, init));
        return new Response('ok');
      },
    };
    const { origin, shop, orderNo } = await bind('PRIVATE_TILL', fetcher, 'http://till.internal/hooks');
    await settled(shop, orderNo);
    expect(origin.posts).toEqual([]);
    expect(seen.map(({ url, method, redirect }) => [url, method, redirect])).toEqual([
      ['http://till.internal/hooks', 'POST', 'manual'],
    ]);
    expect(seen[0]?.headers.get('webhook-signature')).toMatch(/^v1,/);
  });

  it('may be a service that has no public address at all', async () => {
    const { origin, shop, orderNo } = await bind('PRIVATE_BACKEND', undefined, 'http://10.0.0.7/hooks');
    await settled(shop, orderNo);
    expect(origin.posts).toEqual([]);
    expect((await attemptsOf(shop, orderNo))[0]?.detail).toMatch(/^POST http:\/\/10\.0\.0\.7\/hooks signed \d{3,}$/);
  });

  it('that shows a client certificate may be sent to public addresses alone', async () => {
    const fetcher = { fetch: vi.fn() };
    const { shop, orderNo } = await bind('MTLS_BANK', fetcher, 'https://10.0.0.1/hooks');
    await settled(shop, orderNo, 'dead');
    expect(fetcher.fetch).not.toHaveBeenCalled();
    expect((await attemptsOf(shop, orderNo))[0]?.detail).toMatch(
      /^Not sent: the origin's URL must be a public address/,
    );
  });

  it('that this deployment lacks is told to whoever looks, and nothing goes over the open net instead', async () => {
    const { origin, shop, orderNo } = await bind('MTLS_GONE', undefined, 'https://shop.example/hooks');
    await settled(shop, orderNo, 'dead');
    expect(origin.posts).toEqual([]);
    expect((await attemptsOf(shop, orderNo))[0]?.detail).toMatch(/no binding MTLS_GONE: add it to wrangler.toml/);
  });
});

it('an address that was allowed once and is no longer is not sent to', async () => {
  const origin = await makeOrigin(undefined, { ladderSeconds: [0], url: 'https://169.254.169.254/latest' });
  const shop = await makeShop(origin);
  const orderNo = unique('X');
  await record(shop, paid(orderNo));
  await settled(shop, orderNo, 'dead');
  expect((await attemptsOf(shop, orderNo))[0]?.detail).toMatch(/^Not sent: the origin's URL must be a public address/);
});

it('a secret is sealed for one origin: nobody can move it to another', async () => {
  const [one, other] = [await makeOrigin(), await makeOrigin(undefined, { ladderSeconds: [0] })];
  await choose(one, { auth: [{ kind: 'bearer', token: newSecret() }] });
  const auth = (await wechat.registry().readOrigin(one.id))?.settings.auth ?? [];
  await wechat.registry().updateOrigin(other.id, { settings: { auth } }, { now: Date.now(), key: null, digest: '' });
  const shop = await makeShop(other);
  const orderNo = unique('X');
  await record(shop, paid(orderNo));
  await settled(shop, orderNo, 'dead');
  expect(other.posts).toEqual([]);
});
