// Changing what a channel does with its orders: who is told, whether orders have to be registered, and which flags wait
// for a person. Never acts on a GET, and never touches a credential.
import { FLAGS } from '../core/order.ts';
import { get, type Problem, patch, v1 } from './call.ts';
import { originIds } from './channel-ids.ts';
import { type Channel, ChannelDetail } from './channels.tsx';
import { newToken } from './cookies.ts';
import { wrongAt } from './credential-fields.tsx';
import { Buttons, Checks, Select } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, idIn, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

export const channelSettings = newPages();

const MODES = ['open', 'registered'] as const;
type FormState = { readonly form: Form | null; readonly problem?: Problem };

async function page(c: Context, { form, problem }: FormState): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const id = idIn(c);
  const [found, ids] = await Promise.all([get(c, v1('channels', id), ChannelDetail), originIds(c, guest)]);
  if (!found.ok) return showProblem(c, found.error, 'channels');
  const channel = found.value;
  return show(c, {
    title: `${say('channel.change')} · ${id}`,
    section: 'channels',
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={to('channels', id, 'change')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <Checks
          visit={guest}
          name="origins"
          label={say('channel.origins')}
          help={say(ids.length === 0 ? 'channel.origins.none' : 'channel.origins.help')}
          wrong={wrongAt(problem?.errors, 'origins')}
          values={form?.all('origins') ?? toldIn(c, channel)}
          choices={[...new Set([...channel.origins, ...ids])].map((value) => ({ value, text: value }))}
        />
        <Select
          visit={guest}
          name="mode"
          label={say('channel.mode')}
          help={say('channel.mode.help')}
          value={form?.text('mode') ?? channel.mode}
          choices={MODES.map((value) => ({ value, text: wordFor(say, 'mode', value) }))}
          isRequired
        />
        <Checks
          visit={guest}
          name="hold"
          label={say('channel.hold')}
          help={say('channel.hold.help')}
          wrong={wrongAt(problem?.errors, 'settings.hold')}
          values={form?.all('hold') ?? channel.settings.hold}
          choices={FLAGS.map((value) => ({ value, text: wordFor(say, 'flag', value) }))}
        />
        <Buttons visit={guest} text={say('form.save')} back={to('channels', id)} />
      </form>
    ),
  });
}

/** Who is told, and the origin that a link asks to be told too; it is only ticked. */
const toldIn = (c: Context, { origins }: Channel): readonly string[] => [...origins, c.req.query('add') ?? ''];

channelSettings.get('/channels/:id/change', (c) => page(c, { form: null }));

channelSettings.post('/channels/:id/change', async (c) => {
  const form = await readForm(c);
  const body = { origins: form.all('origins'), mode: form.text('mode'), settings: { hold: form.all('hold') } };
  const did = await patch(c, v1('channels', idIn(c)), { body, once: form.given('once') });
  if (!did.ok) return page(c, { form, problem: did.error });
  return c.redirect(withQuery(to('channels', idIn(c)), { done: 'changed' }), 303);
});
