// Where the pretend Alipay hands out its daily bills: the answer that names an address, and the packed file that lies
// at it for a while, to whoever asks. Signs nothing itself.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type BillHours, dayNamed, isMade } from './account.ts';
import { alipayBillOf } from './alipay-bills.ts';
import { type AlipayTrades, type Content, refusal, success } from './alipay-trades.ts';
import type { SandboxAnswer, SandboxRequest } from './http.ts';

export const BILL_METHOD = 'alipay.data.dataservice.bill.downloadurl.query';
/** Named with http:, as in Alipay's documents. The gateway's calls are sent here whatever the host. */
const ADDRESS = 'http://dwbillcenter.alipay.com/downloadBillFile.resource';
const FILES_MAX = 50;

const Ask = z.object({ bill_type: z.enum(['trade', 'signcustomer']), bill_date: z.string() });

export class AlipayBillDesk {
  readonly #trades: AlipayTrades;
  readonly #sellerId: string;
  readonly #hours: BillHours;
  readonly #files = new Map<string, Uint8Array>();

  constructor(trades: AlipayTrades, sellerId: string, hours: BillHours) {
    this.#trades = trades;
    this.#sellerId = sellerId;
    this.#hours = hours;
  }

  ask(input: unknown, now: number): Content {
    const asked = Ask.safeParse(input);
    const day = asked.success ? dayNamed(asked.data.bill_date) : null;
    if (!asked.success || day === null) return refusal('isv.invalid-arguments');
    const isThere = isMade(day, this.#hours, now);
    const file = isThere ? alipayBillOf(asked.data.bill_type, this.#trades.all(), day, this.#sellerId) : null;
    if (file === null) return refusal('isp.bill_not_exist', '账单不存在');
    const token = randomBytes(16).toString('hex');
    this.#files.set(token, file);
    for (const old of this.#files.keys()) {
      if (this.#files.size <= FILES_MAX) break;
      this.#files.delete(old);
    }
    return success({ bill_download_url: `${ADDRESS}?bizType=${asked.data.bill_type}&token=${token}&fileType=csv.zip` });
  }

  /** Null for any other request. */
  fetch({ method, path, query }: SandboxRequest): SandboxAnswer | null {
    if (method !== 'GET' || path !== '/downloadBillFile.resource') return null;
    const bytes = this.#files.get(query.get('token') ?? '');
    if (bytes === undefined) return { status: 404, body: 'expired' };
    return { status: 200, headers: { 'content-type': 'application/zip' }, bytes };
  }
}
