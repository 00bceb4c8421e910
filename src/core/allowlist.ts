// Allowlist: may this address call this channel? Pure. Malformed ranges and addresses never match; they never throw.
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** Ranges parsed once, so that a callback only compares. */
export type Allowlist = readonly Range[];

/** Bits before the IPv4 part of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX_BITS = 96;

/** Parses `10.0.0.0/8`, `2001:db8::/32` or a bare address; null for anything else, octal and short forms included. */
export function parseRange(text: string): Range | null {
  const [head = '', prefix, ...rest] = text.split('/');
  const address = parseAddress(head);
  if (address === null || rest.length > 0) return null;
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (prefix === undefined) return [plain(address), plain(address).kind() === 'ipv4' ? 32 : 128];
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) return null;
  return unmapped(address, Number(prefix));
}

export function compileAllowlist(ranges: readonly string[]): Allowlist {
  return ranges.map(parseRange).filter((range) => range !== null);
}

/** False for no address at all: who cannot be placed is not on the list. */
export function allows(allowlist: Allowlist, address: string | null): boolean {
  const parsed = address === null ? null : parseAddress(address);
  if (parsed === null) return false;
  const caller = plain(parsed);
  return allowlist.some(([network, bits]) => network.kind() === caller.kind() && caller.match(network, bits));
}

function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null;
}

/** An IPv4 caller may be written as ::ffff:a.b.c.d; both are the same address. */
const plain = (address: Address): Address =>
  address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;

function unmapped(address: Address, prefixBits: number): Range {
  const inner = plain(address);
  if (inner === address) return [address, prefixBits];
  return prefixBits >= MAPPED_PREFIX_BITS ? [inner, prefixBits - MAPPED_PREFIX_BITS] : [address, prefixBits];
}
