// Whether a receiver took what it was sent, by status and body of its answer. Pure. Never throws; what cannot be read
// as text simply says nothing.

export type Taken = 'accepted' | 'refused';

/** How an origin says yes. Legacy handlers answer 200 whatever happened, and say it in the body. */
export type SuccessCriterion =
  | { readonly kind: 'status' }
  /** The body without white space around it; letters' case counts. */
  | { readonly kind: 'equals'; readonly text: string }
  | { readonly kind: 'contains'; readonly text: string };

const takenIf = (isTaken: boolean): Taken => (isTaken ? 'accepted' : 'refused');

/** `body` is the start of the answer, as far as it was read. */
export function judgeAnswer(criterion: SuccessCriterion, status: number, body: Uint8Array): Taken {
  if (!isReceipt(status)) return 'refused';
  switch (criterion.kind) {
    case 'status':
      return 'accepted';
    case 'equals':
      return takenIf(textOf(body) === criterion.text.trim());
    case 'contains':
      return takenIf(textOf(body).includes(criterion.text));
  }
}

/** The readers of providers that look at the status alone: any 2xx, or only some. */
export const byReceipt = (status: number): Taken => takenIf(isReceipt(status));
export const byStatuses =
  (...statuses: readonly number[]) =>
  (status: number): Taken =>
    takenIf(statuses.includes(status));

/** The reader of providers that look for one word. */
export const byWord =
  (word: string) =>
  (status: number, body: Uint8Array): Taken =>
    judgeAnswer({ kind: 'equals', text: word }, status, body);

const isReceipt = (status: number): boolean => status >= 200 && status < 300;

/** Old editors leave a byte order mark and a line feed around what a script prints. */
const textOf = (body: Uint8Array): string => new TextDecoder().decode(body).trim();
