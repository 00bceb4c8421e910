// The one door to providers' APIs, in workerd: whose client certificate a request shows, and what is said where there
// is none to show.
import { afterEach, expect, it, vi } from 'vitest';
import { callProvider } from '../../src/call-provider.ts';
import type { ProviderRequest } from '../../src/providers/provider.ts';

const refund: ProviderRequest = {
  method: 'POST',
  url: 'https://api.mch.weixin.qq.com/secapi/pay/refund?a=1',
  headers: { 'content-type': 'text/xml' },
  body: '<xml/>',
  certificateBinding: 'MTLS_SHOP',
};
const live = { providerBase: null };

/** A binding as `mtls_certificates` makes it: its fetch shows the certificate. Keeps what it was asked. */
function bindingOf(answer = 'through the binding') {
  const asked: { url: string; method: string | undefined }[] = [];
  const fetcher = {
    asked,
    async fetch(this: unknown, url: URL, init?: RequestInit) {
      expect(this).toBe(fetcher);
      asked.push({ url: String(url), method: init?.method });
      return new Response(answer);
    },
  };
  return fetcher;
}

function globalFetch() {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(String(url));
    return new Response('through the open');
  });
  return asked;
}

const textOf = (body: Uint8Array) => new TextDecoder().decode(body);

afterEach(() => vi.unstubAllGlobals());

it('calls through the binding that the request names, and only through it', async () => {
  const inTheOpen = globalFetch();
  const binding = bindingOf();
  const answer = await callProvider(refund, live, { MTLS_SHOP: binding });
  expect(answer.ok && textOf(answer.value.body)).toBe('through the binding');
  expect(binding.asked).toEqual([{ url: refund.url, method: 'POST' }]);
  expect(inTheOpen).toEqual([]);
});

it('calls in the open where no certificate is wanted', async () => {
  const inTheOpen = globalFetch();
  const { certificateBinding: _, ...plain } = refund;
  const answer = await callProvider(plain, live, { MTLS_SHOP: bindingOf() });
  expect(answer.ok && textOf(answer.value.body)).toBe('through the open');
  expect(inTheOpen).toEqual([refund.url]);
});

it('sends nothing and says what to run where the binding is missing', async () => {
  const inTheOpen = globalFetch();
  const answer = await callProvider(refund, live);
  expect(answer).toMatchObject({ ok: false, error: { code: 'no_certificate' } });
  const detail = answer.ok ? '' : answer.error.detail;
  expect(detail).toContain('npx wrangler mtls-certificate upload --cert apiclient_cert.pem --key apiclient_key.pem');
  expect(detail).toContain('[[mtls_certificates]] binding = "MTLS_SHOP"');
  expect(inTheOpen).toEqual([]);
});

it('takes no other binding for a certificate, whatever a channel names', async () => {
  const other = bindingOf();
  for (const name of ['LEDGER', 'ASSETS', 'mtls_shop', 'MTLS_', '__proto__', 'constructor']) {
    const answer = await callProvider({ ...refund, certificateBinding: name }, live, { LEDGER: other, ASSETS: other });
    expect(answer).toMatchObject({ ok: false, error: { code: 'no_certificate' } });
  }
  expect(await callProvider(refund, live, { MTLS_SHOP: 'text' })).toMatchObject({ error: { code: 'no_certificate' } });
  expect(other.asked).toEqual([]);
});

it('needs no certificate in a local run, where the base is the sandbox', async () => {
  const inTheOpen = globalFetch();
  const answer = await callProvider(refund, { providerBase: 'http://127.0.0.1:8788' });
  expect(answer.ok).toBe(true);
  expect(inTheOpen).toEqual(['http://127.0.0.1:8788/secapi/pay/refund?a=1']);
});
