// /v1/stats/waiting: how many deliveries are not over, and since when the oldest is not, for charts and people. From
// D1's partial index, up to a bound, and from the last look at the ledgers. Never truth about one delivery.
import { sumBacklogs, type Vitals } from '../core/vitals.ts';
import { countWaiting, WAITING_STATES } from '../store/lists.ts';
import { deskOf } from './alarms.ts';
import { requires } from './auth.ts';
import { Id, iso, isoOrNull, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { notFound, problemResponse, refuse } from './problem.ts';

/** So many are looked at of each state: an overview reads this every few seconds. */
const LOOKED_AT_MAX = 2_000;

/** What the last look at every shard showed; an older one says nothing of now. */
const LOOK_MS_MAX = 150_000;

export const Waiting = z
  .object({
    backlog: z.object({ at: Time, waiting: z.int(), oldestAt: Time.nullable() }).nullable().openapi({
      description:
        'As the ledgers told at the last minute: all that should go out now, tried or not. Null where they did not.',
    }),
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
    const [counts, vitals] = await Promise.all([
      countWaiting(c.env.DB, channel ?? null, LOOKED_AT_MAX),
      deskOf(c.env).readVitals(),
    ]);
    const states = counts.map(({ oldestAt, ...one }) => ({ ...one, oldestAt: isoOrNull(oldestAt) }));
    return c.json({ backlog: backlogIn(vitals, channel, Date.now()), states }, 200);
  },
);

function backlogIn(vitals: Vitals | null, channel: string | undefined, now: number) {
  if (vitals === null || now - vitals.at > LOOK_MS_MAX) return null;
  const own = vitals.backlogs.filter((one) => channel === undefined || one.channel === channel);
  const { waiting, oldestAt } = sumBacklogs(own);
  return { at: iso(vitals.at), waiting, oldestAt: isoOrNull(oldestAt) };
}
