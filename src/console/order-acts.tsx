// What a person does to one order: each act on a page of its own that says what will happen, then done once by /v1.
// Never acts on a GET.
import { type Problem, post, v1 } from './call.ts';
import { back, Confirm } from './confirm.tsx';
import { newToken } from './cookies.ts';
import { Input } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, newPages } from './kit.ts';
import { placeIn, readOrder } from './order.tsx';
import { type Chosen, movedBy, Preview, requestsOf } from './order-preview.tsx';
import { show, showProblem } from './show.tsx';
import type { Key } from './texts.ts';

export const orderActs = newPages();

const ACTS = ['query', 'close', 'release', 'discard', 'replay'] as const;
type Act = (typeof ACTS)[number];
const NEEDS_REASON: readonly Act[] = ['release', 'discard'];
const TAKES_REASON: readonly Act[] = [...NEEDS_REASON, 'replay'];
type ActState = {
  readonly chosen: Chosen;
  readonly problem?: Problem;
  readonly reason?: string;
  readonly once?: string;
};

/** One event alone, or one origin's: the rows of an order's deliveries lead here with both. */
function chosenIn(given: (name: string) => string | undefined): Chosen {
  const sequence = Number(given('sequence') ?? 0);
  return {
    sequence: Number.isSafeInteger(sequence) && sequence > 0 ? sequence : null,
    origin: given('origin') || null,
  };
}

async function confirmPage(c: Context, act: Act, { chosen, problem, reason, once }: ActState): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const place = placeIn(c);
  const found = await readOrder(c, place);
  // The provider may be asked about an order that nobody here has heard of.
  if (!found.ok && act !== 'query') return showProblem(c, found.error, 'orders');
  const moved = found.ok ? movedBy(act, found.value, chosen) : [];
  const requests = await requestsOf(c, guest, place, moved);
  const name = say(`act.${act}` satisfies Key);
  const wrong = problem?.errors?.find(({ field }) => field === 'reason')?.message;
  const { orderNo } = place;
  const isOne = act === 'replay' && (chosen.sequence !== null || chosen.origin !== null);
  return show(c, {
    title: say('will.title', { act: name }),
    section: 'orders',
    status: problem?.status ?? 200,
    body: (
      <Confirm
        visit={guest}
        place={place}
        act={act}
        will={isOne ? say('will.replay.one', { orderNo }) : say(`will.${act}` satisfies Key, { orderNo })}
        button={name}
        problem={problem}
        once={once ?? newToken()}
      >
        {found.ok ? <Preview guest={guest} place={place} read={found.value} moved={moved} requests={requests} /> : null}
        {chosen.sequence === null ? null : <input type="hidden" name="sequence" value={String(chosen.sequence)} />}
        {chosen.origin === null ? null : <input type="hidden" name="origin" value={chosen.origin} />}
        {TAKES_REASON.includes(act) ? (
          <Input
            visit={guest}
            name="reason"
            label={say('form.reason')}
            help={say('form.reason.help')}
            value={reason}
            wrong={wrong}
            isRequired={NEEDS_REASON.includes(act)}
          />
        ) : null}
      </Confirm>
    ),
  });
}

function bodyOf(act: Act, form: Form, { sequence, origin }: Chosen): unknown {
  if (NEEDS_REASON.includes(act)) return { reason: form.text('reason'), discard: act === 'discard' };
  if (act !== 'replay') return undefined;
  return { sequence: sequence ?? undefined, origin: origin ?? undefined, reason: form.given('reason') };
}

for (const act of ACTS) {
  orderActs.get(`/orders/:channel/:orderNo/${act}`, (c) =>
    confirmPage(c, act, { chosen: chosenIn((name) => c.req.query(name)) }),
  );
  orderActs.post(`/orders/:channel/:orderNo/${act}`, async (c) => {
    const form = await readForm(c);
    const place = placeIn(c);
    const path = v1('orders', place.channel, place.orderNo, act === 'discard' ? 'release' : act);
    const chosen = chosenIn((name) => form.given(name));
    const did = await post(c, path, { body: bodyOf(act, form, chosen), once: form.given('once') });
    if (!did.ok) return confirmPage(c, act, { chosen, problem: did.error, reason: form.text('reason') });
    return c.redirect(back(place, did.value.confirmation === 'needed' ? 'confirm' : act), 303);
  });
}
