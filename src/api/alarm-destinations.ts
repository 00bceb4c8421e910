// /v1/alarm-destinations: where alarms go. An address of a chat platform is a password: it is sealed, and never shown
// again; neither is a secret, but for the one that is made here, by the call that makes it.
import { FORMS, hookProblem, shownAddress } from '../alarm/index.ts';
import {
  DESTINATION_KINDS,
  type Destination,
  type DestinationKind,
  isTimeZone,
  offsetMinutesAt,
  type QuietHours,
} from '../core/alarm-rule.ts';
import { DESTINATIONS_MAX } from '../core/limits.ts';
import { addressProblem } from '../core/origin-address.ts';
import { err, ok, type Result } from '../core/result.ts';
import { seal } from '../crypto/seal.ts';
import { mailOf, readConfig } from '../env.ts';
import { deskOf } from './alarms.ts';
import { actOf, newIv, noteDone, requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, IdParam, iso, Time } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { HMAC_MEND, hmacSecretFrom } from './origin-secret.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { type FieldError, invalid, notFound, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

export const alarmDestinations = newApp();

const Clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:00');
const Quiet = z
  .strictObject({
    from: Clock,
    to: Clock,
    utcOffsetMinutes: z.int().min(-840, 'must be at least -840').max(840, 'must be at most 840').optional(),
    timeZone: z
      .string()
      .max(64)
      .refine(isTimeZone, 'must be the name of a time zone such as Europe/Berlin')
      .optional()
      .openapi({ description: 'Instead of utcOffsetMinutes: a zone by its IANA name, whose clocks may change.' }),
  })
  .refine(({ utcOffsetMinutes, timeZone }) => (utcOffsetMinutes === undefined) !== (timeZone === undefined), {
    message: 'is missing: give the name of a zone, or utcOffsetMinutes, and not both',
    path: ['timeZone'],
  })
  .nullable()
  .openapi({ description: 'Only rules that are critical are told within them; the rest waits for their end.' });
const Mail = z.email('must be an address such as ops@shop.example').max(254);

const changeable = {
  language: z.enum(['en', 'zh']),
  enabled: z.boolean(),
  quietHours: Quiet,
  url: z.string().min(1).max(2_048).openapi({ description: 'The address that the platform gave out. Never shown.' }),
  secret: z
    .string()
    .min(1)
    .max(200)
    .openapi({ description: 'feishu, dingtalk: the signing secret of the robot. webhook: whsec_…, made if left out.' }),
  from: Mail.openapi({ description: 'email: a sender of a domain of yours at Cloudflare.' }),
  to: z.array(Mail).min(1).max(20),
};
const { language, enabled, quietHours, ...ways } = changeable;
const Input = z
  .strictObject({ id: Id, kind: z.enum(DESTINATION_KINDS), language: language.default('en') })
  .extend({ enabled: enabled.default(true), quietHours: quietHours.default(null) })
  .extend(z.strictObject(ways).partial().shape)
  .openapi('AlarmDestinationInput');
const Patch = z.strictObject(changeable).partial().openapi('AlarmDestinationPatch');
type Ways = { readonly [K in keyof typeof ways]?: z.infer<(typeof ways)[K]> | undefined };

export const DestinationBody = z
  .object({
    id: z.string(),
    kind: z.enum(DESTINATION_KINDS),
    language,
    enabled,
    quietHours: z
      .object({ from: z.string(), to: z.string(), utcOffsetMinutes: z.int(), timeZone: z.string().optional() })
      .nullable(),
    address: z.string().openapi({ description: 'Enough of it to tell two apart.' }),
    signed: z.boolean(),
    from: z.string().nullable(),
    to: z.array(z.string()),
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('AlarmDestination');
const WithSecret = DestinationBody.extend({
  secret: z.string().optional().openapi({ description: 'Of a webhook, when it was made here, this once.' }),
}).openapi('AlarmDestinationWithSecret');

const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
const clockOf = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
const quietOf = (entered: z.infer<typeof Quiet>): QuietHours | null =>
  entered && {
    utcOffsetMinutes: entered.utcOffsetMinutes ?? 0,
    timeZone: entered.timeZone,
    from: minutesOf(entered.from),
    to: minutesOf(entered.to),
  };

const render = (one: Destination): z.infer<typeof DestinationBody> => ({
  id: one.id,
  kind: one.kind,
  language: one.language,
  enabled: one.enabled,
  quietHours: one.quietHours && {
    ...one.quietHours,
    from: clockOf(one.quietHours.from),
    to: clockOf(one.quietHours.to),
    utcOffsetMinutes: offsetMinutesAt(one.quietHours, Date.now()),
  },
  address: one.shownUrl ?? one.to.join(', '),
  signed: one.secret !== null,
  from: one.from,
  to: [...one.to],
  createdAt: iso(one.createdAt),
  updatedAt: iso(one.updatedAt),
});

const complain = (field: string, message: string) => err({ field, message });

type Way = Pick<Destination, 'url' | 'shownUrl' | 'secret' | 'from' | 'to'>;

/** What was entered, checked against the kind and sealed; only what was named. */
async function wayOf(
  env: Env,
  { id, kind }: { readonly id: string; readonly kind: DestinationKind },
  { url, secret, from, to }: Ways,
): Promise<Result<Partial<Way>, FieldError>> {
  const { masterKey, isLocal, publicUrl } = readConfig(env);
  const sealed = (text: string) => seal(text, masterKey, `alarm-destination/${id}`, newIv());
  if (kind === 'email') {
    if (url !== undefined) return complain('url', 'is not for e-mail: remove it');
    if (secret !== undefined) return complain('secret', 'is not for e-mail: remove it');
    if (mailOf(env) === null) return complain('kind', 'needs a send_email binding EMAIL: add it to wrangler.toml');
    return ok({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
  }
  if (from !== undefined) return complain('from', `is not for ${kind}: remove it`);
  if (to !== undefined) return complain('to', `is not for ${kind}: remove it`);
  if (url !== undefined) {
    const problem = addressProblem(url, { isLocal, publicUrl, binding: null });
    const wrong = problem ?? hookProblem(kind, new URL(url), isLocal);
    if (wrong !== null) return complain('url', wrong);
  }
  const form = FORMS[kind];
  if (secret !== undefined && form.secret === 'none') return complain('secret', `is not for ${kind}: remove it`);
  const checked = secret !== undefined && form.secret === 'needed' ? await hmacSecretFrom(secret) : secret;
  if (checked === null) return complain('secret', HMAC_MEND);
  const address = url === undefined ? {} : { url: await sealed(url), shownUrl: shownAddress(url) };
  return ok({ ...address, ...(checked === undefined ? {} : { secret: await sealed(checked) }) });
}

alarmDestinations.openapi(
  createRoute({
    method: 'post',
    path: '/alarm-destinations',
    summary: 'Create a destination of alarms',
    description: 'It is told what is raised from now on.',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(Input) },
    responses: { 201: jsonOf('The destination.', WithSecret), ...problemResponse },
  }),
  async (c) => {
    const { id, kind, language: tongue, enabled: isOn, quietHours: quiet, ...entered } = c.req.valid('json');
    const missing = kind === 'email' ? (['from', 'to'] as const) : (['url'] as const);
    const absent = missing.filter((name) => entered[name] === undefined);
    const isMade = FORMS[kind].secret === 'needed' && entered.secret === undefined;
    const secret = isMade ? ((await hmacSecretFrom(undefined)) ?? undefined) : entered.secret;
    const way = await wayOf(c.env, { id, kind }, { ...entered, secret });
    if (!way.ok) return refuse(c, invalid(way.error));
    if (absent.length > 0) {
      return refuse(c, invalid(...absent.map((field) => ({ field, message: `is missing: ${kind} needs it` }))));
    }
    const blank: Way = { url: null, shownUrl: null, secret: null, from: null, to: [] };
    const draft = { id, kind, enabled: isOn, language: tongue, quietHours: quietOf(quiet), ...blank, ...way.value };
    if ((await deskOf(c.env).listDestinations()).length >= DESTINATIONS_MAX) {
      const message = `is the ${DESTINATIONS_MAX + 1}st: remove one that nobody reads any more`;
      return refuse(c, invalid({ field: 'id', message }));
    }
    const stamp = await stampOf(c, `alarm-destination/${id}`);
    const reply = await deskOf(c.env).createDestination(draft, stamp);
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Destination ${id}`);
    await noteDone(c, stamp, reply);
    const shown = isMade && !reply.repeated && secret !== undefined ? { secret } : {};
    return c.json({ ...render(reply.value), ...shown }, 201);
  },
);

alarmDestinations.openapi(
  createRoute({
    method: 'get',
    path: '/alarm-destinations',
    summary: 'List the destinations of alarms',
    middleware: requires('read'),
    request: { query: PageQuery },
    responses: {
      200: jsonOf('Destinations by id.', pageOf('AlarmDestinationPage', DestinationBody)),
      ...problemResponse,
    },
  }),
  async (c) => {
    const page = cutById(await deskOf(c.env).listDestinations(), c.req.valid('query'), render);
    return page.ok ? c.json(page.value, 200) : refuse(c, page.error);
  },
);

alarmDestinations.openapi(
  createRoute({
    method: 'get',
    path: '/alarm-destinations/{id}',
    summary: 'Read a destination of alarms',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: { 200: jsonOf('The destination, without what is secret.', DestinationBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const found = await deskOf(c.env).readDestination(id);
    return found ? c.json(render(found), 200) : refuse(c, notFound(`Destination ${id}`));
  },
);

alarmDestinations.openapi(
  createRoute({
    method: 'patch',
    path: '/alarm-destinations/{id}',
    summary: 'Change a destination of alarms',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders, body: bodyOf(Patch) },
    responses: { 200: jsonOf('The destination as it stands now.', DestinationBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const { language: tongue, enabled: isOn, quietHours: quiet, ...entered } = c.req.valid('json');
    const known = await deskOf(c.env).readDestination(id);
    if (!known) return refuse(c, notFound(`Destination ${id}`));
    const way = await wayOf(c.env, known, entered);
    if (!way.ok) return refuse(c, invalid(way.error));
    const hours = quiet === undefined ? undefined : quietOf(quiet);
    const change = { language: tongue, enabled: isOn, quietHours: hours, ...way.value };
    const stamp = await stampOf(c);
    const reply = await deskOf(c.env).changeDestination(id, change, stamp);
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Destination ${id}`);
    await noteDone(c, stamp, reply);
    return c.json(render(reply.value), 200);
  },
);

alarmDestinations.openapi(
  createRoute({
    method: 'delete',
    path: '/alarm-destinations/{id}',
    summary: 'Remove a destination of alarms',
    description: 'What waits for it goes with it. A rule that named it alone is for all destinations again.',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders },
    responses: { 200: jsonOf('The destination as it stood.', DestinationBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const stamp = await stampOf(c);
    const reply = await deskOf(c.env).deleteDestination(id, stamp);
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Destination ${id}`);
    await noteDone(c, stamp, reply);
    return c.json(render(reply.value), 200);
  },
);

const TestBody = z
  .object({ taken: z.boolean(), error: z.string().nullable().openapi({ description: 'Why it was not taken.' }) })
  .openapi('AlarmTest');

alarmDestinations.openapi(
  createRoute({
    method: 'post',
    path: '/alarm-destinations/{id}/test',
    summary: 'Send a test to a destination of alarms',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders },
    responses: { 200: jsonOf('What became of it.', TestBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const tested = await deskOf(c.env).sendTest(id);
    if (!tested) return refuse(c, notFound(`Destination ${id}`));
    await registryOf(c.env).noteAct(actOf(c), Date.now());
    return c.json({ taken: tested.error === null, error: tested.error }, 200);
  },
);
