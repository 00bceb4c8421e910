// The Worker of the providers' table: runs one provider's verify and translate, or the bare cryptography beside it,
// many times in one request, because a Worker's own clock stands still while it computes. Never deployed.
import { z } from 'zod';
import { providerOf } from '../../src/providers/index.ts';
import { OPERATIONS, operationOf, type Run } from './bare-operations.ts';

// The bindings of wrangler.toml want the gateway's classes to be there.
export * from '../../src/index.ts';

export const Prepared = z.object({
  provider: z.string(),
  entered: z.unknown(),
  now: z.number(),
  headers: z.record(z.string(), z.string()),
  bodyBase64: z.string(),
  keys: z.array(z.object({ serial: z.string(), pem: z.string(), effectiveAt: z.number(), expiresAt: z.number() })),
  bare: z.array(z.object({ operation: z.enum(OPERATIONS), bytes: z.int() })),
});
export type Prepared = z.infer<typeof Prepared>;

const runs = new Map<string, Run>();

async function prepare(name: string, given: Prepared): Promise<void> {
  const provider = providerOf(given.provider);
  if (provider === null) throw new Error(`${given.provider} is not registered`);
  const { now, headers, keys } = given;
  const credentials = provider.credentials.parse(given.entered);
  const body = Uint8Array.fromBase64(given.bodyBase64);
  const callback = { channelId: 'bench', headers, body, remoteAddress: null, receivedAt: now };
  runs.set(`${name}/provider`, async () => {
    const notice = await provider.verify(callback, credentials, keys, now);
    if (!notice.ok) throw new Error(`${notice.error.reason}: ${notice.error.detail}`);
    return provider.translate(notice.value, credentials).ok;
  });
  const operations = await Promise.all(given.bare.map(({ operation, bytes }) => operationOf(operation, bytes)));
  runs.set(`${name}/bare`, async () => {
    for (const run of operations) if (!(await run())) return false;
    return true;
  });
}

async function answer(request: Request): Promise<Response> {
  const [, name = '', what = '', times = '0'] = new URL(request.url).pathname.split('/');
  if (request.method === 'POST') {
    await prepare(name, Prepared.parse(await request.json()));
    return new Response(null, { status: 204 });
  }
  const run = runs.get(`${name}/${what}`);
  if (!run) return new Response(`nothing is prepared for ${name}/${what}`, { status: 404 });
  for (let left = Number(times); left > 0; left--) {
    if (!(await run())) return new Response(`${name}/${what} failed`, { status: 500 });
  }
  return new Response(null, { status: 204 });
}

export default {
  fetch: (request) => answer(request).catch((error: unknown) => new Response(String(error), { status: 500 })),
} satisfies ExportedHandler<Env>;
