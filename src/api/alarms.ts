// /v1/alarms: what wants a person, what was done about it, and who was told. Raises nothing itself.
import { ALARM_STATES, type AlarmRecord } from '../core/alarm.ts';
import type { WriteReply } from '../core/registry.ts';
import { fromUtf8, toBase64Url, utf8 } from '../crypto/bytes.ts';
import type { NoteRow } from '../store/alarm-notes.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, iso, isoOrNull, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { cut, PageQuery, pageOf, placeOf } from './page.ts';
import { problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

/** The last messages about one alarm that are shown with it. */
const TOLD_SHOWN_MAX = 5;

export const alarms = newApp();
export const deskOf = (env: Env) => env.ALARM_DESK.getByName('alarms');

const ToldBody = z.object({
  destination: z.string(),
  kind: z.enum(['raised', 'again', 'resolved', 'test']),
  state: z.enum(['waiting', 'sending', 'sent', 'dead']).openapi({ description: 'dead: not taken for a day.' }),
  at: Time.openapi({ description: 'When it was sent; while it waits, when it is due.' }),
  error: z.string().nullable(),
});

export const AlarmBody = z
  .object({
    id: z.string(),
    code: z.string(),
    subject: z.string(),
    detail: z.string(),
    count: z.int(),
    firstAt: Time,
    lastAt: Time,
    state: z.enum(ALARM_STATES),
    actedBy: z.string().nullable().openapi({
      description: 'The API key that acknowledged or resolved it; `gateway` where what it told of ended.',
    }),
    actedAt: Time.nullable(),
  })
  .openapi('Alarm');

const ListedAlarm = AlarmBody.extend({
  told: z.array(ToldBody).openapi({ description: 'The last messages about it, the newest first.' }),
}).openapi('ListedAlarm');
export const AlarmPageBody = pageOf('AlarmPage', ListedAlarm);

/** The two parts of an alarm's name; the first never has a space. */
const idOf = ({ code, subject }: AlarmRecord): string => toBase64Url(utf8(`${code} ${subject}`));

function namedBy(id: string): { readonly code: string; readonly subject: string } | null {
  try {
    const text = fromUtf8(Uint8Array.fromBase64(id, { alphabet: 'base64url' })) ?? '';
    const [, code = '', subject = ''] = /^(\w+) ([\s\S]+)$/.exec(text) ?? [];
    return code === '' ? null : { code, subject };
  } catch {
    return null; // not base64: no id of ours
  }
}

const renderAlarm = ({ rev: _, firstAt, lastAt, actedAt, ...alarm }: AlarmRecord & { readonly rev: number }) => ({
  id: idOf({ ...alarm, rev: 0, firstAt, lastAt, actedAt }),
  ...alarm,
  firstAt: iso(firstAt),
  lastAt: iso(lastAt),
  actedAt: isoOrNull(actedAt),
});

export const renderTold = ({ destination, kind, state, dueAt, sentAt, error }: NoteRow) => ({
  destination,
  kind,
  state,
  at: iso(sentAt ?? dueAt),
  error,
});

alarms.openapi(
  createRoute({
    method: 'get',
    path: '/alarms',
    summary: 'List what wants a person, latest first',
    middleware: requires('read'),
    request: {
      query: PageQuery.extend({
        state: z
          .enum([...ALARM_STATES, 'wanting', 'all'])
          .default('wanting')
          .openapi({
            description: 'wanting: open or acknowledged.',
          }),
      }),
    },
    responses: { 200: jsonOf('Alarms, latest first.', AlarmPageBody), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, state } = c.req.valid('query');
    const place = placeOf(cursor, z.tuple([z.int(), z.string(), z.string()]));
    if (!place.ok) return refuse(c, place.error);
    const [lastAt, code, subject] = place.value ?? [];
    const isFirst = lastAt === undefined || code === undefined || subject === undefined;
    const after = isFirst ? null : { lastAt, code, subject };
    const asked = { limit: limit + 1, after, state: state === 'all' ? undefined : state };
    const rows = await registryOf(c.env).listAlarms(asked);
    const told = await toldAbout(c.env, rows.slice(0, limit));
    const page = cut(
      rows,
      limit,
      (row) => [row.lastAt, row.code, row.subject],
      (row) => ({ ...renderAlarm(row), told: told.get(row) ?? [] }),
    );
    return c.json(page, 200);
  },
);

/** Shown beside the alarms where the desk can be reached; the alarms are shown without it too. */
async function toldAbout(env: Env, rows: readonly AlarmRecord[]) {
  try {
    const named = rows.map(({ code, subject }) => ({ code, subject }));
    const about = await deskOf(env).notesAbout(named, TOLD_SHOWN_MAX);
    return new Map(rows.map((row, index) => [row, (about[index] ?? []).map(renderTold)]));
  } catch (error) {
    console.error(JSON.stringify({ hop: 'notify', error: String(error) }));
    return new Map<AlarmRecord, ReturnType<typeof renderTold>[]>();
  }
}

for (const act of ['acknowledge', 'resolve'] as const) {
  alarms.openapi(
    createRoute({
      method: 'post',
      path: `/alarms/{id}/${act}` as const,
      summary: act === 'acknowledge' ? 'Say that somebody has it in hand' : 'Say that it is over',
      description:
        act === 'acknowledge'
          ? 'Nobody is told of it again until it is resolved and raised anew.'
          : 'It leaves the list; when it is raised again it is a new alarm. A resolved one stays resolved.',
      middleware: requires('operate'),
      request: { params: z.object({ id: z.string().min(1).max(500) }), headers: WriteHeaders },
      responses: { 200: jsonOf('The alarm as it stands now.', AlarmBody), ...problemResponse },
    }),
    async (c) => {
      const named = namedBy(c.req.valid('param').id);
      const by = c.get('principal').id;
      const missing: WriteReply<AlarmRecord> = { kind: 'missing' };
      const reply = named ? await registryOf(c.env).actOnAlarm({ ...named, act, by }, await stampOf(c)) : missing;
      if (reply.kind !== 'done') return refuseWrite(c, reply, 'This alarm');
      return c.json(renderAlarm(reply.value), 200);
    },
  );
}

const NoteBody = z
  .object({ code: z.string(), subject: z.string(), createdAt: Time, tries: z.int() })
  .extend({ destination: z.string(), kind: z.string(), state: z.string(), at: Time, error: z.string().nullable() })
  .openapi('AlarmMessage');
export const AlarmMessagePage = pageOf('AlarmMessagePage', NoteBody);

alarms.openapi(
  createRoute({
    method: 'get',
    path: '/alarm-messages',
    summary: 'List what destinations were told, or were not',
    middleware: requires('read'),
    request: {
      query: PageQuery.extend({
        destination: Id.optional(),
        state: z.enum(['waiting', 'sending', 'sent', 'dead']).optional(),
      }),
    },
    responses: { 200: jsonOf('Messages, latest first.', AlarmMessagePage), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const place = placeOf(cursor, z.tuple([z.int()]));
    if (!place.ok) return refuse(c, place.error);
    const rows = await deskOf(c.env).listNotes(place.value?.[0] ?? null, limit + 1, filter);
    const shown = cut(
      rows,
      limit,
      ({ id }) => [id],
      (row) => ({
        code: row.code,
        subject: row.subject,
        createdAt: iso(row.createdAt),
        tries: row.tries,
        ...renderTold(row),
      }),
    );
    return c.json(shown, 200);
  },
);
