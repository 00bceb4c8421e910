// The contract of every format: an event as it was committed goes in, an HTTP request's content comes out. Pure: time
// and secrets are arguments. Never sends, never chooses a secret's life, never changes what an event says.
import type { z } from 'zod';
import type { KeptCallback } from '../core/callback.ts';
import { err, type Result } from '../core/result.ts';
import type { Retold } from '../core/retold.ts';
import { type SigningSecret, signWebhook } from '../crypto/standard-webhook.ts';
import type { renderEventData } from './order.ts';

/** One event as the ledger holds it. `data` is the snapshot's JSON, as it is. */
export type CommittedEvent = {
  readonly id: string;
  readonly type: string;
  /** When it happened at the provider, epoch milliseconds. */
  readonly occurredAt: number;
  readonly data: string;
};

/** `rsa` is a PEM private key, for formats whose signature stands in the body. */
export type FormatSecret = SigningSecret | { readonly kind: 'rsa'; readonly secret: string };

/** What the provider's dialect can say of a callback that goes on to the origin as it came. */
export type Dialect = {
  /** The last moment at which a receiver with a clock believes it; null where its signature names no time. */
  readonly freshUntil: number | null;
  /** Writes and signs a callback as the provider would have; null where only the provider can. */
  readonly resign: ((retold: Retold) => Promise<Result<KeptCallback, string>>) | null;
};

export type FormatInput = {
  readonly event: CommittedEvent;
  /** Given when the format wants it; null when no callback told of the event: a query did, or an operator. */
  readonly callback: KeptCallback | null;
  readonly dialect: Dialect | null;
  /** The newest first, none expired. */
  readonly secrets: readonly FormatSecret[];
  readonly now: number;
  /** Asked for again, though it was settled before. */
  readonly isReplay: boolean;
};

export type Rendered = {
  /** Null: the callback came without one. */
  readonly contentType: string | null;
  /** Names lower-cased; without the Content-Type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Whose words the origin's answer is in: its own criterion's, or the provider's (`readAcknowledgement`). */
  readonly answersAs: 'origin' | 'provider';
};

/**
 * Why nothing was rendered; a sentence for the merchant. `needs_fallback`: this event is the fallback's to tell.
 * `secret_missing`: none of the origin's secrets is of the kind that the signature needs.
 */
export type FormatProblem = {
  readonly code: 'needs_fallback' | 'not_rebuildable' | 'secret_missing' | 'secret_unreadable';
  readonly detail: string;
};

export const problem = (code: FormatProblem['code'], detail: string) => err({ code, detail });

/** `version` is pinned by every origin that chose it: another rendering is another version, beside the old one. */
export type Format<Options> = {
  readonly name: string;
  readonly version: number;
  readonly label: Words;
  readonly help: Words;
  /** Strict, with defaults; each field carries `.meta({ label, help })`. */
  readonly options: z.ZodType<Options>;
  /** The callback's own bytes are wanted: only these formats cost the ledger reading them. */
  readonly wantsCallback: boolean;
  readonly render: (input: FormatInput, options: Options) => Promise<Result<Rendered, FormatProblem>>;
};

/** A format whose options have been widened, as the table of formats holds it. */
export type AnyFormat = Format<unknown>;

/** Infers the options, then widens them. Sound as long as `render` gets back only what `options.parse` gave. */
export function format<Options>(definition: Format<Options>): AnyFormat {
  return definition as unknown as AnyFormat; // see above
}

export type Words = { readonly en: string; readonly zh: string };
/** What a person reads beside a field of the options. */
export const said = (label: Words, help: Words) => ({ label, help });

export type EventData = ReturnType<typeof renderEventData>;

/** The snapshot as a value. */
export const readData = ({ data }: CommittedEvent): EventData => JSON.parse(data) as EventData; // order.ts wrote it

export const iso = (at: number): string => new Date(at).toISOString();

/** The JSON that every event is to the merchant; the snapshot's bytes never change between attempts. */
export const documentOf = ({ type, occurredAt, data }: CommittedEvent): string =>
  `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(iso(occurredAt))},"data":${data}}`;

const isForHeaders = (secret: FormatSecret): secret is SigningSecret => secret.kind !== 'rsa';

/** Headers that every delivery has. Without a secret that signs headers there is no signature among them. */
export async function webhookHeaders(
  { event, secrets, now, isReplay }: FormatInput,
  body: string | Uint8Array,
): Promise<Record<string, string>> {
  const timestamp = Math.floor(now / 1000);
  const signing = secrets.filter(isForHeaders);
  return {
    'user-agent': 'Tollgate/1 (+payment events)',
    'webhook-id': event.id,
    'webhook-timestamp': String(timestamp),
    ...(signing.length === 0 ? {} : { 'webhook-signature': await signWebhook(event.id, timestamp, body, signing) }),
    ...(isReplay ? { 'tollgate-replay': 'true' } : {}),
  };
}

/** For formats that are signed in their headers alone. */
export const missingHeaderSecret = (secrets: readonly FormatSecret[]) =>
  secrets.some(isForHeaders)
    ? null
    : problem('secret_missing', 'The origin has no secret that signs headers: rotate it to an HMAC or ed25519 one.');
