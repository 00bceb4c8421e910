// GET /v1/channels/{id}/outsiders: whom an allowlist would have refused, before it is enforced. Changes nothing.
import { allows, compileAllowlist } from '../core/allowlist.ts';
import { DAY_MS } from '../core/limits.ts';
import { providerOf } from '../providers/index.ts';
import { listCallers } from '../store/outsiders.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { requires } from './auth.ts';
import { IdParam, iso, Range, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { invalid, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const DAYS_DEFAULT = 7;
const DAYS_MAX = 31;
const RANGES_MAX = 500;
const ITEMS_MAX = 100;

const OutsidersQuery = z.object({
  days: z.coerce.number().int().min(1).max(DAYS_MAX).default(DAYS_DEFAULT),
  ranges: z
    .string()
    .max(10_000)
    .optional()
    .openapi({ description: 'Ranges to try, with commas between; else the channel’s own, or those published.' }),
});

export const OutsidersBody = z
  .object({
    ranges: z.array(z.string()).openapi({ description: 'What was tried.' }),
    since: Time,
    items: z.array(
      z.object({
        address: z.string().nullable(),
        genuine: z.int().openapi({ description: 'Callbacks that proved genuine: enforcing would have refused them.' }),
        refused: z.int().openapi({ description: 'Samples of those that were refused all the same.' }),
        lastAt: Time,
      }),
    ),
  })
  .openapi('Outsiders');

export const outsiders = newApp();

outsiders.openapi(
  createRoute({
    method: 'get',
    path: '/channels/{id}/outsiders',
    summary: 'List who would have been refused by an allowlist',
    description:
      'Addresses outside the ranges, the genuine callers first. Of a busy time the newest arrivals are read.',
    middleware: requires('read'),
    request: { params: IdParam, query: OutsidersQuery },
    responses: { 200: jsonOf('Who called from outside.', OutsidersBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const { days, ranges: named } = c.req.valid('query');
    const now = Date.now();
    const record = await readChannelCopy(c.env, id, now);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const { allowlist, provider } = record.channel;
    const standing = allowlist.ranges.length > 0 ? allowlist.ranges : (providerOf(provider)?.sourceRanges ?? []);
    const asked = named?.split(/[\s,]+/).filter((range) => range !== '');
    const ranges = z
      .array(Range)
      .max(RANGES_MAX)
      .safeParse(asked ?? standing);
    if (!ranges.success) return refuse(c, invalid({ field: 'ranges', message: 'holds something that is no range' }));
    const compiled = compileAllowlist(ranges.data);
    const since = now - days * DAY_MS;
    const callers = await listCallers(c.env.DB, id, since);
    const items = callers
      .filter(({ address }) => !allows(compiled, address))
      .slice(0, ITEMS_MAX)
      .map(({ lastAt, ...caller }) => ({ ...caller, lastAt: iso(lastAt) }));
    return c.json({ ranges: ranges.data, since: iso(since), items }, 200);
  },
);
