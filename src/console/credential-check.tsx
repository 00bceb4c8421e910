// What a check of credentials found, on the form they were pasted into. Judges nothing: POST /v1/channels/check does.
// Shows nothing of what was pasted.
import type { z } from 'zod';
import { ChannelCheckBody } from '../api/channel-check.ts';
import type { ProviderBody } from '../api/providers.ts';
import { type Asked, type Problem, send } from './call.ts';
import type { Form } from './forms.ts';
import type { Context, Visit } from './kit.ts';
import { Note } from './parts.tsx';
import { adviceFor, wordFor } from './texts.ts';

export type Check = z.infer<typeof ChannelCheckBody>;
type Found = Check['fields'][number];
type Fields = z.infer<typeof ProviderBody>['credentials'];

export const askCheck = (c: Context, body: object): Promise<Asked<Check>> =>
  send(c, 'POST', '/v1/channels/check', ChannelCheckBody, { body });

/** What to do with a checked form: keep it only where nothing is wrong, or a person says so against the provider. */
export const mayKeep = (check: Check, form: Form): boolean =>
  check.ok || (isRefusedAlone(check) && form.text('anyway') === 'yes');

const isRefusedAlone = ({ ok, fields }: Check): boolean => !ok && fields.every(({ verdict }) => verdict !== 'problem');

function sentenceOf({ say }: Visit, { code, given, seen }: Found): string {
  const words = {
    ...given,
    wants: wordFor(say, 'wants', String(given.wants)),
    theirs: wordFor(say, 'environment', String(given.theirs)),
    ours: wordFor(say, 'environment', String(given.ours)),
  };
  return adviceFor(say, 'pasted', code, words) ?? seen;
}

/** For the fields of the form: what is wrong with each, in the reader's words and in those of the provider's rules. */
export const wrongsIn = (visit: Visit, check: Check | undefined): NonNullable<Problem['errors']> =>
  (check?.fields ?? [])
    .filter(({ verdict }) => verdict === 'problem')
    .map((found) => ({
      field: found.field,
      message: [sentenceOf(visit, found), found.detail].filter(Boolean).join(' '),
    }));

type Props = { readonly visit: Visit; readonly check: Check | undefined; readonly fields: Fields };

/** Its place is on the page from the beginning, so that a script can fill it, and a screen reader says what came. */
export function CheckResult({ visit, check, fields }: Props) {
  const { say, language } = visit;
  const labelOf = ({ field }: Found): string => {
    const name = field.split('.')[1] ?? field;
    return fields.find((one) => one.field === name)?.label[language] ?? say('channel.environment');
  };
  return (
    <div id="check" aria-live="polite">
      {check === undefined ? null : (
        <Note tone={check.ok ? (check.provider.verdict === 'ok' ? 'good' : 'plain') : 'bad'}>
          <p>
            <strong>{say(check.ok ? 'check.ok' : 'check.wrong')}</strong>
          </p>
          {check.fields.map((found) => (
            <p>
              {`${labelOf(found)}: ${sentenceOf(visit, found)} `}
              {found.detail === null ? null : (
                <span class="soft small" lang="en">
                  {found.detail}
                </span>
              )}
            </p>
          ))}
          <p>{adviceFor(say, 'asked', check.provider.code, check.provider.given) ?? check.provider.seen}</p>
        </Note>
      )}
      {check !== undefined && isRefusedAlone(check) ? (
        <label>
          <input type="checkbox" name="anyway" value="yes" />
          {say('check.anyway')}
        </label>
      ) : null}
    </div>
  );
}

/** With a script it checks without leaving the form; without one the page comes again, and secrets are lost. */
export const CheckButton = ({ visit }: { readonly visit: Visit }) => (
  <button type="submit" name="check" value="1" data-into="check">
    {visit.say('check.act')}
  </button>
);
