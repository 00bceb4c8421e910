// /v1/reconciliations: runs over the days' bills, begun by hand or by a bill that is brought, and what they found. The
// reconciler of the channel does the work; lists come from D1.
import { BILL_COVERAGE } from '../core/bill.ts';
import { DISCREPANCY_COLUMNS, discrepancyCells } from '../core/discrepancy.ts';
import { placeOfRun, RUN_STATES, reconcilerNameOf, runIdOf, type StartRunReply } from '../core/reconciliation.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { listRuns } from '../store/reconcile-lists.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { actOf, idempotencyKeyOf, requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, IdParam } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, z } from './kit.ts';
import { cut, PageQuery, pageOf, placeOf } from './page.ts';
import { invalid, keyReused, notFound, type Problem, problemResponse, refuse } from './problem.ts';
import { Day, Kind, ReconciliationBody, ReconciliationDetail, renderRun, renderView } from './reconciliation-shape.ts';
import { csvAlone, tableOf } from './table.ts';

export const reconciliations = newApp();

/** The object that reconciles a channel; a problem where there is no such channel. */
export async function reconcilerOf(c: Context, channel: string) {
  const record = await readChannelCopy(c.env, channel, Date.now());
  if (!record) return err(notFound(`Channel ${channel}`));
  return ok(c.env.RECONCILER.getByName(reconcilerNameOf(record.channel)));
}

const RunInput = z
  .strictObject({
    channel: Id,
    day: Day,
    kinds: z
      .array(Kind)
      .min(1)
      .max(3)
      .optional()
      .openapi({ description: 'Left out: trade, and fundflow where the provider has it.' }),
  })
  .openapi('ReconciliationInput');

reconciliations.openapi(
  createRoute({
    method: 'post',
    path: '/reconciliations',
    summary: 'Compare a day with the provider’s bills',
    description:
      'Fetches the bills, checks and compares them, and repairs what was lost. A run of the same day that is under ' +
      'way is answered; one that is over runs again, and finds what it found before under the same ids.',
    middleware: requires('operate'),
    request: { headers: WriteHeaders, body: bodyOf(RunInput) },
    responses: { 202: jsonOf('It is under way.', ReconciliationBody), ...problemResponse },
  }),
  async (c) => {
    const { channel, day, kinds } = c.req.valid('json');
    const reconciler = await reconcilerOf(c, channel);
    if (!reconciler.ok) return refuse(c, reconciler.error);
    const stamp = await stampOf(c, runSubject(channel, day));
    const asked = { v: 1, channel, day, kinds: kinds ?? null, stamp } as const;
    const run = started(await reconciler.value.start(asked));
    return run.ok ? c.json(renderRun(run.value), 202) : refuse(c, run.error);
  },
);

const runSubject = (channel: string, day: string): string => `reconciliation/${runIdOf(channel, day)}`;

function started(reply: StartRunReply): Result<Extract<StartRunReply, { run: unknown }>['run'], Problem> {
  if (reply.kind === 'key_reused') return err(keyReused);
  if (reply.kind === 'busy') return err({ code: 'wrong_status', detail: reply.detail });
  if (reply.kind === 'refused') return err(invalid({ field: reply.field, message: reply.detail }));
  return ok(reply.run);
}

const BroughtQuery = z.object({
  channel: Id,
  day: Day,
  kind: Kind.default('trade'),
  covers: z
    .enum(BILL_COVERAGE)
    .optional()
    .openapi({
      description:
        'What of the day the file has in full: all payments and refunds, all payments, all refunds, or but a part. ' +
        'Only of that is judged what it lacks. Left out: all for the provider’s own file, part for a table of yours.',
    }),
});

/** What a kind of bill cannot have in full. */
const COVERS_WRONGLY: Readonly<Record<string, string>> = {
  'refund payments': 'a bill of refunds has no payments: say refunds or part',
  fundflow: 'is said of payments and refunds: a bill of the account is taken as it is',
};

const BILL_TYPES = ['text/csv', 'application/zip', 'application/gzip', 'application/octet-stream'];

reconciliations.openapi(
  createRoute({
    method: 'post',
    path: '/reconciliations/bills',
    summary: 'Bring a bill, and compare its day with it',
    description:
      'The body is the file: CSV, plain or packed as gzip or zip, up to 100 MB. It is read by the billMapping of the ' +
      'channel where it has one, else as the provider writes its own.',
    middleware: requires('operate'),
    request: {
      headers: WriteHeaders,
      query: BroughtQuery,
      body: {
        required: true,
        content: Object.fromEntries(
          BILL_TYPES.map((type) => [type, { schema: z.string().openapi({ format: 'binary' }) }]),
        ),
      },
    },
    responses: { 202: jsonOf('It is under way.', ReconciliationBody), ...problemResponse },
  }),
  async (c) => {
    const { channel, day, kind, covers = null } = c.req.valid('query');
    const wrong = covers === null ? undefined : (COVERS_WRONGLY[`${kind} ${covers}`] ?? COVERS_WRONGLY[kind]);
    if (wrong !== undefined) return refuse(c, invalid({ field: 'covers', message: wrong }));
    const reconciler = await reconcilerOf(c, channel);
    if (!reconciler.ok) return refuse(c, reconciler.error);
    const { body } = c.req.raw;
    if (body === null) return refuse(c, invalid({ field: 'body', message: 'is missing: send the file itself' }));
    const act = actOf(c, { subject: runSubject(channel, day) });
    // The reconciler adds the file's own digest, which it makes while it keeps it.
    const digest = toHex(await sha256(utf8(`${channel} ${day} ${kind} ${covers}`)));
    const stamp = { now: Date.now(), key: idempotencyKeyOf(c), digest, act };
    const asked = { v: 1, channel, day, kind, covers, stamp } as const;
    const run = started(await reconciler.value.bring(asked, body));
    return run.ok ? c.json(renderRun(run.value), 202) : refuse(c, run.error);
  },
);

reconciliations.openapi(
  createRoute({
    method: 'get',
    path: '/reconciliations',
    summary: 'List reconciliations, the newest day first',
    middleware: requires('read'),
    request: {
      query: PageQuery.extend({ channel: Id.optional(), state: z.enum(RUN_STATES).optional(), day: Day.optional() }),
    },
    responses: {
      200: jsonOf('Reconciliations, the newest day first.', pageOf('ReconciliationPage', ReconciliationBody)),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const place = placeOf(cursor, z.tuple([z.string(), z.string()]));
    if (!place.ok) return refuse(c, place.error);
    const rows = await listRuns(c.env.DB, filter, place.value, limit);
    return c.json(
      cut(rows, limit, ({ day, channel }) => [day, channel], renderRun),
      200,
    );
  },
);

/** The run that an id means, and the object that owns it. */
async function runOf(c: Context, id: string) {
  const place = placeOfRun(id);
  if (place === null) return err(notFound(`Reconciliation ${id}`));
  const reconciler = await reconcilerOf(c, place.channel);
  if (!reconciler.ok) return reconciler;
  const view = await reconciler.value.read(place.day);
  return view ? ok({ view, reconciler: reconciler.value }) : err(notFound(`Reconciliation ${id}`));
}

reconciliations.openapi(
  createRoute({
    method: 'get',
    path: '/reconciliations/{id}',
    summary: 'Read a reconciliation',
    description: 'How far it is, its bills, what was found, and the settlement of the day.',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: { 200: jsonOf('The reconciliation as it stands now.', ReconciliationDetail), ...problemResponse },
  }),
  async (c) => {
    const found = await runOf(c, c.req.valid('param').id);
    return found.ok ? c.json(renderView(found.value.view), 200) : refuse(c, found.error);
  },
);

const CSV_ROWS_AT_ONCE = 500;

reconciliations.openapi(
  createRoute({
    method: 'get',
    path: '/reconciliations/{id}/discrepancies.csv',
    summary: 'Export what a reconciliation found',
    description: 'A table for a spreadsheet: every discrepancy of the day, amounts as decimals.',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: {
      200: csvAlone,
      ...problemResponse,
    },
  }),
  async (c) => {
    const found = await runOf(c, c.req.valid('param').id);
    if (!found.ok) return refuse(c, found.error);
    const { view, reconciler } = found.value;
    const { id } = view.run;
    return tableOf<string>(`discrepancies-${id.replace('~', '-')}`, DISCREPANCY_COLUMNS, async (after) => {
      const found = await reconciler.list(id, after ?? '', CSV_ROWS_AT_ONCE);
      return { lines: found.map(discrepancyCells), next: found.at(-1)?.id ?? null };
    });
  },
);
