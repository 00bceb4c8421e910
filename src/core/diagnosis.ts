// "Why did I not get it?": the way from the provider to the origin, step by step, each with a judgement, what was seen
// and how to mend it. Pure: facts in, steps out. Gathers nothing and does nothing.
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
  return { steps, cause: causeOf(steps, facts) };
}

function worstOf(findings: readonly Finding[]): Judgement {
  const judged = findings.map(({ judgement }) => judgement);
  if (judged.includes('problem')) return 'problem';
  return judged.includes('unknown') ? 'unknown' : 'ok';
}

const WAY_IN: readonly StepName[] = ['address', 'reach', 'refusals'];
/** A refusal says more than silence, and both more than that nothing came. */
const LOST_ON_THE_WAY: readonly StepName[] = [...WAY_IN, 'provider', 'usual', 'arrivals', 'recorded'];
const WAY_OUT: readonly StepName[] = ['recorded', 'deliveries', 'origins'];
/** The order is known, and its callback was lost all the same. */
const LOST: readonly FindingCode[] = ['provider_repaired', 'order_learnt'];

function causeOf(steps: readonly Step[], { order }: DiagnosisFacts): Diagnosis['cause'] {
  const problems = steps.flatMap(({ step, findings }) =>
    findings.filter(({ judgement }) => judgement === 'problem').map((finding) => ({ step, finding })),
  );
  const firstOf = (places: readonly StepName[]) =>
    places.flatMap((place) => problems.filter(({ step }) => step === place)).at(0) ?? null;
  const isRecorded = order?.timeline.some(({ kind }) => kind === 'fact') ?? false;
  if (!isRecorded) return firstOf([...LOST_ON_THE_WAY, ...WAY_OUT]);
  const lost = problems.find(({ finding }) => LOST.includes(finding.code)) ?? null;
  const deliveries = order?.deliveries ?? [];
  const isOver = deliveries.length > 0 && deliveries.every(({ state }) => state === 'delivered');
  const stuck = isOver ? null : firstOf(WAY_OUT);
  if (stuck !== null && stuck.finding !== lost?.finding) return stuck;
  return lost && (firstOf(WAY_IN) ?? lost);
}
