// /v1/stats/waiting: how many deliveries are not over, and since when the oldest is not, for charts and people. From
// D1's partial index, up to a bound. Never truth about one delivery.
import { countWaiting, WAITING_STATES } from '../store/lists.ts';
import { requires } from './auth.ts';
import { Id, isoOrNull, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { notFound, problemResponse, refuse } from './problem.ts';

/** So many are looked at of each state: an overview reads this every few seconds. */
const LOOKED_AT_MAX = 2_000;

export const Waiting = z
  .object({
    states: z.array(
      z.object({
        state: z.enum(WAITING_STATES),
        count: z.int(),
        isMore: z.boolean().openapi({ description: `True where only the oldest ${LOOKED_AT_MAX} were looked at.` }),
        oldestAt: Time.nullable().openapi({ description: 'When the oldest of them was committed.' }),
      }),
    ),
  })
  .openapi('Waiting');

export const statsWaiting = newApp();

statsWaiting.openapi(
  createRoute({
    method: 'get',
    path: '/stats/waiting',
    summary: 'Deliveries that are not over, and their age',
    description: 'A delivery is counted from its first outcome on. Seconds behind what happens.',
    middleware: requires('read'),
    request: { query: z.object({ channel: Id.optional() }) },
    responses: { 200: jsonOf('Counts by state.', Waiting), ...problemResponse },
  }),
  async (c) => {
    const { channel } = c.req.valid('query');
    if (channel !== undefined && !(await registryOf(c.env).listChannelIds()).includes(channel)) {
      return refuse(c, notFound(`Channel ${channel}`));
    }
    const counts = await countWaiting(c.env.DB, channel ?? null, LOOKED_AT_MAX);
    const states = counts.map(({ oldestAt, ...one }) => ({ ...one, oldestAt: isoOrNull(oldestAt) }));
    return c.json({ states }, 200);
  },
);
