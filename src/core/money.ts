// Money: a safe integer of the currency's smallest unit. Pure. No float ever touches an amount.
import { err, ok, type Result } from './result.ts';

export type Money = { readonly minor: number; readonly currency: string };

// ISO 4217 minor units that are not 2 (list one, read 2026-11).
// biome-ignore format: a table reads better in rows
// biome-ignore format: a table reads better in rows
const DECIMALS: Readonly<Record<string, number>> = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
}; // biome-ignore format: a table reads better in rows

export const isSameMoney = (a: Money, b: Money): boolean => a.minor === b.minor && a.currency === b.currency;

/** How many decimals the currency has; 2 unless ISO 4217 says otherwise. */
export function decimalsOf(currency: string): number {
  return DECIMALS[currency] ?? 2;
}

export function isCurrency(code: string): boolean {
  return /^[A-Z]{3}$/.test(code);
}

/** Builds money from an integer of minor units; refuses fractions and anything past 2^53. */
export function money(minor: number, currency: string): Result<Money, string> {
  if (!Number.isSafeInteger(minor)) return err(`the amount must be a whole number of minor units, got ${minor}`);
  if (!isCurrency(currency)) return err(`the currency must be three capital letters, got ${JSON.stringify(currency)}`);
  return ok({ minor, currency });
}

/**
 * Parses a decimal string such as "12.30" into minor units by its digits alone.
 * More decimals than the currency has are refused unless they are zeros.
 */
export function parseMoney(text: string, currency: string): Result<Money, string> {
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,8}))?$/.exec(text);
  if (!match) return err(`not a decimal amount: ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, whole = '', fraction = ''] = match;
  const decimals = decimalsOf(currency);
  if (/[1-9]/.test(fraction.slice(decimals))) return err(`${currency} has ${decimals} decimals, got ${text}`);
  const digits = whole + fraction.slice(0, decimals).padEnd(decimals, '0');
  const minor = Number(digits) * (sign === '-' ? -1 : 1);
  return money(minor === 0 ? 0 : minor, currency);
}

/** A decimal as JSON may write it, without its exponent: 1e-7 is 0.0000001. Null for what is none, or is too long. */
export function plainDecimal(text: string): string | null {
  const match = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text);
  if (!match) return null;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const point = whole.length + Number(exponent);
  const digits = '0'.repeat(Math.max(0, 1 - point)) + (whole + fraction).padEnd(point, '0');
  const at = Math.max(point, 1);
  const rest = digits.slice(at);
  return sign + digits.slice(0, at).replace(/^0+(?=\d)/, '') + (rest === '' ? '' : `.${rest}`);
}

/** Prints money as a decimal string with exactly the currency's decimals: the inverse of parseMoney. */
export function printMoney(amount: Money): string {
  const decimals = decimalsOf(amount.currency);
  const digits = Math.abs(amount.minor)
    .toString()
    .padStart(decimals + 1, '0');
  const sign = amount.minor < 0 ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
