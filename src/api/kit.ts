// The kit of the /v1 application: Hono with this Worker's bindings, and zod with OpenAPI. Decides nothing.
import { type Hook as AnyHook, OpenAPIHono } from '@hono/zod-openapi';
import type { Context as AnyContext, ErrorHandler as AnyErrorHandler } from 'hono';
import type { ZodType } from 'zod';
import type { Scope } from '../core/registry.ts';

export { createRoute, z } from '@hono/zod-openapi';
export { createMiddleware } from 'hono/factory';
export { HTTPException } from 'hono/http-exception';
export { routePath } from 'hono/route';
export type { ZodError } from 'zod';

/** Who calls: an API key, the admin key of the deployment, or a person whom the console vouches for. */
export type Principal = { readonly id: string; readonly scopes: readonly Scope[] };

export type ApiEnv = { Bindings: Env; Variables: { principal: Principal; vouched: Principal | null } };
export type { TypedResponse } from 'hono';
export type Context = AnyContext<ApiEnv>;
export type ErrorHandler = AnyErrorHandler<ApiEnv>;
export type Hook = AnyHook<unknown, ApiEnv, string, Response | undefined>;

export const newApp = () => new OpenAPIHono<ApiEnv>();

export const registryOf = (env: Env) => env.REGISTRY.getByName('registry');

/** A JSON answer of a route. */
export const jsonOf = <T extends ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A JSON body that a route needs. */
export const bodyOf = <T extends ZodType>(schema: T) => ({
  required: true as const,
  content: { 'application/json': { schema } },
});
