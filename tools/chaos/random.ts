// Chance that can be repeated: the same seed draws the same numbers. Never used for secrets.

/** A number in [0, 1). */
export type Random = () => number;

/** Mulberry32: 32 bits of state, even enough to choose moments and orders. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of the names, each as likely as its weight says. */
export function draw<Name extends string>(random: Random, weights: Readonly<Record<Name, number>>): Name {
  const names = Object.keys(weights) as Name[]; // the record's own keys
  const total = names.reduce((sum, name) => sum + weights[name], 0);
  let left = random() * total;
  for (const name of names) {
    left -= weights[name];
    if (left < 0) return name;
  }
  return names[names.length - 1] ?? unreachableEmpty();
}

function unreachableEmpty(): never {
  throw new Error('nothing to draw from');
}
