// Bills of Alipay: asks where a day's file is (alipay.data.dataservice.bill.downloadurl.query), reads the answer. Never
// makes a call, and believes no address that the answer's signature does not cover.
import { z } from 'zod';
import { BEIJING_MINUTES, dayEnd } from '../../core/bill.ts';
import { ok, type Result } from '../../core/result.ts';
import type { BillAnswer, BillAsk } from '../provider/bill.ts';
import type { Provider, ProviderAnswer, ProviderProblem } from '../provider.ts';
import { flowLayout, tradeLayout } from './bill-layout.ts';
import type { Credentials } from './credentials.ts';
import { problem, readReply, signedRequest } from './gateway.ts';
import type { Notice } from './notice.ts';

const METHOD = 'alipay.data.dataservice.bill.downloadurl.query';
/** Made by 09:00 as a rule (docs: bill download address). */
const READY_AFTER_HOURS = 10;

export const bill: NonNullable<Provider<Credentials, Notice>['bill']> = {
  kinds: ['trade', 'fundflow'],
  offsetMinutes: BEIJING_MINUTES,
  readyAfterHours: READY_AFTER_HOURS,
  keptDays: 90,
  request: ({ day, kind }, credentials, context) => {
    // `trade`: business details; `signcustomer`: account details.
    const content = { bill_type: kind === 'fundflow' ? 'signcustomer' : 'trade', bill_date: day };
    return signedRequest(METHOD, content, credentials, context);
  },
  read: (answer, ask, credentials, _keys, { now }) => readAddress(answer, ask, credentials, now),
  trades: ({ sandbox }) => tradeLayout(sandbox),
  flow: () => flowLayout,
};

const Address = z.object({ bill_download_url: z.url().max(2_048) });

/** Seen as `isp.bill_not_exist`, `BILL_NOT_EXIST` and `NO_BILL_DATA`; too early and nothing traded have one word. */
const NO_BILL = /BILL_?NOT_?EXIST|NO_?BILL/i;

async function readAddress(
  answer: ProviderAnswer,
  { day }: BillAsk,
  credentials: Credentials,
  now: number,
): Promise<Result<BillAnswer, ProviderProblem>> {
  const reply = await readReply(METHOD, answer, credentials, now);
  if (!reply.ok) return reply;
  if (reply.value.kind === 'failed') {
    const { subCode, detail } = reply.value;
    if (!NO_BILL.test(subCode)) return problem('refused', detail);
    const isDue = now >= dayEnd(day) + READY_AFTER_HOURS * 3_600_000;
    return ok(isDue ? { kind: 'none' } : { kind: 'later', detail });
  }
  const address = Address.safeParse(reply.value.content);
  if (!address.success) return problem('malformed', 'Alipay answered the bill request without bill_download_url.');
  const url = new URL(address.data.bill_download_url);
  // Named with http: in the documents; the same host answers https. Good for thirty seconds.
  if (url.protocol === 'http:') url.protocol = 'https:';
  if (!isAlipays(url, credentials.sandbox)) {
    return problem('malformed', `Alipay names ${url.host} to fetch the bill from, which is not Alipay's.`);
  }
  const headers = { accept: '*/*', 'user-agent': 'Tollgate' };
  return ok({ kind: 'there', download: { method: 'GET', url: url.href, headers, body: null }, checksum: null });
}

const isAlipays = ({ protocol, hostname, port, username, password }: URL, sandbox: boolean): boolean => {
  const isPlain = protocol === 'https:' && port === '' && username === '' && password === '';
  const domains = sandbox ? ['alipay.com', 'alipaydev.com'] : ['alipay.com'];
  return isPlain && domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
};
