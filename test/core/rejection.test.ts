// Rejection: one row for each reason, and rows that keep providers calling when the merchant can still mend it.
import { expect, it } from 'vitest';
import { REJECTION_REASONS, type RejectionReason, reject, wireOf } from '../../src/core/rejection.ts';

it('has the reasons that the public documentation lists', () => {
  const documented: readonly RejectionReason[] = [
    'unknown_channel',
    'channel_disabled',
    'method_not_allowed',
    'too_large',
    'malformed',
    'source_not_allowed',
    'header_missing',
    'timestamp_stale',
    'unknown_key',
    'keys_unavailable',
    'signature_invalid',
    'signature_probe',
    'decrypt_failed',
    'wrong_merchant',
    'wrong_environment',
    'overloaded',
  ];
  expect([...REJECTION_REASONS].sort()).toEqual([...documented].sort());
});

it.each(REJECTION_REASONS)('answers %s with a failure', (reason) => {
  const { status } = wireOf(reason);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(600);
});

it.each([
  'source_not_allowed',
  'unknown_key',
  'keys_unavailable',
  'decrypt_failed',
  'wrong_merchant',
  'wrong_environment',
  'channel_disabled',
  'overloaded',
] as const)('answers %s with 503: a key or an allowlist can be mended, and a 4xx may be taken as final', (reason) => {
  expect(wireOf(reason)).toMatchObject({ status: 503, curable: true });
});

it('answers a probe exactly as a wrong signature, and alarms for neither', () => {
  expect(wireOf('signature_probe').status).toBe(wireOf('signature_invalid').status);
  expect(wireOf('signature_probe').alarm).toBe(false);
  expect(wireOf('signature_invalid').alarm).toBe(false);
});

it('alarms for what only a person can mend, and for nothing else', () => {
  const alarming = REJECTION_REASONS.filter((reason) => wireOf(reason).alarm);
  expect([...alarming].sort()).toEqual(['decrypt_failed', 'keys_unavailable', 'wrong_environment', 'wrong_merchant']);
});

it('carries its reason and its sentence', () => {
  expect(reject('malformed', 'No JSON.')).toEqual({ reason: 'malformed', detail: 'No JSON.' });
});
