// Events for the tests of formats, as the ledger would hand them over, and receivers written without our own code.
import { createHash, createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import type { KeptCallback } from '../../src/core/callback.ts';
import type { PaymentEvent } from '../../src/core/event.ts';
import type { Order } from '../../src/core/order.ts';
import type { Dialect, FormatInput, FormatSecret, Rendered } from '../../src/formats/index.ts';
import { parseFormat, renderDelivery } from '../../src/formats/index.ts';
import { renderEventData } from '../../src/formats/order.ts';
import { cny, fresh, history, orderOf, paid, refund, registered, T0 } from '../core/facts.ts';

/** Generated for tests, valid nowhere. */
export const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
export const OLD_SECRET = `whsec_${Buffer.from('fedcba9876543210fedcba9876543210').toString('base64')}`;
export const hmacSecret: FormatSecret = { kind: 'hmac', secret: SECRET };
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const rsaSecret: FormatSecret = {
  kind: 'rsa',
  secret: String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })),
};
export const rsaPublicKey = rsa.publicKey;

export const NOW = T0 + 90_000;

export const payment = paid('4200001', 100, {
  payerAmount: cny(90),
  method: 'wallet',
  providerMethod: 'NATIVE',
  bank: 'OTHERS',
  payer: { id: 'oUpF8', idType: 'openid' },
  attach: 'table 5 & <6>',
});
export const refunded = refund('R1', 30, 'succeeded', { reason: 'cold tea', occurredAt: T0 + 60_000 });

type Given = {
  readonly start?: Order;
  readonly facts?: readonly PaymentEvent[];
  readonly callback?: KeptCallback | null;
  readonly dialect?: Dialect | null;
  readonly secrets?: readonly FormatSecret[];
  readonly now?: number;
  readonly isReplay?: boolean;
};

/** What the last of the facts made of the order. */
export function inputOf(given: Given = {}): FormatInput {
  const { start = registered(100), facts = [payment], callback = null, dialect = null } = given;
  const { secrets = [hmacSecret], now = NOW, isReplay = false } = given;
  const order = orderOf(start, facts);
  const fact = facts.at(-1) ?? null;
  const data = JSON.stringify(
    renderEventData({
      eventId: 'evt_01',
      sequence: order.sequence,
      source: 'callback',
      receivedAt: T0 + 61_000,
      channelId: 'shop',
      provider: 'wechatpay-v2',
      order,
      event: fact,
    }),
  );
  const type = history(start, facts).at(-1)?.type ?? 'order.flagged';
  const event = { id: 'evt_01', type, occurredAt: fact?.occurredAt ?? T0, data };
  return { event, callback, dialect, secrets, now, isReplay };
}

export const inputFor = (orderNo: string): FormatInput => inputOf({ start: { ...fresh(), orderNo }, facts: [payment] });

/** Rendered as an origin with these options would get it; throws where it would get nothing. */
export async function rendered(entered: unknown, input: FormatInput = inputOf()): Promise<Rendered> {
  const choice = parseFormat(entered);
  if (!choice.ok) throw new Error(JSON.stringify(choice.error));
  const made = await renderDelivery(choice.value, input);
  if (!made.ok) throw new Error(`${made.error.code}: ${made.error.detail}`);
  return made.value;
}

export async function problemOf(entered: unknown, input: FormatInput): Promise<string> {
  const choice = parseFormat(entered);
  if (!choice.ok) throw new Error(JSON.stringify(choice.error));
  const made = await renderDelivery(choice.value, input);
  return made.ok ? 'rendered' : made.error.code;
}

/** What is wrong with what was entered, by place. */
export function complaintsAbout(entered: unknown): readonly string[] {
  const choice = parseFormat(entered);
  return choice.ok ? [] : choice.error.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

export const bytesOf = ({ body }: Rendered): Buffer => Buffer.from(body);
export const textOf = (made: Rendered): string => bytesOf(made).toString('utf8');

export const formFields = (made: Rendered): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(textOf(made)));

const parser = new XMLParser({ parseTagValue: false, trimValues: false, ignoreDeclaration: true });

/** What a maintained parser reads below the root. */
export function xmlFields(made: Rendered, root = 'xml'): Record<string, string> {
  const document: Record<string, Record<string, string>> = parser.parse(textOf(made), true);
  return document[root] ?? {};
}

/** The house's rule as a receiver writes it: no code of ours. */
export function signedString(fields: Readonly<Record<string, string>>, own = 'sign'): string {
  const names = Object.keys(fields).filter((name) => name !== own && fields[name] !== '');
  return names
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
}

export const hmacHex = (text: string, secret = SECRET) => createHmac('sha256', secret).update(text).digest('hex');
export const md5Hex = (text: string, secret = SECRET) =>
  createHash('md5').update(`${text}&key=${secret}`).digest('hex');
export const isRsaSigned = (text: string, signature: string) =>
  verify('sha256', Buffer.from(text), rsaPublicKey, Buffer.from(signature, 'base64'));
