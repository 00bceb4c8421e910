// How amounts, times and marks are written where everything is text: forms, XML, chosen fields. Pure; never a float.
import { type Money, printMoney } from '../core/money.ts';

export const AMOUNT_UNITS = ['minor', 'decimal'] as const;
export type AmountUnit = (typeof AMOUNT_UNITS)[number];

/** 100 or 1.00. */
export const writeAmount = (amount: Money, unit: AmountUnit): string =>
  unit === 'minor' ? String(amount.minor) : printMoney(amount);

export const TIME_FORMS = ['seconds', 'milliseconds', 'iso', 'plain', 'compact'] as const;
export type TimeForm = (typeof TIME_FORMS)[number];

export const UTC_OFFSET_MINUTES_MAX = 14 * 60;

/** `plain` is 2026-01-01 08:00:00 and `compact` 20260101080000, both on the wall clock of the offset. */
export function writeTime(at: number, form: TimeForm, utcOffsetMinutes: number): string {
  switch (form) {
    case 'seconds':
      return String(Math.floor(at / 1000));
    case 'milliseconds':
      return String(at);
    case 'iso':
      return utcOffsetMinutes === 0
        ? new Date(at).toISOString()
        : `${wallClock(at, utcOffsetMinutes)}${writeOffset(utcOffsetMinutes)}`;
    case 'plain':
      return wallClock(at, utcOffsetMinutes).slice(0, 19).replace('T', ' ');
    case 'compact':
      return wallClock(at, utcOffsetMinutes).slice(0, 19).replace(/\D/g, '');
  }
}

const wallClock = (at: number, utcOffsetMinutes: number): string =>
  new Date(at + utcOffsetMinutes * 60_000).toISOString().slice(0, -1);

function writeOffset(minutes: number): string {
  const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
    `${n}`.padStart(2, '0'),
  );
  return `${minutes < 0 ? '-' : '+'}${hour}:${minute}`;
}
