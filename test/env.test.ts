// The configuration: what is refused, in which words, and that no value of a secret stands in them.
import { describe, expect, it } from 'vitest';
import { readConfig, type Vars } from '../src/env.ts';

const GOOD: Vars = {
  TOLLGATE_PUBLIC_URL: 'https://pay.shop.example',
  TOLLGATE_PROVIDER_BASE: '',
  TOLLGATE_MASTER_KEY: 'dGVzdC1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzLWxvbmc=',
  TOLLGATE_ADMIN_KEY: 'tg_a_test_key_valid_nowhere',
  TOLLGATE_LEASE_MS: '60000',
};
const local = (url: string) => ({ ...GOOD, TOLLGATE_PUBLIC_URL: url });
const SANDBOX = 'http://127.0.0.1:8788';

describe('the configuration', () => {
  it('of a deployment is not local, and its address has no slash at the end', () => {
    expect(readConfig(local('https://pay.shop.example/'))).toMatchObject({
      publicUrl: 'https://pay.shop.example',
      providerBase: null,
      isLocal: false,
    });
  });

  it('may do without a public address, and is not local then', () => {
    expect(readConfig(local(''))).toMatchObject({ publicUrl: null, isLocal: false });
  });

  it.each(['http://127.0.0.1:8787', 'http://127.9.9.9', 'http://localhost:1', 'http://[::1]:8787', 'http://0x7f.1'])(
    'is local at %s, and only there may providers be replaced',
    (url) => {
      expect(readConfig({ ...local(url), TOLLGATE_PROVIDER_BASE: SANDBOX })).toMatchObject({
        isLocal: true,
        providerBase: SANDBOX,
      });
    },
  );

  it.each(['http://127.shop.example', 'http://127.0.0.1.shop.example', 'http://localhost.shop.example'])(
    'is not local at %s, which only looks so',
    (url) => expect(() => readConfig(local(url))).toThrow('TOLLGATE_PUBLIC_URL must be https'),
  );

  it.each(['https://pay.shop.example', 'https://localhost', 'https://127.0.0.1', ''])(
    'refuses another base for providers where the public address is "%s"',
    (url) => {
      expect(() => readConfig({ ...local(url), TOLLGATE_PROVIDER_BASE: SANDBOX })).toThrow('TOLLGATE_PROVIDER_BASE');
    },
  );

  it.each(['shop.example', '/pay', 'https://shop.example?a=1', 'https://shop.example/#top', 'ftp://shop.example'])(
    'refuses the public address %s',
    (url) => expect(() => readConfig(local(url))).toThrow('TOLLGATE_PUBLIC_URL'),
  );

  it.each([
    ['TOLLGATE_MASTER_KEY', ''],
    ['TOLLGATE_MASTER_KEY', 'c2hvcnQ='],
    ['TOLLGATE_MASTER_KEY', 'dGVzdC1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzLWxvbmc'],
    ['TOLLGATE_ADMIN_KEY', ''],
    ['TOLLGATE_ADMIN_KEY', 'tg_short'],
    ['TOLLGATE_ADMIN_KEY', 'no-prefix-but-long-enough-to-pass'],
    ['TOLLGATE_LEASE_MS', '5'],
  ])('refuses %s "%s", names it and repeats neither it nor another', (name, value) => {
    const refused = () => readConfig({ ...GOOD, [name]: value });
    expect(refused).toThrow(name);
    for (const secret of [value, GOOD.TOLLGATE_MASTER_KEY, GOOD.TOLLGATE_ADMIN_KEY]) {
      if (secret.length > 5) expect(refused).not.toThrow(secret);
    }
  });
});
