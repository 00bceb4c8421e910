// The fields that a new destination of alarms and a changed one share. Never shows a secret that was entered.
import type { z } from 'zod';
import type { DestinationBody } from '../api/alarm-destinations.ts';
import { LOCALES } from '../core/language.ts';
import type { Problem } from './call.ts';
import { wrongAt } from './credential-fields.tsx';
import { Area, Input, Select } from './fields.tsx';
import type { Form } from './forms.ts';
import type { Guest } from './kit.ts';

const CHINA = 'Asia/Shanghai';

type Destination = z.infer<typeof DestinationBody>;
type FieldsProps = {
  readonly guest: Guest;
  readonly form: Form | null;
  /** The one that is changed; null: a new one. */
  readonly known: Destination | null;
  readonly problem: Problem | undefined;
};

export function Fields({ guest, form, known, problem }: FieldsProps) {
  const { say } = guest;
  const common = (name: string, path = name) => ({ visit: guest, name, wrong: wrongAt(problem?.errors, path) });
  const entered = (name: string, usual = '') => form?.text(name) ?? usual;
  const quiet = known?.quietHours ?? null;
  const keep = (help: string) => (known === null ? help : `${help} ${say('to.keep')}`);
  const isMail = known?.kind === 'email';
  return (
    <>
      {isMail ? null : (
        <>
          <Input {...common('url')} label={say('to.url')} help={keep(say('to.url.help'))} type="password" />
          <Input {...common('secret')} label={say('to.secret')} help={keep(say('to.secret.help'))} type="password" />
        </>
      )}
      {known === null || isMail ? (
        <>
          <Input {...common('from')} label={say('to.from')} value={entered('from', known?.from ?? '')} />
          <Area {...common('to')} label={say('to.to')} value={entered('to', known?.to.join('\n'))} />
        </>
      ) : null}
      <Select
        {...common('language')}
        label={say('to.language')}
        value={entered('language', known?.language ?? guest.language)}
        choices={(['zh', 'en'] as const).map((value) => ({
          value,
          text: say(`frame.language.${value}`),
          lang: LOCALES[value],
        }))}
        isRequired
      />
      <Input
        {...common('quietFrom', 'quietHours.from')}
        label={say('to.quietFrom')}
        value={entered('quietFrom', quiet?.from)}
      />
      <Input {...common('quietTo', 'quietHours.to')} label={say('to.quietTo')} value={entered('quietTo', quiet?.to)} />
      <Input
        {...common('zone', 'quietHours.timeZone')}
        label={say('to.zone')}
        value={entered('zone', quiet ? (quiet.timeZone ?? String(quiet.utcOffsetMinutes)) : CHINA)}
      />
    </>
  );
}

/** The members that new ones and changed ones share. */
export function readFields(form: Form) {
  const [from, until] = [form.text('quietFrom'), form.text('quietTo')];
  const mails = form
    .text('to')
    .split(/[\s,;]+/)
    .filter(Boolean);
  return {
    url: form.given('url'),
    secret: form.given('secret'),
    from: form.given('from'),
    to: mails.length > 0 ? mails : undefined,
    language: form.text('language'),
    quietHours: from === '' && until === '' ? null : { from, to: until, ...zoneIn(form.text('zone')) },
  };
}

/** A zone's name, or minutes ahead of UTC where no zone changes its clocks. */
const zoneIn = (entered: string) =>
  /^[+-]?\d+$/.test(entered) ? { utcOffsetMinutes: Number(entered) } : { timeZone: entered };
