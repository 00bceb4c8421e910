// /console/keys: API keys, for admins: make one (shown once), rename it, move its end, revoke it. Never shows a key
// again; each act has a form of its own.
import { z } from 'zod';
import { ApiKeyBody, ApiKeyWithKey } from '../api/api-keys.ts';
import { pageOf } from '../api/page.ts';
import { ROLES, SCOPES_OF } from '../core/access.ts';
import { del, get, type Problem, patch, post, v1 } from './call.ts';
import { newToken } from './cookies.ts';
import { Input, Select } from './fields.tsx';
import { readForm } from './forms.ts';
import { type Context, type Guest, guestOf, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Card, Copy, Facts, Note, Pager, ProblemNote, Table, Time } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, type Key } from './texts.ts';

const Keys = pageOf('ConsoleKeys', ApiKeyBody);
type ApiKey = z.infer<typeof ApiKeyBody>;

export const keys = newPages();

/** What a key may, as the choices of the form. */
const KINDS = {
  orders: ['orders'],
  ...SCOPES_OF,
  metrics: ['metrics'],
} as const;
const KIND_NAMES = ['orders', ...ROLES, 'metrics'] as const;
const DAYS = ['', '7', '30', '90', '365'] as const;
const DAY_MS = 86_400_000;

type State = { readonly name?: string; readonly kind?: string; readonly problem?: Problem };

async function listPage(c: Context, { name = '', kind = 'orders', problem }: State = {}): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const cursor = c.req.query('cursor') ?? '';
  const page = await get(c, withQuery('/v1/api-keys', { cursor }), Keys);
  if (!page.ok) return showProblem(c, page.error, 'keys');
  const { items, next } = page.value;
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  const wrong = (field: string) => problem?.errors?.find((one) => one.field === field)?.message;
  return show(c, {
    title: say('keys.title'),
    section: 'keys',
    status: problem?.status ?? 200,
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        <div class="card">
          <KeyTable guest={guest} items={items} />
          <Pager
            visit={guest}
            first={cursor === '' ? null : to('keys')}
            next={next === null ? null : withQuery(to('keys'), { cursor: next })}
          />
        </div>
        <form class="card narrow" method="post" action={to('keys')} aria-labelledby="new-key">
          <h2 id="new-key">{say('keys.new')}</h2>
          {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
          <Token token={guest.token} />
          <input type="hidden" name="once" value={newToken()} />
          <Input
            visit={guest}
            name="name"
            label={say('keys.name')}
            help={say('keys.name.help')}
            value={name}
            wrong={wrong('name')}
            isRequired
          />
          <Select
            visit={guest}
            name="kind"
            label={say('keys.kind')}
            value={kind}
            choices={KIND_NAMES.map((value) => ({ value, text: say(`keys.kind.${value}` satisfies Key) }))}
            isRequired
          />
          <EndSelect guest={guest} wrong={wrong('expiresAt')} />
          <button class="main" type="submit">
            {say('keys.new')}
          </button>
        </form>
      </>
    ),
  });
}

type EndProps = { readonly guest: Guest; readonly wrong?: string | undefined };
const EndSelect = ({ guest, wrong }: EndProps) => (
  <Select
    visit={guest}
    name="days"
    label={guest.say('keys.end')}
    wrong={wrong}
    choices={DAYS.map((value) => ({
      value,
      text: value === '' ? guest.say('keys.end.never') : guest.say('keys.end.days', { days: value }),
    }))}
    isRequired
  />
);

/** Null: never. */
const endIn = (days: string): string | null =>
  DAYS.some((one) => one !== '' && one === days) ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null;

function KeyTable({ guest, items }: { readonly guest: Guest; readonly items: readonly ApiKey[] }) {
  const { say } = guest;
  return (
    <Table
      caption={say('keys.title')}
      empty={say('keys.none')}
      rows={items}
      columns={[
        { head: say('keys.name'), cell: ({ id, name }) => <a href={to('keys', id)}>{name}</a> },
        { head: say('keys.ending'), cell: ({ ending }) => <code>{`…${ending}`}</code> },
        { head: say('keys.scopes'), cell: ({ scopes }) => scopes.join(', ') },
        {
          head: say('keys.used'),
          cell: ({ lastUsedAt }) => (lastUsedAt ? <Time at={lastUsedAt} /> : say('keys.unused')),
        },
        {
          head: say('keys.end'),
          cell: ({ expiresAt }) => (expiresAt ? <Time at={expiresAt} /> : say('keys.end.never')),
        },
        { head: say('keys.revoked'), cell: ({ revokedAt }) => <Time at={revokedAt} /> },
      ]}
    />
  );
}

keys.get('/keys', (c) => listPage(c));

keys.post('/keys', async (c) => {
  const form = await readForm(c);
  const kind = z.enum(KIND_NAMES).catch('orders').parse(form.text('kind'));
  const body = { name: form.text('name'), scopes: KINDS[kind], expiresAt: endIn(form.text('days')) };
  const did = await post(c, '/v1/api-keys', { body, once: form.given('once') });
  if (!did.ok) return listPage(c, { name: body.name, kind, problem: did.error });
  const guest = guestOf(c);
  const { say } = guest;
  return show(c, {
    title: say('keys.made', { name: body.name }),
    section: 'keys',
    body: (
      <Card title={say('login.key')} id="key-title">
        <Note tone="warn" role="status">
          <p>{say('keys.once')}</p>
        </Note>
        <Copy visit={guest} id="key" text={ApiKeyWithKey.parse(did.value).key} />
        <p class="acts">
          <a class="act main" href={to('keys')}>
            {say('keys.back')}
          </a>
        </p>
      </Card>
    ),
  });
});

async function keyPage(c: Context, id: string, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const read = await get(c, v1('api-keys', id), ApiKeyBody);
  if (!read.ok) return showProblem(c, read.error, 'keys');
  const key = read.value;
  return show(c, {
    title: key.name,
    section: 'keys',
    status: problem?.status ?? 200,
    body: (
      <>
        <Card title={say('keys.title')} id="key-facts">
          <Facts
            entries={[
              [say('channels.id'), <code>{key.id}</code>],
              [say('keys.ending'), `…${key.ending}`],
              [say('keys.scopes'), key.scopes.join(', ')],
              [say('order.at'), <Time at={key.createdAt} />],
              [say('keys.used'), key.lastUsedAt ? <Time at={key.lastUsedAt} /> : say('keys.unused')],
              [say('keys.end'), key.expiresAt ? <Time at={key.expiresAt} /> : say('keys.end.never')],
              [say('keys.revoked'), key.revokedAt ? <Time at={key.revokedAt} /> : ''],
            ]}
          />
          <p class="acts">
            <a class="act" href={withQuery(to('audit'), { actor: key.id })}>
              {say('keys.acts')}
            </a>
          </p>
        </Card>
        {key.revokedAt === null ? <KeyForms guest={guest} apiKey={key} problem={problem} /> : null}
      </>
    ),
  });
}

type FormsProps = { readonly guest: Guest; readonly apiKey: ApiKey; readonly problem?: Problem | undefined };
const KeyForms = ({ guest, apiKey: { id, name }, problem }: FormsProps) => (
  <>
    <form class="card narrow" method="post" action={to('keys', id)} aria-labelledby="change-key">
      <h2 id="change-key">{guest.say('keys.change')}</h2>
      {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
      <Token token={guest.token} />
      <input type="hidden" name="once" value={newToken()} />
      <Input visit={guest} name="name" label={guest.say('keys.name')} value={name} isRequired />
      <EndSelect guest={guest} />
      <button class="main" type="submit">
        {guest.say('form.save')}
      </button>
    </form>
    <form class="card narrow" method="post" action={to('keys', id, 'revoke')} aria-labelledby="revoke-key">
      <h2 id="revoke-key">{guest.say('keys.revoke')}</h2>
      <Note tone="warn">
        <p>{guest.say('keys.revoke.will')}</p>
      </Note>
      <Token token={guest.token} />
      <input type="hidden" name="once" value={newToken()} />
      <button class="main" type="submit">
        {guest.say('keys.revoke')}
      </button>
    </form>
  </>
);

keys.get('/keys/:id', (c) => keyPage(c, c.req.param('id')));

keys.post('/keys/:id', async (c) => {
  const form = await readForm(c);
  const id = c.req.param('id');
  const body = { name: form.text('name'), expiresAt: endIn(form.text('days')) };
  const did = await patch(c, v1('api-keys', id), { body, once: form.given('once') });
  return did.ok ? c.redirect(withQuery(to('keys'), { done: 'changed' }), 303) : keyPage(c, id, did.error);
});

keys.post('/keys/:id/revoke', async (c) => {
  const form = await readForm(c);
  const id = c.req.param('id');
  const did = await del(c, v1('api-keys', id), { once: form.given('once') });
  return did.ok ? c.redirect(withQuery(to('keys'), { done: 'revoked' }), 303) : keyPage(c, id, did.error);
});
