// What a person does to one order: each act on a page of its own that says what will happen, then done once by /v1.
// Never acts on a GET.
import { type Problem, post, v1 } from './call.ts';
import { back, Confirm } from './confirm.tsx';
import { newToken } from './cookies.ts';
import { Input } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, newPages } from './kit.ts';
import { placeIn, readOrder } from './order.tsx';
import { show, showProblem } from './show.tsx';
import type { Key } from './texts.ts';

export const orderActs = newPages();

const ACTS = ['query', 'close', 'release', 'discard', 'replay'] as const;
type Act = (typeof ACTS)[number];
const NEEDS_REASON: readonly Act[] = ['release', 'discard'];
type ActState = { readonly problem?: Problem; readonly reason?: string; readonly once?: string };
function confirmPage(c: Context, act: Act, { problem, reason, once }: ActState): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const place = placeIn(c);
  const name = say(`act.${act}` satisfies Key);
  const wrong = problem?.errors?.find(({ field }) => field === 'reason')?.message;
  return show(c, {
    title: say('will.title', { act: name }),
    section: 'orders',
    status: problem?.status ?? 200,
    body: (
      <Confirm
        visit={guest}
        place={place}
        act={act}
        will={say(`will.${act}` satisfies Key, { orderNo: place.orderNo })}
        button={name}
        problem={problem}
        once={once ?? newToken()}
      >
        {NEEDS_REASON.includes(act) ? (
          <Input
            visit={guest}
            name="reason"
            label={say('form.reason')}
            help={say('form.reason.help')}
            value={reason}
            wrong={wrong}
            isRequired
          />
        ) : null}
      </Confirm>
    ),
  });
}

const bodyOf = (act: Act, form: Form): unknown =>
  NEEDS_REASON.includes(act) ? { reason: form.text('reason'), discard: act === 'discard' } : undefined;

for (const act of ACTS) {
  orderActs.get(`/orders/:channel/:orderNo/${act}`, async (c) => {
    const found = act === 'query' ? null : await readOrder(c, placeIn(c));
    if (found !== null && !found.ok) return showProblem(c, found.error, 'orders');
    return confirmPage(c, act, {});
  });
  orderActs.post(`/orders/:channel/:orderNo/${act}`, async (c) => {
    const form = await readForm(c);
    const place = placeIn(c);
    const path = v1('orders', place.channel, place.orderNo, act === 'discard' ? 'release' : act);
    const once = form.given('once');
    const did = await post(c, path, { body: bodyOf(act, form), once });
    if (!did.ok) return confirmPage(c, act, { problem: did.error, reason: form.text('reason') });
    return c.redirect(back(place, did.value.confirmation === 'needed' ? 'confirm' : act), 303);
  });
}
