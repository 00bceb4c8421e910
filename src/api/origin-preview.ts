// POST /v1/origins/{id}/preview: what an origin would get for a stored event, in its own format or in any other. Sends
// nothing, and signs nothing as the origin's that the origin did not choose.
import type { KeptCallback } from '../core/callback.ts';
import type { Origin } from '../core/origin.ts';
import type { WhichEvent } from '../core/record.ts';
import { err, ok, type Result } from '../core/result.ts';
import { toBase64 } from '../crypto/bytes.ts';
import type { FormatChoice, FormatInput, FormatSecret } from '../formats/index.ts';
import { formatOf, gather, type Prepared, prepare } from '../prepare.ts';
import { ledgerOf, newSpan } from '../record.ts';
import { orderOfEvent } from '../store/lists.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { requires } from './auth.ts';
import { Id, IdParam, OrderNo } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { readFormatChoice } from './origin-choice.ts';
import { newSecretOf } from './origin-secret.ts';
import { formatFields } from './origin-shape.ts';
import { invalid, notFound, type Problem, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const MASK = '•••';

const PreviewInput = z
  .strictObject({
    eventId: z.string().max(64).optional().openapi({ description: 'Or channel, orderNo and sequence.' }),
    channel: Id.optional(),
    orderNo: OrderNo.optional(),
    sequence: z.int().min(1).optional().openapi({ description: 'The event’s place among its order’s.' }),
    ...formatFields,
  })
  .openapi('PreviewInput', { description: 'Format, version and options are the origin’s own unless named.' });
type Entered = z.output<typeof PreviewInput>;

export const PreviewBody = z
  .object({
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()).openapi({ description: 'What the origin asks to see is masked.' }),
    body: z.string(),
    bodyEncoding: z.enum(['text', 'base64']).openapi({ description: 'base64 where the bytes are no UTF-8 text.' }),
    sampleSecret: z.string().nullable().openapi({
      description:
        'The secret that signed, made for this answer; null where the origin’s own did: for an admin, in its format.',
    }),
  })
  .openapi('Preview');

export const originPreview = newApp();

originPreview.openapi(
  createRoute({
    method: 'post',
    path: '/origins/{id}/preview',
    summary: 'Show what an origin would get, without sending it',
    middleware: requires('operate'),
    request: { params: IdParam, body: bodyOf(PreviewInput) },
    responses: { 200: jsonOf('The request that would be made now.', PreviewBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const entered = c.req.valid('json');
    const origin = await registryOf(c.env).readOrigin(id);
    if (!origin) return refuseWrite(c, { kind: 'missing' }, `Origin ${id}`);
    const format = readFormatChoice(entered, origin);
    if (!format.ok) return refuse(c, invalid(...format.error));
    const place = await placeOf(c.env, entered);
    if (!place.ok) return refuse(c, place.error);
    // Whoever may only operate could post what is signed to the origin, though two people have to release it.
    const mayBeSigned = c.get('principal').scopes.includes('admin');
    const preview = await previewOf(c.env, origin, format.value, place.value, { isReplay: false, mayBeSigned });
    return preview.ok ? c.json(preview.value, 200) : refuse(c, preview.error);
  },
);

/** The request that would be made now for this event. Makes none. */
export async function previewOf(
  env: Env,
  origin: Origin,
  format: FormatChoice,
  place: Place,
  { isReplay, mayBeSigned }: Showing,
): Promise<Result<z.infer<typeof PreviewBody>, Problem>> {
  const found = await findEvent(env, place);
  return found.ok ? previewEvent(env, origin, format, found.value, { isReplay, mayBeSigned }) : found;
}

/** `mayBeSigned`: with the origin's own secrets, where that is its own format; else with one made for the answer. */
type Showing = { readonly isReplay: boolean; readonly mayBeSigned: boolean };

/** An event, and where the callback that told of it is read. */
export type FoundEvent = {
  readonly event: FormatInput['event'] & { readonly trace?: string | null };
  readonly readCallback: () => Promise<KeptCallback | null>;
};

/** The same for an event that was found already. An origin without secrets is shown with one that was made for it. */
export async function previewEvent(
  env: Env,
  origin: Origin,
  format: FormatChoice,
  { event, readCallback }: FoundEvent,
  { isReplay, mayBeSigned }: Showing,
): Promise<Result<z.infer<typeof PreviewBody>, Problem>> {
  const now = Date.now();
  const told = { event, isReplay, trace: event.trace ?? null };
  const material = await gather(env, format, told, readCallback, now);
  const isOwn = mayBeSigned && origin.secrets.length > 0 && JSON.stringify(format) === JSON.stringify(formatOf(origin));
  const sampleSecrets = isOwn ? undefined : await sampleOf(origin);
  const preparation = { origin, format, told, material, now, span: newSpan() };
  const prepared = await prepare(env, { ...preparation, ...(sampleSecrets ? { sampleSecrets } : {}) });
  if (!prepared.ok) return err({ code: 'not_renderable', detail: prepared.error });
  return ok({ ...shown(origin, prepared.value), sampleSecret: sampleSecrets?.[0]?.secret ?? null });
}

/** One of the kind that the origin has: what cannot be signed for it is told here as it would be there. */
async function sampleOf({ secrets }: Origin): Promise<readonly FormatSecret[]> {
  const kind = secrets[0]?.kind ?? 'hmac';
  return [{ kind, secret: await newSecretOf(kind) }];
}

type Place = { readonly channel: string; readonly orderNo: string; readonly which: WhichEvent };

async function placeOf(env: Env, entered: Entered): Promise<Result<Place, Problem>> {
  const { eventId, channel, orderNo, sequence } = entered;
  if (eventId === undefined) {
    if (channel === undefined || orderNo === undefined || sequence === undefined) return err(UNNAMED);
    return ok({ channel, orderNo, which: { sequence } });
  }
  const order =
    channel !== undefined && orderNo !== undefined ? { channel, orderNo } : await orderOfEvent(env.DB, eventId);
  return order ? ok({ ...order, which: { eventId } }) : err(notFound(`Event ${eventId}`));
}

const UNNAMED = invalid({ field: 'eventId', message: 'is missing: name it, or channel, orderNo and sequence' });

async function findEvent(env: Env, { channel, orderNo, which }: Place) {
  const record = await readChannelCopy(env, channel, Date.now());
  const ledger = record && ledgerOf(env, record, orderNo);
  const event = ledger && (await ledger.readTold(orderNo, which));
  if (!event) return err(notFound(`That event of order ${channel}/${orderNo}`));
  return ok({ event, readCallback: async () => ledger.readCallback(event.seq) });
}

function shown({ url }: Origin, { headers, authHeaders, body }: Prepared) {
  const masked = Object.entries(headers).map(([name, value]) => [name, authHeaders.includes(name) ? MASK : value]);
  return { method: 'POST', url, headers: Object.fromEntries(masked), ...bodyText(body) };
}

function bodyText(body: Prepared['body']) {
  if (typeof body === 'string') return { body, bodyEncoding: 'text' as const };
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return { body: text, bodyEncoding: 'text' as const };
  } catch {
    return { body: toBase64(body), bodyEncoding: 'base64' as const };
  }
}
