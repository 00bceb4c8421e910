// A clock that can be moved ahead, in the place of this process's own: `Date` tells the machine's time plus an offset,
// which only ever grows. For the simulation's tool and its Worker alike; never part of the gateway.

const RealDate = globalThis.Date;
let offsetMs = 0;

export const realNow = (): number => RealDate.now();
export const playedNow = (): number => RealDate.now() + offsetMs;
/** The machine's time at which the played clock shows this. */
export const realTimeOf = (played: number): number => played - offsetMs;

/** False where it is later than that already: this clock does not go back. */
export function moveClockTo(played: number): boolean {
  const wanted = played - RealDate.now();
  if (wanted <= offsetMs) return false;
  offsetMs = wanted;
  return true;
}

/** From here on whoever asks `Date` for the time is told the played one. */
export function installClock(): void {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, asked) =>
      Reflect.construct(target, given.length === 0 ? [playedNow()] : given, asked === globalThis.Date ? target : asked),
    get: (target, name) => (name === 'now' ? playedNow : Reflect.get(target, name)),
  });
}
