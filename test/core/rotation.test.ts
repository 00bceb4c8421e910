// Which credentials a channel keeps while one set takes another's place, and how long the earlier ones count.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REJECTION_REASONS } from '../../src/core/rejection.ts';
import { changedFields, credentialsAfter, mayBeOtherSecret, previousAt } from '../../src/core/rotation.ts';

const NOW = 1_000_000;
const kept = { credentials: 'second', previous: { sealed: 'first', until: NOW + 10 } };
const rotation = { credentials: 'third', after: 'second', isSame: false, until: NOW + 60 };

describe('the credentials of a channel', () => {
  it('are followed by those that they replace until the end of the overlap', () => {
    const after = credentialsAfter({ credentials: 'first', previous: null }, { rotation }, NOW);
    expect(after).toEqual({ credentials: 'third', previous: { sealed: 'first', until: NOW + 60 } });
    expect(previousAt(after, NOW + 59)).toEqual(after.previous);
    expect(previousAt(after, NOW + 60)).toBeNull();
  });

  it('are followed by one earlier set alone, the latest', () => {
    const { previous } = credentialsAfter(kept, { rotation }, NOW);
    expect(previous).toEqual({ sealed: 'second', until: NOW + 60 });
  });

  it('are alone where no overlap is wanted', () => {
    const after = credentialsAfter(kept, { rotation: { ...rotation, until: NOW } }, NOW);
    expect(after).toEqual({ credentials: 'third', previous: null });
  });

  it('are alone when they were replaced at once', () => {
    expect(credentialsAfter(kept, { credentials: 'third' }, NOW)).toEqual({ credentials: 'third', previous: null });
  });

  it('that are sent again move the end of the overlap and lose nothing', () => {
    const again = { ...rotation, isSame: true };
    const after = credentialsAfter(kept, { rotation: again }, NOW);
    expect(after).toEqual({ credentials: 'second', previous: { sealed: 'first', until: NOW + 60 } });
    expect(credentialsAfter(kept, { rotation: { ...again, until: NOW } }, NOW).previous).toBeNull();
    expect(credentialsAfter({ ...kept, previous: null }, { rotation: again }, NOW).previous).toBeNull();
  });

  it('stay through every other change, without those whose end has come', () => {
    expect(credentialsAfter(kept, {}, NOW)).toEqual(kept);
    expect(credentialsAfter(kept, {}, NOW + 10)).toEqual({ ...kept, previous: null });
  });
});

it('a refusal may be another secret’s only where it is about the secret', () => {
  expect(REJECTION_REASONS.filter(mayBeOtherSecret)).toEqual([
    'unknown_key',
    'keys_unavailable',
    'signature_invalid',
    'decrypt_failed',
  ]);
});

describe('the fields that changed', () => {
  it.each<[string, object, object, string[]]>([
    ['none', { a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, []],
    ['a value', { a: 1, b: 2 }, { a: 1, b: 3 }, ['b']],
    ['one that came and one that went', { a: 1 }, { b: 1 }, ['a', 'b']],
    ['deep inside', { a: { b: [1, 2] } }, { a: { b: [1, 3] } }, ['a']],
    ['the order of a list', { a: [1, 2] }, { a: [2, 1] }, ['a']],
    ['a longer list', { a: [1] }, { a: [1, 2] }, ['a']],
    ['a list for an object', { a: [] }, { a: {} }, ['a']],
    ['null for an object', { a: null }, { a: {} }, ['a']],
    ['text for a number', { a: '1' }, { a: 1 }, ['a']],
    ['undefined is no member', { a: undefined }, {}, []],
  ])('are named: %s', (_what, before, after, fields) => {
    expect(changedFields(before, after)).toEqual(fields);
  });

  it('are none between any JSON and its copy, and are never fewer than what was added', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (members) => {
        expect(changedFields(members, JSON.parse(JSON.stringify(members)))).toEqual([]);
        expect(changedFields(members, { ...members, added: Symbol.iterator })).toContain('added');
      }),
    );
  });
});
