// What goes wrong for a while in the simulated month, and when: who cannot reach whom, and a change of keys. Pure.

export type Span = { readonly from: number; readonly until: number };

export type Accidents = {
  /** The provider cannot reach the gateway. */
  readonly cutOff: Span;
  /** The provider's API is away, the bills of the day before with it; its notices come. */
  readonly apiDown: Span;
  /** The merchant's own code fails. */
  readonly shopDown: Span;
  /** The provider signs with a certificate that nobody knew before, while its API cannot be asked for it. */
  readonly rotationAt: number;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function accidentsOf(startsAt: number, days: number): Accidents {
  const span = (day: number, hour: number, hours: number): Span => {
    const from = startsAt + Math.floor(day) * DAY_MS + hour * HOUR_MS;
    return { from, until: from + hours * HOUR_MS };
  };
  const apiDown = span(days / 2, 9.5, 4);
  return {
    cutOff: span(days / 3, 11, 6),
    apiDown,
    shopDown: span((days * 2) / 3, 17, 3),
    rotationAt: apiDown.from + 3 * HOUR_MS,
  };
}

export const isWithin = ({ from, until }: Span, now: number): boolean => now >= from && now < until;
