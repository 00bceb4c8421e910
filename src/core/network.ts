// The network that an address stands for, where visits are counted. Pure. Looks nothing up.
import ipaddr from 'ipaddr.js';

/** One subscriber has a whole /64 of IPv6 addresses to ask from (RFC 6177). */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
