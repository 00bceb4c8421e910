// Where deliveries may go: https, no credentials in the URL, no address of a private network. Pure; looks up no name.
// Checked after URL parsing, which turns 0x7f.1 into 127.0.0.1 and ::ffff:10.0.0.1 into its own form.
import ipaddr from 'ipaddr.js';

const URL_CHARS_MAX = 2_048;

/** Names that no public DNS has: RFC 6762, RFC 8375, and `.internal`, which ICANN keeps for private use. */
const PRIVATE_NAME = /\.(local|internal|home\.arpa)$/;
/** IPv4 addresses in IPv6 form without a range of their own in ipaddr.js (RFC 4291, 2.5.5.1; deprecated). */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96');

/** Bindings with this prefix decide themselves where a request goes: its URL names only what is asked there. */
const PRIVATE_BINDING = 'PRIVATE_';

export type AddressRules = {
  readonly isLocal: boolean;
  /** The binding that deliveries go through; null for the open net. */
  readonly binding: string | null;
};

/** What is wrong with the URL, in words for the person who typed it; null when deliveries may go there. */
export function addressProblem(text: string, { isLocal, binding }: AddressRules): string | null {
  if (text.length > URL_CHARS_MAX) return `must be at most ${URL_CHARS_MAX} characters`;
  if (!URL.canParse(text)) return 'must be an absolute URL such as https://shop.example/hooks';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must carry no user name or password: deliveries are signed';
  if (url.hash !== '') return 'must have no #fragment: it is never sent';
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  if (binding?.startsWith(PRIVATE_BINDING)) return isWeb ? null : 'must begin with https:// or http://';
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isLocal && isWeb && isLoopback(host)) return null;
  if (url.protocol !== 'https:') return 'must begin with https://';
  return hostProblem(host);
}

function hostProblem(host: string): string | null {
  if (isLoopback(host)) return 'must not be a loopback address: deliveries leave from elsewhere';
  if (ipaddr.isValid(host)) {
    const address = ipaddr.process(host);
    const isCompatible = address.kind() === 'ipv6' && address.match(IPV4_COMPATIBLE);
    const range = isCompatible ? 'an IPv4 address in disguise' : address.range();
    return range === 'unicast' ? null : `must be a public address: ${host} is ${range}`;
  }
  if (!host.includes('.') || host.split('.').includes('')) return 'must name a public host with a dot in it';
  return PRIVATE_NAME.test(host) ? `must be a public name: ${host} is a private network's` : null;
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
