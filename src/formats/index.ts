// The formats an origin may choose, the only door to them. Pure. One name and version, one renderer, for ever: a format
// that must change is a new version beside the old one, and an origin keeps what it was made with.
import { z } from 'zod';
import { err, ok, type Result } from '../core/result.ts';
import { cloudevents } from './cloudevents.ts';
import { form } from './form.ts';
import type { AnyFormat, FormatInput, FormatProblem, Rendered } from './format.ts';
import { mapped } from './mapped.ts';
import { FallbackChoice, passthrough } from './passthrough.ts';
import { standard } from './standard.ts';
import { xml } from './xml.ts';

export type { Dialect, FormatInput, FormatProblem, FormatSecret, Rendered } from './format.ts';
export { criterionOf, Success } from './success.ts';

/** Newest version of each name first. */
export const FORMATS: readonly AnyFormat[] = [standard, cloudevents, form, xml, passthrough, mapped];

/** A format with its options as an origin stores them: plain JSON, defaults filled in, so that nothing moves later. */
export type FormatChoice = { readonly name: string; readonly version: number; readonly options: unknown };

/** Where in the options something is wrong, and how to mend it. */
export type FormatComplaint = { readonly path: readonly (string | number)[]; readonly message: string };

const Choice = z.union([z.string().transform((name): z.output<typeof FallbackChoice> => ({ name })), FallbackChoice]);

/** Null for a name and version that there is not, `constructor` included. Without a version: the newest. */
const formatNamed = (name: string, version?: number): AnyFormat | null =>
  FORMATS.find((one) => one.name === name && (version === undefined || one.version === version)) ?? null;

const complain = (path: readonly (string | number)[], message: string) => err([{ path, message }]);

/**
 * Reads what somebody entered, or what an origin stored: a name, or `{name, version?, options?}`. What it gives may be
 * stored and read again, and then says the same.
 */
export function parseFormat(entered: unknown): Result<FormatChoice, readonly FormatComplaint[]> {
  const choice = Choice.safeParse(entered);
  if (!choice.success) return complain([], 'must be the name of a format, or {"name", "options"}.');
  const { name, version, options = {} } = choice.data;
  const found = formatNamed(name, version);
  if (found === null) {
    const known = [...new Set(FORMATS.map((one) => one.name))].join(', ');
    return complain(['name'], `there is no such format; there are ${known}.`);
  }
  const parsed = found.options.safeParse(options);
  if (!parsed.success) {
    return err(parsed.error.issues.map(({ path, message }) => ({ path: ['options', ...path.map(stepOf)], message })));
  }
  const inner = parseFallbacks(found, parsed.data);
  return inner.ok ? ok({ name, version: found.version, options: inner.value }) : inner;
}

const stepOf = (step: PropertyKey): string | number => (typeof step === 'symbol' ? String(step) : step);

/** Formats inside of a format's options are pinned like itself. */
function parseFallbacks(found: AnyFormat, options: unknown): Result<unknown, readonly FormatComplaint[]> {
  if (found.name !== passthrough.name || typeof options !== 'object' || options === null) return ok(options);
  const pinned = new Map<string, unknown>(Object.entries(options));
  for (const member of ['fallback', 'otherwise']) {
    const entered = pinned.get(member);
    if (entered === undefined || entered === 'resign') continue;
    const choice = parseFormat(entered);
    if (!choice.ok) {
      return err(choice.error.map(({ path, message }) => ({ path: ['options', member, ...path], message })));
    }
    pinned.set(member, choice.value);
  }
  return ok(Object.fromEntries(pinned));
}

/** Whether the format needs the callback's own bytes, which cost the ledger a read. */
export const wantsCallback = ({ name, version }: FormatChoice): boolean =>
  formatNamed(name, version)?.wantsCallback ?? false;

/** An event in the origin's format, or in its fallback where the format cannot tell it. */
export async function renderDelivery(
  choice: FormatChoice,
  input: FormatInput,
): Promise<Result<Rendered, FormatProblem>> {
  const found = formatNamed(choice.name, choice.version);
  if (found === null) throw new Error(`there is no format ${choice.name} of version ${choice.version}`);
  const rendered = await found.render(input, choice.options);
  if (rendered.ok) return rendered;
  const next = fallbackOf(choice.options, rendered.error.code);
  return next === null ? rendered : renderDelivery(next, input);
}

/** What `parseFallbacks` pinned. */
function fallbackOf(options: unknown, code: FormatProblem['code']): FormatChoice | null {
  const member = code === 'needs_fallback' ? 'fallback' : code === 'not_rebuildable' ? 'otherwise' : null;
  if (member === null || typeof options !== 'object' || options === null || !Object.hasOwn(options, member))
    return null;
  const choice = (options as Readonly<Record<string, unknown>>)[member]; // an object, as the line before saw
  return typeof choice === 'object' && choice !== null ? (choice as FormatChoice) : null; // pinned by parseFallbacks
}
