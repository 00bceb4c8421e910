// Complaints that payers make at WeChat Pay: a notice names nothing but the complaint, so its orders are asked for.
// Never judges the complaint, and never keeps the payer's words or telephone number.
import { z } from 'zod';
import type { FlagFact } from '../../core/event.ts';
import { ok, type Result } from '../../core/result.ts';
import type { ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import { problem } from '../wechatpay/rules.ts';
import { type Credentials, isOwnMerchant } from './credentials.ts';
import { Id, Instant } from './fields.ts';
import type { Notice } from './notice.ts';

/** COMPLAINT.CREATE and COMPLAINT.STATE_CHANGE (docs: complaint notices). */
export const isComplaint = (type: string): boolean => type.startsWith('COMPLAINT.');

const PREFIX = 'complaint/';
const ComplaintNotice = z.object({ complaint_id: z.string().regex(/^[0-9A-Za-z_-]{1,64}$/) });

/** What a notice of a complaint gives to ask about. */
export function complaintHint({ type, id, content }: Notice, credentials: Credentials): Translation {
  const told = { events: [], noticeType: type, noticeId: id };
  const parsed = ComplaintNotice.safeParse(content);
  if (!parsed.success) return { ...told, unconfirmed: UNNAMED };
  if (credentials.merchantPrivateKey === undefined) return { ...told, unconfirmed: NO_KEY };
  return { ...told, hints: [{ reference: PREFIX + parsed.data.complaint_id }] };
}

const UNNAMED =
  'A payer complained, and the notice does not say of what: look at the complaints in the merchant portal.';
const NO_KEY =
  'A payer complained. To see which order is meant, add merchantSerial and merchantPrivateKey to the channel; until ' +
  'then look at the complaints in the merchant portal.';

/** The complaint that a query is about; null when it is about something else. */
export const complaintIdOf = ({ reference }: QueryTarget): string | null =>
  reference?.startsWith(PREFIX) ? reference.slice(PREFIX.length) : null;

export const complaintPath = (complaintId: string): string =>
  `/v3/merchant-service/complaints-v2/${encodeURIComponent(complaintId)}`;

const Complaint = z.object({
  complaint_id: Id,
  complaint_time: Instant,
  complaint_state: z.string().max(64),
  complainted_mchid: Id.nullish(),
  complaint_order_info: z.array(z.object({ out_trade_no: Id.nullish() })).nullish(),
});

/** A flag on each order that the complaint is about. A service provider hears of all its merchants' complaints. */
export function complaintAnswer(
  content: unknown,
  complaintId: string,
  credentials: Credentials,
): Result<Translation, ProviderProblem> {
  const parsed = Complaint.safeParse(content);
  if (!parsed.success) return problem('malformed', 'WeChat Pay told of the complaint in a form that cannot be read.');
  const told = parsed.data;
  if (told.complaint_id !== complaintId) {
    return problem('malformed', 'WeChat Pay answered about another complaint than was asked for.');
  }
  const isOurs = told.complainted_mchid == null || isOwnMerchant(told.complainted_mchid, credentials);
  const orderNos = new Set((told.complaint_order_info ?? []).flatMap((order) => order.out_trade_no ?? []));
  const flags = [...(isOurs ? orderNos : [])].map(
    (orderNo): FlagFact => ({
      kind: 'flag',
      flag: 'risk_review',
      about: told.complaint_id,
      orderNo,
      occurredAt: Date.parse(told.complaint_time),
      providerState: told.complaint_state,
      test: false,
    }),
  );
  return ok({ events: [], flags, noticeType: `query.complaint.${told.complaint_state}`, noticeId: null });
}
