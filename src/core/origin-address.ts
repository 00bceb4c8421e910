// Where deliveries may go: https, no credentials in the URL, no address of a private network. Pure; looks up no name.
// Checked after URL parsing, which turns 0x7f.1 into 127.0.0.1 and ::ffff:10.0.0.1 into its own form. docs/origins.md
// says what a name may still do.
import ipaddr from 'ipaddr.js';

const URL_CHARS_MAX = 2_048;
/** The parser drops or replaces these, so that a reader would see another address than the one that is called. */
const DECEIVING = /[\p{Cc}\p{Cf}\p{Z}\\]/u;

/**
 * Names that no public DNS has, or should: RFC 6762 (and its appendix G), RFC 8375, `.internal`, which ICANN keeps for
 * private use, those that it will never delegate (corp, home), and what clusters and routers call their own.
 */
const PRIVATE_NAME =
  /\.(local|localdomain|internal|intranet|private|corp|home|lan|svc|home\.arpa|in-addr\.arpa|ip6\.arpa)$/;
/** Public names whose answers are the address that stands in them, or this machine. */
const NAMES_OF_ADDRESSES = /(^|\.)(nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com)$/;

/** IPv4 addresses in IPv6 form without a range of their own in ipaddr.js (RFC 4291, 2.5.5.1; deprecated). */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96');
/** All that IANA has given out of IPv6: what lies outside is nobody's. */
const IPV6_GIVEN_OUT = ipaddr.IPv6.parseCIDR('2000::/3');
/** The inside of every virtual machine of one cloud, though the address is public. */
const METADATA_ADDRESSES: readonly string[] = ['168.63.129.16'];

/** Bindings with this prefix decide themselves where a request goes: its URL names only what is asked there. */
const PRIVATE_BINDING = 'PRIVATE_';

export type AddressRules = {
  readonly isLocal: boolean;
  /** The binding that deliveries go through; null for the open net. */
  readonly binding: string | null;
  /** Where the gateway itself is reached; null while that is not configured. */
  readonly publicUrl: string | null;
};

/** What is wrong with the URL, in words for the person who typed it; null when deliveries may go there. */
export function addressProblem(text: string, { isLocal, binding, publicUrl }: AddressRules): string | null {
  if (text.length > URL_CHARS_MAX) return `must be at most ${URL_CHARS_MAX} characters`;
  if (DECEIVING.test(text)) return 'must have no spaces, no invisible characters and no backslash';
  if (!URL.canParse(text)) return 'must be an absolute URL such as https://shop.example/hooks';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must carry no user name or password: deliveries are signed';
  if (url.hash !== '') return 'must have no #fragment: it is never sent';
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  if (binding?.startsWith(PRIVATE_BINDING)) return isWeb ? null : 'must begin with https:// or http://';
  if (publicUrl !== null && new URL(publicUrl).host === url.host) return 'must not be the gateway itself';
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isLocal && isWeb && isLoopback(host)) return null;
  if (url.protocol !== 'https:') return 'must begin with https://';
  return hostProblem(host);
}

/** The same of an address that a provider's account names; only whom it calls is looked at. */
export function publicAddressProblem({ origin }: URL): string | null {
  return addressProblem(origin, { isLocal: false, binding: null, publicUrl: null });
}

function hostProblem(host: string): string | null {
  if (isLoopback(host)) return 'must not be a loopback address: deliveries leave from elsewhere';
  if (ipaddr.isValid(host)) return ipProblem(host);
  if (!host.includes('.') || host.split('.').includes('')) return 'must name a public host with a dot in it';
  if (NAMES_OF_ADDRESSES.test(host)) return `must be a name of your own: ${host} stands for an address`;
  return PRIVATE_NAME.test(host) ? `must be a public name: ${host} is a private network's` : null;
}

function ipProblem(host: string): string | null {
  const address = ipaddr.process(host);
  const range = METADATA_ADDRESSES.includes(address.toString()) ? 'a metadata address' : rangeOf(address);
  return range === 'unicast' ? null : `must be a public address: ${host} is ${range}`;
}

function rangeOf(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address.kind() === 'ipv4') return address.range();
  if (address.match(IPV4_COMPATIBLE)) return 'an IPv4 address in disguise';
  const range = address.range();
  return range === 'unicast' && !address.match(IPV6_GIVEN_OUT) ? 'nobody’s' : range;
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
