// Cell: what one word of a provider becomes in a state table. Pure; the tables are in order.ts, refund.ts, dispute.ts.
import type { EventType } from './event.ts';

/**
 * An event type, or `flagged`: order.flagged · `stale`: no news, kept in the timeline only · `again`: the same word
 * once more, no news unless its amount is another · news only when the word is later than the one before it.
 */
export type Cell = EventType | 'flagged' | 'stale' | 'again' | Timed;
export type Timed = { readonly type: EventType; readonly when: 'later' | 'not earlier' };

export const ifLater = (type: EventType): Timed => ({ type, when: 'later' });
export const unlessEarlier = (type: EventType): Timed => ({ type, when: 'not earlier' });

/** A row of a table whose columns are these words. */
export type RowOf<Words extends readonly string[]> = { readonly [I in keyof Words]: Cell };

/** When its present state was told last: the word that an older one of another state does not outdo. */
export type Heard = {
  /** When it came to be so, by the first word of it that was told. */
  readonly at: number;
  /** When it was told last; left out while that is the first. */
  readonly lastAt?: number;
};

export const heardAt = ({ at, lastAt = at }: Heard): number => Math.max(at, lastAt);

/** The same word once more, of a later time; the thing itself where it is no later. */
export const hearing = <T extends Heard>(known: T, at: number): T =>
  at > heardAt(known) ? { ...known, lastAt: at } : known;

/** What the cell says of a word told at one time about what stands since another; null: no news. */
export function told(cell: Cell, at: number, knownAt: number): EventType | 'again' | null {
  if (cell === 'stale') return null;
  if (cell === 'flagged') return 'order.flagged';
  if (typeof cell === 'string') return cell;
  return at > knownAt || (at === knownAt && cell.when === 'not earlier') ? cell.type : null;
}
