// What a provider did not do, as a problem of /v1. One exhaustive switch for all who ask providers.
import type { AskProblem } from '../call-provider/ask.ts';
import { unreachable } from '../core/result.ts';
import type { Problem } from './problem.ts';

/** `next` says what to do where another time may bring another answer. */
export function problemOf({ code, detail }: Pick<AskProblem, 'code' | 'detail'>, next: string): Problem {
  switch (code) {
    case 'refused':
      return { code: 'provider_refused', detail };
    case 'already_paid':
      return { code: 'order_paid', detail };
    case 'insufficient_balance':
      return { code: 'insufficient_balance', detail };
    case 'not_configured':
      return { code: 'provider_not_configured', detail };
    case 'timed_out':
      return { code: 'provider_timeout', detail: `${detail} ${next}` };
    case 'unverified':
    case 'unavailable':
    case 'malformed':
      return { code: 'provider_unavailable', detail: `${detail} ${next}` };
    default:
      return unreachable(code);
  }
}
