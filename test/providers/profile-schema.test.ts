// A profile that would prove nothing, believe what is not signed or call a host of somebody else's choosing makes no
// channel: each is refused with the field and the mend.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type RejectionReason, reject } from '../../src/core/rejection.ts';
import { providerOf } from '../../src/providers/index.ts';
import { KEYS, SECRET } from '../fixtures/tokenim/merchant.ts';

const provider = providerOf('tokenim');
if (provider === null) throw new Error('tokenim is not registered');

const complaintsOf = (changes: object): string[] =>
  provider.credentials
    .safeParse({ secrets: [SECRET], ...changes })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

const raw = { content: 'raw' };
const sorted = { content: 'sorted-fields', in: 'field', name: 'sign' };
const query = { method: 'GET', url: 'https://api.pay.example/o/{orderNo}', response: { state: 'status' } };

describe('a profile', () => {
  it('needs a secret and nothing else', () => {
    expect(complaintsOf({})).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['no secret', { secrets: [] }, /secrets is empty: hmac-sha256 needs/],
    ['a short secret', { secrets: ['fifteen letters'] }, /secrets\.0 has 15 bytes; make one of at least 16/],
    ['a secret that is not hex', { secrets: [SECRET], secretEncoding: 'hex' }, /secrets\.0 is not hex/],
    ['hex of too few bytes', { secrets: ['00112233445566'], secretEncoding: 'hex' }, /has 7 bytes/],
    ['no public key', { signature: { algorithm: 'ed25519' } }, /publicKeys is empty: ed25519 needs/],
    [
      'a private key for a public one',
      { signature: { algorithm: 'rsa-sha256' }, publicKeys: [KEYS.rsa.privateKey] },
      /publicKeys\.0 must hold one PEM public key/,
    ],
    ['an unsigned time', { signature: raw }, /a header that the signature does not cover/],
    ['a time that is not there', { timestamp: null }, /timestamp must name the header/],
    ['a template without the body', { signature: { template: '{timestamp}' } }, /must contain \{body\}/],
    ['a template of unknown words', { signature: { template: '{timestamp}{body}{key}' } }, /has \{key\}: there are/],
    ['a signature within what it signs', { signature: { in: 'field', name: 's' } }, /field of the very body/],
    ['MD5 without the secret', { signature: { algorithm: 'md5', tail: '&x' } }, /MD5 without one proves nothing/],
    [
      'an amount left out of the signature',
      { signature: { ...sorted, skip: ['amount'] }, timestamp: null },
      /signature\.skip leaves out amount, which is believed/,
    ],
    ['a signature mapped as a value', { signature: { ...sorted, name: 'status' }, timestamp: null }, /cover itself/],
    ['a skip that skips nothing', { signature: { ...raw, skip: ['x'] }, timestamp: null }, /is for sorted-fields/],
    ['base64 JSON of XML', { signature: { content: 'base64-json' }, timestamp: null }, /must be json alone/],
    [
      'values that mean something else as a form',
      { signature: sorted, timestamp: null, fields: { amount: { json: 'amount', form: 'attach', xml: 'amount' } } },
      /formats must be one where fields stand elsewhere/,
    ],
    ['a header that is none', { signature: { name: 'X Sign' } }, /signature\.name is no header’s name/],
    ['a pointer with a lone ~', { fields: { orderNo: '/a~2b' } }, /fields\.orderNo: .*a name \(order_id\)/],
    ['a pointer with an empty name', { fields: { orderNo: '/a//b' } }, /fields\.orderNo/],
    ['an empty path', { fields: { amount: '' } }, /fields\.amount/],
    ['a field nobody knows', { fields: { total: 'x' } }, /total/],
    ['a word that means nothing', { statuses: { payment: { OK: 'paid' } } }, /statuses\.payment\.OK/],
    ['an answer that is a failure', { acknowledgement: { success: { status: 500, body: '' } } }, /success\.status/],
    ['a refusal that is a success', { acknowledgement: { failure: { status: 200, body: '' } } }, /failure\.status/],
    [
      'a header in the answer’s type',
      { acknowledgement: { success: { contentType: 'a/b\r\nx: y', body: '' } } },
      /type/,
    ],
  ])('with %s makes no channel', (_name, changes, message) => {
    expect(complaintsOf(changes).join('\n')).toMatch(message);
  });

  it('never repeats a secret in what it complains of', () => {
    const said = complaintsOf({ secrets: ['my secret'], secretEncoding: 'hex', signature: raw }).join();
    expect(said).not.toContain('my secret');
  });

  it('with a key of another kind is refused before the channel is made', async () => {
    const entered = { signature: { algorithm: 'ed25519' }, publicKeys: [KEYS.rsa.publicKey] };
    const problem = await provider.inspectCredentials?.(provider.credentials.parse(entered));
    expect(problem).toMatchObject({ ok: false, error: { field: 'publicKeys.0' } });
    const own = provider.credentials.parse({ secrets: [SECRET], privateKey: 'no key' });
    expect(await provider.inspectCredentials?.(own)).toMatchObject({ ok: false, error: { field: 'privateKey' } });
  });

  it('with a key that is too short is refused before the channel is made', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    const parsed = provider.credentials.parse({ signature: { algorithm: 'rsa-sha256' }, publicKeys: [pem] });
    expect(await provider.inspectCredentials?.(parsed)).toMatchObject({
      error: { field: 'publicKeys.0', message: expect.stringMatching(/1024 bits: ask for a key of at least 2048/) },
    });
  });

  it('with a certificate for a key says how to take the key out', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    const said = complaintsOf({ signature: { algorithm: 'rsa-sha256' }, publicKeys: [pem] }).join();
    expect(said).toMatch(/openssl x509 -pubkey/);
  });

  it('changes one part of a default and keeps the others', () => {
    const changes = {
      timestamp: { toleranceSeconds: 60 },
      signature: { encoding: 'base64' },
      acknowledgement: { failure: { status: 500 } },
      fields: { orderNo: '/data/no' },
      statuses: { payment: { OK: 'succeeded' } },
    };
    expect(provider.credentials.parse({ secrets: [SECRET], ...changes })).toMatchObject({
      timestamp: { in: 'header', name: 'Tokenim-Timestamp', unit: 'seconds', toleranceSeconds: 60 },
      signature: { algorithm: 'hmac-sha256', encoding: 'base64', template: '{timestamp}.{body}' },
      acknowledgement: { success: { status: 200, body: 'success' }, failure: { status: 500, body: 'fail' } },
      fields: { orderNo: { json: ['data', 'no'] }, status: { json: ['status'] } },
      statuses: { payment: { OK: 'succeeded' }, refund: { REFUNDED: 'succeeded' } },
    });
  });

  it('answers 503 to whatever a better profile would have taken', () => {
    const parsed = provider.credentials.parse({ secrets: [SECRET] });
    const statusOf = (reason: RejectionReason) =>
      provider.acknowledge({ kind: 'rejected', rejection: reject(reason, '') }, parsed).status;
    const mendable = ['malformed', 'header_missing', 'signature_invalid', 'timestamp_stale', 'wrong_merchant'] as const;
    expect(mendable.map(statusOf)).toEqual(mendable.map(() => 503));
    expect([statusOf('method_not_allowed'), statusOf('too_large')]).toEqual([405, 413]);
  });
});

describe('the examples of the documentation', () => {
  it.each([
    ['generic', {}],
    ['standard-webhooks', { secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] }],
  ])('make a channel: %s', (id, real) => {
    const page = readFileSync(`docs/providers/${id}.md`, 'utf8');
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text));
    expect(examples).toHaveLength(1);
    const parsed = examples.map((example) => providerOf(id)?.credentials.safeParse({ ...example, ...real }));
    expect(parsed.map((one) => one?.error?.issues)).toEqual([undefined]);
  });

  it('make a channel: the templates of tokenim', () => {
    const page = readFileSync('docs/providers/tokenim.md', 'utf8');
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(`{${text}}`));
    expect(examples.flatMap(Object.keys)).toEqual(['apiKey', 'query', 'close', 'refundQuery']);
    expect(examples.map(complaintsOf)).toEqual([[], []]);
  });
});

describe('a template', () => {
  it.each<[string, object, RegExp]>([
    ['over http', { url: 'http://api.pay.example/' }, /must begin with https/],
    ['with a placeholder for a host', { url: 'https://{orderNo}/x' }, /must begin with https/],
    ['with a placeholder in its host', { url: 'https://{orderNo}.pay.example/x' }, /must begin with https/],
    ['with a password', { url: 'https://a:b@pay.example/' }, /must begin with https/],
    ['with a password that looks like a host', { url: 'https://pay.example@evil.example/' }, /must begin with https/],
    ['with a port', { url: 'https://pay.example:8443/' }, /must begin with https/],
    ['for an address', { url: 'https://127.0.0.1/' }, /must begin with https/],
    ['for an address in disguise', { url: 'https://0x7f.1/' }, /must begin with https/],
    ['for this machine', { url: 'https://localhost/' }, /must begin with https/],
    ['for a name that stands for an address', { url: 'https://10.0.0.1.nip.io/' }, /must begin with https/],
    ['for a name of a network', { url: 'https://pay.corp/' }, /must begin with https/],
    ['for a private name', { url: 'https://pay.internal/' }, /must begin with https/],
    ['with a backslash', { url: 'https://pay.example\\@evil.example/' }, /must begin with https/],
    ['with a fragment', { url: 'https://pay.example/#{orderNo}' }, /no address/],
    ['with an unknown placeholder', { url: 'https://pay.example/{secret}' }, /has \{secret\}: there are/],
    ['with a placeholder of another template', { url: 'https://pay.example/{refundNo}' }, /has \{refundNo\}/],
    ['with a lone brace', { url: 'https://pay.example/{orderNo' }, /a brace that/],
    ['with an expression', { headers: { 'x-a': '{orderNo.length}' } }, /has \{orderNo\.length\}/],
    ['that sets its own host', { headers: { Host: 'evil.example' } }, /set by the sender itself/],
    ['with a header that is none', { headers: { 'a b': 'x' } }, /no header’s name/],
    ['with a body in a GET', { body: { a: '1' } }, /goes with POST/],
    ['with a nested form', { method: 'POST', bodyFormat: 'form', body: { a: { b: '1' } } }, /must be flat/],
    ['with a name that XML does not take', { method: 'POST', bodyFormat: 'xml', body: { '<a': '1' } }, /XML/],
    ['that says nothing of the status', { response: {} }, /response\.state is missing/],
    ['that waits too long', { timeoutMs: 60_000 }, /timeoutMs/],
  ])('%s makes no channel', (_name, changes, message) => {
    expect(complaintsOf({ query: { ...query, ...changes } }).join('\n')).toMatch(message);
  });

  const closing = { method: 'POST', url: 'https://api.pay.example/close' };
  it.each<[string, object, RegExp]>([
    ['a closing that names a refund', { close: { ...closing, body: { no: '{refundNo}' } } }, /has \{refundNo\}/],
    ['an end that there is none of', { close: { ...closing, response: { states: { X: 'gone' } } } }, /states/],
    ['ends of an order for a query', { query: { ...query, response: { state: 's', states: {} } } }, /states/],
    [
      'a refund’s query without its amount',
      { refundQuery: { ...closing, response: { state: 's' } } },
      /response\.amount is missing: where is the amount of this refund\?/,
    ],
    [
      'a refund’s query without its state',
      { refundQuery: { ...closing, response: { amount: 'a' } } },
      /state is missing/,
    ],
  ])('of %s makes no channel', (_name, changes, message) => {
    expect(complaintsOf(changes).join('\n')).toMatch(message);
  });

  it('for closing needs no answer but one without an error', () => {
    expect(complaintsOf({ close: { ...closing, body: { no: '{orderNo}' } } })).toEqual([]);
  });

  it('that fits makes one', () => {
    expect(complaintsOf({ query })).toEqual([]);
  });
});

describe('the schema', () => {
  it('is JSON Schema, with words for people and defaults', () => {
    const schema = z.toJSONSchema(provider.credentials, { io: 'input', unrepresentable: 'any' });
    expect(schema).toMatchObject({
      type: 'object',
      properties: {
        secrets: { type: 'array', secret: true, label: { en: 'Secrets', zh: '签名密钥' } },
        fields: {
          properties: { orderNo: { default: 'order_id', label: { zh: '商户订单号' } }, status: { default: 'status' } },
        },
        signature: { properties: { algorithm: { default: 'hmac-sha256' }, content: { default: 'template' } } },
        acknowledgement: { properties: { success: { properties: { body: { default: 'success' } } } } },
        close: {
          label: { en: 'Closing an order', zh: '关闭订单' },
          help: { en: expect.stringMatching(/\{orderNo\}\. Without/), zh: expect.stringMatching(/已关闭/) },
          properties: { response: { properties: { states: { additionalProperties: { enum: expect.anything() } } } } },
        },
        refundQuery: { label: { zh: '查询退款' }, help: { en: expect.stringMatching(/\{refundNo\}/) } },
        refund: { help: { en: expect.stringMatching(/insufficientBalance/) } },
        pay: { help: { en: expect.stringMatching(/alreadyPaid/) } },
      },
    });
  });
});
