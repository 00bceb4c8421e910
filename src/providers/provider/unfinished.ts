// What authentic notices say that do not say enough. Pure types. Never more than was said: the provider is asked for
// the rest.
import type { PartialFact, UnlinkedPartial } from '../../core/event.ts';

export type Unfinished = {
  /** Each is completed by `query`; without one it goes out flagged. */
  readonly partial?: readonly PartialFact[];
  /** The same where not even the order is named. Needs `linksById`. */
  readonly unlinkedPartial?: readonly UnlinkedPartial[];
};
