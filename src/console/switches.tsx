// Pausing, resuming, disabling and enabling channels and origins: each on a page of its own that says what will happen.
// Never acts on a GET.

import { type Problem, post, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { Buttons } from './fields.tsx';
import { readForm } from './forms.ts';
import { type Context, guestOf, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note, ProblemNote } from './parts.tsx';
import { show } from './show.tsx';

export const switches = newPages();

const SWITCHES = [
  { section: 'channels', verb: 'pause', will: 'will.channel.pause' },
  { section: 'channels', verb: 'resume', will: 'will.channel.resume' },
  { section: 'channels', verb: 'disable', will: 'will.channel.disable' },
  { section: 'channels', verb: 'enable', will: 'will.channel.enable' },
  { section: 'origins', verb: 'pause', will: 'will.origin.pause' },
  { section: 'origins', verb: 'resume', will: 'will.origin.resume' },
] as const;
type Switch = (typeof SWITCHES)[number];

function page(c: Context, { section, verb, will }: Switch, id: string, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const act = say(`verb.${verb}`);
  return show(c, {
    title: say('will.title', { act }),
    section,
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={to(section, id, verb)}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Note tone="warn">
          <p>{say(will, { id })}</p>
        </Note>
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <Buttons visit={guest} text={act} back={to(section, id)} />
      </form>
    ),
  });
}

for (const one of SWITCHES) {
  const path = `/${one.section}/:id/${one.verb}` as const;
  switches.get(path, (c) => page(c, one, c.req.param('id')));
  switches.post(path, async (c) => {
    const form = await readForm(c);
    const id = c.req.param('id');
    const did = await post(c, v1(one.section, id, one.verb), { once: form.given('once') });
    if (!did.ok) return page(c, one, id, did.error);
    return c.redirect(withQuery(to(one.section, id), { done: 'changed' }), 303);
  });
}
