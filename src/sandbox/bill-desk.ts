// Where the pretend WeChat Pay hands out its daily bills: which day has one and since when, the packed file, and for
// API v3 the address that it lies at for a while. Knows nothing of signatures.
import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type BillHours, dayNamed, isMade } from './account.ts';
import type { SandboxAnswer } from './http.ts';
import type { OrderBook } from './orders.ts';
import { type BillName, billOf } from './wechat-bills.ts';

export type BillFile = { readonly text: string; readonly isPacked: boolean };
export type Asked = BillFile | 'no_such_day' | 'creating' | 'nothing';

/** v3: the host that the gateway fetches from, wherever its calls are sent in truth. */
const HOST = 'https://api.mch.weixin.qq.com';
export const DOWNLOAD_PATH = '/v3/billdownload/file';
/** Files that wait to be fetched: each is asked for twice at most, and soon. */
const FILES_MAX = 50;

export class BillDesk {
  readonly #orders: OrderBook;
  readonly #hours: BillHours;
  readonly #files = new Map<string, Uint8Array>();

  constructor(orders: OrderBook, hours: BillHours) {
    this.#orders = orders;
    this.#hours = hours;
  }

  /** `day` as 2026-01-31. */
  ask(name: BillName, day: string, isPacked: boolean, now: number): Asked {
    const named = dayNamed(day);
    if (named === null) return 'no_such_day';
    if (!isMade(named, this.#hours, now)) return 'creating';
    const text = billOf(name, this.#orders.all(), named);
    return text === null ? 'nothing' : { text, isPacked };
  }

  /** What API v3 answers for a file: its address and the hash of what is in it. */
  lay(file: BillFile): { readonly hash_type: string; readonly hash_value: string; readonly download_url: string } {
    const token = randomBytes(16).toString('hex');
    this.#files.set(token, bytesOf(file));
    for (const old of this.#files.keys()) {
      if (this.#files.size <= FILES_MAX) break;
      this.#files.delete(old);
    }
    const hash_value = createHash('sha1').update(file.text, 'utf8').digest('hex');
    return { hash_type: 'SHA1', hash_value, download_url: `${HOST}${DOWNLOAD_PATH}?token=${token}` };
  }

  fetch(token: string): SandboxAnswer | null {
    const bytes = this.#files.get(token);
    return bytes === undefined ? null : answerOf(bytes);
  }
}

export const answerWith = (file: BillFile): SandboxAnswer => answerOf(bytesOf(file));

const bytesOf = ({ text, isPacked }: BillFile): Uint8Array => (isPacked ? gzipSync(text) : Buffer.from(text));
const answerOf = (bytes: Uint8Array): SandboxAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/plain' },
  bytes,
});
