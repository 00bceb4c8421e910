// POST /v1/channels/check: what was pasted, judged at once, and the provider asked about an order that does not exist.
// Keeps nothing, changes nothing, and repeats nothing of what was pasted.
import { fill } from '../core/language.ts';
import { pasted } from '../core/pasted-texts.ts';
import { changedFields } from '../core/rotation.ts';
import { type Holds, type PasteProblem, pasteProblemOf } from '../crypto/pasted.ts';
import { providerOf } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { requires } from './auth.ts';
import { Credentials, checkCredentials, overlaid, standingCredentials, stayingProblem } from './channel-credentials.ts';
import { type Proof, proofOf } from './channel-proof.ts';
import { Id } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { type FieldError, invalid, problemResponse, refuse } from './problem.ts';
import { credentialFields } from './providers.ts';
import { refuseWrite } from './write-problem.ts';

const ChannelCheckInput = z
  .strictObject({
    provider: z.string().optional().openapi({ description: 'Of a channel that is to be made.' }),
    channel: Id.optional().openapi({ description: 'Or a channel whose credentials are to change: others stay.' }),
    credentials: Credentials,
    environment: z.enum(['live', 'test']).optional().openapi({ description: 'Which the channel is to have.' }),
    ask: z.boolean().default(true).openapi({ description: 'False: the provider is not asked.' }),
  })
  .openapi('ChannelCheckInput');

const Verdict = z.enum(['ok', 'problem', 'unknown']);
export const ChannelCheckBody = z
  .object({
    ok: z.boolean().openapi({ description: 'No field has a problem, and the provider did not refuse.' }),
    fields: z.array(
      z.object({
        field: z.string().openapi({ description: 'Such as credentials.apiKey.' }),
        verdict: Verdict,
        code: z.string().openapi({ description: 'Stable: programs may branch on it.' }),
        seen: z.string(),
        detail: z.string().nullable().openapi({ description: 'What the provider’s own rules say of the field.' }),
        given: z.record(z.string(), z.union([z.string(), z.number()])),
      }),
    ),
    provider: z
      .object({ verdict: Verdict, code: z.string(), seen: z.string(), given: z.record(z.string(), z.string()) })
      .openapi({ description: 'Whether the provider takes the credentials.' }),
  })
  .openapi('ChannelCheck');

type FieldFinding = z.infer<typeof ChannelCheckBody>['fields'][number];

export const channelCheck = newApp();

channelCheck.openapi(
  createRoute({
    method: 'post',
    path: '/channels/check',
    summary: 'Check credentials before a channel is made or changed',
    description:
      'Says of each field what was pasted wrongly and how, and asks the provider about an order that does not exist: ' +
      'its word that there is none proves the credentials. Nothing is kept.',
    middleware: requires(),
    request: { body: bodyOf(ChannelCheckInput) },
    responses: { 200: jsonOf('What was found.', ChannelCheckBody), ...problemResponse },
  }),
  async (c) => {
    const { provider: named, channel: id, credentials: given, environment, ask } = c.req.valid('json');
    const record = id === undefined ? null : await registryOf(c.env).readChannel(id);
    if (id !== undefined && !record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const providerId = record?.channel.provider ?? named;
    if (providerId === undefined) return refuse(c, invalid({ field: 'provider', message: 'or channel is missing' }));
    const standing = record && (await standingCredentials(c, record.channel));
    const whole = standing ? overlaid(standing, given) : given;
    const checked = await checkCredentials(providerId, whole);
    if (standing && checked.ok) {
      const { provider, credentials } = checked.value;
      const staying = stayingProblem(provider, changedFields(provider.credentials.parse(standing), credentials));
      if (staying !== null) return refuse(c, staying);
    }
    const errors = checked.ok ? [] : (checked.error.errors ?? []);
    if (errors.some(({ field }) => field === 'provider')) return refuse(c, invalid(...errors));
    const now = Date.now();
    const fields = [...explained(providerId, given, errors, now), ...bentBeside(providerId, given, errors, now)];
    if (checked.ok) {
      const { provider, credentials } = checked.value;
      const wanted = environment ?? record?.channel.environment ?? null;
      fields.push(...soundFields(provider, given, credentials, wanted, now));
    }
    const isSound = fields.every(({ verdict }) => verdict !== 'problem');
    const proof: Proof =
      checked.ok && isSound && ask ? await proofOf(c.env, checked.value, record) : { code: 'skipped', detail: '' };
    const isOk = isSound && VERDICTS[proof.code] !== 'problem';
    return c.json({ ok: isOk, fields, provider: renderProof(proof) }, 200);
  },
);

const VERDICTS: Readonly<Record<Proof['code'], z.infer<typeof Verdict>>> = {
  proved: 'ok',
  refused: 'problem',
  unverified: 'problem',
  unset: 'unknown',
  away: 'unknown',
  cannot: 'unknown',
  skipped: 'unknown',
};

const renderProof = ({ code, detail }: Proof) => ({
  verdict: VERDICTS[code],
  code,
  seen: fill(pasted[`asked.${code}`].en, { detail }).trim(),
  given: { detail },
});

/** What the provider's rules refused, with what can be told of the pasting. */
function* explained(
  providerId: string,
  given: Readonly<Record<string, unknown>>,
  errors: readonly FieldError[],
  now: number,
): Generator<FieldFinding> {
  const kinds = kindsOf(providerId);
  for (const { field, message } of errors) {
    const [, name = '', ...path] = field.split('.');
    const text = [...textsIn(given[name], path)][0];
    const found = text === undefined ? null : pasteProblemOf(text, kinds.get(name) ?? null, now);
    yield finding(field, 'problem', found?.code ?? 'refused', found?.given ?? {}, message);
  }
}

/** What no field for a key takes, whatever its provider's rules say of the others. */
const NEVER: readonly PasteProblem['code'][] = [
  'escaped',
  'no_end',
  'ssh',
  'request',
  'quotes',
  'encrypted',
  'damaged',
];

/** Rules stop at the first thing that they miss: keys that were pasted wrong are told at once all the same. */
function* bentBeside(
  providerId: string,
  given: Readonly<Record<string, unknown>>,
  errors: readonly FieldError[],
  now: number,
): Generator<FieldFinding> {
  if (errors.length === 0) return;
  for (const [name, holds] of kindsOf(providerId)) {
    if (holds === null || errors.some(({ field }) => field.split('.')[1] === name)) continue;
    const found = [...textsIn(given[name], [])]
      .map((text) => pasteProblemOf(text, holds, now))
      .find((one) => one !== null && (NEVER.includes(one.code) || isOtherHalf(one.code, holds)));
    if (found) yield finding(`credentials.${name}`, 'problem', found.code, found.given, null);
  }
}

const isOtherHalf = (code: PasteProblem['code'], holds: Holds): boolean =>
  holds === 'private_key' ? code === 'public_key' || code === 'certificate' : code === 'private_key';

/** What was refused by nobody: secrets that were pasted badly all the same, ended certificates, the environment. */
function* soundFields(
  provider: AnyProvider,
  given: Readonly<Record<string, unknown>>,
  credentials: unknown,
  wanted: 'live' | 'test' | null,
  now: number,
): Generator<FieldFinding> {
  for (const { field: name, secret, holds } of credentialFields(provider)) {
    if (!(name in given) || !(secret || holds)) continue;
    const problems = [...textsIn(given[name], [])].map((text) => pasteProblemOf(text, holds, now));
    // The provider's rules read the key: of what a key's text shows, only its end in time is left to be said.
    const found = problems.find(
      (one) => one !== null && (holds === null || one.code === 'expired' || one.code === 'early'),
    );
    if (found) yield finding(`credentials.${name}`, 'problem', found.code, found.given, null);
    else yield finding(`credentials.${name}`, 'ok', 'sound', {}, null);
  }
  const theirs = provider.environmentOf?.(credentials) ?? null;
  if (wanted !== null && theirs !== null && theirs !== wanted) {
    yield finding('environment', 'problem', 'environment', { theirs, ours: wanted }, null);
  }
}

const kindsOf = (providerId: string): ReadonlyMap<string, Holds | null> => {
  const provider = providerOf(providerId);
  return new Map(provider ? credentialFields(provider).map(({ field, holds }) => [field, holds]) : []);
};

/** The text at the path, or all texts of a list or of an object's members. */
function* textsIn(value: unknown, path: readonly string[]): Generator<string> {
  const [next, ...rest] = path;
  if (typeof value === 'string') yield value;
  else if (typeof value !== 'object' || value === null) return;
  else if (next === undefined) for (const one of Object.values(value)) yield* textsIn(one, []);
  else yield* textsIn(Object.hasOwn(value, next) ? Reflect.get(value, next) : undefined, rest);
}

function finding(
  field: string,
  verdict: FieldFinding['verdict'],
  code: PastedCode,
  given: FieldFinding['given'],
  detail: string | null,
): FieldFinding {
  const { wants } = given;
  const worded = typeof wants === 'string' ? { ...given, wants: WANTS.get(wants) ?? wants } : given;
  return { field, verdict, code, seen: fill(pasted[`pasted.${code}`].en, worded), detail, given };
}
type PastedCode = keyof typeof pasted extends infer Key ? (Key extends `pasted.${infer Code}` ? Code : never) : never;
const WANTS: ReadonlyMap<string, string> = new Map(
  Object.entries(pasted).flatMap(([key, { en }]) => (key.startsWith('wants.') ? [[key.slice(6), en]] : [])),
);
