// What the registry did not do, as a problem. One exhaustive switch.
import type { WriteReply } from '../core/registry.ts';
import { unreachable } from '../core/result.ts';
import type { Context } from './kit.ts';
import { invalid, keyReused, notFound, refuse } from './problem.ts';

type Undone = Exclude<WriteReply<unknown>, { readonly kind: 'done' }>;

/** `what` names the thing that was written, such as `Channel shop`. */
export function refuseWrite(c: Context, reply: Undone, what: string) {
  switch (reply.kind) {
    case 'missing':
      return refuse(c, notFound(what));
    case 'exists':
      return refuse(c, {
        code: 'already_exists',
        detail: `${what} exists: change it with PATCH, or choose another id.`,
      });
    case 'unknown_origin':
      return refuse(c, invalid({ field: `origins.${reply.index}`, message: 'is not an origin: create it first' }));
    case 'changed':
      return refuse(c, {
        code: 'changed_meanwhile',
        detail: `${what} was changed while this was looked at: read it again, and send this again if it still fits.`,
      });
    case 'wrong_status':
      return refuse(c, {
        code: 'wrong_status',
        detail: `${what} is ${reply.status}, from where this does not lead on.`,
      });
    case 'full':
      return refuse(c, {
        code: 'wrong_status',
        detail: `${what} is one too many: there may be ${reply.most}. Let another go first.`,
      });
    case 'key_reused':
      return refuse(c, keyReused);
    default:
      return unreachable(reply);
  }
}
