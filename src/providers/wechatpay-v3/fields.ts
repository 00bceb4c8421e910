// The forms of values that WeChat Pay v3 uses everywhere: ids, fen, currencies, times. Corrects nothing.
import { z } from 'zod';

export const Id = z.string().min(1).max(64);
export const Fen = z.int().nonnegative();
export const Currency = z.string().regex(/^[A-Z]{3}$/);
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
export const Instant = z
  .string()
  .regex(RFC_3339)
  .refine((text) => Number.isFinite(Date.parse(text)));
