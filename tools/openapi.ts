// The OpenAPI document as the gateway serves it, made in Node: what the platform alone has is not needed for it.
// Printed when run by itself.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const PLATFORM = 'cloudflare:workers';
const STAND_IN = 'export class DurableObject {} export const env = {}; export const waitUntil = () => undefined;';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === PLATFORM ? { url: `data:text/javascript,${STAND_IN}`, shortCircuit: true } : next(specifier, context),
});

/** The text, as `GET /openapi.json` gives it. */
export async function openApiText(): Promise<string> {
  const { api } = await import('../src/api/app.ts');
  return (await api.request('/openapi.json')).text();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(await openApiText());
