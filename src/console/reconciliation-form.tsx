// The form that begins a reconciliation: a day to fetch, or a bill to bring. Shows alone; reconciliations.tsx sends it.
import { BILL_COVERAGE, BILL_KINDS } from '../core/bill.ts';
import type { Problem } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { newToken } from './cookies.ts';
import { Buttons, FileInput, Input, Select } from './fields.tsx';
import { type Context, guestOf, to } from './kit.ts';
import { Token } from './layout.tsx';
import { ProblemNote } from './parts.tsx';
import { show } from './show.tsx';
import { wordFor } from './texts.ts';

export type RunForm = {
  readonly channel: string;
  readonly day: string;
  readonly kind: string;
  readonly covers: string;
  readonly problem?: Problem;
};

/** The form that begins a run: by hand, or by a bill that somebody brings. */
export async function formPage(c: Context, isUpload: boolean, state: RunForm): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const { problem } = state;
  const channels = await channelIds(c, guest);
  const wrong = (name: string) => problem?.errors?.find(({ field }) => field === name)?.message;
  const kinds = BILL_KINDS.map((value) => ({ value, text: wordFor(say, 'bill', value) }));
  const covers = BILL_COVERAGE.map((value) => ({ value, text: wordFor(say, 'covers', value) }));
  const action = to('new', isUpload ? 'bill' : 'reconciliation');
  return show(c, {
    title: say(isUpload ? 'reconciliations.bring' : 'reconciliations.new'),
    section: 'reconciliations',
    status: problem?.status ?? 200,
    body: (
      <form class="card narrow" method="post" action={action} enctype={isUpload ? 'multipart/form-data' : undefined}>
        {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
        <p>{say(isUpload ? 'reconciliations.bring.help' : 'reconciliations.new.help')}</p>
        <Token token={guest.token} />
        <input type="hidden" name="once" value={newToken()} />
        <Select
          visit={guest}
          name="channel"
          label={say('orders.channel')}
          value={state.channel}
          wrong={wrong('channel')}
          choices={channels.map((id) => ({ value: id, text: id }))}
          isRequired
        />
        <Input
          visit={guest}
          name="day"
          type="date"
          label={say('reconciliations.day')}
          help={say('reconciliations.day.help')}
          value={state.day}
          wrong={wrong('day')}
          isRequired
        />
        {isUpload ? (
          <>
            <Select
              visit={guest}
              name="kind"
              label={say('bill.kind')}
              value={state.kind}
              wrong={wrong('kind')}
              choices={kinds}
              isRequired
            />
            <Select
              visit={guest}
              name="covers"
              label={say('bill.covers')}
              help={say('bill.covers.help')}
              value={state.covers}
              wrong={wrong('covers')}
              choices={[{ value: '', text: say('bill.covers.usual') }, ...covers]}
            />
            <FileInput visit={guest} name="bill" label={say('bill.file')} wrong={wrong('body')} isRequired />
          </>
        ) : null}
        <Buttons visit={guest} text={say('reconciliations.start')} back={to('reconciliations')} />
      </form>
    ),
  });
}
