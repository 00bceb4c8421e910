// The provider without a single default: the conformance suite on a channel that spells everything out, and that
// nothing is assumed of what it does not.
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import {
  callbackOf,
  current,
  entered,
  former,
  NOW,
  payment,
  pemOf,
  refund,
  signed,
  stranger,
} from '../fixtures/generic/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('generic');
if (provider === null) throw new Error('generic is not registered');

const later = NOW + 3_600_000;
const TEXT = { 'content-type': 'text/plain' };

conformance({
  provider,
  entered,
  stranger: { ...entered, publicKeys: [pemOf(stranger.publicKey)] },
  now: NOW,
  genuine: {
    payment: signed(payment),
    'payment closed': signed({ ...payment, phase: 'void' }),
    refund: signed(refund('R1')),
  },
  redelivery: { callback: signed(payment, current, later), now: later },
  rotation: {
    entered: { ...entered, publicKeys: [pemOf(current.publicKey), pemOf(former.publicKey)] },
    callbacks: [signed(payment), signed(payment, former)],
  },
  weak: {
    'there is no key': { ...entered, publicKeys: [] },
    'a key is no PEM': { ...entered, publicKeys: ['AAAA'] },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [signed(refund('R1')), signed(refund('R2'))],
  linked: { payment: signed(payment), later: { 'a refund that names the deal': signed(refund('R1', {})) } },
  otherAccount: signed({ ...payment, shop: 'S-2' }),
  excused: { discounts: 'a profile maps plain values, and discounts are a list' },
  unknownType: signed({ ...payment, about: 'payout' }),
  signedHeaders: [],
  unsigned: {
    'left out': callbackOf({ ...payment, sent: String(NOW) }),
    blank: callbackOf({ ...payment, sent: String(NOW), seal: '' }),
  },
  signsValues: true,
  isDated: true,
  answers: { accepted: { status: 200, headers: TEXT, body: 'thanks' }, refused: { body: 'again' } },
});

describe('what a channel does not say', () => {
  it.each(['signature', 'formats', 'fields', 'statuses', 'amountUnit', 'acknowledgement'] as const)(
    'of %s is asked for by its name',
    (field) => {
      const { [field]: _, ...rest } = entered;
      const parsed = provider.credentials.safeParse(rest);
      expect(parsed.error?.issues.map(({ path }) => path[0])).toContain(field);
    },
  );
});
