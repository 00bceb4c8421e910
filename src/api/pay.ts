// Asks a channel's provider for a payment that a payer can complete by a QR code, and gives it to the ledger to keep.
// Believes only an answer that the provider's own file has verified.
import { renderSVG } from 'uqr';
import { callProvider } from '../call-provider.ts';
import { type ChannelRecord, ledgerNameOf } from '../core/channel.ts';
import type { Order, PaymentRequest, Registration } from '../core/order.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type Config, readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import type { AnyProvider, ProviderAnswer, ProviderProblem, ProviderRequest } from '../providers/provider.ts';
import { openCredentials } from '../store/registry-copy.ts';
import { iso } from './fields.ts';
import { registryOf } from './kit.ts';
import type { Problem } from './problem.ts';

/** An answer that does not verify is asked for again with the identical request: twice. */
const ASKS_MAX = 3;
/** A QR reader needs this many empty modules around the code (ISO/IEC 18004, 6.3.8). */
const QUIET_ZONE_MODULES = 4;

type Pay = NonNullable<AnyProvider['pay']>;
export type PayRoute = { readonly record: ChannelRecord; readonly pay: Pay; readonly publicUrl: string };

/** Says, before anything is written, whether this channel can be asked for a payment. */
export function payRoute(env: Env, record: ChannelRecord): Result<PayRoute, Problem> {
  const { publicUrl } = readConfig(env);
  const pay = providerOf(record.channel.provider)?.pay;
  if (!pay) {
    return err({
      code: 'pay_not_supported',
      detail: `${record.channel.provider} takes no payment requests from here.`,
    });
  }
  if (publicUrl === null) {
    const detail = 'Set TOLLGATE_PUBLIC_URL to the https address of this gateway: the provider is told to call it.';
    return err({ code: 'public_url_missing', detail });
  }
  return ok({ record, pay, publicUrl });
}

/** The payment to show. Null when the order waits for none; one that is still valid is shown again. */
export async function paymentOf(
  env: Env,
  route: PayRoute,
  order: Order,
  now: number,
): Promise<Result<PaymentRequest | null, Problem>> {
  if (order.paymentState === 'paid' || order.registration === null) return ok(null);
  if (order.paymentRequest && order.paymentRequest.codeExpiresAt > now) return ok(order.paymentRequest);
  const { channel } = route.record;
  const asked = await ask(env, route, order.orderNo, order.registration, now);
  if (!asked.ok) return asked;
  await env.LEDGER.getByName(ledgerNameOf(channel, order.orderNo)).setPaymentRequest(order.orderNo, asked.value);
  return asked;
}

async function ask(
  env: Env,
  { record, pay, publicUrl }: PayRoute,
  orderNo: string,
  registration: Registration,
  now: number,
): Promise<Result<PaymentRequest, Problem>> {
  const config = readConfig(env);
  const credentials = await openCredentials(record, config.masterKey);
  const notifyUrl = `${publicUrl}/callbacks/${record.channel.id}`;
  const nonce = crypto.randomUUID().replaceAll('-', '');
  const request = await pay.request({ orderNo, registration, notifyUrl }, credentials, { now, nonce });
  if (!request.ok) return err(problemOf(request.error));
  let { keys } = record;
  for (let asks = 1; ; asks++) {
    const answer = await call(request.value, config);
    if (!answer.ok) return answer;
    const read = await pay.read(answer.value, credentials, keys, Date.now(), registration.expiresAt);
    if (read.ok) return read;
    if (read.error.code !== 'unverified' || asks === ASKS_MAX) return err(problemOf(read.error));
    keys = (await freshKeys(env, record, now)) ?? keys;
  }
}

/** The answer may be signed with a key that came out since; null when the registry knows no more than we do. */
async function freshKeys(env: Env, { channel }: ChannelRecord, now: number): Promise<ChannelRecord['keys'] | null> {
  const registry = registryOf(env);
  if ((await registry.refreshKeys(channel.id, now)) === 'not_wanted') return null;
  return (await registry.readChannel(channel.id))?.keys ?? null;
}

async function call(request: ProviderRequest, config: Config): Promise<Result<ProviderAnswer, Problem>> {
  const answer = await callProvider(request, config);
  if (answer.ok) return answer;
  const code = answer.error.code === 'timed_out' ? 'provider_timeout' : 'provider_unavailable';
  return err({ code, detail: `${answer.error.detail} ${ASK_AGAIN}` });
}

const ASK_AGAIN = 'The order is registered: send the same request again to ask once more.';

function problemOf({ code, detail }: ProviderProblem): Problem {
  switch (code) {
    case 'refused':
      return { code: 'provider_refused', detail };
    case 'already_paid':
      return { code: 'order_paid', detail };
    case 'insufficient_balance':
      return { code: 'insufficient_balance', detail };
    case 'not_configured':
      return { code: 'provider_not_configured', detail };
    case 'unverified':
    case 'unavailable':
    case 'malformed':
      return { code: 'provider_unavailable', detail: `${detail} ${ASK_AGAIN}` };
  }
}

export const renderPayment = ({ codeUrl, codeExpiresAt }: PaymentRequest) => ({
  codeUrl,
  codeExpiresAt: iso(codeExpiresAt),
  qrSvg: renderSVG(codeUrl, { ecc: 'M', border: QUIET_ZONE_MODULES }),
});
