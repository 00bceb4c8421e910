// Misbehaviour on demand: a word within an order's or a refund's number says how the pretend provider takes the request
// that names it. Each word works once for each method and number, and each time where ALWAYS follows it.
import type { SandboxAnswer, SandboxRequest } from './http.ts';

export const MAGIC_WORDS = {
  timeout: 'carried out, and never answered',
  lost: 'neither carried out nor answered',
  systemerror: 'not carried out, and answered with an outage',
  unsigned: 'carried out, and answered without a signature',
  signtest: 'carried out, and answered with the wrong signature of a probe',
  notenough: 'a refund: the account does not hold enough',
  slow: 'a refund: taken in, and done when it is asked about for the second time',
} as const;
export type MagicWord = keyof typeof MAGIC_WORDS;

const WORDS = Object.keys(MAGIC_WORDS) as MagicWord[]; // the keys of that very table

export class Magic {
  readonly #met = new Set<string>();

  /** The word that this request meets; the next one when it comes again. */
  wordIn(method: string, number: string, known: readonly MagicWord[] = WORDS): MagicWord | null {
    const text = number.toLowerCase();
    const met = (word: MagicWord) => `${method} ${word} ${number}`;
    const word = known.find((one) => text.includes(`${one}always`) || (text.includes(one) && !this.#met.has(met(one))));
    if (word === undefined) return null;
    this.#met.add(met(word));
    return word;
  }
}

const SILENCE_MS_MAX = 60_000;

/** No answer: until the caller hangs up, and a minute at most. */
export async function silence({ hungUp }: Pick<SandboxRequest, 'hungUp'>): Promise<SandboxAnswer> {
  const over = AbortSignal.any([hungUp, AbortSignal.timeout(SILENCE_MS_MAX)]);
  if (!over.aborted) await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve()));
  return { status: 504 };
}
