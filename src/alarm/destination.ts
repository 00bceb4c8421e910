// The contract of every kind of destination: a bulletin goes in, a request or a mail comes out, and the answer is read.
// Pure: time is an argument. Never sends, never chooses a host: those of the chat platforms are fixed.
import type { Bulletin } from './bulletin.ts';

/** Opened for one message; never stored so. */
export type Address = {
  readonly url: string;
  readonly secret: string | null;
  readonly from: string;
  readonly to: readonly string[];
};

export type Message =
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | {
      readonly kind: 'email';
      readonly from: string;
      readonly to: readonly string[];
      readonly subject: string;
      readonly text: string;
    };

export type Form = {
  /** The only hosts that it is sent to; null: any public one. */
  readonly hosts: readonly string[] | null;
  /** How the path begins that a platform gives out. */
  readonly path: string;
  /** `needed`: made where none is given. `optional`: as it was chosen at the platform. `none`: takes none. */
  readonly secret: 'needed' | 'optional' | 'none';
  readonly render: (bulletin: Bulletin, address: Address, now: number) => Promise<Message>;
  /** Why it was not taken, in the platform's words; null: it was. */
  readonly complaint: (status: number, body: string) => string | null;
};

export const json = (url: string, body: unknown): Message => ({
  kind: 'http',
  url,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body),
});

/** Platforms that answer 200 whatever they think, and say it in a member of the body. */
export const complaintIn = (code: string, words: string) => (status: number, body: string) => {
  if (status < 200 || status > 299) return `${status} ${body}`.trim();
  const answer = parsed(body);
  return answer[code] === 0 ? null : `${String(answer[code] ?? 'no code')} ${String(answer[words] ?? '')}`.trim();
};

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {}; // not JSON: then there is no code in it
  }
}
