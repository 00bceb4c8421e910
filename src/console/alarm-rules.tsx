// /console/alarm-rules: which alarms are told, to whom and from where on; and the list of who can be told.
import type { z } from 'zod';
import { DestinationBody } from '../api/alarm-destinations.ts';
import { RulesBody } from '../api/alarm-rules.ts';
import { pageOf } from '../api/page.ts';
import { ALARM_CODES, type AlarmCode } from '../core/alarm.ts';
import { get, type Problem, put } from './call.ts';
import { newToken } from './cookies.ts';
import { Input } from './fields.tsx';
import { type Form, readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Note, ProblemNote, Table } from './parts.tsx';
import { show, showProblem } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

const Destinations = pageOf('ConsoleDestinations', DestinationBody);
type Destination = z.infer<typeof DestinationBody>;
type Rule = z.infer<typeof RulesBody>['rules'][string];
type Rules = Readonly<Record<string, Rule>>;
const BOUNDS = ['minutes', 'perMinute', 'times'] as const;
const LIST_MAX = '200';

export const alarmRules = newPages();

/** `entered`: what a person typed and the API refused. */
async function page(
  c: Context,
  entered?: { readonly rules: Rules; readonly form: Form },
  problem?: Problem,
): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const [rules, destinations] = await Promise.all([
    get(c, '/v1/alarm-rules', RulesBody),
    get(c, withQuery('/v1/alarm-destinations', { limit: LIST_MAX }), Destinations),
  ]);
  if (!rules.ok) return showProblem(c, rules.error, 'alarms');
  if (!destinations.ok) return showProblem(c, destinations.error, 'alarms');
  const { items } = destinations.value;
  const done = adviceFor(say, 'did', c.req.query('done') ?? '');
  return show(c, {
    title: say('rules.title'),
    section: 'alarms',
    status: problem?.status ?? 200,
    body: (
      <>
        {done === null ? null : (
          <Note tone="good" role="status">
            <p>{done}</p>
          </Note>
        )}
        <p>{say('rules.help')}</p>
        <DestinationTable guest={guest} items={items} />
        <form class="card" method="post" action={to('alarm-rules')}>
          {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
          <Token token={guest.token} />
          <input type="hidden" name="once" value={newToken()} />
          {ALARM_CODES.map((code) => {
            const rule = (entered ?? rules.value).rules[code];
            if (rule === undefined) return null;
            return <RuleFields guest={guest} code={code} rule={rule} typed={entered?.form} items={items} />;
          })}
          {may(guest, 'admin') ? (
            <button class="main" type="submit">
              {say('form.save')}
            </button>
          ) : null}
        </form>
      </>
    ),
  });
}

type TableProps = { readonly guest: Guest; readonly items: readonly Destination[] };
function DestinationTable({ guest, items }: TableProps) {
  const { say } = guest;
  return (
    <div class="card">
      <Table
        caption={say('to.title')}
        empty={say('rules.none')}
        rows={items}
        columns={[
          { head: say('channels.id'), cell: ({ id }) => <a href={to('alarm-destinations', id)}>{id}</a> },
          { head: say('to.kind'), cell: ({ kind }) => say(`to.kind.${kind}`) },
          { head: say('to.address'), cell: ({ address }) => <span class="break">{address}</span> },
          { head: say('to.enabled'), cell: ({ enabled }) => say(enabled ? 'word.yes' : 'to.off') },
        ]}
      />
      {may(guest, 'admin') ? (
        <p>
          <a class="act" href={to('new', 'alarm-destination')}>
            {say('to.new')}
          </a>
        </p>
      ) : null}
    </div>
  );
}

type RuleProps = TableProps & { readonly code: AlarmCode; readonly rule: Rule; readonly typed: Form | undefined };
function RuleFields({ guest, code, rule, typed, items }: RuleProps) {
  const { say } = guest;
  const tick = (name: string, value: string, text: string, checked: boolean) => (
    <label>
      <input type="checkbox" name={name} value={value} checked={checked} />
      {text}
    </label>
  );
  const numbers = ['repeatMinutes', ...BOUNDS.filter((name) => rule[name] !== undefined)] as const;
  return (
    <fieldset>
      <legend>{wordFor(say, 'alarm', code)}</legend>
      {tick('enabled', code, say('rules.told'), rule.enabled)}
      {tick('critical', code, say('rules.critical'), rule.critical)}
      {numbers.map((name) => (
        <Input
          visit={guest}
          name={`${name}.${code}`}
          label={say(name === 'repeatMinutes' ? 'rules.repeat' : `rules.${name}`)}
          value={typed?.given(`${name}.${code}`) ?? String(rule[name] ?? '')}
          mode="decimal"
          isRequired
        />
      ))}
      {items.length < 2 ? null : (
        <>
          <p class="soft small">{say('rules.all')}</p>
          {items.map(({ id }) => tick(`to.${code}`, id, id, rule.destinations?.includes(id) ?? false))}
        </>
      )}
    </fieldset>
  );
}

/** As the form says it; a number that is none is the API's to refuse. */
function ruleIn(form: Form, code: AlarmCode): Rule {
  const number = (name: string): number | undefined => {
    const text = form.given(`${name}.${code}`);
    return text === undefined ? undefined : Number(text);
  };
  const chosen = form.all(`to.${code}`);
  const bounds = Object.fromEntries(
    BOUNDS.flatMap((name) => (number(name) === undefined ? [] : [[name, number(name)]])),
  );
  return {
    enabled: form.all('enabled').includes(code),
    critical: form.all('critical').includes(code),
    destinations: chosen.length === 0 ? null : [...chosen],
    repeatMinutes: number('repeatMinutes') ?? 0,
    ...bounds,
  };
}

alarmRules.get('/alarm-rules', (c) => page(c));

alarmRules.post('/alarm-rules', async (c) => {
  const form = await readForm(c);
  const rules = Object.fromEntries(ALARM_CODES.map((code) => [code, ruleIn(form, code)]));
  const did = await put(c, '/v1/alarm-rules', { body: { rules }, once: form.given('once') });
  if (!did.ok) return page(c, { rules, form }, did.error);
  return c.redirect(withQuery(to('alarm-rules'), { done: 'changed' }), 303);
});
