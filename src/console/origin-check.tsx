// /console/origins/{id}/check: whether an origin is reached, looked at because somebody asked. Never posts to it: a
// test callback does, from the page of a channel.

import { OriginCheckBody } from '../api/origin-check.ts';
import { send, v1 } from './call.ts';
import { Buttons } from './fields.tsx';
import { readForm } from './forms.ts';
import { guestOf, newPages, to } from './kit.ts';
import { Token } from './layout.tsx';
import { Card, Note } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor } from './texts.ts';

export const originCheck = newPages();

const TONES = { ok: 'good', problem: 'bad', unknown: 'warn' } as const;

originCheck.get('/origins/:id/check', (c) => {
  const guest = guestOf(c);
  const { say, token } = guest;
  const id = c.req.param('id');
  return show(c, {
    title: say('origin.check'),
    section: 'origins',
    body: (
      <form class="card narrow" method="post" action={to('origins', id, 'check')}>
        <p>{say('origin.check.help')}</p>
        <Token token={token} />
        <Buttons visit={guest} text={say('origin.check')} back={to('origins', id)} />
      </form>
    ),
  });
});

originCheck.post('/origins/:id/check', async (c) => {
  await readForm(c);
  const { say } = guestOf(c);
  const id = c.req.param('id');
  const found = await send(c, 'POST', v1('origins', id, 'check'), OriginCheckBody, {});
  if (!found.ok) return showProblem(c, found.error, 'origins');
  const { verdict, code, seen, given, channels } = found.value;
  return show(c, {
    title: say('origin.check'),
    section: 'origins',
    body: (
      <Card title={say('origin.title', { id })} id="reached">
        <Note tone={TONES[verdict]} role="status">
          <p>{adviceFor(say, 'reached', code, given) ?? seen}</p>
        </Note>
        <p>{say(channels.length === 0 ? 'origin.check.unnamed' : 'origin.check.test')}</p>
        <ul class="acts">
          {channels.map((channel) => (
            <li>
              <a class="act" href={to('channels', channel, 'test')}>
                {say('origin.check.by', { channel })}
              </a>
            </li>
          ))}
          <li>
            <a class="act" href={to('origins', id)}>
              {say('form.back')}
            </a>
          </li>
        </ul>
      </Card>
    ),
  });
});
