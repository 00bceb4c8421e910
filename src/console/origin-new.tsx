// A new origin, and a new secret for one. The secret is on the page that answers, this once, and nowhere else.
import { z } from 'zod';
import { ORIGIN_TIMEOUT_MS_DEFAULT } from '../core/limits.ts';
import { FORMATS } from '../formats/index.ts';
import { type Problem, post, v1 } from './call.ts';
import { hoursIn } from './channel-change.tsx';
import { newToken } from './cookies.ts';
import { parsed, wrongAt } from './credential-fields.tsx';
import { Area, Buttons, Checks, Input, Select } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, newPages, to } from './kit.ts';
import { Token } from './layout.tsx';
import { Card, Copy, Note, ProblemNote } from './parts.tsx';
import { show } from './show.tsx';

export const originNew = newPages();

const SIGNATURES = ['hmac', 'ed25519', 'rsa'].map((value) => ({ value, text: value }));
const FORMAT_CHOICES = [...new Set(FORMATS.map(({ name }) => name))].map((value) => ({ value, text: value }));

type FormState = {
  readonly form: Form | null;
  readonly errors?: NonNullable<Problem['errors']>;
  readonly problem?: Problem;
};

function newPage(c: Context, { form, errors, problem }: FormState): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  const common = (name: string) => ({ visit: guest, name, wrong: wrongAt(errors, name) });
  const entered = (name: string, usual = '') => form?.text(name) ?? usual;
  return show(c, {
    title: say('origins.new'),
    section: 'origins',
    status: problem?.status ?? (errors === undefined ? 200 : 422),
    body: (
      <form class="card narrow" method="post" action={to('new', 'origin')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <Input
          {...common('id')}
          label={say('channels.id')}
          help={say('origins.id.help')}
          value={entered('id')}
          isRequired
        />
        <Input
          {...common('url')}
          label={say('origins.url')}
          help={say('origins.url.help')}
          value={entered('url')}
          isRequired
        />
        <Select
          {...common('format')}
          label={say('origins.format')}
          help={say('origins.format.help')}
          value={entered('format', 'standard')}
          choices={FORMAT_CHOICES}
          isRequired
        />
        <Area {...common('formatOptions')} label={say('origins.options')} value={entered('formatOptions')} />
        <Select
          {...common('signature')}
          label={say('origins.signature')}
          value={entered('signature', 'hmac')}
          choices={SIGNATURES}
          isRequired
        />
        <Area {...common('secret')} label={say('origins.secret')} help={say('origins.secret.help')} isMasked />
        <Input
          {...common('timeoutMs')}
          label={say('origins.timeout')}
          value={entered('timeoutMs', String(ORIGIN_TIMEOUT_MS_DEFAULT))}
          mode="numeric"
          isRequired
        />
        <Checks
          {...common('acceptsTest')}
          label={say('test.accepts.label')}
          help={say('test.accepts.help')}
          choices={[{ value: 'yes', text: say('test.accepts.choice') }]}
          values={form?.all('acceptsTest') ?? []}
        />
        <Buttons visit={guest} text={say('origins.new')} back={to('origins')} />
      </form>
    ),
  });
}

originNew.get('/new/origin', (c) => newPage(c, { form: null }));

originNew.post('/new/origin', async (c) => {
  const form = await readForm(c);
  const options = parsed(form.text('formatOptions') || '{}');
  if (!options.ok) {
    const message = c.get('visit').say('origins.options.wrong');
    return newPage(c, { form, errors: [{ field: 'formatOptions', message }] });
  }
  const id = form.text('id');
  const did = await post(c, '/v1/origins', {
    body: {
      id,
      url: form.text('url'),
      format: form.text('format'),
      formatOptions: options.value,
      signature: form.text('signature'),
      secret: form.given('secret'),
      timeoutMs: Number(form.text('timeoutMs')),
      acceptsTest: form.text('acceptsTest') === 'yes',
    },
    once: form.given('once'),
  });
  if (did.ok) return secretPage(c, id, did.value);
  return newPage(c, { form, errors: did.error.errors ?? [], problem: did.error });
});

function secretPage(c: Context, id: string, made: Record<string, unknown>): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const { secret } = z.object({ secret: z.string() }).parse(made);
  return show(c, {
    title: say('origin.title', { id }),
    section: 'origins',
    body: (
      <Card title={say('origin.secret.title')} id="secret-title">
        <Note tone="warn" role="status">
          <p>{say('origin.secret.once')}</p>
        </Note>
        <Copy visit={guest} id="secret" text={secret} />
        <p class="acts">
          <a class="act main" href={to('origins', id)}>
            {say('origin.onward')}
          </a>
        </p>
      </Card>
    ),
  });
}

type RotateState = { readonly wrong?: string; readonly problem?: Problem };
function rotatePage(c: Context, id: string, { wrong, problem }: RotateState): Promise<Response> {
  const guest = guestOf(c);
  const { say, token } = guest;
  return show(c, {
    title: say('origin.rotate'),
    section: 'origins',
    status: problem?.status ?? (wrong === undefined ? 200 : 422),
    body: (
      <form class="card narrow" method="post" action={to('origins', id, 'rotate')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Note tone="warn">
          <p>{say('origin.rotate.help')}</p>
        </Note>
        <Token token={token} />
        <input type="hidden" name="once" value={newToken()} />
        <Input
          visit={guest}
          name="overlapHours"
          label={say('channel.overlap')}
          help={say('channel.overlap.help')}
          value="24"
          wrong={wrong}
          mode="numeric"
          isRequired
        />
        <Buttons visit={guest} text={say('origin.rotate')} back={to('origins', id)} />
      </form>
    ),
  });
}

originNew.get('/origins/:id/rotate', (c) => rotatePage(c, c.req.param('id'), {}));

originNew.post('/origins/:id/rotate', async (c) => {
  const form = await readForm(c);
  const id = c.req.param('id');
  const hours = hoursIn(form);
  if (hours === null) return rotatePage(c, id, { wrong: c.get('visit').say('origin.overlap.wrong') });
  const body = { overlapSeconds: hours * 3_600 };
  const did = await post(c, v1('origins', id, 'rotate'), { body, once: form.given('once') });
  return did.ok ? secretPage(c, id, did.value) : rotatePage(c, id, { problem: did.error });
});
