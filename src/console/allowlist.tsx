// /console/channels/{id}/allowlist: who may call a channel. Watch first, see who would have been refused, then enforce.
// Nothing changes before it is saved.
import { OutsidersBody } from '../api/outsiders.ts';
import { get, type Problem, patch, v1 } from './call.ts';
import { type Known, known } from './channel-change.tsx';
import { wrongAt } from './credential-fields.tsx';
import { Area, Select } from './fields.tsx';
import { linesOf, readForm } from './forms.ts';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { ProblemNote, Table, Time } from './parts.tsx';
import { show } from './show.tsx';
import { wordFor } from './texts.ts';

export const allowlist = newPages();

const MODES = ['off', 'monitor', 'enforce'] as const;

type State = { readonly mode: string; readonly ranges: string; readonly problem?: Problem };

async function page(c: Context, { channel, provider }: Known, { mode, ranges, problem }: State): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const published = provider.sourceRanges;
  const help = say('channel.ranges.help');
  const lines = linesOf(ranges);
  return show(c, {
    title: say('channel.edit.allowlist'),
    section: 'channels',
    status: problem?.status ?? 200,
    body: (
      <>
        <form class="card narrow" method="post" action={to('channels', channel.id, 'allowlist')}>
          {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
          <Token token={token} />
          <Select
            visit={guest}
            name="mode"
            label={say('channel.allowlist.mode')}
            value={mode}
            choices={MODES.map((value) => ({ value, text: wordFor(say, 'allowlist', value) }))}
            isRequired
          />
          <Area
            visit={guest}
            name="ranges"
            label={say('channel.ranges')}
            help={
              published.length === 0
                ? help
                : `${help} ${say('channel.ranges.published', { ranges: published.join(', ') })}`
            }
            wrong={wrongAt(problem?.errors, 'allowlist')}
            value={ranges}
          />
          <div class="acts">
            <button class="main" type="submit">
              {say('form.save')}
            </button>
            <button type="submit" name="try" value="look">
              {say('allowlist.look')}
            </button>
            {published.length === 0 ? null : (
              <button type="submit" name="try" value="published">
                {say('allowlist.published')}
              </button>
            )}
            <a class="act" href={to('channels', channel.id)}>
              {say('form.back')}
            </a>
          </div>
        </form>
        {problem === undefined && lines.length > 0 ? await outsidersOf(c, guest, channel.id, lines) : null}
      </>
    ),
  });
}

/** With these ranges, whether they are saved or only tried. */
async function outsidersOf(c: Context, guest: Guest, id: string, ranges: readonly string[]) {
  const { say } = guest;
  const found = await get(c, withQuery(v1('channels', id, 'outsiders'), { ranges: ranges.join(',') }), OutsidersBody);
  if (!found.ok) return <ProblemNote visit={guest} problem={found.error} />;
  const { items, since } = found.value;
  const isSafe = items.every(({ genuine }) => genuine === 0);
  return (
    <div class="card">
      <p>
        {`${say(isSafe ? 'allowlist.safe' : 'allowlist.unsafe')} `}
        <span class="soft small">
          {`${say('allowlist.since')} `}
          <Time at={since} />
        </span>
      </p>
      <Table
        caption={say('allowlist.outsiders')}
        empty={say('allowlist.nobody')}
        rows={items}
        columns={[
          { head: say('callbacks.address'), cell: ({ address }) => address ?? '?' },
          { head: say('allowlist.genuine'), cell: ({ genuine }) => String(genuine), isNumber: true },
          { head: say('allowlist.refused'), cell: ({ refused }) => String(refused), isNumber: true },
          { head: say('alarms.last'), cell: ({ lastAt }) => <Time at={lastAt} /> },
        ]}
      />
    </div>
  );
}

allowlist.get('/channels/:id/allowlist', async (c) => {
  const at = await known(c);
  if (at instanceof Response) return at;
  const { mode, ranges } = at.channel.allowlist;
  return page(c, at, { mode, ranges: ranges.join('\n') });
});

allowlist.post('/channels/:id/allowlist', async (c) => {
  const form = await readForm(c);
  const at = await known(c);
  if (at instanceof Response) return at;
  const [mode, ranges, tried] = [form.text('mode'), form.text('ranges'), form.text('try')];
  if (tried === 'published') {
    // Watching comes first: what is published may lack an address.
    const next = mode === 'off' ? 'monitor' : mode;
    return page(c, at, { mode: next, ranges: at.provider.sourceRanges.join('\n') });
  }
  if (tried !== '') return page(c, at, { mode, ranges });
  const did = await patch(c, v1('channels', at.channel.id), { body: { allowlist: { mode, ranges: linesOf(ranges) } } });
  if (!did.ok) return page(c, at, { mode, ranges, problem: did.error });
  return c.redirect(withQuery(to('channels', at.channel.id), { done: 'changed' }), 303);
});
