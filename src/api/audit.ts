// /v1/audit: who did what to what, when and from where. Reads D1 alone; each act is written where it was done.
import { type AuditRow, listAudit } from '../store/audit.ts';
import { requires } from './auth.ts';
import { Id, iso, Time } from './fields.ts';
import { createRoute, jsonOf, newApp, z } from './kit.ts';
import { cut, PageQuery, pageOf, placeOf } from './page.ts';
import { problemResponse, refuse } from './problem.ts';

export const AuditBody = z
  .object({
    id: z.string(),
    at: Time,
    actor: z.string().openapi({
      description:
        'The id of an API key, a person’s e-mail, `provider` where it decided, `gateway` where nobody asked.',
    }),
    remoteAddress: z.string().nullable().openapi({ description: 'Where the request came from; null where unknown.' }),
    act: z
      .string()
      .openapi({ description: 'Such as channel.pause or refund_requested: docs/operations.md has them all.' }),
    subject: z.string().openapi({ description: 'What it was done to: order/shop/1001, channel/shop, api-key/key_….' }),
    channel: z.string().nullable(),
    orderNo: z.string().nullable(),
    about: z.string().openapi({ description: 'The names of changed fields, or what an order’s act was about.' }),
    reason: z.string().nullable(),
  })
  .openapi('AuditEntry');

const renderAudit = ({ order_no: orderNo, remote_address: remoteAddress, at, channel, ...row }: AuditRow) => ({
  ...row,
  remoteAddress,
  channel: channel || null,
  orderNo: orderNo || null,
  at: iso(at),
});

const Moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

export const AuditQuery = PageQuery.extend({
  actor: z.string().max(200).optional(),
  act: z.string().max(100).optional(),
  subject: z.string().max(200).optional(),
  channel: Id.optional(),
  from: Moment.optional().openapi({ type: 'string', format: 'date-time', description: 'From then on.' }),
  to: Moment.optional().openapi({ type: 'string', format: 'date-time', description: 'Before then.' }),
});

export const audit = newApp();

audit.openapi(
  createRoute({
    method: 'get',
    path: '/audit',
    summary: 'List who did what, latest first',
    description: 'Acts on orders, channels, origins, products, keys and settings; logins, and those that failed.',
    middleware: requires('operate'),
    request: { query: AuditQuery },
    responses: { 200: jsonOf('Acts, latest first.', pageOf('AuditPage', AuditBody)), ...problemResponse },
  }),
  async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const place = placeOf(cursor, z.tuple([z.int(), z.string()]));
    if (!place.ok) return refuse(c, place.error);
    const rows = await listAudit(c.env.DB, filter, place.value, limit);
    return c.json(
      cut(rows, limit, (row) => [row.at, row.id], renderAudit),
      200,
    );
  },
);
