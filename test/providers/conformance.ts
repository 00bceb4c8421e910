// The suite that every provider passes: what the gateway relies on, whatever the dialect.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/core/acknowledgement.ts';
import type { Callback } from '../../src/core/callback.ts';
import type { FetchedKey } from '../../src/core/channel.ts';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import { CLOCK_SKEW_SECONDS_MAX } from '../../src/core/limits.ts';
import { REJECTION_REASONS, reject } from '../../src/core/rejection.ts';
import { mayBeOtherSecret } from '../../src/core/rotation.ts';
import { prove } from '../../src/judge.ts';
import type { AnyProvider, ProviderAnswer, QueryTarget, Translation } from '../../src/providers/provider.ts';
import { expectTestCallback } from './test-callback.ts';

/** What a provider exercises where its documents have it, and says why where they do not. */
const ITEMS = [
  'weak',
  'partialRefunds',
  'linked',
  'otherAccount',
  'payer',
  'method',
  'payerAmount',
  'discounts',
  'attach',
] as const;
type Item = (typeof ITEMS)[number];

/** Credentials whose list holds the old secret and the new one, and callbacks signed with each. */
type Rotation = { readonly entered: unknown; readonly callbacks: readonly Callback[] };

/** A secret in the place of the one that signed the first genuine callback. */
type Replacement = {
  readonly entered: unknown;
  readonly callback: Callback;
  /** Signed with neither secret; left out where notices are hearsay. */
  readonly third?: Callback;
};

/** Two secrets during rotation, without exception: in a list, one after the other, or both. */
export type Conformance = Suite & ({ readonly rotation: Rotation } | { readonly replacement: Replacement });

type Suite = {
  readonly provider: AnyProvider;
  /** Credentials as a merchant would enter them. */
  readonly entered: unknown;
  /** Entered credentials of another merchant, whose secrets and keys differ. */
  readonly stranger: unknown;
  readonly now: number;
  /** What the channel has fetched from the provider, where that is what verifies. */
  readonly keys?: readonly FetchedKey[];
  /** Genuine callbacks by name, each of one event or flag at least. */
  readonly genuine: Readonly<Record<string, Callback>>;
  /** The first genuine callback as the provider would send it again later: the same fact, signed anew. */
  readonly redelivery: { readonly callback: Callback; readonly now: number };
  readonly rotation?: Rotation;
  readonly replacement?: Replacement;
  /** Credentials that must not be taken, by what is wrong with them: secrets that are empty or too short. */
  readonly weak?: Readonly<Record<string, unknown>>;
  /** Two partial refunds of one payment. */
  readonly partialRefunds?: readonly [Callback, Callback];
  /** A payment, and later notices that name it by the provider's ids alone: its links lead from them to its order. */
  readonly linked?: { readonly payment: Callback; readonly later: Readonly<Record<string, Callback>> };
  /** A genuine callback for another merchant account than the channel's. */
  readonly otherAccount?: Callback;
  /** For each item that nothing here exercises: why the provider's documents leave nothing to exercise. */
  readonly excused?: Readonly<Partial<Record<Item, string>>>;
  /** A genuine notice of a type that nobody has heard of. */
  readonly unknownType: Callback;
  /** Headers that the signature needs, lower-cased; none where all of it is in the body. */
  readonly signedHeaders: readonly string[];
  /** Where the signature is in the body: the first genuine callback without it, by what was done to it. */
  readonly unsigned?: Readonly<Record<string, Callback>>;
  /** The signature is over the values in the body and not its bytes: white space or the case of %2b changes nothing. */
  readonly signsValues?: true;
  /** What the provider's API answers, where notices only say what to ask it about. */
  readonly asked?: (target: QueryTarget) => ProviderAnswer;
  /** What of the meaning its signature covers, where that is not all: the rest may change, and nothing else. */
  readonly signedPart?: (translation: Translation) => unknown;
  /**
   * Notices are unsigned by the provider's design, and anybody may send one: none of them may carry a fact, and all
   * that they can cause is a question at an address of this form.
   */
  readonly hearsay?: RegExp;
  /** True when callbacks carry a signed time. */
  readonly isDated: boolean;
  /** What the provider's documents ask for. */
  readonly answers: { readonly accepted: Answer; readonly refused: { readonly body: string } };
};

export function conformance(suite: Conformance): void {
  const { provider, now, keys = [], signedPart = (told) => told } = suite;
  const credentials = provider.credentials.parse(suite.entered);
  const cases = Object.entries(suite.genuine);
  const verify = (callback: Callback, at = now) => provider.verify(callback, credentials, keys, at);
  const first = cases[0]?.[1];
  if (first === undefined) throw new Error('a conformance suite needs a genuine callback');

  async function translated(callback: Callback, at = now): Promise<Translation> {
    const notice = await verify(callback, at);
    if (!notice.ok) throw new Error(`refused: ${notice.error.reason}: ${notice.error.detail}`);
    const translation = provider.translate(notice.value, credentials);
    if (!translation.ok) throw new Error(`not translated: ${translation.error.reason}: ${translation.error.detail}`);
    const { hints = [] } = translation.value;
    const answers = suite.asked === undefined ? [] : await Promise.all(hints.map((hint) => answerTo(hint, at)));
    const all = [translation.value, ...answers];
    return {
      ...translation.value,
      events: all.flatMap(({ events }) => events),
      flags: all.flatMap(({ flags = [] }) => flags),
      unlinked: all.flatMap(({ unlinked = [] }) => unlinked),
      unlinkedFlags: all.flatMap(({ unlinkedFlags = [] }) => unlinkedFlags),
      links: all.flatMap(({ links = [] }) => links),
    };
  }

  /** What the provider says of a thing that a notice named. */
  async function answerTo(target: QueryTarget, at: number): Promise<Translation> {
    const context = { now: at, nonce: '0'.repeat(32) };
    const request = await provider.query?.request(target, credentials, context);
    if (!request?.ok || suite.asked === undefined) throw new Error(`not asked about ${JSON.stringify(target)}`);
    expect(request.value.url).toMatch(/^https:\/\//);
    const read = await provider.query?.read(suite.asked(target), target, credentials, [], at);
    if (!read?.ok) throw new Error(`the answer about ${JSON.stringify(target)} was not read`);
    return read.value;
  }

  /** Every fact of it, with the order number still open where the notice names none. */
  async function factsOf(callback: Callback, at = now): Promise<PaymentEvent[]> {
    const { events, unlinked = [] } = await translated(callback, at);
    return [...events, ...unlinked.map((one) => ({ ...one, orderNo: '' }))];
  }

  describe(`${provider.id} keeps the contract`, () => {
    it('accepts credentials that hold together', async () => {
      const inspected = await provider.inspectCredentials?.(credentials);
      expect(inspected ?? { ok: true, value: null }).toEqual({ ok: true, value: null });
    });

    it.each(Object.entries(suite.weak ?? {}))('takes no credentials in which %s', (_what, entered) => {
      expect(provider.credentials.safeParse(entered).success).toBe(false);
    });

    it.each(cases)('accepts a genuine callback and says what it means: %s', async (_name, callback) => {
      const { events, flags = [], unlinked = [], unlinkedFlags = [], links = [] } = await translated(callback);
      const [named, unnamed] = [
        [...events, ...flags],
        [...unlinked, ...unlinkedFlags],
      ];
      expect(named.length + unnamed.length).toBeGreaterThan(0);
      for (const fact of named) expect(fact.orderNo).not.toBe('');
      for (const fact of unnamed) expect(fact.linkId).not.toBe('');
      if (unnamed.length + links.length > 0) expect(provider.linksById).toBe(true);
      for (const fact of [...named, ...unnamed]) expect(Number.isSafeInteger(fact.occurredAt)).toBe(true);
      for (const flag of [...flags, ...unlinkedFlags]) expect(flag.about).not.toBe('');
      for (const event of [...events, ...unlinked]) {
        if (event.amount !== null) expect(Number.isSafeInteger(event.amount.minor)).toBe(true);
      }
    });

    it('exercises every item of this suite, or says why the documents leave nothing to exercise', async () => {
      const facts = (await Promise.all(cases.map(([, callback]) => factsOf(callback)))).flat();
      const isExercised = (item: Item) => item in suite || facts.some((fact) => item in fact);
      const { excused = {} } = suite;
      // An item in the first list wants a callback above, or a reason in `excused`; one in the second has both.
      expect({
        neither: ITEMS.filter((item) => !isExercised(item) && !excused[item]),
        both: ITEMS.filter((item) => isExercised(item) && excused[item] !== undefined),
      }).toEqual({ neither: [], both: [] });
      if (suite.hearsay) return;
      expect(suite.signedHeaders.length + Object.keys(suite.unsigned ?? {}).length).toBeGreaterThan(0);
    });

    /** Refused; or, where notices are hearsay, without a fact and with no question but an allowed one. */
    async function expectUnbelieved(callback: Callback): Promise<void> {
      const notice = await verify(callback);
      if (suite.hearsay === undefined) expect(notice.ok).toBe(false);
      if (!notice.ok) return;
      const translation = provider.translate(notice.value, credentials);
      if (!translation.ok) return;
      const { hints = [] } = translation.value;
      expect(claimsOf(translation.value)).toEqual([]);
      for (const hint of hints) {
        const request = await provider.query?.request(hint, credentials, { now, nonce: '0'.repeat(32) });
        expect(request).toMatchObject({ ok: true, value: { url: expect.stringMatching(suite.hearsay ?? /^$/) } });
      }
    }

    /** Where values are signed, another spelling of them may verify, and then means the same. */
    async function expectRefused(changed: Callback, genuine: Callback): Promise<void> {
      const notice = await verify(changed);
      if (notice.ok && suite.signsValues) {
        expect(signedPart(await translated(changed))).toEqual(signedPart(await translated(genuine)));
      } else await expectUnbelieved(changed);
    }

    it('refuses a callback in which any single byte of the body was changed', async () => {
      for (let at = 0; at < first.body.length; at++) {
        for (const flip of [1, 0x20]) {
          const body = Uint8Array.from(first.body, (byte, index) => (index === at ? byte ^ flip : byte));
          await expectRefused({ ...first, body }, first);
        }
      }
    });

    it('refuses 2,000 mutations of genuine callbacks, and throws for none', async () => {
      const mutation = fc.record({
        of: fc.constantFrom(...cases.map(([, callback]) => callback)),
        how: fc.constantFrom('change', 'insert', 'remove', 'repeat', 'move'),
        at: fc.nat(),
        length: fc.integer({ min: 1, max: 40 }),
        byte: fc.integer({ min: 1, max: 255 }),
      });
      await fc.assert(
        fc.asyncProperty(mutation, async ({ of, ...change }) => {
          const body = mutated(of.body, change);
          fc.pre(body.length !== of.body.length || body.some((byte, index) => byte !== of.body[index]));
          await expectRefused({ ...of, body }, of);
        }),
        { numRuns: 2_000 },
      );
    });

    it('refuses a callback that lost its end or grew one', async () => {
      await expectUnbelieved({ ...first, body: first.body.slice(0, -1) });
      const more = suite.signsValues ? 48 : 10;
      await expectUnbelieved({ ...first, body: new Uint8Array([...first.body, more]) });
      expect((await verify({ ...first, body: new Uint8Array() })).ok).toBe(false);
    });

    it.each(suite.signedHeaders)('refuses a callback whose %s was changed, blanked or left out', async (name) => {
      const value = first.headers[name] ?? '';
      expect(value).not.toBe('');
      await fc.assert(
        fc.asyncProperty(fc.nat(value.length - 1), fc.constantFrom(...'0Z9+/=-_'), async (at, letter) => {
          fc.pre(value.charAt(at) !== letter);
          const changed = value.slice(0, at) + letter + value.slice(at + 1);
          expect((await verify({ ...first, headers: { ...first.headers, [name]: changed } })).ok).toBe(false);
        }),
      );
      for (const blank of ['', '   ']) {
        const refused = await verify({ ...first, headers: { ...first.headers, [name]: blank } });
        expect(refused).toMatchObject({ ok: false, error: { reason: 'header_missing' } });
      }
      const headers = Object.fromEntries(Object.entries(first.headers).filter(([other]) => other !== name));
      expect(await verify({ ...first, headers })).toMatchObject({ ok: false, error: { reason: 'header_missing' } });
    });

    it.each(Object.entries(suite.unsigned ?? {}))(
      'refuses a callback whose signature is %s',
      async (_what, callback) => {
        const refused = await verify(callback);
        expect(refused.ok).toBe(false);
        if (!refused.ok) expect(['signature_invalid', 'header_missing', 'malformed']).toContain(refused.error.reason);
      },
    );

    it.skipIf(suite.hearsay)('refuses the callback of another merchant’s keys', async () => {
      const stranger = provider.credentials.parse(suite.stranger);
      expect((await provider.verify(first, stranger, keys, now)).ok).toBe(false);
    });

    it.runIf(suite.isDated)('refuses a callback that is stale by the bound or more, either way', async () => {
      const stale = { ok: false, error: { reason: 'timestamp_stale' } };
      for (const seconds of [CLOCK_SKEW_SECONDS_MAX, CLOCK_SKEW_SECONDS_MAX + 1, 86_400]) {
        expect(await verify(first, now + seconds * 1000)).toMatchObject(stale);
        expect(await verify(first, now - seconds * 1000)).toMatchObject(stale);
      }
      const within = (CLOCK_SKEW_SECONDS_MAX - 1) * 1000;
      expect((await verify(first, now + within)).ok).toBe(true);
      expect((await verify(first, now - within)).ok).toBe(true);
    });

    it('gives a redelivery the same facts, though it was signed or sent anew', async () => {
      const { headers, body } = suite.redelivery.callback;
      expect({ headers, body }).not.toEqual({ headers: first.headers, body: first.body });
      const again = await factsOf(suite.redelivery.callback, suite.redelivery.now);
      expect(again.map(factKey)).toEqual((await factsOf(first)).map(factKey));
    });

    it.runIf(suite.rotation)('accepts the old secret and the new one while they are rotated', async () => {
      const { entered, callbacks = [] } = suite.rotation ?? {};
      const rotating = provider.credentials.parse(entered);
      expect(callbacks.length).toBeGreaterThan(1);
      for (const callback of callbacks) {
        expect(await provider.verify(callback, rotating, keys, now)).toMatchObject({ ok: true });
      }
    });

    it.runIf(suite.replacement)('takes the secret before as long as a rotation lasts, and no longer', async () => {
      const { entered, callback = first, third } = suite.replacement ?? {};
      const newest = provider.credentials.parse(entered);
      const proved = (one: Callback, previous: unknown) => {
        const opener = previous === null ? null : () => Promise.resolve(previous);
        return prove({ provider, callback: one, newest, previous: opener, keys, now });
      };
      const before = suite.hearsay ? newest : credentials;
      const [late, fresh] = [await proved(first, credentials), await proved(callback, credentials)];
      expect([late.ok && late.value.credentials === before, fresh.ok && fresh.value.credentials === newest]).toEqual([
        true,
        true,
      ]);
      if (late.ok) expect(provider.translate(late.value.notification, before)).toMatchObject({ ok: true });
      expect(await proved(callback, null)).toMatchObject({ ok: true });
      if (suite.hearsay) return;
      const ended = await proved(first, null);
      expect(!ended.ok && mayBeOtherSecret(ended.error.reason)).toBe(true);
      if (third === undefined) throw new Error('a replacement needs a callback of a third secret');
      expect(await proved(third, credentials)).toEqual(await provider.verify(third, newest, keys, now));
      expect(await proved(third, credentials)).toMatchObject({ ok: false });
    });

    it.runIf(suite.partialRefunds)('tells two partial refunds of one payment apart', async () => {
      const facts = await Promise.all((suite.partialRefunds ?? []).map((callback) => factsOf(callback)));
      expect(facts.flat().map(({ kind }) => kind)).toEqual(['refund', 'refund']);
      expect(new Set(facts.flat().map(factKey)).size).toBe(2);
    });

    it.each(Object.entries(suite.linked?.later ?? {}))(
      'leads a notice without an order to it: %s',
      async (_, later) => {
        const { events, links = [] } = await translated(suite.linked?.payment ?? first);
        const { unlinked = [] } = await translated(later);
        expect(unlinked.length).toBeGreaterThan(0);
        for (const { linkId } of unlinked) {
          expect(links.filter(({ id }) => id === linkId)).toEqual([{ id: linkId, orderNo: events[0]?.orderNo }]);
        }
      },
    );

    it.runIf(suite.otherAccount)('refuses a genuine callback for another merchant account', async () => {
      const notice = suite.otherAccount && (await verify(suite.otherAccount));
      if (!notice?.ok) throw new Error(`refused before it was read: ${notice?.error.reason}`);
      expect(provider.translate(notice.value, credentials)).toMatchObject({
        ok: false,
        error: { reason: 'wrong_merchant' },
      });
    });

    it('acknowledges an authentic notice of an unknown type without touching an order', async () => {
      const told = await translated(suite.unknownType);
      expect(claimsOf(told)).toEqual([]);
      expect(told.noticeType).not.toBe('');
    });

    it('never throws for hostile bytes or headers', async () => {
      const header = fc.oneof(
        fc.string(),
        ...suite.signedHeaders.map((name) => fc.constant(first.headers[name] ?? '')),
      );
      const headers = fc.record(Object.fromEntries(suite.signedHeaders.map((name) => [name, header])));
      const body = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((json) => new TextEncoder().encode(json)),
      );
      await fc.assert(
        fc.asyncProperty(headers, body, async (hostile, bytes) => {
          await expectUnbelieved({ ...first, headers: { ...first.headers, ...hostile }, body: bytes });
        }),
      );
    });

    it('keeps as evidence every header that its signature needs', () => {
      const kept = provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders;
      expect(kept).toEqual(expect.arrayContaining([...suite.signedHeaders]));
    });

    it('answers success as the provider’s documents ask', () => {
      expect(provider.acknowledge({ kind: 'accepted' }, credentials)).toEqual(suite.answers.accepted);
    });

    it('answers every refusal with a failure that tells the caller nothing', () => {
      for (const reason of REJECTION_REASONS) {
        const rejection = reject(reason, 'a secret detail');
        const answer = provider.acknowledge({ kind: 'rejected', rejection }, credentials);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.body).toBe(suite.answers.refused.body);
      }
      expect(provider.acknowledge({ kind: 'unavailable' }, credentials)).toMatchObject({
        status: 503,
        body: suite.answers.refused.body,
      });
    });

    it('writes a test callback that nothing but the test route takes, or says why it cannot', () =>
      expectTestCallback(provider, credentials, keys, now));

    it('labels and explains each credential in both languages', () => {
      type Shaped = { shape: Record<string, { meta(): unknown }> };
      const { shape } = provider.credentials as unknown as Shaped; // every provider's schema is a zod object
      for (const field of Object.values(shape)) {
        const words = { en: expect.stringMatching(/./), zh: expect.stringMatching(/[一-龥]|AppID/) };
        expect(field.meta()).toMatchObject({ label: words, help: words });
      }
    });
  });
}

/** Everything that a notice says of orders. */
const claimsOf = ({ events, links = [], ...told }: Translation) => [
  ...[...events, ...(told.flags ?? []), ...(told.partial ?? [])],
  ...[...(told.unlinked ?? []), ...(told.unlinkedFlags ?? []), ...(told.unlinkedPartial ?? [])],
  ...links,
];

type Change = { readonly how: string; readonly at: number; readonly length: number; readonly byte: number };

function mutated(body: Uint8Array, { how, at, length, byte }: Change): Uint8Array<ArrayBuffer> {
  const from = at % body.length;
  const [before, piece, after] = [body.slice(0, from), body.slice(from, from + length), body.slice(from + length)];
  switch (how) {
    case 'change':
      return new Uint8Array([...before, (piece[0] ?? 0) ^ byte, ...piece.slice(1), ...after]);
    case 'insert':
      return new Uint8Array([...before, byte, ...piece, ...after]);
    case 'remove':
      return new Uint8Array([...before, ...after]);
    case 'repeat':
      return new Uint8Array([...before, ...piece, ...piece, ...after]);
    default:
      return new Uint8Array([...before, ...after, ...piece]);
  }
}
