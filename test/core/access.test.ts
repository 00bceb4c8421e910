// Names of acts, and the roles of people.
import { describe, expect, it } from 'vitest';
import { plainEmail, roleOf, sessionsEndedAt } from '../../src/core/access.ts';
import { actNameOf, fieldNamesOf } from '../../src/core/act.ts';

describe('the name of an act', () => {
  it.each([
    ['POST', '/v1/channels', 'channel.create'],
    ['PATCH', '/v1/channels/:id', 'channel.change'],
    ['POST', '/v1/channels/:id/pause', 'channel.pause'],
    ['DELETE', '/v1/api-keys/:id', 'api-key.revoke'],
    ['PUT', '/v1/access', 'access.change'],
    ['POST', '/v1/projection/rebuild', 'projection.rebuild'],
    ['POST', '/v1/replays/{id}/cancel', 'replay.cancel'],
  ])('of %s %s is %s', (method, pattern, name) => {
    expect(actNameOf(method, pattern).kind).toBe(name);
  });

  it('comes with the names of fields, and none of their values', () => {
    expect(fieldNamesOf({ url: 'https://x', settings: { auth: ['secret'] }, ranges: [1] })).toBe(
      'url, settings.auth, ranges',
    );
    expect(fieldNamesOf(null)).toBe('');
    expect(fieldNamesOf(Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`field${n}`, n]))).length).toBe(300);
  });
});

describe('the role of a person', () => {
  const rules = [
    { kind: 'domain', value: 'shop.example', role: 'viewer' },
    { kind: 'group', value: 'on-call', role: 'operator' },
    { kind: 'email', value: 'boss@shop.example', role: 'admin' },
  ] as const;

  it('is the highest that a rule gives', () => {
    const role = (email: string, ...groups: string[]) => roleOf({ rules }, { email, groups });
    expect(role('a@shop.example')).toBe('viewer');
    expect(role('a@shop.example', 'on-call')).toBe('operator');
    expect(role('boss@shop.example', 'on-call')).toBe('admin');
    expect(role('x@other.example')).toBeNull();
    expect(role('x@evilshop.example')).toBeNull();
    expect(role('shop.example')).toBeNull();
  });

  it('goes by the e-mail in small letters', () => {
    expect(plainEmail(' Boss@Shop.Example ')).toBe('boss@shop.example');
  });

  it('ends with a logout of its own or of all', () => {
    const logouts = { all: 5, of: { a: 9 } };
    expect([
      sessionsEndedAt(logouts, 'a'),
      sessionsEndedAt(logouts, 'b'),
      sessionsEndedAt(logouts, 'constructor'),
    ]).toEqual([9, 5, 5]);
  });
});
