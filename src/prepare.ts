// What a delivery is made of: the event in the origin's format, signed, with what the origin asks to see. The one place
// for it, shared by who sends and who only shows. Never sends, never settles.
import type { KeptCallback } from './core/callback.ts';
import type { ChannelRecord } from './core/channel.ts';
import type { Origin } from './core/origin.ts';
import { err, ok, type Result } from './core/result.ts';
import { byReceipt, judgeAnswer, type Taken } from './core/success.ts';
import { traceOfEvent, traceparentOf } from './core/trace.ts';
import { toBase64, utf8 } from './crypto/bytes.ts';
import { readConfig } from './env.ts';
import {
  type Dialect,
  type FormatChoice,
  type FormatInput,
  type FormatSecret,
  renderDelivery,
  wantsCallback,
} from './formats/index.ts';
import { providerOf } from './providers/index.ts';
import type { AnyProvider } from './providers/provider.ts';
import {
  type OpenOriginAuth,
  openCredentials,
  openOriginAuth,
  openOriginSecrets,
  readChannelCopy,
} from './store/registry-copy.ts';

export type Told = Pick<FormatInput, 'event' | 'isReplay'> & {
  /** Of the event; null where it was committed without one. */
  readonly trace: string | null;
};

/** What is fetched for a delivery before its time begins: nothing, for most formats. */
export type Material = { readonly callback: KeptCallback | null; readonly channel: ChannelRecord | null };

export type Preparation = {
  readonly origin: Origin;
  readonly format: FormatChoice;
  readonly told: Told;
  readonly material: Material;
  readonly now: number;
  /** 16 hex digits that name this attempt in `traceparent`. */
  readonly span: string;
  /** Signs instead of the origin's secrets: what an origin did not choose is not signed as if it had. */
  readonly sampleSecrets?: readonly FormatSecret[];
};

export type Prepared = {
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that hold what the origin asks to see. */
  readonly authHeaders: readonly string[];
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Whether the origin took it, by status and the start of its answer. */
  readonly judge: (status: number, body: Uint8Array) => Taken;
  /** What no log may show, should the origin repeat it. */
  readonly secrets: readonly string[];
};

export const formatOf = ({ format, settings }: Origin): FormatChoice => ({
  name: format,
  version: settings.formatVersion,
  options: JSON.parse(settings.formatOptions),
});

/** Throws when the registry or the ledger cannot be reached: then nobody knows what to send. */
export async function gather(
  env: Env,
  format: FormatChoice,
  told: Told,
  readCallback: () => Promise<KeptCallback | null>,
  now: number,
): Promise<Material> {
  if (!wantsCallback(format)) return { callback: null, channel: null };
  const { channel }: { readonly channel: string } = JSON.parse(told.event.data); // formats/order.ts wrote it
  const [callback, record] = await Promise.all([readCallback(), readChannelCopy(env, channel, now)]);
  return { callback, channel: record };
}

/** A sentence for the merchant when the event cannot be told; throws for what only we can mend. */
export async function prepare(env: Env, preparation: Preparation): Promise<Result<Prepared, string>> {
  const { origin, format, told, material, now, sampleSecrets } = preparation;
  const { masterKey } = readConfig(env);
  const [opened, auth] = await Promise.all([openOriginSecrets(origin, masterKey), openOriginAuth(origin, masterKey)]);
  const secrets = sampleSecrets ?? opened.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
  const { callback, channel } = material;
  const speaker = channel && (await speakerOf(channel, masterKey));
  const dialect = speaker && dialectOf(speaker, callback, now);
  const rendered = await renderDelivery(format, { ...told, callback, dialect, secrets, now });
  if (!rendered.ok) return err(rendered.error.detail);
  const { contentType, headers, body, answersAs } = rendered.value;
  const shown = authHeadersOf(auth);
  const traceparent = traceparentOf(told.trace ?? traceOfEvent(told.event.id), preparation.span);
  return ok({
    headers: { ...(contentType === null ? {} : { 'content-type': contentType }), ...headers, traceparent, ...shown },
    authHeaders: Object.keys(shown),
    body,
    judge: answersAs === 'provider' && speaker ? judgeOf(speaker) : (...answer) => judge(origin, ...answer),
    secrets: [...opened, ...auth].map(({ secret }) => secret).concat(auth.filter(isBasic).map(basicOf)),
  });
}

const judge = ({ settings }: Origin, status: number, body: Uint8Array) => judgeAnswer(settings.success, status, body);

type Speaker = { readonly provider: AnyProvider; readonly credentials: unknown };

async function speakerOf(channel: ChannelRecord, masterKey: string): Promise<Speaker | null> {
  const provider = providerOf(channel.channel.provider);
  return provider && { provider, credentials: await openCredentials(channel, masterKey) };
}

function dialectOf({ provider, credentials }: Speaker, callback: KeptCallback | null, now: number): Dialect {
  const { resign } = provider;
  const nonce = crypto.randomUUID().replaceAll('-', '');
  return {
    freshUntil: callback && (provider.freshUntil?.(callback, credentials) ?? null),
    resign: resign ? (retold) => resign(retold, credentials, { now, nonce }) : null,
  };
}

function judgeOf({ provider, credentials }: Speaker): Prepared['judge'] {
  const { readAcknowledgement = byReceipt } = provider;
  return (status, body) => readAcknowledgement(status, body, credentials);
}

const authHeadersOf = (auth: readonly OpenOriginAuth[]): Record<string, string> =>
  Object.fromEntries(
    auth.map((one) => [one.kind === 'header' ? (one.name ?? '') : 'authorization', headerValueOf(one)]),
  );

/** RFC 7617 for basic, RFC 6750 for bearer. */
function headerValueOf({ kind, name, secret }: OpenOriginAuth): string {
  switch (kind) {
    case 'basic':
      return `Basic ${basicOf({ name, secret })}`;
    case 'bearer':
      return `Bearer ${secret}`;
    case 'header':
      return secret;
  }
}

const isBasic = ({ kind }: OpenOriginAuth): boolean => kind === 'basic';
const basicOf = ({ name, secret }: Pick<OpenOriginAuth, 'name' | 'secret'>): string =>
  toBase64(utf8(`${name}:${secret}`));
