// The history of an order in words: facts, registration, attempts and acts of people, in the order they came to be
// known. What comes from outside is shown as text.
import { z } from 'zod';
import type { Visit } from './kit.ts';
import { Badge, moneyText, Time } from './parts.tsx';
import { wordFor } from './texts.ts';

const Text = z.string().nullish().catch(null);
const Int = z.number().nullish().catch(null);
/** What entries carry, by kind; what is newer than this page is left out and never breaks it. */
const Entry = z.object({
  at: z.string(),
  kind: z.string(),
  source: z.string(),
  type: Text,
  sequence: Int,
  address: Text,
  origin: Text,
  attempt: Int,
  outcome: Text,
  status: Int,
  ms: Int,
  detail: Text,
  act: Text,
  actor: Text,
  about: Text,
  reason: Text,
  eventId: Text,
  fact: Text,
  ref: Text,
  state: Text,
  digest: Text,
  verdict: Text,
  refusal: Text,
  minor: Int,
  currency: Text,
  trace: Text,
});
type Entry = z.infer<typeof Entry>;

const CLASSES: Readonly<Record<string, string>> = { fact: 'fact', attempt: 'attempt', act: 'act-entry' };

type Props = { readonly visit: Visit; readonly entries: readonly unknown[] };
export const Timeline = ({ visit, entries }: Props) => (
  <ol class="timeline">
    {stepsOf(entries).map(({ entry, from, numbers }) => {
      const { state } = entry;
      return (
        <li class={CLASSES[entry.kind]}>
          <p>
            <strong>{titleOf(visit, entry)}</strong>
            {state && state !== from ? (
              <>
                {from === null ? ' ' : ` ${wordFor(visit.say, 'state', from)} `}
                {'→ '}
                <Badge visit={visit} family="state" code={state} />
              </>
            ) : null}
          </p>
          <p class="soft small">
            <Time at={entry.at} />
            {moreOf(visit, entry).map((text) => ` · ${text}`)}
          </p>
          {wordsOf(visit, entry, numbers).map((text) => (
            <p class="small break">{text}</p>
          ))}
        </li>
      );
    })}
  </ol>
);

type Step = {
  readonly entry: Entry;
  /** How the order stood before, where somebody said so. */
  readonly from: string | null;
  readonly numbers: ReadonlyMap<string, number>;
};

function stepsOf(raw: readonly unknown[]): readonly Step[] {
  const entries = raw.map((one) => Entry.parse(one));
  const numbers = new Map(
    entries.flatMap(({ eventId, sequence }) => (eventId && sequence ? [[eventId, sequence] as const] : [])),
  );
  let from: string | null = null;
  return entries.map((entry) => {
    const step = { entry, from, numbers };
    from = entry.kind === 'registered' ? (from ?? 'pending') : (entry.state ?? from);
    return step;
  });
}

function titleOf({ say }: Visit, entry: Entry): string {
  switch (entry.kind) {
    case 'fact':
      return entry.type ? wordFor(say, 'event', entry.type) : say('time.fact');
    case 'attempt': {
      const outcome = wordFor(say, 'outcome', entry.outcome ?? '');
      return say('time.attempt', { attempt: entry.attempt ?? 0, origin: entry.origin ?? '', outcome });
    }
    case 'act':
      return wordFor(say, 'act', entry.act ?? '');
    case 'arrival':
      return say('time.arrival', { verdict: wordFor(say, 'verdict', entry.verdict ?? '') });
    default:
      return wordFor(say, 'time', entry.kind);
  }
}

function moreOf(visit: Visit, entry: Entry): readonly string[] {
  const { say } = visit;
  const { kind, source, sequence, address, status, ms, actor, minor, currency, refusal, trace, verdict } = entry;
  const amount = minor != null && currency ? moneyText(visit, { minor, currency }) : '';
  return [
    kind === 'attempt' || kind === 'act' ? '' : say('time.from', { source: wordFor(say, 'source', source) }),
    sequence ? say('time.event', { sequence }) : '',
    refusal ? wordFor(say, 'reason', refusal) : '',
    verdict === 'rejected' ? say('time.unproved') : '',
    address ? say('time.address', { address }) : '',
    status != null ? say('time.answer', { status, ms: Math.round(ms ?? 0) }) : '',
    actor ? say('time.by', { actor }) : '',
    amount,
    trace ? say('time.trace', { trace }) : '',
  ].filter((text) => text !== '');
}

/** Events are called by their number here, and not by their id. */
const wordsOf = ({ say }: Visit, entry: Entry, numbers: Step['numbers']): readonly string[] => {
  const { detail, about, reason, ref, fact, digest } = entry;
  const named = about?.replaceAll(/evt_\w+/g, (id) => {
    const sequence = numbers.get(id);
    return sequence === undefined ? id : say('time.event', { sequence });
  });
  const told = ref ?? fact;
  const body = digest && say('time.digest', { digest });
  return [told, named, reason, detail, body].filter((text): text is string => Boolean(text));
};
