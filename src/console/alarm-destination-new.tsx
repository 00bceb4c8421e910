// /console/new/alarm-destination: a new destination of alarms. A webhook's secret is on the page that answers its
// making, this once.
import { z } from 'zod';
import { DESTINATION_KINDS } from '../core/alarm-rule.ts';
import { Fields, readFields } from './alarm-destination-fields.tsx';
import { type Problem, post } from './call.ts';
import { newToken } from './cookies.ts';
import { wrongAt } from './credential-fields.tsx';
import { Buttons, Input, Select } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, guestOf, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Card, Copy, Note, ProblemNote } from './parts.tsx';
import { show } from './show.tsx';

export const alarmDestinationNew = newPages();

function newPage(c: Context, form: Form | null, problem?: Problem): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const common = (name: string) => ({ visit: guest, name, wrong: wrongAt(problem?.errors, name) });
  return show(c, {
    title: say('to.new'),
    section: 'alarms',
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={to('new', 'alarm-destination')}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <Token token={guest.token} />
        <input type="hidden" name="once" value={newToken()} />
        <Input {...common('id')} label={say('channels.id')} value={form?.text('id')} isRequired />
        <Select
          {...common('kind')}
          label={say('to.kind')}
          value={form?.text('kind') ?? 'feishu'}
          choices={DESTINATION_KINDS.map((value) => ({ value, text: say(`to.kind.${value}`) }))}
          isRequired
        />
        <Fields guest={guest} form={form} known={null} problem={problem} />
        <Buttons visit={guest} text={say('to.new')} back={to('alarm-rules')} />
      </form>
    ),
  });
}

alarmDestinationNew.get('/new/alarm-destination', (c) => newPage(c, null));

alarmDestinationNew.post('/new/alarm-destination', async (c) => {
  const form = await readForm(c);
  const id = form.text('id');
  const body = { id, kind: form.text('kind'), ...readFields(form) };
  const did = await post(c, '/v1/alarm-destinations', { body, once: form.given('once') });
  if (!did.ok) return newPage(c, form, did.error);
  const { secret } = z.object({ secret: z.string().optional() }).parse(did.value);
  if (secret === undefined) return c.redirect(withQuery(to('alarm-destinations', id), { done: 'changed' }), 303);
  const guest = guestOf(c);
  const { say } = guest;
  return show(c, {
    title: say('to.one', { id }),
    section: 'alarms',
    body: (
      <Card title={say('origin.secret.title')} id="secret-title">
        <Note tone="warn" role="status">
          <p>{say('origin.secret.once')}</p>
        </Note>
        <Copy visit={guest} id="secret" text={secret} />
        <p class="acts">
          <a class="act main" href={to('alarm-destinations', id)}>
            {say('origin.onward')}
          </a>
        </p>
      </Card>
    ),
  });
});
