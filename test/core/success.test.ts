// What counts as success: the status, or the word that legacy handlers answer.
import { describe, expect, it } from 'vitest';
import { byReceipt, byStatuses, byWord, judgeAnswer, type SuccessCriterion } from '../../src/core/success.ts';
import { criterionOf, Success } from '../../src/formats/index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const STATUS: SuccessCriterion = { kind: 'status' };
const EQUALS: SuccessCriterion = { kind: 'equals', text: 'SUCCESS' };
const CONTAINS: SuccessCriterion = { kind: 'contains', text: 'ok' };

describe('an answer', () => {
  it.each([
    [STATUS, 200, 'fail', 'accepted'],
    [STATUS, 204, '', 'accepted'],
    [STATUS, 299, '', 'accepted'],
    [STATUS, 199, '', 'refused'],
    [STATUS, 302, '', 'refused'],
    [STATUS, 500, 'SUCCESS', 'refused'],
    [EQUALS, 200, 'SUCCESS', 'accepted'],
    [EQUALS, 200, '\ufeff SUCCESS\r\n', 'accepted'],
    [EQUALS, 200, 'success', 'refused'],
    [EQUALS, 200, 'SUCCESS!', 'refused'],
    [EQUALS, 200, 'FAIL', 'refused'],
    [EQUALS, 200, '', 'refused'],
    [EQUALS, 500, 'SUCCESS', 'refused'],
    [CONTAINS, 201, '{"result":"ok"}', 'accepted'],
    [CONTAINS, 200, 'OK', 'refused'],
    [CONTAINS, 404, 'ok', 'refused'],
  ] as const)('by %j: %i %j is %s', (criterion, status, body, taken) => {
    expect(judgeAnswer(criterion, status, bytes(body))).toBe(taken);
  });

  it('that is no text says nothing', () => {
    expect(judgeAnswer(EQUALS, 200, Uint8Array.of(0xff, 0xfe))).toBe('refused');
    expect(judgeAnswer(STATUS, 200, Uint8Array.of(0xff, 0xfe))).toBe('accepted');
  });

  it('is read as its provider does, by status or by one word', () => {
    expect([200, 204, 302, 500].map(byReceipt)).toEqual(['accepted', 'accepted', 'refused', 'refused']);
    expect([200, 201].map(byStatuses(200))).toEqual(['accepted', 'refused']);
    expect(byWord('success')(200, bytes('success\n'))).toBe('accepted');
    expect(byWord('success')(200, bytes('unsuccessful'))).toBe('refused');
  });
});

describe('what an origin may choose', () => {
  it.each([
    [undefined, STATUS],
    ['status', STATUS],
    [{ bodyEquals: ' SUCCESS ' }, EQUALS],
    [{ bodyContains: 'ok' }, CONTAINS],
  ])('%j', (entered, criterion) => {
    expect(criterionOf(Success.parse(entered))).toEqual(criterion);
  });

  it.each(['anything', {}, { bodyEquals: '' }, { bodyEquals: 'a', bodyContains: 'b' }, { bodyContains: 1 }])(
    'is not %j',
    (entered) => {
      expect(Success.safeParse(entered).success).toBe(false);
    },
  );
});
