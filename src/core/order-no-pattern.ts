// OrderNoPattern: which order numbers of a shared merchant account are this channel's. Pure. A wildcard and no regular
// expression: what a merchant types can neither be wrong in secret nor run for ever.
import { z } from 'zod';

const STARS_MAX = 3;

/** `*` stands for any letters, `?` for one, everything else for itself. */
export const OrderNoPattern = z
  .string()
  .regex(/^[\x21-\x7e]{1,64}$/, 'orderNoPattern takes 1 to 64 printable characters without blanks: A2026* for example.')
  .refine((text) => text.split('*').length - 1 <= STARS_MAX, `orderNoPattern takes at most ${STARS_MAX} stars.`)
  .refine((text) => !/^\*+$/.test(text), 'orderNoPattern must leave something out: set exclusive instead.');

export function matcherOf(pattern: string): (orderNo: string) => boolean {
  const source = [...pattern]
    .map((letter) => (letter === '*' ? '.*?' : letter === '?' ? '.' : escaped(letter)))
    .join('');
  const expression = new RegExp(`^${source}$`, 's');
  return (orderNo) => orderNo.length <= 64 && expression.test(orderNo);
}

const escaped = (letter: string): string => letter.replace(/[\\^$.|?*+()[\]{}/-]/, '\\$&');
