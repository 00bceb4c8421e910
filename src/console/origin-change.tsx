// Changing where an origin is, and how long its answer may take. Never acts on a GET, and never shows a secret.
import { OriginBody } from '../api/origin-shape.ts';
import { get, type Problem, patch, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { wrongAt } from './credential-fields.tsx';
import { Buttons, Input } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, idIn, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note, ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';

export const originChange = newPages();

type FormState = { readonly form: Form | null; readonly problem?: Problem };

async function page(c: Context, { form, problem }: FormState): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const id = idIn(c);
  const found = await get(c, v1('origins', id), OriginBody);
  if (!found.ok) return showProblem(c, found.error, 'origins');
  const common = (name: string) => ({ visit: guest, name, wrong: wrongAt(problem?.errors, name), isRequired: true });
  return show(c, {
    title: `${say('origin.change')} · ${id}`,
    section: 'origins',
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={to('origins', id, 'change')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Note tone="warn">
          <p>{say('origin.change.will', { id })}</p>
        </Note>
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <Input
          {...common('url')}
          label={say('origins.url')}
          help={say('origins.url.help')}
          value={form?.text('url') ?? found.value.url}
        />
        <Input
          {...common('timeoutMs')}
          label={say('origins.timeout')}
          value={form?.text('timeoutMs') ?? String(found.value.timeoutMs)}
          mode="numeric"
        />
        <Buttons visit={guest} text={say('form.save')} back={to('origins', id)} />
      </form>
    ),
  });
}

originChange.get('/origins/:id/change', (c) => page(c, { form: null }));

originChange.post('/origins/:id/change', async (c) => {
  const form = await readForm(c);
  const body = { url: form.text('url'), timeoutMs: Number(form.text('timeoutMs')) };
  const did = await patch(c, v1('origins', idIn(c)), { body, once: form.given('once') });
  if (!did.ok) return page(c, { form, problem: did.error });
  return c.redirect(withQuery(to('origins', idIn(c)), { done: 'changed' }), 303);
});
