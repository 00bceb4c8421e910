// /v1/me: whose key this is and what it may do, for programs and pages that show only what their caller may use.
import { SCOPES } from '../core/registry.ts';
import { requires } from './auth.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { problemResponse } from './problem.ts';

export const MeBody = z
  .object({
    id: z.string().openapi({ description: 'The id of the key; admin for the admin key.' }),
    scopes: z.array(z.enum(SCOPES)),
  })
  .openapi('Me');

export const me = newApp();

me.openapi(
  createRoute({
    method: 'get',
    path: '/me',
    summary: 'Read whose key this is, and what it may do',
    middleware: requires(...SCOPES),
    responses: { 200: jsonOf('The caller.', MeBody), ...problemResponse },
  }),
  (c) => {
    const { id, scopes } = c.get('principal');
    return c.json({ id, scopes: [...scopes] }, 200);
  },
);
