// The table of formats: what an origin may choose, what is stored of it, and that a chosen format never moves.
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { FORMATS, parseFormat, wantsCallback } from '../../src/formats/index.ts';
import { renderStandard } from '../../src/formats/standard.ts';
import { complaintsAbout, inputOf, NOW, problemOf, rendered, rsaSecret, SECRET, textOf } from './input.ts';

const VALID: Readonly<Record<string, object>> = {
  standard: {},
  cloudevents: { mode: 'binary' },
  form: { amountUnit: 'decimal' },
  xml: { root: 'notify' },
  passthrough: { fallback: { name: 'form' } },
  mapped: { fields: [{ name: 'a', from: 'type' }] },
};

describe('the standard format', () => {
  it('is what origins have had from the beginning, to the byte', async () => {
    const input = inputOf();
    const { event } = input;
    const made = await rendered('standard', input);
    expect({ body: made.body, contentType: made.contentType }).toEqual(
      renderStandard(event.type, event.occurredAt, event.data),
    );
    expect(Object.keys(made.headers)).toEqual(['user-agent', 'webhook-id', 'webhook-timestamp', 'webhook-signature']);
    expect(made.headers).toMatchObject({
      'user-agent': 'Tollgate/1 (+payment events)',
      'webhook-id': 'evt_01',
      'webhook-timestamp': String(NOW / 1000),
    });
    const fresh = await rendered('standard', { ...input, now: Date.now() });
    expect(new Webhook(SECRET).verify(textOf(fresh), { ...fresh.headers })).toEqual(JSON.parse(textOf(made)));
  });

  it('is signed or not sent', async () => {
    for (const name of ['standard', 'cloudevents']) {
      expect(await problemOf(name, inputOf({ secrets: [rsaSecret] }))).toBe('secret_missing');
    }
  });
});

describe('every format', () => {
  it('says that an event is sent again', async () => {
    for (const [name, options] of Object.entries(VALID)) {
      const again = await rendered({ name, options }, inputOf({ isReplay: true }));
      expect(again.headers['tollgate-replay']).toBe('true');
      expect((await rendered({ name, options })).headers).not.toHaveProperty('tollgate-replay');
    }
  });

  it('gives the same for the same event at the same time', async () => {
    for (const [name, options] of Object.entries(VALID)) {
      expect(await rendered({ name, options })).toEqual(await rendered({ name, options }));
    }
  });

  it('labels and explains itself and each of its options in both languages', () => {
    type Shaped = { shape: Record<string, { meta(): unknown }> };
    // A name may be the same in both; an explanation never is.
    const name = { en: expect.stringMatching(/./), zh: expect.stringMatching(/./) };
    const words = { en: expect.stringMatching(/./), zh: expect.stringMatching(/[一-龥]/) };
    for (const { label, help, options } of FORMATS) {
      expect({ label, help }).toEqual({ label: name, help: words });
      const { shape } = options as unknown as Shaped; // every format's options are a zod object
      for (const field of Object.values(shape)) expect(field.meta()).toMatchObject({ label: name, help: words });
    }
  });

  it('has a name and version of its own', () => {
    const names = FORMATS.map(({ name, version }) => `${name} ${version}`);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(VALID).sort()).toEqual([...new Set(FORMATS.map(({ name }) => name))].sort());
  });
});

describe('a choice', () => {
  it.each(Object.entries(VALID))('of %s is stored whole and read again as it was', (name, options) => {
    const choice = parseFormat({ name, options });
    if (!choice.ok) throw new Error(JSON.stringify(choice.error));
    expect(choice.value).toMatchObject({ name, version: 1, options });
    const stored: unknown = JSON.parse(JSON.stringify(choice.value));
    expect(parseFormat(stored)).toEqual(choice);
  });

  it('may be a bare name where nothing needs saying', () => {
    expect(parseFormat('standard')).toEqual({ ok: true, value: { name: 'standard', version: 1, options: {} } });
    expect(complaintsAbout('passthrough')[0]).toMatch(/^options\.fallback: /);
  });

  it('keeps the version that was chosen, in a fallback too', () => {
    const choice = parseFormat({ name: 'passthrough', version: 1, options: { fallback: { name: 'form' } } });
    expect(choice).toMatchObject({ ok: true, value: { options: { fallback: { name: 'form', version: 1 } } } });
    expect(complaintsAbout({ name: 'standard', version: 99 })[0]).toMatch(/^name: there is no such format/);
  });

  it('tells where a fallback is wrong', () => {
    const options = { fallback: { name: 'form', options: { amountUnit: 'cents' } } };
    expect(complaintsAbout({ name: 'passthrough', options })[0]).toMatch(/^options\.fallback\.options\.amountUnit: /);
    const unknown = { fallback: { name: 'nothing' } };
    expect(complaintsAbout({ name: 'passthrough', options: unknown })[0]).toMatch(/^options\.fallback\.name: /);
  });

  it('never throws for what somebody entered', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(VALID), 'constructor', '__proto__'), (value, name) => {
        for (const entered of [value, { name: value }, { name, options: value }, { name, version: value }, name]) {
          expect(typeof parseFormat(entered).ok).toBe('boolean');
        }
      }),
    );
    expect(complaintsAbout('constructor')[0]).toMatch(/^name: /);
  });

  it('tells whether the callback’s bytes are wanted', () => {
    const wanting = FORMATS.filter(({ name, version }) => wantsCallback({ name, version, options: {} }));
    expect(wanting.map(({ name }) => name)).toEqual(['passthrough']);
  });
});
