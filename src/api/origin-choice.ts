// What somebody entered for an origin, beside what stands: checked as a whole, in fields that can be mended. Writes
// nothing, sends nothing.
import type { z } from '@hono/zod-openapi';
import { DEFAULT_ORIGIN_SETTINGS, type Origin, type OriginSecret, type OriginSettings } from '../core/origin.ts';
import { addressProblem } from '../core/origin-address.ts';
import { err, ok, type Result } from '../core/result.ts';
import { bindingOf, readConfig } from '../env.ts';
import { type FormatChoice, type FormatComplaint, parseFormat } from '../formats/index.ts';
import { authProblem, sealAuth } from './origin-auth.ts';
import { plainSettings } from './origin-settings.ts';
import type { OriginPatch } from './origin-shape.ts';
import { signingProblem } from './origin-signable.ts';
import type { FieldError } from './problem.ts';

type Entered = z.output<typeof OriginPatch>;
type Known = Pick<Origin, 'url' | 'format' | 'settings' | 'secrets'>;
type Choice = {
  readonly settings: Partial<OriginSettings>;
  /** Whether it is right only beside what stood: then nothing else may have changed meanwhile. */
  readonly leansOnKnown: boolean;
};

/** `known` is what stands, or the kind of secret that is being made with the origin. */
export async function readChoice(
  env: Env,
  id: string,
  entered: Entered,
  standing: Known | { readonly signature: OriginSecret['kind'] },
): Promise<Result<Choice, readonly FieldError[]>> {
  const known = 'secrets' in standing ? standing : null;
  const settings = plainSettings(entered, (known?.settings ?? DEFAULT_ORIGIN_SETTINGS).breaker);
  const format = readFormat(entered, known);
  const wrong = [
    ...addressErrors(env, entered, known),
    ...authErrors(entered, known),
    ...(format.ok ? [] : format.error.map((complaint) => fieldOf(complaint, entered))),
  ];
  if (!format.ok || wrong.length > 0) return err(wrong);
  const kinds = 'secrets' in standing ? kindsOf(standing.secrets, Date.now()) : [standing.signature];
  const unsigned = await formatUnsigned(entered, known, format.value, kinds);
  if (unsigned !== null) return err([unsigned]);
  const auth = entered.auth && (await sealAuth(entered.auth, id, readConfig(env).masterKey));
  const leaning = [entered.url, entered.binding, entered.formatOptions, entered.formatVersion, entered.breaker];
  return ok({
    settings: { ...settings, ...format.value, ...(auth === undefined ? {} : { auth }) },
    leansOnKnown: known !== null && leaning.some((value) => value !== undefined),
  });
}

/** The same rules for a format that is only looked at. */
export function readFormatChoice(
  entered: Pick<Entered, 'format' | 'formatVersion' | 'formatOptions'>,
  known: Pick<Known, 'format' | 'settings'>,
): Result<FormatChoice, readonly FieldError[]> {
  const read = readFormat(entered, known);
  if (!read.ok) return err(read.error.map((complaint) => fieldOf(complaint, entered)));
  const { formatVersion, formatOptions } = { ...known.settings, ...read.value };
  return ok({ name: entered.format ?? known.format, version: formatVersion, options: JSON.parse(formatOptions) });
}

export const kindsOf = (secrets: Origin['secrets'], now: number) =>
  secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).map(({ kind }) => kind);

/** A format that was not touched is not looked at: what it lacks was accepted before. */
async function formatUnsigned(
  entered: Entered,
  known: Known | null,
  { formatVersion, formatOptions }: Pinned,
  kinds: readonly OriginSecret['kind'][],
): Promise<FieldError | null> {
  if (formatVersion === undefined || formatOptions === undefined) return null;
  const name = entered.format ?? known?.format ?? 'standard';
  const choice = { name, version: formatVersion, options: JSON.parse(formatOptions) };
  const problem = await signingProblem(choice, kinds, Date.now());
  return problem === null ? null : { field: known === null ? 'signature' : 'format', message: problem };
}

type Pinned = Partial<Pick<OriginSettings, 'formatVersion' | 'formatOptions'>>;

/** Another format begins with its own options; the same one keeps its version, unless another is named. */
function readFormat(
  { format, formatVersion, formatOptions }: Entered,
  known: Pick<Known, 'format' | 'settings'> | null,
): Result<Pinned, readonly FormatComplaint[]> {
  if (known !== null && format === undefined && formatVersion === undefined && formatOptions === undefined) {
    return ok({});
  }
  const isSame = known !== null && (format === undefined || format === known.format);
  const version = formatVersion ?? (isSame ? known.settings.formatVersion : undefined);
  const options = formatOptions ?? (isSame ? JSON.parse(known.settings.formatOptions) : {});
  const name = format ?? known?.format ?? 'standard';
  const choice = parseFormat({ name, ...(version === undefined ? {} : { version }), options });
  if (!choice.ok) return choice;
  return ok({ formatVersion: choice.value.version, formatOptions: JSON.stringify(choice.value.options) });
}

/** The table of formats speaks of a choice; here it is spread over three fields. */
function fieldOf({ path: [first, ...rest], message }: FormatComplaint, entered: Entered): FieldError {
  if (first === 'options') return { field: ['formatOptions', ...rest].join('.'), message };
  const isVersion = entered.formatVersion !== undefined; // the names are known here: the schema lists them
  return isVersion ? { field: 'formatVersion', message: NO_VERSION } : { field: 'format', message };
}

const NO_VERSION = 'is no version of this format: leave it out for the newest one';

function addressErrors(env: Env, entered: Entered, known: Known | null): readonly FieldError[] {
  const binding = entered.binding === undefined ? (known?.settings.binding ?? null) : entered.binding;
  const isBound = binding === null || bindingOf(env, binding) !== null;
  const unbound = isBound ? [] : [{ field: 'binding', message: UNBOUND }];
  if (entered.url === undefined && entered.binding === undefined) return [];
  const url = entered.url ?? known?.url ?? '';
  const { isLocal, publicUrl } = readConfig(env);
  const problem = addressProblem(url, { isLocal, publicUrl, binding });
  return problem === null ? unbound : [{ field: 'url', message: problem }, ...unbound];
}

const UNBOUND = 'is no binding of this Worker: add it to wrangler.toml and deploy, then name it here';

/** Secrets were given for one host: whoever changes the host has to give them again. */
function authErrors(entered: Entered, known: Known | null): readonly FieldError[] {
  const problem = authProblem(entered.auth ?? []);
  if (problem !== null) return [{ field: `auth.${problem.index}`, message: problem.message }];
  const isKept = entered.auth === undefined && known !== null && known.settings.auth.length > 0;
  const isMoved = entered.url !== undefined && known !== null && originOf(entered.url) !== originOf(known.url);
  return isKept && isMoved ? [{ field: 'auth', message: MOVED }] : [];
}

const MOVED = 'must be given again, or as []: what was given for another host is not sent to this one';

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : url);
