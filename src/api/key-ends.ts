// /v1/stats/keys: keys and certificates that end soon, of all channels at once, for an overview. Shows no key.
import { daysLeft, keyEndsOf, lastOnes } from '../core/key-ends.ts';
import { DAY_MS } from '../core/limits.ts';
import { requires } from './auth.ts';
import { configuredEnds } from './channel-shape.ts';
import { Id, iso, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { notFound, problemResponse, refuse } from './problem.ts';

const DAYS_MAX = 3_650;

export const KeyEnds = z
  .object({
    items: z.array(z.object({ channel: z.string(), serial: z.string(), expiresAt: Time, daysLeft: z.int() })),
  })
  .openapi('KeyEnds');

export const keyEnds = newApp();

keyEnds.openapi(
  createRoute({
    method: 'get',
    path: '/stats/keys',
    summary: 'Keys and certificates that end soon',
    description: 'Those that nothing takes the place of, the first to end before the others. Ended ones too.',
    middleware: requires('read'),
    request: {
      query: z.object({
        channel: Id.optional(),
        withinDays: z.coerce.number().int().min(0).max(DAYS_MAX).default(30),
      }),
    },
    responses: { 200: jsonOf('The ends.', KeyEnds), ...problemResponse },
  }),
  async (c) => {
    const { channel, withinDays } = c.req.valid('query');
    const records = await registryOf(c.env).listChannels();
    const asked = records.filter((record) => channel === undefined || record.channel.id === channel);
    if (channel !== undefined && asked.length === 0) return refuse(c, notFound(`Channel ${channel}`));
    const now = Date.now();
    const ends = await Promise.all(
      asked.map(async (record) => {
        const last = lastOnes(keyEndsOf(record.keys, await configuredEnds(c, record)));
        return last.map(({ serial, expiresAt }) => ({ channel: record.channel.id, serial, expiresAt }));
      }),
    );
    const items = ends
      .flat()
      .filter(({ expiresAt }) => expiresAt < now + withinDays * DAY_MS)
      .sort((a, b) => a.expiresAt - b.expiresAt)
      .map((end) => ({ ...end, expiresAt: iso(end.expiresAt), daysLeft: daysLeft(end.expiresAt, now) }));
    return c.json({ items }, 200);
  },
);
