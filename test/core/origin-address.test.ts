// Where deliveries may go: a table of addresses that look harmless and are not, and of those that are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AddressRules, addressProblem } from '../../src/core/origin-address.ts';

const DEPLOYED: AddressRules = { isLocal: false, binding: null, publicUrl: 'https://pay.shop.example' };
const LOCAL: AddressRules = { isLocal: true, binding: null, publicUrl: 'http://127.0.0.1:8787' };

const HOSTILE: Readonly<Record<string, readonly string[]>> = {
  'no URL, or none of the web': [
    '',
    'shop.example',
    '/hooks',
    '//shop.example/hooks',
    'https://',
    'https:///',
    'ftp://shop.example/',
    'file:///etc/passwd',
    'gopher://shop.example:70/_x',
    'javascript:alert(1)',
    'data:text/plain,x',
    'ws://shop.example/',
    'blob:https://shop.example/x',
    'http://shop.example/',
  ],
  'loopback in every notation': [
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://127.255.255.254/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0x0.0x0.0x1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://[::1]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://127.0.0.1./',
    'https://１２７.０.０.１/',
    'https://①②⑦.0.0.1/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
    'https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
    'https:127.0.0.1',
  ],
  'private, shared and link-local addresses': [
    'https://10.0.0.1/',
    'https://10.1/',
    'https://0x0a.1/',
    'https://012.0.0.1/',
    'https://167772161/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://192.168.257/',
    'https://100.64.0.1/',
    'https://100.127.255.255/',
    'https://169.254.1.1/',
    'https://[fc00::1]/',
    'https://[fd12:3456::1]/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::10.0.0.1]/',
    'https://[::ffff:0:10.0.0.1]/',
    'https://[64:ff9b::10.0.0.1]/',
    'https://[64:ff9b:1::10.0.0.1]/',
    'https://[2002:a00:1::]/',
    'https://[2001:0:53aa:64c::]/',
  ],
  'where clouds keep their secrets': [
    'https://169.254.169.254/latest/meta-data/',
    'https://2852039166/',
    'https://0xa9fea9fe/',
    'https://0251.0376.0251.0376/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://169.254.170.2/v2/credentials',
    'https://100.100.100.200/',
    'https://192.0.0.192/',
    'https://168.63.129.16/',
    'https://[::ffff:168.63.129.16]/',
    'https://metadata.google.internal/',
    'https://metadata.google.internal./',
    'https://METADATA.google.internal:443/computeMetadata/v1/',
    'https://metadata/',
  ],
  'addresses that are no host': [
    'https://0/',
    'https://0.0.0.0/',
    'https://[::]/',
    'https://224.0.0.1/',
    'https://239.255.255.255/',
    'https://255.255.255.255/',
    'https://240.0.0.1/',
    'https://192.0.2.1/',
    'https://198.18.0.1/',
    'https://198.51.100.1/',
    'https://203.0.113.1/',
    'https://192.88.99.1/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://[100::1]/',
    'https://[3fff::1]/',
    'https://[5f00::1]/',
    'https://[4000::1]/',
    'https://256.256.256.256/',
    'https://1.2.3.4.5/',
    'https://4294967296/',
    'https://[fe80::1%25eth0]/',
    'https://[1::2::3]/',
  ],
  'names of private networks, and names that stand for addresses': [
    'https://intranet/',
    'https://printer.local/',
    'https://Router.home.arpa./',
    'https://vault.svc.cluster.local/',
    'https://kubernetes.default.svc/',
    'https://db.lan/',
    'https://wiki.corp/',
    'https://nas.home/',
    'https://host.docker.internal/',
    'https://app.localdomain/',
    'https://1.0.0.10.in-addr.arpa/',
    'https://10.0.0.1.nip.io/',
    'https://10-0-0-1.sslip.io/',
    'https://localtest.me/',
    'https://shop..example/',
    'https://.shop.example/',
    'https://shop.example../',
    'https://loc\u00adalhost/',
  ],
  'one thing to the eye and another to the parser': [
    'https://user:pass@shop.example/',
    'https://shop.example@10.0.0.1/',
    'https://shop.example%2f@10.0.0.1/',
    'https://:@shop.example:pass@10.0.0.1/',
    'https://shop.example#@10.0.0.1/',
    'https://shop.example/#x',
    'https://10.0.0.1\\@shop.example/',
    'https:\\\\10.0.0.1\\',
    'https://10.0.0.1\t/',
    'https://shop.ex\nample/',
    ' https://shop.example/',
    'https://shop.example/a b',
    'https://shop.example/\u0000',
    'https://shop.example/\u202e',
    'https://127.0.0.1%00.shop.example/',
    'https://shop.example%00/',
    `https://shop.example/${'a'.repeat(2_048)}`,
  ],
  'the gateway itself': [
    'https://pay.shop.example/callbacks/shop',
    'https://PAY.shop.example:443/v1/orders',
    'https://%70ay.shop.example/',
  ],
};

describe('deliveries do not go to', () => {
  const all = Object.entries(HOSTILE).flatMap(([kind, urls]) => urls.map((url) => [kind, url] as const));

  it('any of well over sixty hostile URLs', () => {
    expect(new Set(all.map(([, url]) => url)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(60);
  });

  it.each(all)('%s: %j', (_, url) => {
    expect(addressProblem(url, DEPLOYED)).toMatch(/^must /);
  });

  it.each(all.filter(([kind]) => !kind.startsWith('loopback')))('%s, in a local run either: %j', (kind, url) => {
    const rules = kind === 'the gateway itself' ? { ...LOCAL, publicUrl: DEPLOYED.publicUrl } : LOCAL;
    expect(addressProblem(url, rules)).toMatch(/^must /);
  });

  it('any private address, however it is written', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const inside = fc.oneof(
      fc.tuple(fc.constant(10), octet, octet, octet),
      fc.tuple(fc.constant(127), octet, octet, octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
      fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
      fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
    );
    const number = ([a, b, c, d]: [number, number, number, number]) => ((a * 256 + b) * 256 + c) * 256 + d;
    const hex = (value: number) => value.toString(16);
    const written = fc.tuple(inside, fc.nat(7)).map(([parts, form]) => {
      const [a, b, c, d] = parts;
      const forms = [
        parts.join('.'),
        String(number(parts)),
        `0x${hex(number(parts))}`,
        parts.map((part) => `0${part.toString(8)}`).join('.'),
        `${a}.${b}.${c * 256 + d}`,
        `[::ffff:${parts.join('.')}]`,
        `[64:ff9b::${hex(a * 256 + b)}:${hex(c * 256 + d)}]`,
        `[2002:${hex(a * 256 + b)}:${hex(c * 256 + d)}::1]`,
      ];
      return forms[form] ?? '';
    });
    fc.assert(
      fc.property(written, (host) => {
        expect(addressProblem(`https://${host}/`, DEPLOYED)).toMatch(/^must /);
      }),
    );
  });
});

describe('deliveries go to', () => {
  it.each([
    'https://shop.example/hooks/tollgate',
    'https://shop.example.:8443/notify.php?channel=a&b=%20c',
    'https://localhost.shop.example/',
    'https://internal.shop.example/',
    'https://10.shop.example/',
    'https://店铺.example/回调',
    'https://xn--8mry50d.example/',
    'https://1.1.1.1/',
    'https://[2606:4700:4700::1111]/',
    'https://172.32.0.1/',
    'https://100.128.0.1/',
    'https://pay.shop.example:8443/',
  ])('%s', (url) => {
    expect(addressProblem(url, DEPLOYED)).toBeNull();
  });

  it.each(['http://127.0.0.1:9000/hook', 'http://localhost:9000/', 'http://[::1]:9000/', 'https://127.1:9000/'])(
    'this machine in a local run alone: %s',
    (url) => {
      expect(addressProblem(url, LOCAL)).toBeNull();
      expect(addressProblem(url, DEPLOYED)).toMatch(/^must /);
    },
  );

  it('themselves never, in a local run either', () => {
    expect(addressProblem('http://127.0.0.1:8787/callbacks/shop', LOCAL)).toBe('must not be the gateway itself');
  });

  it('any name through a binding that decides where they go, and still without credentials', () => {
    const rules = { ...DEPLOYED, binding: 'PRIVATE_TILL' };
    expect(addressProblem('http://till.internal:8080/hooks', rules)).toBeNull();
    expect(addressProblem('http://10.0.0.1/hooks', rules)).toBeNull();
    expect(addressProblem('http://user:pass@till.internal/', rules)).toMatch(/user name/);
    expect(addressProblem('ftp://till.internal/', rules)).toMatch(/https/);
  });

  it('public names alone through a binding that only shows a certificate', () => {
    const rules = { ...DEPLOYED, binding: 'MTLS_BANK' };
    expect(addressProblem('https://bank.example/hooks', rules)).toBeNull();
    expect(addressProblem('https://till.internal/hooks', rules)).toMatch(/private network/);
    expect(addressProblem('http://bank.example/hooks', rules)).toMatch(/https/);
  });
});
