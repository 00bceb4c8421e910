// /v1/archives: what was let go of and is kept in the merchant's bucket. Reads only; it shows what payers' callbacks
// held, so the scope is `operate`.
import { ARCHIVE_KINDS, archiveOf, listArchives, readArchive } from '../store/archive.ts';
import { requires } from './auth.ts';
import { Id, OrderNo, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { PageQuery, pageOf } from './page.ts';
import { type Problem, problemResponse, refuse } from './problem.ts';

const NO_BUCKET: Problem = {
  code: 'not_found',
  detail: 'No archive is configured: bind an R2 bucket as ARCHIVE. What was let go of before is not in it.',
};

const ArchiveBody = z
  .object({
    key: z.string(),
    channel: z.string(),
    from: Time,
    to: Time,
    items: z.int(),
    bytes: z.int().openapi({ description: 'As they are stored, compressed.' }),
  })
  .openapi('Archive');

export const archives = newApp();

archives.openapi(
  createRoute({
    method: 'get',
    path: '/archives',
    summary: 'List what a channel has archived',
    middleware: requires('operate'),
    request: {
      query: PageQuery.extend({
        channel: Id,
        kind: z
          .enum(ARCHIVE_KINDS)
          .default('evidence')
          .openapi({
            description:
              'evidence: facts with the bytes that proved them; events: events with what was told; rejections: what ' +
              'arrived and changed no order.',
          }),
      }),
    },
    responses: { 200: jsonOf('Archives by day.', pageOf('ArchivePage', ArchiveBody)), ...problemResponse },
  }),
  async (c) => {
    const bucket = archiveOf(c.env);
    if (bucket === null) return refuse(c, NO_BUCKET);
    const { channel, kind, limit, cursor } = c.req.valid('query');
    return c.json(await listArchives(bucket, { kind, channel }, limit, cursor ?? null), 200);
  },
);

archives.openapi(
  createRoute({
    method: 'get',
    path: '/archives/lines',
    summary: 'Read an archive, whole or one order of it',
    middleware: requires('operate'),
    request: { query: z.object({ key: z.string().min(1).max(500), orderNo: OrderNo.optional() }) },
    responses: {
      200: {
        description: 'One JSON object a line: a fact in the shape of an order’s evidence, an event, or an arrival.',
        content: { 'text/plain': { schema: z.string() } },
      },
      ...problemResponse,
    },
  }),
  async (c) => {
    const bucket = archiveOf(c.env);
    if (bucket === null) return refuse(c, NO_BUCKET);
    const { key, orderNo } = c.req.valid('query');
    const lines = await readArchive(bucket, key, orderNo ?? null);
    if (lines === null) return refuse(c, { code: 'not_found', detail: 'There is no such archive: list them first.' });
    return c.text(lines, 200);
  },
);
