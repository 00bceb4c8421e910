// "Why did I not get it?": the way from the provider to the origin, step by step, each with a judgement, what was seen
// and how to mend it. Pure: facts in, steps out. Gathers nothing and does nothing.
import { remarksOf } from './diagnosis/alarms.ts';
import type { DiagnosisFacts } from './diagnosis/facts.ts';
import type { Finding, FindingCode, Judgement } from './diagnosis/finding.ts';
import {
  addressFindings,
  arrivalFindings,
  reachFindings,
  refusalFindings,
  usualFindings,
} from './diagnosis/inbound.ts';
import { deliveryFindings, originFindings, providerFindings, recordedFindings } from './diagnosis/outbound.ts';

export type { Arrivals, Asked, DiagnosisFacts, OriginSeen, Reach, SeenArrival } from './diagnosis/facts.ts';
export type { Act, Finding, FindingCode, Given, Judgement, Next } from './diagnosis/finding.ts';

/** In the order in which a payment travels. */
export const STEPS = [
  'address',
  'reach',
  'arrivals',
  'refusals',
  'usual',
  'recorded',
  'provider',
  'origins',
  'deliveries',
] as const;
export type StepName = (typeof STEPS)[number];

export type Step = { readonly step: StepName; readonly judgement: Judgement; readonly findings: readonly Finding[] };
export type Diagnosis = {
  readonly steps: readonly Step[];
  /** Where to begin: the first problem of the part of the way where the order is lost; null: no problem was found. */
  readonly cause: { readonly step: StepName; readonly finding: Finding } | null;
  /** What explains it where nothing is wrong: it was not paid, or the origin took it. */
  readonly answer: { readonly step: StepName; readonly finding: Finding } | null;
  /** What else is open at the channel, and explains nothing of this. */
  readonly remarks: readonly Finding[];
};

const FINDINGS: Readonly<Record<StepName, (facts: DiagnosisFacts) => readonly Finding[]>> = {
  address: addressFindings,
  reach: reachFindings,
  arrivals: arrivalFindings,
  refusals: refusalFindings,
  usual: usualFindings,
  recorded: recordedFindings,
  provider: providerFindings,
  origins: originFindings,
  deliveries: deliveryFindings,
};

export function diagnose(facts: DiagnosisFacts): Diagnosis {
  const steps = STEPS.flatMap((step): readonly Step[] => {
    const findings = FINDINGS[step](facts);
    return findings.length === 0 ? [] : [{ step, judgement: worstOf(findings), findings }];
  });
  const cause = causeOf(steps, facts);
  return { steps, cause, answer: cause === null ? answerOf(steps, facts) : null, remarks: remarksOf(facts) };
}

function worstOf(findings: readonly Finding[]): Judgement {
  const judged = findings.map(({ judgement }) => judgement);
  if (judged.includes('problem')) return 'problem';
  return judged.includes('unknown') ? 'unknown' : 'ok';
}

const WAY_IN: readonly StepName[] = ['address', 'reach', 'refusals'];
/** A refusal says more than silence, and both more than that nothing came. */
const LOST_ON_THE_WAY: readonly StepName[] = ['provider', 'usual', 'arrivals', 'recorded'];
const WAY_OUT: readonly StepName[] = ['recorded', 'deliveries', 'origins'];
/** The order is known, and its callback was lost all the same. */
const LOST: readonly FindingCode[] = ['provider_repaired', 'order_learnt'];

function causeOf(steps: readonly Step[], { order }: DiagnosisFacts): Diagnosis['cause'] {
  const problems = steps.flatMap(({ step, findings }) =>
    findings.filter(({ judgement }) => judgement === 'problem').map((finding) => ({ step, finding })),
  );
  const firstOf = (places: readonly StepName[]) =>
    places.flatMap((place) => problems.filter(({ step }) => step === place)).at(0) ?? null;
  // Calls for a channel of nearly this name say more than whatever came of them.
  const astray = problems.find(({ finding }) => finding.code === 'arrived_elsewhere') ?? null;
  const onTheWayIn = firstOf(WAY_IN) ?? astray;
  const isRecorded = order?.timeline.some(({ kind }) => kind === 'fact') ?? false;
  if (!isRecorded) return onTheWayIn ?? firstOf([...LOST_ON_THE_WAY, ...WAY_OUT]);
  const lost = problems.find(({ finding }) => LOST.includes(finding.code)) ?? null;
  const deliveries = order?.deliveries ?? [];
  const isOver = deliveries.length > 0 && deliveries.every(({ state }) => state === 'delivered');
  const stuck = isOver ? null : firstOf(WAY_OUT);
  if (stuck !== null && stuck.finding !== lost?.finding) return pausedBy(stuck, problems) ?? stuck;
  return lost && (onTheWayIn ?? lost);
}

type Problem = { readonly step: StepName; readonly finding: Finding };

/** A delivery that is paused says less than what paused it: its channel, or its origin. */
function pausedBy({ finding }: Problem, problems: readonly Problem[]): Problem | null {
  if (finding.code !== 'delivery_stopped' || finding.given.state !== 'paused') return null;
  const isIt = ({ code, given }: Finding) =>
    code === 'channel_paused' || (code === 'origin_paused' && given.origin === finding.given.origin);
  return problems.find((problem) => isIt(problem.finding)) ?? null;
}

const ANSWERS: readonly FindingCode[] = ['provider_unpaid', 'delivered'];

function answerOf(steps: readonly Step[], { order }: DiagnosisFacts): Problem | null {
  const isOver = order?.deliveries.every(({ state }) => state === 'delivered') ?? false;
  const all = steps.flatMap(({ step, findings }) => findings.map((finding) => ({ step, finding })));
  const found = all.filter(({ finding: { code } }) => ANSWERS.includes(code) && (code !== 'delivered' || isOver));
  return found.find(({ finding }) => finding.code === 'provider_unpaid') ?? found.at(-1) ?? null;
}
