// Where deliveries may go: https, no credentials in the URL, no address of a private network. Pure; looks up no name.
// Checked after URL parsing, which turns 0x7f.1 into 127.0.0.1 and ::ffff:10.0.0.1 into its own form.
import ipaddr from 'ipaddr.js';

const URL_CHARS_MAX = 2_048;

/** What is wrong with the URL, in words for the person who typed it; null when deliveries may go there. */
export function addressProblem(text: string, isLocal: boolean): string | null {
  if (text.length > URL_CHARS_MAX) return `must be at most ${URL_CHARS_MAX} characters`;
  if (!URL.canParse(text)) return 'must be an absolute URL such as https://shop.example/hooks';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must carry no user name or password: deliveries are signed';
  if (url.hash !== '') return 'must have no #fragment: it is never sent';
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isLocal && isLoopback(host) && (url.protocol === 'http:' || url.protocol === 'https:')) return null;
  if (url.protocol !== 'https:') return 'must begin with https://';
  return hostProblem(host);
}

function hostProblem(host: string): string | null {
  if (isLoopback(host)) return 'must not be a loopback address: deliveries leave from elsewhere';
  if (ipaddr.isValid(host)) {
    const range = ipaddr.process(host).range();
    return range === 'unicast' ? null : `must be a public address: ${host} is ${range}`;
  }
  return host.includes('.') ? null : 'must name a public host with a dot in it';
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
