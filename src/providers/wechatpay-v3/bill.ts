// Bills of WeChat Pay v3: asks for one, and reads where its file is and what it must hash to. Never makes a call, and
// believes no address that the answer's signature does not cover. The file itself is not signed: its SHA-1 is.
import { z } from 'zod';
import { BEIJING_MINUTES, dayEnd } from '../../core/bill.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { BillAnswer, BillAsk } from '../provider/bill.ts';
import type { Provider, ProviderAnswer, ProviderProblem, RequestContext } from '../provider.ts';
import { flowLayout } from '../wechatpay/flow-layout.ts';
import { problem } from '../wechatpay/rules.ts';
import { tradeLayout } from '../wechatpay/trade-layout.ts';
import { errorCodeOf, failureOf, signedRequest, subMerchantOf, unverified } from './api.ts';
import type { Credentials } from './credentials.ts';
import { type Notice, parseJson } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';
import { strangerOf } from './stranger.ts';

/** Made from 09:00 on, to be asked for after 10:00 (docs: trade bill). */
const READY_AFTER_HOURS = 10;
const HOSTS: readonly string[] = ['api.mch.weixin.qq.com', 'api2.mch.weixin.qq.com'];

export const bill: NonNullable<Provider<Credentials, Notice>['bill']> = {
  kinds: ['trade', 'refund', 'fundflow'],
  offsetMinutes: BEIJING_MINUTES,
  readyAfterHours: READY_AFTER_HOURS,
  keptDays: 90,
  request: (ask, credentials, context) => signedRequest('GET', pathOf(ask, credentials), null, credentials, context),
  read: async (answer, ask, credentials, keys, context) => {
    const failure = failureOf(answer);
    if (failure !== null) return missing(answer, ask, context.now) ?? err(failure);
    const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, keys), context.now);
    return proof.ok ? readAddress(answer, credentials, context) : err(unverified(proof.error));
  },
  trades: (credentials) => tradeLayout(strangerOf(credentials)),
  flow: () => flowLayout,
};

function pathOf({ day, kind }: BillAsk, credentials: Credentials): string {
  const packed = 'tar_type=GZIP';
  if (kind === 'fundflow') return `/v3/bill/fundflowbill?bill_date=${day}&account_type=BASIC&${packed}`;
  const sub = subMerchantOf(credentials);
  const whose = sub === null ? '' : `&sub_mchid=${encodeURIComponent(sub)}`;
  return `/v3/bill/tradebill?bill_date=${day}&bill_type=${kind === 'refund' ? 'REFUND' : 'ALL'}&${packed}${whose}`;
}

/** No file: none was made, or none is made yet; null for any other failure. */
function missing(answer: ProviderAnswer, { day }: BillAsk, now: number): Result<BillAnswer, ProviderProblem> | null {
  const code = errorCodeOf(answer);
  const isDue = now >= dayEnd(day) + READY_AFTER_HOURS * 3_600_000;
  if (code === 'NOSTATEMENTEXIST' && isDue) return ok({ kind: 'none' });
  if (code !== 'NOSTATEMENTEXIST' && code !== 'STATEMENTCREATING') return null;
  return ok({ kind: 'later', detail: `WeChat Pay has not made the bill of ${day} yet (${answer.status}).` });
}

const Address = z.object({
  hash_type: z.literal('SHA1'),
  hash_value: z.string().regex(/^[0-9a-fA-F]{40}$/),
  download_url: z.url().max(2_048),
});

async function readAddress(
  answer: ProviderAnswer,
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<BillAnswer, ProviderProblem>> {
  const address = Address.safeParse(parseJson(answer.body));
  if (!address.success)
    return problem('malformed', 'WeChat Pay answered the bill request in a form that cannot be read.');
  const { hash_value: hex, download_url: text } = address.data;
  const url = new URL(text);
  if (url.protocol !== 'https:' || !HOSTS.includes(url.host)) {
    return problem('malformed', `WeChat Pay names ${url.host} to fetch the bill from, which is not its API.`);
  }
  // The request is signed over path and query as they stand; a signature for another path is refused.
  const download = await signedRequest('GET', url.pathname + url.search, null, credentials, context);
  if (!download.ok) return download;
  const headers = { ...download.value.headers, accept: '*/*' };
  return ok({
    kind: 'there',
    download: { ...download.value, headers },
    checksum: { algorithm: 'SHA-1', hex: hex.toLowerCase() },
  });
}
