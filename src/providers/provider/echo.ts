// A provider that calls the channel's own address when it is asked to, with a genuine notice about nothing: proof of
// the way and of the keys, which no test of ours can give. Pure types.
import type { FetchedKey } from '../../core/channel.ts';
import type { Result } from '../../core/result.ts';
import type { ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';

export type Echoing<Credentials> = {
  readonly echo?: {
    /** What its notice is called. */
    readonly noticeType: string;
    readonly request: (
      notifyUrl: string,
      credentials: Credentials,
      keys: readonly FetchedKey[],
      context: RequestContext,
    ) => Promise<Result<ProviderRequest, ProviderProblem>>;
    /** It will call. */
    readonly read: (
      answer: ProviderAnswer,
      credentials: Credentials,
      keys: readonly FetchedKey[],
      now: number,
    ) => Promise<Result<true, ProviderProblem>>;
  };
};
