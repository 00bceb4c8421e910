// /v1/access: who may come into the console by Cloudflare Access, and with which role. Checks no token: the console
// does.
import { NO_ACCESS, plainEmail, ROLES } from '../core/access.ts';
import { readConfig } from '../env.ts';
import { forgetAccessCopy } from '../store/access-copy.ts';
import type { KeptAccess } from '../store/registry-logins.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { invalid, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const AUDIENCES_MAX = 10;
const RULES_MAX = 200;

const isTeam = (text: string): boolean => /^https:\/\/[a-z0-9][a-z0-9-]*\.cloudflareaccess\.com$/.test(text);
const isLocal = (text: string): boolean => /^http:\/\/(localhost|127\.0\.0\.1)(:\d{1,5})?$/.test(text);

const Rule = z
  .strictObject({
    kind: z.enum(['email', 'domain', 'group']),
    value: z.string().trim().min(1).max(200),
    role: z.enum(ROLES),
  })
  .transform((rule) => (rule.kind === 'group' ? rule : { ...rule, value: plainEmail(rule.value) }))
  .refine(({ kind, value }) => kind !== 'email' || /^[^\s@]+@[^\s@]+$/.test(value), {
    path: ['value'],
    message: 'must be an e-mail address',
  })
  .refine(({ kind, value }) => kind !== 'domain' || /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(value), {
    path: ['value'],
    message: 'must be what follows the @, such as shop.example',
  });

const AccessInput = z
  .strictObject({
    issuer: z
      .string()
      .transform((text) => text.replace(/\/+$/, ''))
      .nullable()
      .openapi({
        type: ['string', 'null'],
        description: 'https://<team>.cloudflareaccess.com; null: nobody comes in so.',
      }),
    audiences: z
      .array(z.string().regex(/^[0-9a-f]{64}$/, 'must be an Application Audience (AUD) tag: 64 hexadecimal digits'))
      .max(AUDIENCES_MAX),
    rules: z.array(Rule).max(RULES_MAX),
    ifVersion: z
      .int()
      .optional()
      .openapi({ description: 'Refused (409) when somebody changed it since this version.' }),
  })
  .openapi('AccessInput');

export const AccessBody = z
  .object({
    version: z.int().openapi({ description: '0: never set.' }),
    issuer: z.string().nullable(),
    audiences: z.array(z.string()),
    rules: z.array(z.object({ kind: z.enum(['email', 'domain', 'group']), value: z.string(), role: z.enum(ROLES) })),
  })
  .openapi('Access');

const render = ({ version, settings }: KeptAccess) => ({
  version,
  issuer: settings.issuer,
  audiences: [...settings.audiences],
  rules: settings.rules.map((rule) => ({ ...rule })),
});

export const access = newApp();

access.openapi(
  createRoute({
    method: 'get',
    path: '/access',
    summary: 'Read who may come in by Cloudflare Access',
    middleware: requires(),
    responses: { 200: jsonOf('The settings as they stand.', AccessBody), ...problemResponse },
  }),
  async (c) => c.json(render(await registryOf(c.env).readAccess()), 200),
);

access.openapi(
  createRoute({
    method: 'put',
    path: '/access',
    summary: 'Say who may come in by Cloudflare Access',
    description: 'The whole of it. Somebody whom no rule names any more is out within 10 seconds.',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(AccessInput) },
    responses: { 200: jsonOf('The settings as they stand now.', AccessBody), ...problemResponse },
  }),
  async (c) => {
    const { ifVersion = null, ...settings } = c.req.valid('json');
    const { issuer, audiences } = settings;
    if (issuer !== null && !isTeam(issuer) && !(readConfig(c.env).isLocal && isLocal(issuer))) {
      return refuse(c, invalid({ field: 'issuer', message: 'must be https://<your team>.cloudflareaccess.com' }));
    }
    if (issuer !== null && audiences.length === 0) {
      return refuse(c, invalid({ field: 'audiences', message: 'needs the AUD tag of the application that guards it' }));
    }
    const asked = issuer === null ? { ...NO_ACCESS, rules: settings.rules } : settings;
    const reply = await registryOf(c.env).changeAccess(asked, ifVersion, await stampOf(c, 'access'));
    if (reply.kind !== 'done') return refuseWrite(c, reply, 'This setting');
    forgetAccessCopy();
    return c.json(render(reply.value), 200);
  },
);
