// Every combination of algorithm, content, place, encoding and form that a profile can name: signed by the sandbox's
// own code, proved by the engine, refused when anything is off. The conformance suite runs on a dozen of them.
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { Fields, Form, Scheme } from '../../src/sandbox/tokenim-signing.ts';
import {
  callbackOf,
  enteredFor,
  NOW,
  ORDER_NO,
  payment,
  refund,
  replaced,
  rotatingFor,
  SECONDS,
  STRANGER_KEYS,
  scheme,
} from '../fixtures/tokenim/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('tokenim');
if (provider === null) throw new Error('tokenim is not registered');

const ALGORITHMS = ['hmac-sha256', 'hmac-sha512', 'md5', 'rsa-sha256', 'ed25519'] as const;
const ENCODINGS = ['hex', 'base64'] as const;
const FORMS = ['json', 'form', 'xml'] as const;
const HEADER = { place: 'header', name: 'X-Signature' } as const;
const FIELD = { place: 'field', name: 'sign' } as const;
const WAYS: readonly (Pick<Scheme, 'content' | 'place' | 'name'> & { readonly forms: readonly Form[] })[] = [
  { content: 'raw', ...HEADER, forms: FORMS },
  { content: 'template', ...HEADER, forms: FORMS },
  { content: 'sorted-fields', ...HEADER, forms: FORMS },
  { content: 'sorted-fields', ...FIELD, forms: FORMS },
  { content: 'sorted-json', ...HEADER, forms: FORMS },
  { content: 'sorted-json', ...FIELD, forms: FORMS },
  { content: 'base64-json', ...HEADER, forms: ['json'] },
  { content: 'base64-json', ...FIELD, forms: ['json'] },
];

type Combination = { readonly name: string; readonly made: Scheme; readonly form: Form };
const combinations: Combination[] = ALGORITHMS.flatMap((algorithm) =>
  WAYS.flatMap(({ forms, ...way }) =>
    ENCODINGS.flatMap((encoding) =>
      forms.map((form) => ({
        name: `${algorithm} over ${way.content} in a ${way.place}, ${encoding}, ${form}`,
        made: scheme({ algorithm, encoding, ...way }),
        form,
      })),
    ),
  ),
);

const formatsOf = ({ made, form }: Combination) => ({ formats: made.content === 'base64-json' ? ['json'] : [form] });

describe('every combination', () => {
  it.each(combinations)('is proved, and refused when anything is off: $name', async (combination) => {
    const { made, form } = combination;
    const entered = enteredFor(made, formatsOf(combination));
    const credentials = provider.credentials.parse(entered);
    expect(await provider.inspectCredentials?.(credentials)).toEqual({ ok: true, value: null });
    const callback = callbackOf(payment, form, made);
    const notice = await provider.verify(callback, credentials, [], NOW);
    if (!notice.ok) throw new Error(notice.error.detail);
    const told = provider.translate(notice.value, credentials);
    expect(told).toMatchObject({
      ok: true,
      value: { events: [{ orderNo: ORDER_NO, status: 'succeeded', amount: { minor: 1999, currency: 'CNY' } }] },
    });
    const text = new TextDecoder().decode(callback.body);
    const other = { ...callback, body: new TextEncoder().encode(text.replace('1999', '1998')) };
    expect(await provider.verify(other, credentials, [], NOW)).toMatchObject({
      error: { reason: 'signature_invalid' },
    });
    const stranger = provider.credentials.parse(
      enteredFor(made, formatsOf(combination), 'the secret of somebody else', STRANGER_KEYS),
    );
    const refused = await provider.verify(callback, stranger, [], NOW);
    expect(refused).toMatchObject({ error: { reason: 'signature_invalid' } });
    const late = await provider.verify(callback, credentials, [], NOW + 300_000);
    expect(late).toMatchObject({ error: { reason: 'timestamp_stale' } });
  });
});

describe('a signature in a header', () => {
  const made = scheme({ algorithm: 'hmac-sha256', encoding: 'hex', content: 'raw', ...HEADER });
  const credentials = provider.credentials.parse(enteredFor(made, { formats: ['json'] }));
  const genuine = callbackOf(payment, 'json', made);
  const reasonOf = async (callback: typeof genuine, given = credentials) => {
    const notice = await provider.verify(callback, given, [], NOW);
    return notice.ok ? 'accepted' : notice.error.reason;
  };

  it('over the raw body is not one over the same JSON in other spacing (pitfall 1)', async () => {
    expect(await reasonOf(genuine)).toBe('accepted');
    const spaced = JSON.stringify(JSON.parse(new TextDecoder().decode(genuine.body)), null, 1);
    expect(await reasonOf({ ...genuine, body: new TextEncoder().encode(spaced) })).toBe('signature_invalid');
  });

  it.each(['=', '====', 'zz', '0', 'é', '%00', '00'.repeat(32), 'A'.repeat(4_000)])(
    'of garbage is refused and never throws, by any algorithm: %s (pitfall 18)',
    async (garbage) => {
      for (const algorithm of ALGORITHMS) {
        for (const encoding of ENCODINGS) {
          const other = scheme({ algorithm, encoding, content: 'raw', ...HEADER });
          const callback = callbackOf(payment, 'json', other);
          const given = provider.credentials.parse(enteredFor(other, { formats: ['json'] }));
          expect(await reasonOf(callback, given)).toBe('accepted');
          const headers = { ...callback.headers, 'x-signature': garbage };
          expect(await reasonOf({ ...callback, headers }, given)).toBe('signature_invalid');
        }
      }
    },
  );
});

const CONFORMING: readonly (readonly [Partial<Scheme>, Form])[] = [
  [{ prefix: 'sha256=' }, 'json'],
  [{ algorithm: 'hmac-sha512', content: 'raw', ...HEADER, encoding: 'base64' }, 'form'],
  [{ algorithm: 'hmac-sha256', content: 'sorted-fields', ...FIELD }, 'form'],
  [{ algorithm: 'md5', content: 'sorted-fields', ...FIELD }, 'xml'],
  [{ algorithm: 'md5', content: 'base64-json', ...FIELD }, 'json'],
  [{ algorithm: 'rsa-sha256', content: 'template', ...HEADER, encoding: 'base64' }, 'xml'],
  [{ algorithm: 'rsa-sha256', content: 'sorted-fields', ...FIELD, encoding: 'base64' }, 'json'],
  [{ algorithm: 'ed25519', content: 'raw', ...HEADER, encoding: 'base64' }, 'json'],
  [{ algorithm: 'ed25519', content: 'sorted-json', ...HEADER }, 'xml'],
  [{ algorithm: 'hmac-sha256', content: 'sorted-json', ...FIELD }, 'json'],
  [{ algorithm: 'hmac-sha512', content: 'base64-json', ...HEADER }, 'json'],
];

const weakened = (entered: object): Record<string, object> =>
  'secrets' in entered
    ? {
        'there is no secret': { ...entered, secrets: [] },
        'the secret is empty': { ...entered, secrets: [''] },
        'the secret is short': { ...entered, secrets: ['fifteen letters'] },
      }
    : { 'there is no key': { ...entered, publicKeys: [] }, 'the key is no PEM': { ...entered, publicKeys: ['AAAA'] } };

const unnamed = ({ order_id: _, ...rest }: Fields): Fields => rest;

/** Callbacks whose signature stands in the body, without it. */
const unsignedOf = (form: Form, made: Scheme) => ({
  'left out': callbackOf(payment, form, { ...made, place: 'header' }),
  empty: callbackOf({ ...payment, [made.name]: '' }, form, { ...made, place: 'header' }),
});

describe.each(CONFORMING)('conformance of %j in %s', (changes, form) => {
  const made = scheme(changes);
  const more = { formats: [form], merchantIds: ['M1'], linkByTransaction: true };
  const [signedByValue, isHeader] = [!['raw', 'template'].includes(made.content), made.place === 'header'];
  const entered = enteredFor(made, more);
  conformance({
    provider,
    entered,
    stranger: enteredFor(made, more, 'the secret of somebody else', STRANGER_KEYS),
    now: NOW,
    genuine: {
      payment: callbackOf(payment, form, made),
      'payment closed': callbackOf({ ...payment, status: 'CLOSED' }, form, made),
      refund: callbackOf(refund('R1', 500), form, made),
    },
    redelivery: { callback: callbackOf(payment, form, made, SECONDS + 3_600), now: NOW + 3_600_000 },
    rotation: {
      entered: rotatingFor(made, more),
      callbacks: [callbackOf(payment, form, made), callbackOf(payment, form, replaced(made))],
    },
    weak: weakened(entered),
    partialRefunds: [callbackOf(refund('R1', 500), form, made), callbackOf(refund('R2', 500), form, made)],
    linked: {
      payment: callbackOf(payment, form, made),
      later: { 'a refund that names the transaction': callbackOf(unnamed(refund('R1', 500)), form, made) },
    },
    otherAccount: callbackOf({ ...payment, merchant_id: 'M2' }, form, made),
    excused: { discounts: 'a profile maps plain values, and discounts are a list' },
    ...(isHeader ? {} : { unsigned: unsignedOf(form, made) }),
    unknownType: callbackOf({ ...payment, type: 'payout' }, form, made),
    signedHeaders: [
      ...(isHeader ? [made.name.toLowerCase()] : []),
      ...(made.timeHeader === null ? [] : [made.timeHeader.toLowerCase()]),
    ],
    ...(signedByValue ? { signsValues: true as const } : {}),
    isDated: true,
    answers: {
      accepted: { status: 200, headers: { 'content-type': 'text/plain' }, body: 'success' },
      refused: { body: 'fail' },
    },
  });
});
