// A new channel: which provider, then its credentials with where to find each, checked as soon as they are sent.
import { z } from 'zod';
import { pageOf } from '../api/page.ts';
import { ProviderBody } from '../api/providers.ts';
import { get, type Problem, post } from './call.ts';
import { newToken } from './cookies.ts';
import { askCheck, type Check, CheckButton, CheckResult, mayKeep, wrongsIn } from './credential-check.tsx';
import { CredentialField, credentialsIn, wrongAt } from './credential-fields.tsx';
import { Buttons, Checks, Input, Select } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note, ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { wordFor } from './texts.ts';

const Providers = pageOf('ConsoleProviders', ProviderBody);
const Ids = z.object({ items: z.array(z.object({ id: z.string() })) });
export type Provider = z.infer<typeof ProviderBody>;
export type FieldErrors = NonNullable<Problem['errors']>;

export const channelNew = newPages();

export const providersOf = (c: Context) => get(c, '/v1/providers?limit=200', Providers);

channelNew.get('/new/channel', async (c) => {
  const guest = guestOf(c);
  const { say, language } = guest;
  const providers = await providersOf(c);
  if (!providers.ok) return showProblem(c, providers.error, 'channels');
  return show(c, {
    title: say('channels.choose'),
    section: 'channels',
    body: (
      <ul class="acts">
        {providers.value.items.map(({ id, name }) => (
          <li>
            <a class="act" href={to('new', 'channel', id)}>
              {name[language]}
            </a>
          </li>
        ))}
      </ul>
    ),
  });
});

type FormState = {
  readonly form: Form | null;
  readonly errors?: FieldErrors;
  readonly problem?: Problem;
  readonly check?: Check;
  /** Only looked at: nothing was to be saved. */
  readonly isTrial?: boolean;
};

async function formPage(c: Context, provider: Provider, state: FormState): Promise<Response> {
  const { form, problem, check, isTrial = false } = state;
  const guest = guestOf(c);
  const { say, language, token } = guest;
  const errors = [...(state.errors ?? []), ...wrongsIn(guest, check)];
  const origins = await get(c, '/v1/origins?limit=200', Ids);
  const ids = origins.ok ? origins.value.items.map(({ id }) => ({ value: id, text: id })) : [];
  const choices = (family: string, codes: readonly string[]) =>
    codes.map((value) => ({ value, text: wordFor(say, family, value) }));
  const entered = (name: string) => form?.text(name) ?? '';
  return show(c, {
    title: `${say('channels.new')} · ${provider.name[language]}`,
    section: 'channels',
    status: problem?.status ?? (isTrial || (errors.length === 0 && check?.ok !== false) ? 200 : 422),
    files: ['check.js'],
    body: (
      <form class="card narrow" method="post" action={to('new', 'channel', provider.id)}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        {form === null ? null : (
          <Note tone="warn">
            <p>{say('channel.secret.again')}</p>
          </Note>
        )}
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <Input
          visit={guest}
          name="id"
          label={say('channels.id')}
          help={say('channels.id.help')}
          value={entered('id')}
          wrong={wrongAt(errors, 'id')}
          isRequired
        />
        <Select
          visit={guest}
          name="environment"
          label={say('channel.environment')}
          value={entered('environment') || 'live'}
          choices={choices('environment', ['live', 'test'])}
          isRequired
        />
        <Select
          visit={guest}
          name="mode"
          label={say('channel.mode')}
          value={entered('mode') || 'open'}
          choices={choices('mode', ['open', 'registered'])}
          isRequired
        />
        <Checks
          visit={guest}
          name="origins"
          label={say('channel.origins')}
          help={say(ids.length === 0 ? 'channel.origins.none' : 'channel.origins.help')}
          wrong={wrongAt(errors, 'origins')}
          values={form?.all('origins') ?? []}
          choices={ids}
        />
        <h2>{say('channel.credentials')}</h2>
        {provider.credentials.map((field) => (
          <CredentialField
            visit={guest}
            field={field}
            form={form}
            wrong={wrongAt(errors, `credentials.${field.field}`)}
          />
        ))}
        <CheckResult visit={guest} check={check} fields={provider.credentials} />
        <Buttons visit={guest} text={say('channels.new')} back={to('channels')}>
          <CheckButton visit={guest} />
        </Buttons>
      </form>
    ),
  });
}

async function providerIn(c: Context): Promise<Provider | Response> {
  const providers = await providersOf(c);
  if (!providers.ok) return showProblem(c, providers.error, 'channels');
  const found = providers.value.items.find(({ id }) => id === c.req.param('provider'));
  return found ?? showProblem(c, { status: 404, code: 'not_found', detail: '' }, 'channels');
}

channelNew.get('/new/channel/:provider', async (c) => {
  const provider = await providerIn(c);
  return provider instanceof Response ? provider : formPage(c, provider, { form: null });
});

channelNew.post('/new/channel/:provider', async (c) => {
  const form = await readForm(c);
  const provider = await providerIn(c);
  if (provider instanceof Response) return provider;
  const credentials = credentialsIn(provider.credentials, form, c.get('visit'));
  if (!credentials.ok) return formPage(c, provider, { form, errors: credentials.error });
  const environment = form.text('environment');
  const check = await askCheck(c, { provider: provider.id, credentials: credentials.value, environment });
  if (!check.ok) return formPage(c, provider, { form, errors: check.error.errors ?? [], problem: check.error });
  const isTrial = form.text('check') !== '';
  if (isTrial || !mayKeep(check.value, form)) return formPage(c, provider, { form, check: check.value, isTrial });
  const id = form.text('id');
  const did = await post(c, '/v1/channels', {
    body: {
      id,
      provider: provider.id,
      environment,
      mode: form.text('mode'),
      origins: form.all('origins'),
      credentials: credentials.value,
    },
    once: form.given('once'),
  });
  if (did.ok)
    return c.redirect(withQuery(to('channels', id), { done: 'created', proof: check.value.provider.code }), 303);
  return formPage(c, provider, { form, errors: did.error.errors ?? [], problem: did.error });
});
