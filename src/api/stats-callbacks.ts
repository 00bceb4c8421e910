// /v1/stats/callbacks: how many callbacks came, minute by minute, for charts. From the roll-ups in D1: a flood of
// refusals is a few rows a minute here.
import { NO_CHANNEL } from '../core/arrival.ts';
import { DAY_MS } from '../core/limits.ts';
import { countCallbacks } from '../store/figures.ts';
import { requires } from './auth.ts';
import { Id, iso, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { invalid, notFound, problemResponse, refuse } from './problem.ts';

const STEP_MINUTES = [1, 5, 10, 30, 60, 360, 480, 1_440] as const;
const STEPS_MAX = 1_440;
const STEPS_DEFAULT = 60;
/** Counts of what was refused go back so far. */
const BACK_MS_MAX = 32 * DAY_MS;
const MINUTE_MS = 60_000;

const Counts = z
  .object({
    at: Time,
    accepted: z.int().openapi({ description: 'Facts that callbacks brought.' }),
    duplicate: z.int(),
    ignored: z.int(),
    rejected: z.int(),
  })
  .openapi('CallbackCounts');

export const CallbackSeries = z
  .object({
    channel: z.string().nullable(),
    stepMinutes: z.int(),
    from: Time,
    to: Time,
    items: z.array(Counts).openapi({ description: 'Every step, those without a callback too, the earliest first.' }),
  })
  .openapi('CallbackSeries');

export const statsCallbacks = newApp();

statsCallbacks.openapi(
  createRoute({
    method: 'get',
    path: '/stats/callbacks',
    summary: 'Callbacks by the minute',
    description: 'Seconds behind what happens; refused and repeated ones up to a minute.',
    middleware: requires('read'),
    request: {
      query: z.object({
        channel: Id.optional().openapi({ description: 'Left out: all together, and those that came to no channel.' }),
        from: z.iso.datetime().optional().openapi({ description: 'Left out: 60 steps before `to`.' }),
        to: z.iso.datetime().optional().openapi({ description: 'Not included. Left out: now.' }),
        stepMinutes: z.coerce
          .number()
          .pipe(z.literal(STEP_MINUTES, `must be one of ${STEP_MINUTES.join(', ')}`))
          .default(1)
          .openapi({ type: 'integer', enum: [...STEP_MINUTES], default: 1 }),
      }),
    },
    responses: { 200: jsonOf('The counts of each step.', CallbackSeries), ...problemResponse },
  }),
  async (c) => {
    const { channel, stepMinutes, ...asked } = c.req.valid('query');
    const stepMs = stepMinutes * MINUTE_MS;
    const to = asked.to === undefined ? Date.now() : Date.parse(asked.to);
    const wanted = asked.from === undefined ? to - STEPS_DEFAULT * stepMs : Date.parse(asked.from);
    const from = Math.floor(wanted / stepMs) * stepMs;
    if (to <= from) return refuse(c, invalid({ field: 'to', message: 'must be after from' }));
    const count = Math.ceil((to - from) / stepMs);
    if (count > STEPS_MAX + 1) {
      return refuse(
        c,
        invalid({ field: 'stepMinutes', message: `gives more than ${STEPS_MAX} steps: take longer ones` }),
      );
    }
    if (Date.now() - from > BACK_MS_MAX + DAY_MS) {
      return refuse(c, invalid({ field: 'from', message: 'is further back than counts are kept, 32 days' }));
    }
    const known = await registryOf(c.env).listChannelIds();
    if (channel !== undefined && !known.includes(channel)) return refuse(c, notFound(`Channel ${channel}`));
    const channels = channel === undefined ? [...known, NO_CHANNEL] : [channel];
    const rows = await countCallbacks(c.env.DB, { channels, from, to, stepMs });
    const counts = new Map(rows.map((row) => [`${row.step} ${row.verdict}`, row.count]));
    const items = Array.from({ length: count }, (_, index) => {
      const step = from / stepMs + index;
      const of = (verdict: string) => counts.get(`${step} ${verdict}`) ?? 0;
      const [accepted, duplicate] = [of('accepted'), of('duplicate')];
      return { at: iso(step * stepMs), accepted, duplicate, ignored: of('ignored'), rejected: of('rejected') };
    });
    return c.json({ channel: channel ?? null, stepMinutes, from: iso(from), to: iso(to), items }, 200);
  },
);
