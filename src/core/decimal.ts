// Decimal: an exact number with a fixed count of decimals, for what is finer than money: fees, rates, sums of a bill.
// Pure. No float touches one.

/** `{ units: 600, scale: 5 }` is 0.00600. */
export type Decimal = { readonly units: number; readonly scale: number };

const ZERO = 48;
const NINE = 57;
const POINT = 46;

/**
 * A decimal text at exactly this scale, read digit by digit: bills have millions of them. Null for what is no decimal,
 * for more decimals than the scale holds unless they are zeros, and for what no safe integer holds.
 */
export function unitsOf(text: string, scale: number): number | null {
  const first = text.charCodeAt(0);
  const isSigned = first === 45 || first === 43;
  let units = 0;
  let decimals = -1;
  let digits = 0;
  for (let at = isSigned ? 1 : 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === POINT && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (code < ZERO || code > NINE) return null;
    digits += 1;
    if (decimals < scale) units = units * 10 + (code - ZERO);
    else if (code !== ZERO) return null;
    if (decimals >= 0) decimals += 1;
  }
  if (digits === 0 || units > Number.MAX_SAFE_INTEGER) return null;
  const whole = units * 10 ** Math.max(0, scale - Math.max(decimals, 0));
  if (!Number.isSafeInteger(whole)) return null;
  return first === 45 && whole !== 0 ? -whole : whole;
}

export function decimalOf(text: string, scale: number): Decimal | null {
  const units = unitsOf(text, scale);
  return units === null ? null : { units, scale };
}

/** A share such as `0.60%` or `0.006`; null for what is none. */
export function rateOf(text: string): Decimal | null {
  const isPercent = text.endsWith('%');
  const rate = decimalOf(isPercent ? text.slice(0, -1).trim() : text, RATE_SCALE);
  return rate === null || !isPercent ? rate : { units: rate.units, scale: RATE_SCALE + 2 };
}
const RATE_SCALE = 6;

/** With all its decimals: `0.00600`. */
export function printDecimal({ units, scale }: Decimal): string {
  const digits = Math.abs(units)
    .toString()
    .padStart(scale + 1, '0');
  const sign = units < 0 ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
