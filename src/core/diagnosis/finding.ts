// One finding of a diagnosis: which sentence, what is filled into it, how bad it is, and what may be done about it.
import type { inbound } from './inbound-texts.ts';
import type { outbound } from './outbound-texts.ts';

export type Judgement = 'ok' | 'problem' | 'unknown';

type CodeIn<Key> = Key extends `seen.${infer Code}` ? Code : never;
export type FindingCode = CodeIn<keyof typeof inbound | keyof typeof outbound>;

/** What may be done next, and looked at. */
export type Act =
  | 'enable_channel'
  | 'resume_channel'
  | 'rotate_channel'
  | 'change_allowlist'
  | 'see_channel'
  | 'see_callbacks'
  | 'see_refusals'
  | 'see_alarms'
  | 'see_order'
  | 'register_order'
  | 'release_order'
  | 'replay_order'
  | 'resume_origin'
  | 'see_origin'
  | 'see_deliveries'
  | 'test_channel';
export type Next = {
  readonly act: Act /** The origin it is about; empty where the act needs none. */;
  readonly origin: string;
};

/** Codes of families of words are filled in as they are; whoever shows them puts them into the reader's language. */
export type Given = Readonly<Record<string, string | number>>;

export type Finding = {
  readonly code: FindingCode;
  readonly judgement: Judgement;
  readonly given: Given;
  readonly next: readonly Next[];
};

const finding =
  (judgement: Judgement) =>
  (code: FindingCode, given: Given = {}, ...next: readonly (Act | Next)[]): Finding => ({
    code,
    judgement,
    given,
    next: next.map((one) => (typeof one === 'string' ? { act: one, origin: '' } : one)),
  });

export const good = finding('ok');
export const bad = finding('problem');
export const open = finding('unknown');

export const iso = (at: number): string => new Date(at).toISOString();
