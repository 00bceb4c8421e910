// What a provider tells of its daily bills: how they are asked for, what the answer means, how a file is read. Pure:
// the shell fetches, and reads no file as a bill before its checksum held.
import type { BillDay, BillKind, BillRow, FlowRow } from '../../core/bill.ts';
import type { BillLayout } from '../../core/bill-layout.ts';
import type { FetchedKey } from '../../core/channel.ts';
import type { Result } from '../../core/result.ts';
import type { SentOn } from '../../core/retold.ts';
import type { ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
import type { Echoing } from './echo.ts';
import type { Hinting } from './hint.ts';
import type { Tested } from './test-callback.ts';

export type BillAsk = { readonly day: BillDay; readonly kind: BillKind };

export type BillChecksum = { readonly algorithm: 'SHA-1' | 'SHA-256'; readonly hex: string };

export type BillAnswer =
  /** Nothing was traded that day: no failure, and as good as an empty bill. */
  | { readonly kind: 'none' }
  /** The provider is still writing it. */
  | { readonly kind: 'later'; readonly detail: string }
  /** Fetch this, at once: its address is good for minutes. Its answer is the file, and not signed. */
  | { readonly kind: 'there'; readonly download: ProviderRequest; readonly checksum: BillChecksum | null }
  /** The answer itself is the file, from its first byte. */
  | { readonly kind: 'here' };

export type BillSource<Credentials> = {
  /** The daily bill: what happened at the provider, whether a callback told of it or not. */
  readonly bill?: {
    readonly kinds: readonly BillKind[];
    /** The provider's own day, ahead of UTC. */
    readonly offsetMinutes: number;
    /** How long after its day's end a bill is there at the soonest, hours. */
    readonly readyAfterHours: number;
    /** How far back bills may be asked for, days. */
    readonly keptDays: number;
    readonly request: (
      ask: BillAsk,
      credentials: Credentials,
      context: RequestContext,
    ) => Promise<Result<ProviderRequest, ProviderProblem>>;
    /** `answer.body` is its first BILL_HEAD_BYTES (core/run-limits.ts) at most, all of it where it is shorter. */
    readonly read: (
      answer: ProviderAnswer,
      ask: BillAsk,
      credentials: Credentials,
      keys: readonly FetchedKey[],
      context: RequestContext,
    ) => Promise<Result<BillAnswer, ProviderProblem>>;
    /** Of a `trade` or `refund` bill. */
    readonly trades: (credentials: Credentials) => BillLayout<BillRow>;
    /** Of a `fundflow` bill, where `kinds` has it. */
    readonly flow?: (credentials: Credentials) => BillLayout<FlowRow>;
  };
};

/** What a provider tells beside its callbacks and its API: the parts of the contract that have files of their own. */
export type Beside<Credentials> = SentOn<Credentials> &
  BillSource<Credentials> &
  Hinting<Credentials> &
  Tested<Credentials> &
  Echoing<Credentials>;
