// KeySet: which of millions of keys were seen, in eight bytes a key. Pure. It keeps a 64-bit hash and not the key: of
// a million keys, two share one with a likelihood of 1 in 37 million. No secret and no defence against crafted keys.

/** Slots at the beginning and at most, powers of two: 2^21 take 16 MB and hold 1.5 million keys, 2^23 take 64 MB. */
const SLOTS_MIN = 1 << 10;
const SLOTS_MAX = 1 << 23;
const LOAD_MAX = 0.75;

export class KeySet {
  #high = new Uint32Array(SLOTS_MIN);
  #low = new Uint32Array(SLOTS_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** True when it was not there before. Throws when it is full: bills are cut at fewer rows. */
  add(key: string): boolean {
    if (this.#size + 1 > this.#low.length * LOAD_MAX) this.#grow();
    const { high, low } = hashOf(key);
    const slot = this.#slotOf(high, low);
    if (this.#isTaken(slot)) return false;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#size += 1;
    return true;
  }

  has(key: string): boolean {
    const { high, low } = hashOf(key);
    return this.#isTaken(this.#slotOf(high, low));
  }

  /** The slot that holds it, or the free one where it belongs. */
  #slotOf(high: number, low: number): number {
    const mask = this.#low.length - 1;
    let slot = low & mask;
    while (this.#isTaken(slot) && (this.#low[slot] !== low || this.#high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  #isTaken(slot: number): boolean {
    return this.#low[slot] !== 0 || this.#high[slot] !== 0;
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low];
    if (low.length >= SLOTS_MAX) throw new Error(`A KeySet holds at most ${SLOTS_MAX * LOAD_MAX} keys.`);
    this.#high = new Uint32Array(high.length * 2);
    this.#low = new Uint32Array(low.length * 2);
    for (let at = 0; at < low.length; at++) {
      const [oldHigh = 0, oldLow = 0] = [high[at], low[at]];
      if (oldHigh === 0 && oldLow === 0) continue;
      const slot = this.#slotOf(oldHigh, oldLow);
      this.#high[slot] = oldHigh;
      this.#low[slot] = oldLow;
    }
  }
}

/** Which of so many parts of all keys it is in. */
export const partOf = (key: string, parts: number): number => hashOf(key).high % parts;

/** Two 32-bit hashes that mix each letter differently; never both zero, which marks a free slot. */
function hashOf(key: string): { readonly high: number; readonly low: number } {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return { high: high >>> 0, low: high === 0 && low === 0 ? 1 : low >>> 0 };
}
