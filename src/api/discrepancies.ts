// /v1/discrepancies: what a provider's books and ours do not agree on, and what people say of it. Lists come from D1,
// one of them and every change from the reconciler that owns it.
import { DIFFERENCE_KINDS, DISCREPANCY_COLUMNS, DISCREPANCY_STATUSES, discrepancyCells } from '../core/discrepancy.ts';
import { placeOfRun } from '../core/reconciliation.ts';
import { unreachable } from '../core/result.ts';
import { listDiscrepancies } from '../store/reconcile-lists.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, OrderNo } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, z } from './kit.ts';
import { cut, PageQuery, pageOf, placeOf } from './page.ts';
import { invalid, notFound, problemResponse, refuse } from './problem.ts';
import { Day, DiscrepancyBody, renderDiscrepancy } from './reconciliation-shape.ts';
import { reconcilerOf } from './reconciliations.ts';
import { csvAlone, tableOf } from './table.ts';

export const discrepancies = newApp();

const Owner = z.string().trim().min(1).max(100);
const Filter = z.object({
  status: z.enum(DISCREPANCY_STATUSES).optional(),
  kind: z.enum(DIFFERENCE_KINDS).optional(),
  channel: Id.optional(),
  day: Day.optional(),
  owner: Owner.optional(),
  orderNo: OrderNo.optional(),
});
const FoundPlace = z.tuple([z.int(), z.string()]);

discrepancies.openapi(
  createRoute({
    method: 'get',
    path: '/discrepancies',
    summary: 'List discrepancies, the last found first',
    middleware: requires('read'),
    request: { query: PageQuery.extend(Filter.shape) },
    responses: {
      200: jsonOf('Discrepancies, the last found first.', pageOf('DiscrepancyPage', DiscrepancyBody)),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const place = placeOf(cursor, FoundPlace);
    if (!place.ok) return refuse(c, place.error);
    const rows = await listDiscrepancies(c.env.DB, filter, place.value, limit);
    return c.json(
      cut(rows, limit, ({ foundAt, id }) => [foundAt, id], renderDiscrepancy),
      200,
    );
  },
);

const CSV_ROWS_AT_ONCE = 500;

discrepancies.openapi(
  createRoute({
    method: 'get',
    path: '/discrepancies.csv',
    summary: 'Export discrepancies as a table',
    middleware: requires('read'),
    request: { query: Filter },
    responses: {
      200: csvAlone,
      ...problemResponse,
    },
  }),
  async (c) => {
    const filter = c.req.valid('query');
    return tableOf<readonly [number, string]>('discrepancies', DISCREPANCY_COLUMNS, async (after) => {
      const rows = await listDiscrepancies(c.env.DB, filter, after, CSV_ROWS_AT_ONCE);
      const found = rows.slice(0, CSV_ROWS_AT_ONCE);
      const last = found.at(-1);
      const next = rows.length > CSV_ROWS_AT_ONCE && last ? ([last.foundAt, last.id] as const) : null;
      return { lines: found.map(discrepancyCells), next };
    });
  },
);

const IdOfOne = z.object({
  id: z
    .string()
    .max(8_000) // two numbers of a bill, each of 256 letters that take nine when percent-encoded
    .openapi({ param: { name: 'id', in: 'path' }, description: 'Percent-encoded: it may hold % itself.' }),
});

async function ownerOf(c: Context, id: string) {
  const place = placeOfRun(id);
  return place === null ? null : reconcilerOf(c, place.channel);
}

discrepancies.openapi(
  createRoute({
    method: 'get',
    path: '/discrepancies/{id}',
    summary: 'Read a discrepancy',
    middleware: requires('read'),
    request: { params: IdOfOne },
    responses: { 200: jsonOf('The discrepancy as it stands now.', DiscrepancyBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const reconciler = await ownerOf(c, id);
    const found = reconciler?.ok ? await reconciler.value.readDiscrepancy(id) : null;
    return found ? c.json(renderDiscrepancy(found), 200) : refuse(c, notFound(`Discrepancy ${id}`));
  },
);

const Change = z
  .strictObject({
    status: z.enum(DISCREPANCY_STATUSES).optional(),
    note: z.string().trim().max(2_000).nullable().optional(),
    owner: Owner.nullable().optional().openapi({ description: 'Who looks after it.' }),
  })
  .refine((change) => Object.keys(change).length > 0, 'must name what is to change: status, note or owner')
  .openapi('DiscrepancyChange');

discrepancies.openapi(
  createRoute({
    method: 'patch',
    path: '/discrepancies/{id}',
    summary: 'Say what a discrepancy is about',
    description: 'explained and fixed need a note that says why. Who said so is in the audit log.',
    middleware: requires('operate'),
    request: { params: IdOfOne, headers: WriteHeaders, body: bodyOf(Change) },
    responses: { 200: jsonOf('The discrepancy as it stands now.', DiscrepancyBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const { status, note, owner } = c.req.valid('json');
    const reconciler = await ownerOf(c, id);
    if (!reconciler?.ok) return refuse(c, notFound(`Discrepancy ${id}`));
    const change = {
      ...(status === undefined ? {} : { status }),
      ...(note === undefined ? {} : { note: note || null }),
      ...(owner === undefined ? {} : { owner }),
    };
    const reply = await reconciler.value.change({ v: 1, id, change, stamp: await stampOf(c) });
    switch (reply.kind) {
      case 'changed':
        return c.json(renderDiscrepancy(reply.discrepancy), 200);
      case 'missing':
        return refuse(c, notFound(`Discrepancy ${id}`));
      case 'refused':
        return refuse(c, invalid({ field: reply.field, message: reply.detail }));
      default:
        return unreachable(reply);
    }
  },
);
