// The kit of the /v1 application: Hono with this Worker's bindings, and zod with OpenAPI. Decides nothing.
import { type Hook as AnyHook, createRoute as createAnyRoute, OpenAPIHono } from '@hono/zod-openapi';
import type { Context as AnyContext, ErrorHandler as AnyErrorHandler } from 'hono';
import type { ZodType } from 'zod';
import type { Scope } from '../core/registry.ts';

export { z } from '@hono/zod-openapi';
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

const namedOrNull = new Map<string, ZodType>();
export const OR_NULL = 'x-or-null';

/**
 * A schema with a name of its own, or null. The library confuses the two: a name that it meets with a null first is
 * nullable everywhere, and one that it meets so later never is (github.com/asteasolutions/zod-to-openapi/pull/387).
 * So each is told plain before anything else, and document.ts writes the null down by this mark.
 */
export function orNull<T extends ZodType>(name: string, schema: T) {
  namedOrNull.set(name, schema);
  return schema.nullable().openapi({ [OR_NULL]: true });
}

/** Before the document is made. */
export function tellPlain({ openAPIRegistry }: Pick<OpenAPIHono<ApiEnv>, 'openAPIRegistry'>): void {
  for (const [name, schema] of namedOrNull) openAPIRegistry.register(name, schema);
}

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

const scopesOfGuard = new WeakMap<object, readonly Scope[]>();

/** A route's guard is known by its scopes, so that the contract can name them. */
export function guards<T extends object>(guard: T, scopes: readonly Scope[]): T {
  scopesOfGuard.set(guard, scopes);
  return guard;
}

/** A route whose contract says which scopes let a caller in: one of them is enough, and `admin` always is. */
export const createRoute: typeof createAnyRoute = (route) => {
  const { middleware } = route;
  const scopes = typeof middleware === 'function' ? scopesOfGuard.get(middleware) : undefined;
  return createAnyRoute(
    scopes === undefined
      ? route
      : { ...route, security: [...new Set([...scopes, 'admin'])].map((one) => ({ key: [one] })) },
  );
};
