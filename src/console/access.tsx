// /console/access: who may come in by Cloudflare Access, for admins; and /console/me: who one is here, and the end of
// sessions. Rules are lines of text: role, then an e-mail, an @domain or group:name.
import type { z } from 'zod';
import { AccessBody } from '../api/access.ts';
import { ROLES } from '../core/access.ts';
import { get, type Problem, post, put } from './call.ts';
import { newToken } from './cookies.ts';
import { Area, Input } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Card, Facts, Note, ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, type Key } from './texts.ts';

type Access = z.infer<typeof AccessBody>;
type Rule = Access['rules'][number];

export const access = newPages();

const lineOf = ({ kind, value, role }: Rule): string =>
  `${role} ${kind === 'email' ? value : kind === 'domain' ? `@${value}` : `group:${value}`}`;

/** The line as a rule; its text where it is none. */
function ruleIn(line: string): Rule | string {
  const [, word = '', who = ''] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
  const role = ROLES.find((one) => one === word);
  if (role === undefined) return line;
  if (who.startsWith('group:')) return { kind: 'group', value: who.slice('group:'.length).trim(), role };
  return who.startsWith('@') ? { kind: 'domain', value: who.slice(1), role } : { kind: 'email', value: who, role };
}

const linesIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

type State = { readonly form?: Form; readonly wrongLine?: string; readonly problem?: Problem };

async function accessPage(c: Context, { form, wrongLine, problem }: State = {}): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const read = await get(c, '/v1/access', AccessBody);
  if (!read.ok) return showProblem(c, read.error, 'access');
  const { version, issuer, audiences, rules } = read.value;
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  const errorOf = (name: string) => problem?.errors?.find(({ field }) => field.startsWith(name))?.message;
  const rulesWrong = wrongLine === undefined ? errorOf('rules') : say('access.rules.wrong', { line: wrongLine });
  return show(c, {
    title: say('access.title'),
    section: 'access',
    status: problem?.status ?? (wrongLine === undefined ? 200 : 422),
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        <form class="card narrow" method="post" action={to('access')}>
          {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
          <p>{say('access.help')}</p>
          <Token token={guest.token} />
          <input type="hidden" name="once" value={newToken()} />
          <input type="hidden" name="version" value={String(version)} />
          <Input
            visit={guest}
            name="issuer"
            type="url"
            label={say('access.issuer')}
            help={say('access.issuer.help')}
            value={form?.text('issuer') ?? issuer ?? ''}
            wrong={errorOf('issuer')}
          />
          <Area
            visit={guest}
            name="audiences"
            label={say('access.audiences')}
            help={say('access.audiences.help')}
            value={form?.text('audiences') ?? audiences.join('\n')}
            wrong={errorOf('audiences')}
          />
          <Area
            visit={guest}
            name="rules"
            label={say('access.rules')}
            help={say('access.rules.help')}
            value={form?.text('rules') ?? rules.map(lineOf).join('\n')}
            wrong={rulesWrong}
          />
          <button class="main" type="submit">
            {say('form.save')}
          </button>
        </form>
      </>
    ),
  });
}

access.get('/access', (c) => accessPage(c));

access.post('/access', async (c) => {
  const form = await readForm(c);
  const read = linesIn(form.text('rules')).map(ruleIn);
  const wrongLine = read.find((one) => typeof one === 'string');
  if (wrongLine !== undefined) return accessPage(c, { form, wrongLine });
  const body = {
    issuer: form.given('issuer') ?? null,
    audiences: linesIn(form.text('audiences')),
    rules: read,
    ifVersion: Number(form.text('version')),
  };
  const did = await put(c, '/v1/access', { body, once: form.given('once') });
  return did.ok
    ? c.redirect(withQuery(to('access'), { done: 'changed' }), 303)
    : accessPage(c, { form, problem: did.error });
});

function mePage(c: Context, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say, me } = guest;
  return show(c, {
    title: say('me.title'),
    status: problem?.status ?? 200,
    body: (
      <>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Card title={me.id} id="me-facts">
          <Facts entries={[[say('keys.scopes'), me.scopes.join(', ')]]} />
          <p class="acts">
            <a class="act" href={withQuery(to('audit'), { actor: me.id })}>
              {say('keys.acts')}
            </a>
          </p>
        </Card>
        <EndForm guest={guest} whose="mine" />
        {may(guest, 'admin') ? <EndForm guest={guest} whose="all" /> : null}
      </>
    ),
  });
}

type EndProps = { readonly guest: Guest; readonly whose: 'mine' | 'all' };
const EndForm = ({ guest: { say, token }, whose }: EndProps) => (
  <form class="card narrow" method="post" action={to('me', 'end')} aria-labelledby={`end-${whose}`}>
    <h2 id={`end-${whose}`}>{say(`me.end.${whose}` satisfies Key)}</h2>
    <p>{say(`me.end.${whose}.help` satisfies Key)}</p>
    <Token token={token} />
    <input type="hidden" name="once" value={newToken()} />
    <button class="main" type="submit" name="whose" value={whose}>
      {say(`me.end.${whose}` satisfies Key)}
    </button>
  </form>
);

access.get('/me', (c) => mePage(c));

access.post('/me/end', async (c) => {
  const form = await readForm(c);
  const body = form.text('whose') === 'all' ? { everybody: true } : {};
  const did = await post(c, '/v1/sessions/end', { body, once: form.given('once') });
  return did.ok ? c.redirect(withQuery(to('login'), { ended: '1' }), 303) : mePage(c, did.error);
});
