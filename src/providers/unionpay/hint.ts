// What a notice whose certificate is not vouched for is about: order and time stand in it for everybody to read and to
// write.
import type { Callback } from '../../core/callback.ts';
import type { Hint } from '../provider/hint.ts';
import { readForm } from './notice.ts';

/** A consumption; a refund's notice names itself and not the order (docs: txnType). */
const CONSUMPTION = '01';

export async function hint({ body }: Callback): Promise<Hint | null> {
  const form = readForm(body);
  if (form?.get('txnType') !== CONSUMPTION) return null;
  const [orderNo = '', reference = ''] = [form.get('orderId'), form.get('txnTime')];
  const isNamed = /^[0-9A-Za-z]{8,40}$/.test(orderNo) && /^\d{14}$/.test(reference);
  return isNamed ? { isSealed: false, target: { orderNo, reference } } : null;
}
