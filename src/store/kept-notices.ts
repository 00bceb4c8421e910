// Looks up a notice that a channel's callback log has just kept. Reads only.
import type { Arrival } from '../core/arrival.ts';
import { NOTICE } from './callback-log.ts';

/** Notices that are looked through, the latest first. */
const LATEST_MAX = 20;

/** When the last notice of this type was kept; null when none was since then. */
export function keptSince(sql: SqlStorage, noticeType: string, since: number): number | null {
  const latest = sql
    .exec<{ doc: string }>('SELECT doc FROM chunks WHERE kind = ? ORDER BY upto DESC LIMIT ?', NOTICE, LATEST_MAX)
    .toArray()
    .flatMap(({ doc }): Arrival[] => JSON.parse(doc)); // written by addChunk alone
  return latest.find((arrival) => arrival.noticeType === noticeType && arrival.at >= since)?.at ?? null;
}
