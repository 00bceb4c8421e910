// Changing a channel: its credentials, with an overlap in which the earlier ones still count.
import { get, type Problem, post, v1 } from './call.ts';
import { type Provider, providersOf } from './channel-new.tsx';
import { type Channel, ChannelDetail } from './channels.tsx';
import { newToken } from './cookies.ts';
import { askCheck, type Check, CheckButton, CheckResult, mayKeep, wrongsIn } from './credential-check.tsx';
import { CredentialField, credentialsIn, wrongAt } from './credential-fields.tsx';
import { Buttons, Input } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note, ProblemNote } from './parts.tsx';
import { show, showProblem } from './show.tsx';

export const channelChange = newPages();

export type Known = { readonly channel: Channel; readonly provider: Provider };

/** The channel and its provider; a page where they cannot be had. */
export async function known(c: Context): Promise<Known | Response> {
  const [found, providers] = await Promise.all([
    get(c, v1('channels', c.req.param('id') ?? ''), ChannelDetail),
    providersOf(c),
  ]);
  if (!found.ok) return showProblem(c, found.error, 'channels');
  if (!providers.ok) return showProblem(c, providers.error, 'channels');
  const channel = found.value;
  const provider = providers.value.items.find(({ id }) => id === channel.provider);
  if (provider) return { channel, provider };
  return showProblem(c, { status: 404, code: 'not_found', detail: channel.provider }, 'channels');
}

type FormState = {
  readonly form: Form | null;
  readonly errors?: NonNullable<Problem['errors']>;
  readonly problem?: Problem;
  readonly check?: Check;
  /** Only looked at: nothing was to be saved. */
  readonly isTrial?: boolean;
};

function rotatePage(c: Context, { channel, provider }: Known, state: FormState) {
  const { form, problem, check, isTrial = false } = state;
  const guest = guestOf(c);
  const { say, token } = guest;
  const errors = [...(state.errors ?? []), ...wrongsIn(guest, check)];
  return show(c, {
    title: say('channel.rotate'),
    section: 'channels',
    status: problem?.status ?? (isTrial || (errors.length === 0 && check?.ok !== false) ? 200 : 422),
    files: ['check.js'],
    body: (
      <form class="card narrow" method="post" action={to('channels', channel.id, 'rotate')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Note tone="warn">
          <p>{say('channel.rotate.help')}</p>
        </Note>
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        {provider.credentials
          .filter(({ rotates }) => rotates)
          .map((field) => (
            <CredentialField
              visit={guest}
              field={field}
              form={form}
              wrong={wrongAt(errors, `credentials.${field.field}`)}
              isRotation
            />
          ))}
        <Input
          visit={guest}
          name="overlapHours"
          label={say('channel.overlap')}
          help={say('channel.overlap.help')}
          value={form?.text('overlapHours') ?? '24'}
          wrong={wrongAt(errors, 'overlapSeconds')}
          mode="numeric"
          isRequired
        />
        <CheckResult visit={guest} check={check} fields={provider.credentials} />
        <Buttons visit={guest} text={say('channel.rotate')} back={to('channels', channel.id)}>
          <CheckButton visit={guest} />
        </Buttons>
      </form>
    ),
  });
}

channelChange.get('/channels/:id/rotate', async (c) => {
  const at = await known(c);
  return at instanceof Response ? at : rotatePage(c, at, { form: null });
});

channelChange.post('/channels/:id/rotate', async (c) => {
  const form = await readForm(c);
  const { say } = c.get('visit');
  const at = await known(c);
  if (at instanceof Response) return at;
  const fields = at.provider.credentials.filter(({ rotates }) => rotates);
  const credentials = credentialsIn(fields, form, c.get('visit'));
  const hours = hoursIn(form);
  if (!credentials.ok) return rotatePage(c, at, { form, errors: credentials.error });
  if (hours === null) {
    return rotatePage(c, at, { form, errors: [{ field: 'overlapSeconds', message: say('origin.overlap.wrong') }] });
  }
  if (Object.keys(credentials.value).length === 0) {
    const problem = { status: 422, code: 'validation_failed', detail: say('channel.nothing') };
    return rotatePage(c, at, { form, problem });
  }
  const check = await askCheck(c, { channel: at.channel.id, credentials: credentials.value });
  if (!check.ok) return rotatePage(c, at, { form, errors: check.error.errors ?? [], problem: check.error });
  const isTrial = form.text('check') !== '';
  if (isTrial || !mayKeep(check.value, form)) return rotatePage(c, at, { form, check: check.value, isTrial });
  const did = await post(c, v1('channels', at.channel.id, 'rotate'), {
    body: { credentials: credentials.value, overlapSeconds: hours * 3_600 },
    once: form.given('once'),
  });
  if (!did.ok) return rotatePage(c, at, { form, errors: did.error.errors ?? [], problem: did.error });
  const proof = check.value.provider.code;
  return c.redirect(withQuery(to('channels', at.channel.id), { done: 'changed', proof }), 303);
});

/** Whole hours up to 30 days; null for anything else. */
export function hoursIn(form: Form): number | null {
  const text = form.text('overlapHours');
  return /^\d{1,3}$/.test(text) && Number(text) <= 720 ? Number(text) : null;
}
