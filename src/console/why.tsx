// /console/why: "why did I not get it?", asked by a form and answered on the same page, step by step. Judges nothing:
// POST /v1/channels/{id}/diagnose does. Never asks on a GET.
import type { z } from 'zod';
import { DiagnosisBody } from '../api/diagnose.ts';
import { inWords, sentence, textsOf } from '../core/diagnosis/say.ts';
import { fetchApi, type Problem, readAs, v1 } from './call.ts';
import { channelIds } from './channel-ids.ts';
import { Input, Select } from './fields.tsx';
import { readForm } from './forms.ts';
import { type Context, type Guest, guestOf, may, newPages, to, withQuery } from './kit.ts';
import { Token } from './layout.tsx';
import { Badge, Note, ProblemNote, Time } from './parts.tsx';
import { show } from './show.tsx';
import { adviceFor, wordFor } from './texts.ts';

type Diagnosis = z.infer<typeof DiagnosisBody>;
type Finding = Diagnosis['steps'][number]['findings'][number];

const FIELDS = ['channel', 'orderNo', 'transactionId', 'at', 'zone'] as const;
type Entered = Readonly<Record<(typeof FIELDS)[number], string>>;

/** Offsets that a merchant's clock may show; a browser says none. */
const ZONES = ['+00:00', '+08:00', '+09:00', '+05:30', '+01:00', '-05:00', '-08:00'] as const;

export const why = newPages();

const enteredBy = (text: (name: string) => string): Entered => ({
  channel: text('channel'),
  orderNo: text('orderNo'),
  transactionId: text('transactionId'),
  at: text('at'),
  zone: text('zone'),
});

why.get('/why', (c) => page(c, { entered: enteredBy((name) => c.req.query(name) ?? '') }));

why.post('/why', async (c) => {
  const form = await readForm(c);
  const entered = enteredBy((name) => form.text(name));
  const { channel, orderNo, transactionId, at, zone } = entered;
  const named = Object.entries({ orderNo, transactionId, at: momentOf(at, zone) }).filter(([, value]) => value !== '');
  const reply = await fetchApi(c, 'POST', v1('channels', channel, 'diagnose'), { body: Object.fromEntries(named) });
  const found = await readAs(reply, DiagnosisBody);
  return page(c, found.ok ? { entered, diagnosis: found.value } : { entered, problem: found.error });
});

/** What the browser's field gives has minutes, and no zone; whatever else was typed is left to /v1 to refuse. */
const momentOf = (at: string, zone: string): string =>
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d$/.test(at) ? `${at.replace(' ', 'T')}:00${zone}` : at;

type State = { readonly entered: Entered; readonly diagnosis?: Diagnosis; readonly problem?: Problem };

async function page(c: Context, { entered, diagnosis, problem }: State): Promise<Response> {
  const guest = guestOf(c);
  const { say } = guest;
  const channels = await channelIds(c, guest);
  return show(c, {
    title: say('why.title'),
    section: 'why',
    status: problem?.status ?? 200,
    body: (
      <>
        {diagnosis === undefined ? null : <Answer guest={guest} diagnosis={diagnosis} />}
        <Question guest={guest} entered={entered} channels={channels} problem={problem} />
      </>
    ),
  });
}

type QuestionProps = {
  readonly guest: Guest;
  readonly entered: Entered;
  readonly channels: readonly string[];
  readonly problem: Problem | undefined;
};
function Question({ guest, entered, channels, problem }: QuestionProps) {
  const { say, token, language } = guest;
  const wrongAt = (name: string) => problem?.errors?.find(({ field }) => field === name)?.message;
  const common = (name: (typeof FIELDS)[number]) => ({
    visit: guest,
    name,
    value: entered[name],
    wrong: wrongAt(name),
  });
  const zone = entered.zone || (language === 'zh' ? '+08:00' : '+00:00');
  return (
    <form class="card narrow" method="post" action={to('why')}>
      {problem === undefined ? null : <ProblemNote visit={guest} problem={problem} />}
      <p class="soft">{say('why.help')}</p>
      <Token token={token} />
      <Select
        {...common('channel')}
        label={say('orders.channel')}
        choices={channels.map((id) => ({ value: id, text: id }))}
        isRequired
      />
      <Input {...common('orderNo')} label={say('orders.orderNo')} />
      <Input {...common('transactionId')} label={say('why.transactionId')} />
      <Input {...common('at')} type="datetime-local" label={say('why.at')} help={say('why.at.help')} />
      <Select
        {...common('zone')}
        value={zone}
        label={say('why.zone')}
        choices={ZONES.map((value) => ({ value, text: `UTC${value}` }))}
        isRequired
      />
      <div class="acts">
        <button class="main" type="submit">
          {say('why.act')}
        </button>
      </div>
    </form>
  );
}

function Answer({ guest, diagnosis }: { readonly guest: Guest; readonly diagnosis: Diagnosis }) {
  const { say } = guest;
  const { cause, answer, steps, remarks, from, to: until } = diagnosis;
  return (
    <section class="card" aria-labelledby="found">
      <h2 id="found">{say('why.found')}</h2>
      <p class="soft small">
        {`${say('why.time')}: ${diagnosis.channel} ${diagnosis.orderNo ?? ''} · `}
        <Time at={from} />
        {' – '}
        <Time at={until} />
      </p>
      {cause === null ? (
        <Note tone="good" role="status">
          <p>
            <strong>{say('why.well')}</strong>
          </p>
          {answer === null ? (
            <p>{say('why.well.help')}</p>
          ) : (
            <Found guest={guest} diagnosis={diagnosis} finding={answer.finding} />
          )}
        </Note>
      ) : (
        <Note tone="bad" role="status">
          <p>
            <strong>{`${say('why.cause')}: ${wordFor(say, 'step', cause.step)}`}</strong>
          </p>
          <Found guest={guest} diagnosis={diagnosis} finding={cause.finding} />
        </Note>
      )}
      <ol class="steps">
        {steps.map(({ step, verdict, findings }) => (
          <li>
            <h3>
              {`${wordFor(say, 'step', step)} `}
              <Badge visit={guest} family="judged" code={verdict} tone={TONES[verdict]} />
            </h3>
            {findings.map((finding) => (
              <div class={`found ${TONES[finding.verdict]}`}>
                <Found guest={guest} diagnosis={diagnosis} finding={finding} />
              </div>
            ))}
          </li>
        ))}
      </ol>
      {remarks.length === 0 ? null : (
        <section aria-labelledby="remarks">
          <h3 id="remarks">{say('why.remarks')}</h3>
          <p class="soft small">{say('why.remarks.help')}</p>
          {remarks.map((finding) => (
            <div class="found plain">
              <Found guest={guest} diagnosis={diagnosis} finding={finding} />
            </div>
          ))}
        </section>
      )}
    </section>
  );
}

const TONES = { ok: 'good', problem: 'bad', unknown: 'plain' } as const;

type FoundProps = { readonly guest: Guest; readonly diagnosis: Diagnosis; readonly finding: Finding };
function Found({ guest, diagnosis, finding }: FoundProps) {
  const { say } = guest;
  const { code, given, next } = finding;
  const words = inWords(finding, (family, one) => wordFor(say, family, one));
  const advice = textsOf(finding).fix.map((key) => adviceFor(say, ...partsOf(key), words));
  const fixed = advice.find((text) => text !== null) ?? null;
  const links = next.flatMap(({ act }) => linkOf(guest, diagnosis, act, String(given.origin ?? '')));
  return (
    <>
      <p>
        <Sentence text={sentence(adviceFor(say, 'seen', code, words) ?? finding.seen)} />
      </p>
      {fixed === null ? null : (
        <p class="soft">
          <Sentence text={fixed} />
        </p>
      )}
      {links.length === 0 ? null : (
        <ul class="acts">
          {links.map(({ href, text }) => (
            <li>
              <a class="act" href={href}>
                {text}
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** `family.code` as its two parts. */
const partsOf = (key: string): readonly [family: string, code: string] => {
  const at = key.indexOf('.');
  return [key.slice(0, at), key.slice(at + 1)];
};

const MOMENT = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)/;

/** Moments in it are shown as all others are. */
const Sentence = ({ text }: { readonly text: string }) => (
  <>{text.split(MOMENT).map((part) => (MOMENT.test(part) ? <Time at={part} /> : part))}</>
);

type Link = { readonly href: string; readonly text: string };

/** The console's page for what may be done next; none for what only /v1 does, or the key may not. */
function linkOf(guest: Guest, { channel, orderNo }: Diagnosis, act: string, origin: string): readonly Link[] {
  const isAct = /^(enable|resume|release|replay)_/.test(act);
  const isAdmins = act === 'rotate_channel' || act === 'change_allowlist';
  if ((isAct && !may(guest, 'operate')) || (isAdmins && !may(guest))) return [];
  const hrefs: Readonly<Record<string, string | null>> = {
    enable_channel: to('channels', channel, 'enable'),
    resume_channel: to('channels', channel, 'resume'),
    rotate_channel: to('channels', channel, 'rotate'),
    change_allowlist: to('channels', channel, 'allowlist'),
    see_channel: to('channels', channel),
    see_callbacks: withQuery(to('callbacks'), { channel }),
    see_refusals: withQuery(to('callbacks'), { channel, verdict: 'rejected' }),
    see_alarms: to('alarms'),
    see_order: orderNo && to('orders', channel, orderNo),
    release_order: orderNo && to('orders', channel, orderNo, 'release'),
    replay_order: orderNo && to('orders', channel, orderNo, 'replay'),
    resume_origin: origin && to('origins', origin, 'resume'),
    see_origin: origin && to('origins', origin),
    test_channel: to('channels', channel, 'test'),
    see_deliveries: withQuery(to('deliveries'), { state: 'dead' }),
  };
  const href = Object.hasOwn(hrefs, act) ? hrefs[act] : null;
  return href ? [{ href, text: wordFor(guest.say, 'todo', act) }] : [];
}
