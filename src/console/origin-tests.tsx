// Whether an origin takes test callbacks: changed on a page of its own that says what that means for its backend.
// Never acts on a GET.

import { OriginBody } from '../api/origin-shape.ts';
import { get, type Problem, patch, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { Buttons } from './fields.tsx';
import { readForm } from './forms.ts';
import { type Context, guestOf, idIn, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note, ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';

export const originTests = newPages();

async function page(c: Context, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const id = idIn(c);
  const found = await get(c, v1('origins', id), OriginBody);
  if (!found.ok) return showProblem(c, found.error, 'origins');
  const turn = found.value.acceptsTest ? 'off' : 'on';
  return show(c, {
    title: say('test.accepts.label'),
    section: 'origins',
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={to('origins', id, 'tests')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Note tone="warn">
          <p>{say(`test.accepts.${turn}.will`, { id })}</p>
        </Note>
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <input type="hidden" name="turn" value={turn} />
        <Buttons visit={guest} text={say(`test.accepts.${turn}`)} back={to('origins', id)} />
      </form>
    ),
  });
}

originTests.get('/origins/:id/tests', (c) => page(c));

originTests.post('/origins/:id/tests', async (c) => {
  const form = await readForm(c);
  const body = { acceptsTest: form.text('turn') === 'on' };
  const did = await patch(c, v1('origins', idIn(c)), { body, once: form.given('once') });
  if (!did.ok) return page(c, did.error);
  return c.redirect(withQuery(to('origins', idIn(c)), { done: 'changed' }), 303);
});
