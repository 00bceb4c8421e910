// What a notice with an unknown platform key is about. It is sealed with the APIv3 key, whatever signed it, so that a
// stranger's opens to nothing. Never more than a hint: an old notice may be sent again by whoever saw it.
import { z } from 'zod';
import type { Callback } from '../../core/callback.ts';
import type { Hint } from '../provider/hint.ts';
import type { Credentials } from './credentials.ts';
import { isKnownType, openNotice } from './notice.ts';

const Id = z.string().min(1).max(64);
const Named = z.object({ out_trade_no: Id, out_refund_no: Id.nullish() });

export async function hint({ body }: Callback, credentials: Credentials): Promise<Hint | null> {
  const notice = await openNotice(body, credentials);
  if (!notice.ok || !isKnownType(notice.value.type)) return null;
  const named = Named.safeParse(notice.value.content);
  if (!named.success) return null;
  const { out_trade_no: orderNo, out_refund_no: refundNo } = named.data;
  return { isSealed: true, target: { orderNo, ...(refundNo == null ? {} : { refundNo }) } };
}
