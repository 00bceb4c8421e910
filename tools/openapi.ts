// The OpenAPI document as the gateway serves it, made in Node: what the platform alone has is not needed for it.
// Prints it.
import { registerHooks } from 'node:module';

const PLATFORM = 'cloudflare:workers';
const STAND_IN = 'export class DurableObject {} export const env = {}; export const waitUntil = () => undefined;';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === PLATFORM ? { url: `data:text/javascript,${STAND_IN}`, shortCircuit: true } : next(specifier, context),
});

const { api } = await import('../src/api/app.ts');
process.stdout.write(await (await api.request('/openapi.json')).text());
