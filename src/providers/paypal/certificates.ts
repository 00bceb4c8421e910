// PayPal's signing certificates: where they may be fetched from, and when one is believed. The address comes from a
// stranger's header: it is compared whole, and nothing but PayPal's own hosts is ever asked.
import type { FetchedKey } from '../../core/channel.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fromUtf8 } from '../../crypto/bytes.ts';
import { commonNameOf } from '../../crypto/certificate.ts';
import { certificatesIn, chainTo, invalidityOf } from '../../crypto/chain.ts';
import { rsaPublicKeyOf } from '../../crypto/rsa.ts';
import type { Provider, ProviderProblem } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { DIGICERT_ROOTS } from './roots.ts';

type Keys = NonNullable<Provider<Credentials, unknown>['keys']>;

const HOSTS: Readonly<Record<Credentials['environment'], readonly string[]>> = {
  live: ['api.paypal.com', 'api-m.paypal.com'],
  sandbox: ['api.sandbox.paypal.com', 'api-m.sandbox.paypal.com'],
};
const PATH = /^\/v1\/notifications\/certs\/[A-Za-z0-9-]{1,100}$/;
const RSA_BITS_MIN = 2048;
const ANSWER_CHARS_MAX = 65_536;

/** The address itself; null for any that is not PayPal's, or that is written in any other than the plain way. */
export function certificateUrlOf(text: string, { environment }: Credentials): string | null {
  const url = URL.parse(text);
  if (url === null || url.href !== text || url.protocol !== 'https:') return null;
  const isBare = url.username === '' && url.password === '' && url.port === '' && url.search === '' && url.hash === '';
  return isBare && HOSTS[environment].includes(url.hostname) && PATH.test(url.pathname) ? text : null;
}

export const keys: Keys = {
  byId: true,
  wanted: () => true,
  brought: () => false,
  request: async (credentials, { keyId = '' }) => {
    const url = certificateUrlOf(keyId, credentials);
    if (url === null) throw new Error('asked to fetch a certificate from somewhere that is not PayPal');
    return { method: 'GET', url, headers: { accept: '*/*' }, body: null };
  },
  read: async ({ status, body }, credentials, _keys, now, keyId = '') => {
    if (status !== 200) return problem('unavailable', `PayPal answered ${status} for its certificate.`);
    const text = fromUtf8(body);
    if (text === null || text.length > ANSWER_CHARS_MAX) return problem('malformed', 'The certificate is no text.');
    return believed(text, keyId, credentials, now);
  },
};

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** The signing certificate comes first, and what vouches for it after it; the end of the chain is ours. */
async function believed(
  text: string,
  url: string,
  { trustedCerts = '' }: Credentials,
  now: number,
): Promise<Result<readonly FetchedKey[], ProviderProblem>> {
  const [leaf, ...between] = certificatesIn(text);
  if (leaf === undefined) return problem('malformed', 'PayPal answered with no certificate that can be read.');
  const owner = commonNameOf(leaf.fields) ?? '';
  if (leaf.x509.ca || !owner.endsWith('.paypal.com')) {
    return problem('unverified', `The certificate is for ${JSON.stringify(owner.slice(0, 80))} and not for PayPal.`);
  }
  const chain = chainTo(certificatesIn(DIGICERT_ROOTS + trustedCerts), leaf, between);
  if (chain === null) {
    return problem(
      'unverified',
      'No trusted authority vouches for PayPal’s certificate. If PayPal has changed its authority, add the new one ' +
        'to trustedCerts.',
    );
  }
  const invalidity = invalidityOf(chain, now);
  if (invalidity !== null)
    return problem('unverified', `PayPal’s certificate, or one that vouches for it, ${invalidity}.`);
  const key = await rsaPublicKeyOf(leaf.pem);
  if (key === null || key.bits < RSA_BITS_MIN)
    return problem('unverified', 'PayPal’s certificate has no strong RSA key.');
  const expiresAt = Math.min(...chain.map(({ fields }) => fields.notAfter));
  return ok([{ serial: url, pem: leaf.pem, effectiveAt: leaf.fields.notBefore, expiresAt }]);
}
