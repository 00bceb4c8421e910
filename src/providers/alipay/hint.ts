// What a notice that cannot be verified is about: the order number stands in it for everybody to read and to write.
import type { Callback } from '../../core/callback.ts';
import type { Hint } from '../provider/hint.ts';
import { plainOf, readForm } from './form.ts';

/** Order numbers at Alipay are letters, digits and underscores (docs: out_trade_no). */
const ORDER_NO = /^[A-Za-z0-9_-]{1,64}$/;

export async function hint({ body }: Callback): Promise<Hint | null> {
  const form = readForm(body);
  const orderNo = form === null ? null : plainOf(form, 'out_trade_no');
  return orderNo !== null && ORDER_NO.test(orderNo) ? { isSealed: false, target: { orderNo } } : null;
}
