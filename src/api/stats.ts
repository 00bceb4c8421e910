// /v1/stats: figures for charts, by hour or day, from the roll-ups in D1. Never the truth about an order.

import { NO_CHANNEL } from '../core/arrival.ts';
import { DAY_MS } from '../core/limits.ts';
import { add, HOUR_MS } from '../core/tally.ts';
import { sumFigures } from '../store/figures.ts';
import { requires } from './auth.ts';
import { Id, iso, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { invalid, notFound, problemResponse, refuse } from './problem.ts';
import { FiguresBody, renderFigures, renderStep, StepBody } from './stats-shape.ts';

/** So many points are a chart; more are asked for in parts. */
const STEPS_MAX = { hour: 14 * 24, day: 366 } as const;
const STEP_MS = { hour: HOUR_MS, day: DAY_MS } as const;
const OFFSET_MINUTES_MAX = 14 * 60;

const StatsQuery = z.object({
  channel: Id.optional().openapi({ description: 'Left out: all together, and what came to no channel.' }),
  from: z.iso.datetime().optional().openapi({ description: 'Left out: a day, or by day 30 days, before `to`.' }),
  to: z.iso.datetime().optional().openapi({ description: 'Not included. Left out: now.' }),
  by: z.enum(['hour', 'day']).default('hour'),
  utcOffsetMinutes: z.coerce
    .number()
    .int()
    .min(-OFFSET_MINUTES_MAX)
    .max(OFFSET_MINUTES_MAX)
    .multipleOf(60)
    .default(0)
    .openapi({ description: 'Where days begin: 480 for Beijing.' }),
});

const StatsBody = z
  .object({
    channel: z.string().nullable(),
    by: z.string(),
    from: Time,
    to: Time,
    total: FiguresBody,
    items: z.array(StepBody),
  })
  .openapi('Stats');

export const stats = newApp();

stats.openapi(
  createRoute({
    method: 'get',
    path: '/stats',
    summary: 'Figures for charts',
    description:
      'Steps that hold something, the earliest first. Seconds behind what happens. Counts of repeated, ignored and ' +
      'refused callbacks go back 32 days.',
    middleware: requires('read'),
    request: { query: StatsQuery },
    responses: { 200: jsonOf('The figures of each step, and of all together.', StatsBody), ...problemResponse },
  }),
  async (c) => {
    const { channel, by, utcOffsetMinutes, ...asked } = c.req.valid('query');
    const [stepMs, offsetMs] = [STEP_MS[by], utcOffsetMinutes * 60_000];
    const to = asked.to === undefined ? Date.now() : Date.parse(asked.to);
    const beginning = asked.from === undefined ? to - (by === 'hour' ? DAY_MS : 30 * DAY_MS) : Date.parse(asked.from);
    const from = Math.floor((beginning + offsetMs) / stepMs) * stepMs - offsetMs; // whole steps
    if (to <= from) return refuse(c, invalid({ field: 'to', message: 'must be after from' }));
    if ((to - from) / stepMs > STEPS_MAX[by] + 1) {
      const message = `gives more than ${STEPS_MAX[by]} steps by ${by}: ask for a shorter time, or by day`;
      return refuse(c, invalid({ field: 'from', message }));
    }
    const known = await registryOf(c.env).listChannelIds();
    if (channel !== undefined && !known.includes(channel)) return refuse(c, notFound(`Channel ${channel}`));
    const channels = channel === undefined ? [...known, NO_CHANNEL] : [channel];
    const steps = [...(await sumFigures(c.env.DB, { channels, from, to, stepMs, offsetMs }))].sort(([a], [b]) => a - b);
    const total = renderFigures(add(...steps.map(([, tally]) => tally)));
    const items = steps.map(renderStep);
    return c.json({ channel: channel ?? null, by, from: iso(from), to: iso(to), total, items }, 200);
  },
);
