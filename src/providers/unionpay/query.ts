// Asks UnionPay what has become of one transaction (queryTrans), signed with the merchant's own certificate, and reads
// the answer. Never makes a call, and believes no answer that does not verify as a notice must.
import { err, ok, type Result } from '../../core/result.ts';
import { toBase64 } from '../../crypto/bytes.ts';
import { certificatesIn } from '../../crypto/chain.ts';
import { signRsa } from '../../crypto/rsa.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import { type Credentials, signingKeyOf } from './credentials.ts';
import { digestOf, type Notice, openAnswer } from './notice.ts';
import { translate } from './translate.ts';

const HOSTS = { live: 'https://gateway.95516.com', test: 'https://gateway.test.95516.com' } as const;
const BEIJING_OFFSET_MS = 8 * 3_600_000;
const NOTHING: Translation = { events: [], noticeType: 'query', noticeId: null };

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

const ASK_BY =
  'UnionPay is asked by orderId and txnTime, the time that you sent with the order: register it as metadata.txnTime, ' +
  'such as 20260101103012, or give both as reference, such as 20260101001/20260101103012.';

/**
 * UnionPay knows a transaction by its order number and the time that the merchant sent with it. `reference` is that
 * time (txnTime, 20260101103012) for the order that `orderNo` names; or `orderId/txnTime`, which may name a refund.
 * Without one it is the order's `metadata.txnTime`, and without that when its payment happened.
 */
export const query: NonNullable<Provider<Credentials, Notice>['query']> = {
  request: async (target, credentials) => {
    const { merId, signCert, signKey, sandbox } = credentials;
    if (signCert === undefined || signKey === undefined) {
      return problem('not_configured', 'signCert and signKey are needed to ask UnionPay: add them to the channel.');
    }
    const asked = askedOf(target);
    if (asked === null) return problem('refused', ASK_BY);
    const { orderId, txnTime } = asked;
    const [certificate] = certificatesIn(signCert);
    const key = await signingKeyOf(signKey);
    if (certificate === undefined || key === null) {
      return problem('not_configured', 'signCert or signKey cannot be read: export both from the .pfx again.');
    }
    const form = new Map(
      Object.entries({
        version: '5.1.0',
        encoding: 'UTF-8',
        signMethod: '01',
        txnType: '00',
        txnSubType: '00',
        bizType: '000000',
        accessType: '0',
        merId,
        orderId,
        txnTime,
        // UnionPay wants the serial in decimal (docs: certId).
        certId: BigInt(`0x${certificate.fields.serial}`).toString(),
      }),
    );
    form.set('signature', toBase64(await signRsa(key, await digestOf(form, [...form.keys()]))));
    return ok({
      method: 'POST',
      url: `${sandbox ? HOSTS.test : HOSTS.live}/gateway/api/queryTrans.do`,
      headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
      body: new URLSearchParams([...form]).toString(),
    });
  },
  read: (answer, target, credentials, _keys, now) => readAnswer(answer, target, credentials, now),
};

/** Order numbers at UnionPay are letters and digits (docs: orderId). A refund has one of its own, and its own time. */
function askedOf({ orderNo = '', refundNo, reference, metadata, occurredAt }: QueryTarget) {
  const said = reference ?? (refundNo === undefined ? metadata?.txnTime : '');
  const isGuess = said === undefined;
  const from = said ?? (occurredAt === undefined ? '' : beijingTimeOf(occurredAt));
  const [, orderId = refundNo ?? orderNo, txnTime = ''] = /^(?:([^/]*)\/)?(\d{14})$/.exec(from) ?? [];
  return /^[0-9A-Za-z]{8,40}$/.test(orderId) && txnTime !== '' ? { orderId, txnTime, isGuess } : null;
}

/** A payment's time is its traceTime, which recorded notices show to be the txnTime without its year. */
function beijingTimeOf(instant: number): string {
  const at = new Date(instant + BEIJING_OFFSET_MS);
  return Number.isFinite(at.getTime()) ? at.toISOString().replace(/\D/g, '').slice(0, 14) : '';
}

/** UnionPay is closed, slow or busy: not an answer about the order (docs: response codes). */
const OUTAGES: ReadonlySet<string> = new Set(['02', '03', '04', '05', '06']);
const UNKNOWN = '34';

async function readAnswer(
  { status, body }: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  if (status !== 200) {
    const isOutage = status === 429 || status >= 500;
    return problem(isOutage ? 'unavailable' : 'refused', `UnionPay answered ${status}.`);
  }
  const opened = await openAnswer(body, credentials, now);
  if (!opened.ok) {
    const { reason, detail } = opened.error;
    return problem(reason === 'malformed' ? 'malformed' : 'unverified', `UnionPay's answer: ${detail}`);
  }
  const answer = opened.value;
  const [code = '', words = ''] = [answer.get('respCode'), answer.get('respMsg')];
  const asked = askedOf(target);
  if (code === UNKNOWN) return unknown(asked?.isGuess);
  if (code !== '00') {
    const detail = `UnionPay answered respCode ${code.slice(0, 8)}: ${words.slice(0, 200)}`;
    return problem(OUTAGES.has(code) ? 'unavailable' : 'refused', detail);
  }
  if (answer.get('orderId') !== asked?.orderId || answer.get('txnTime') !== asked?.txnTime) {
    return problem('malformed', 'UnionPay answered about another transaction than was asked for.');
  }
  // 00 says that the question was answered; what became of the transaction is in the orig fields.
  const origin = answer.get('origRespCode');
  if (origin === UNKNOWN) return unknown(asked?.isGuess);
  if (origin === undefined) return problem('malformed', 'UnionPay answered without an origRespCode.');
  const told = new Map([...answer, ['respCode', origin]]);
  told.delete('respMsg');
  const reason = answer.get('origRespMsg');
  if (reason !== undefined) told.set('respMsg', reason);
  const translation = translate(told, credentials);
  return translation.ok ? translation : problem('malformed', translation.error.detail);
}

/** Nothing is known of it; unless the time was not the merchant's own word, and then nothing follows. */
const unknown = (isGuess = false): Result<Translation, ProviderProblem> =>
  isGuess ? problem('refused', `UnionPay knows no such order of that time. ${ASK_BY}`) : ok(NOTHING);
