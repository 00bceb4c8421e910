// Credentials of a channel on their way in: parsed and inspected by their provider, sealed, and in a rotation compared
// with those that stand. Never answers with any of them.
import type { Channel } from '../core/channel.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type CredentialRotation, changedFields } from '../core/rotation.ts';
import { open, seal } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import { PROVIDER_IDS, providerOf } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { newIv } from './auth.ts';
import { type Context, registryOf, z } from './kit.ts';
import { fieldErrors, invalid, type Problem } from './problem.ts';
import { credentialFields } from './providers.ts';

export const Credentials = z
  .record(z.string(), z.unknown())
  .openapi({ description: 'What the provider needs; GET /v1/providers lists the fields. Never returned.' });

export type Checked = { readonly provider: AnyProvider; readonly credentials: unknown };

/** Parses the credentials as the provider's own file asks, keys included; each problem names its field. */
export async function checkCredentials(
  providerId: string,
  credentials: Record<string, unknown>,
): Promise<Result<Checked, Problem>> {
  const provider = providerOf(providerId);
  if (!provider) {
    return err(
      invalid({ field: 'provider', message: `is not a provider here: choose one of ${PROVIDER_IDS.join(', ')}` }),
    );
  }
  const parsed = provider.credentials.safeParse(credentials);
  if (!parsed.success) return err(invalid(...fieldErrors(parsed.error, 'credentials.')));
  const inspected = (await provider.inspectCredentials?.(parsed.data, Date.now())) ?? ok(null);
  if (!inspected.ok) {
    return err(invalid({ field: `credentials.${inspected.error.field}`, message: inspected.error.message }));
  }
  return ok({ provider, credentials: parsed.data });
}

/** Credentials are sealed as they came, so that a later version of the provider's schema reads what was meant. */
export const sealCredentials = (c: Context, uid: string, credentials: Record<string, unknown>) =>
  seal(JSON.stringify(credentials), readConfig(c.env).masterKey, `channel/${uid}`, newIv());

export function refreshInBackground(c: Context, id: string, { provider, credentials }: Checked): void {
  if (provider.keys?.wanted(credentials)) c.executionCtx.waitUntil(registryOf(c.env).refreshKeys(id, Date.now()));
}

export type Asked = { readonly credentials: Record<string, unknown>; readonly overlapSeconds: number };
export type Rotated = { readonly checked: Checked; readonly rotation: CredentialRotation };

/** As they were sent: opened here, shown nowhere. */
export const standingCredentials = async (
  c: Context,
  { uid, credentials }: Channel,
): Promise<Record<string, unknown>> =>
  JSON.parse(await open(credentials, readConfig(c.env).masterKey, `channel/${uid}`));

/** Null takes a field away. */
export const overlaid = (standing: Record<string, unknown>, named: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries({ ...standing, ...named }).filter(([, value]) => value !== null));

/** The named fields over those that stand. What says whose callbacks are believed stays, or two would be believed. */
export async function rotatedCredentials(
  c: Context,
  channel: Channel,
  { credentials: named, overlapSeconds }: Asked,
): Promise<Result<Rotated, Problem>> {
  const { uid, credentials: after } = channel;
  const standing = await standingCredentials(c, channel);
  const whole = overlaid(standing, named);
  const checked = await checkCredentials(channel.provider, whole);
  if (!checked.ok) return checked;
  const { provider, credentials } = checked.value;
  const changed = changedFields(provider.credentials.parse(standing), credentials);
  const problem = stayingProblem(provider, changed);
  if (problem !== null) return err(problem);
  const sealed = await sealCredentials(c, uid, whole);
  const until = Date.now() + overlapSeconds * 1_000;
  return ok({ checked: checked.value, rotation: { credentials: sealed, after, isSame: changed.length === 0, until } });
}

/** Standing secrets go along with no other address, merchant or account than their own; null where none changes. */
export function stayingProblem(provider: AnyProvider, changed: readonly string[]): Problem | null {
  const rotating = new Set(credentialFields(provider).flatMap(({ field, rotates }) => (rotates ? [field] : [])));
  const staying = changed.filter((field) => !rotating.has(field));
  return staying.length === 0
    ? null
    : invalid(...staying.map((field) => ({ field: `credentials.${field}`, message: STAYS })));
}

const STAYS =
  'does not rotate, because the earlier credentials are still taken beside the new ones: leave it out here and ' +
  'change it with PATCH, which replaces credentials at once, or make another channel';
