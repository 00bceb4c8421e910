// What people did to orders of one shard, and why. Written in the transaction of the act itself, never changed.
import type { Actor, TimelineEntry } from '../core/record.ts';

export type ActKind =
  | 'refund_requested'
  | 'refund_refused'
  | 'refund_abandoned'
  | 'release_asked'
  | 'released'
  | 'discarded'
  | 'replayed'
  | 'queried'
  | 'closed'
  | 'test_sent';

export type Act = {
  readonly orderNo: string;
  readonly at: number;
  readonly kind: ActKind;
  readonly actor: Actor;
  /** What it was about, for people. */
  readonly about: string;
};

export function putAct(sql: SqlStorage, { orderNo, at, kind, actor, about }: Act): void {
  sql.exec(
    'INSERT INTO acts (order_no, at, kind, actor, detail, posted) VALUES (?, ?, ?, ?, ?, 0)',
    orderNo,
    at,
    kind,
    actor.key,
    JSON.stringify({ about, reason: actor.reason, address: actor.address ?? null }),
  );
}

/** True when such an act is on record already. */
export const hasAct = (sql: SqlStorage, orderNo: string, kind: ActKind, about: string): boolean =>
  sql
    .exec(
      "SELECT 1 FROM acts WHERE order_no = ? AND kind = ? AND detail ->> '$.about' = ? LIMIT 1",
      orderNo,
      kind,
      about,
    )
    .toArray().length > 0;

/** How many acts of this kind there were since then. */
export const countActs = (sql: SqlStorage, kind: ActKind, since: number): number =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM acts WHERE kind = ? AND at > ?', kind, since).one().n;

type ActRow = { id: number; orderNo: string; at: number; kind: ActKind; actor: string; detail: string };
/** Older rows know no address. */
type Detail = { readonly about: string; readonly reason: string | null; readonly address?: string | null };

export const actsOf = (sql: SqlStorage, orderNo: string): TimelineEntry[] =>
  sql
    .exec<ActRow>('SELECT at, kind, actor, detail FROM acts WHERE order_no = ? ORDER BY id', orderNo)
    .toArray()
    .map(({ at, kind, actor, detail }) => {
      const { about, reason } = JSON.parse(detail) as Detail; // written by putAct alone
      return { at, kind: 'act', source: 'operator', act: kind, actor, about, reason };
    });

/** Acts that the audit log has not heard of. */
export const actsToPost = (sql: SqlStorage, limit: number) =>
  sql
    .exec<ActRow>(
      'SELECT id, order_no AS orderNo, at, kind, actor, detail FROM acts WHERE posted = 0 ORDER BY id LIMIT ?',
      limit,
    )
    .toArray()
    .map(({ detail, ...act }) => ({ ...act, ...(JSON.parse(detail) as Detail) })); // written by putAct alone

/** The audit log is told everything again. */
export function postAgain(sql: SqlStorage): void {
  sql.exec('UPDATE acts SET posted = 0');
}

export function markPosted(sql: SqlStorage, throughId: number): void {
  sql.exec('UPDATE acts SET posted = 1 WHERE posted = 0 AND id <= ?', throughId);
}
