// The bills of WeChat Pay v2: asked for by a signed form, answered with the file itself, or with XML that says why not.
// Never makes a call. The answer carries no signature: its own sums are what proves it whole.
import { BEIJING_MINUTES, dayEnd } from '../../core/bill.ts';
import { ok, type Result } from '../../core/result.ts';
import type { BillAnswer, BillAsk } from '../provider/bill.ts';
import type { Provider, ProviderAnswer, ProviderProblem, ProviderRequest } from '../provider.ts';
import { flowLayout } from '../wechatpay/flow-layout.ts';
import { problem } from '../wechatpay/rules.ts';
import { tradeLayout } from '../wechatpay/trade-layout.ts';
import { NEEDS_PAYEE, signedRequest } from './api.ts';
import type { Credentials } from './credentials.ts';
import { type Notice, readFields } from './notice.ts';
import { payeeOf } from './reference.ts';
import { strangerOf } from './stranger.ts';

/** Made from 09:00 on, to be asked for after 10:00 (docs: download bill). */
const READY_AFTER_HOURS = 10;

export const bill: NonNullable<Provider<Credentials, Notice>['bill']> = {
  kinds: ['trade', 'refund', 'fundflow'],
  offsetMinutes: BEIJING_MINUTES,
  readyAfterHours: READY_AFTER_HOURS,
  keptDays: 90,
  request: (ask, credentials, { nonce }) =>
    ask.kind === 'fundflow' ? requestFlow(ask, credentials, nonce) : requestBill(ask, credentials, nonce),
  read: async (answer, ask, _credentials, _keys, { now }) => readBill(answer, ask, now),
  trades: (credentials) => tradeLayout(strangerOf(credentials)),
  flow: () => flowLayout,
};

async function requestBill(
  { day, kind }: BillAsk,
  credentials: Credentials,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { appIds, subMchIds } = credentials;
  // One file holds all sub-merchants where the channel serves several.
  const payee = subMchIds.length > 1 && appIds[0] !== undefined ? { appid: appIds[0] } : payeeOf(credentials);
  if (payee === null) return problem('not_configured', NEEDS_PAYEE);
  const own = {
    bill_date: day.replaceAll('-', ''),
    bill_type: kind === 'refund' ? 'REFUND' : 'ALL',
    tar_type: 'GZIP',
  };
  return ok(await signedRequest('/pay/downloadbill', payee, own, credentials, nonce));
}

const NEEDS_CERTIFICATE =
  'refundCertBinding is missing: WeChat Pay shows the movements of the account to the merchant API certificate, ' +
  'as it takes refunds. Bind the certificate as for refunds, and name the binding in refundCertBinding.';

/** Under the client certificate, and signed with HMAC-SHA256 whatever the channel prefers (docs: fund flow). */
async function requestFlow(
  { day }: BillAsk,
  credentials: Credentials,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { appIds, refundCertBinding } = credentials;
  const [appid] = appIds;
  if (appid === undefined) return problem('not_configured', NEEDS_PAYEE);
  if (refundCertBinding === undefined) return problem('not_configured', NEEDS_CERTIFICATE);
  const own = { bill_date: day.replaceAll('-', ''), account_type: 'Basic', tar_type: 'GZIP' };
  const path = '/pay/downloadfundflow';
  return ok(await signedRequest(path, { appid }, own, credentials, nonce, refundCertBinding, 'HMAC-SHA256'));
}

/** A file begins with its mark, its header or as gzip; only a refusal is XML. */
const LESS_THAN = 0x3c;

function readBill(answer: ProviderAnswer, { day }: BillAsk, now: number): Result<BillAnswer, ProviderProblem> {
  const { status, body } = answer;
  if (status !== 200) return problem('unavailable', `WeChat Pay answered ${status}.`);
  if (body.length === 0) return problem('unavailable', 'WeChat Pay answered with nothing: ask again.');
  if (body[0] !== LESS_THAN) return ok({ kind: 'here' });
  const fields = readFields(body, 'xml');
  if (!fields.ok) return problem('malformed', `WeChat Pay's answer cannot be read: ${fields.error}.`);
  // The trade bill says why in return_msg, the fund bill in err_code.
  const said = (fields.value.get('err_code') || fields.value.get('return_msg') || 'no reason given').slice(0, 200);
  const word = said.replace(/[^A-Za-z]/g, '').toUpperCase();
  // Unsigned, as every refusal of this interface: believing it costs no more than asking again tomorrow.
  const isDue = now >= dayEnd(day) + READY_AFTER_HOURS * 3_600_000;
  if (word === 'NOBILLEXIST' && isDue) return ok({ kind: 'none' });
  if (word === 'NOBILLEXIST' || word === 'BILLCREATING') {
    return ok({ kind: 'later', detail: `WeChat Pay has not made the bill of ${day} yet: ${said}.` });
  }
  if (/SYSTEM|GZIP|FREQUENCY|系统|繁忙/i.test(said)) return problem('unavailable', `WeChat Pay answered: ${said}.`);
  return problem('refused', `WeChat Pay refused the bill: ${said}. Check mchId, appIds and apiKey.`);
}
