// The pretend WeChat Pay v3 API: native payments, queries, close, refunds, complaints, certificates. Every request must
// carry the merchant's genuine signature and every answer is signed, as WeChat Pay does it.
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type BillDesk, DOWNLOAD_PATH } from './bill-desk.ts';
import { complaintAnswerOf } from './complaints.ts';
import { echoed, type OnEcho } from './echo.ts';
import type { SandboxAnswer, SandboxRequest } from './http.ts';
import type { Identity } from './identity.ts';
import { type Magic, type MagicWord, silence } from './magic.ts';
import { type SigningKey, signingKeyOf } from './notice.ts';
import { type OrderBook, refundAnswerOf, type SandboxOrder, transactionOf } from './orders.ts';
import { findRefund, type OnRefund, takeRefund } from './refunds.ts';
import { proveMerchant, seal, signMessage } from './signature.ts';

export type ApiOptions = {
  readonly identity: Identity;
  readonly orders: OrderBook;
  readonly signWith: SigningKey;
  /** False: the certificate that follows is not made yet, and listed nowhere. */
  readonly isNextListed?: boolean;
  readonly onRefund: OnRefund;
  readonly onEcho?: OnEcho;
  /** Without them there are no bills, and no word in a number means anything. */
  readonly bills?: BillDesk;
  readonly magic?: Magic;
};

const OutTradeNo = z.string().regex(/^[0-9A-Za-z_\-*|@]{6,32}$/, 'out_trade_no: 6 to 32 of 0-9 A-Z a-z _ - * | @');
const NotifyUrl = z
  .string()
  .max(255)
  .regex(/^https?:\/\/[^?#]+$/, 'notify_url: an absolute URL without a query');
const Amount = z.object({ total: z.int().min(1), currency: z.literal('CNY').default('CNY') });

const Prepay = z.object({
  description: z.string().min(1).max(127),
  out_trade_no: OutTradeNo,
  notify_url: NotifyUrl,
  amount: Amount,
  attach: z.string().max(128).optional(),
  time_expire: z.iso.datetime({ offset: true }).optional(),
});
const Direct = Prepay.extend({ appid: z.string().min(1), mchid: z.string().min(1) });
const Partner = Prepay.extend({
  sp_appid: z.string().min(1),
  sp_mchid: z.string().min(1),
  sub_mchid: z.string().min(1),
  sub_appid: z.string().optional(),
});
const Refund = z
  .object({
    out_trade_no: z.string().optional(),
    transaction_id: z.string().optional(),
    out_refund_no: z.string().regex(/^[0-9A-Za-z_\-|*@]{1,64}$/),
    reason: z
      .string()
      .refine((text) => Buffer.byteLength(text) <= 80, 'at most 80 bytes')
      .optional(),
    notify_url: NotifyUrl.optional(),
    amount: z.object({ refund: z.int().min(1), total: z.int().min(1), currency: z.literal('CNY') }),
  })
  .refine((refund) => refund.out_trade_no ?? refund.transaction_id, 'one of out_trade_no and transaction_id is needed');

/** A refusal in WeChat Pay's form. */
const problem = (status: number, code: string, message: string) => ({ status, value: { code, message } });
type Outcome = { status: number; value?: unknown };

/** Answers a request below /v3/. */
export async function answerApi(request: SandboxRequest, options: ApiOptions): Promise<SandboxAnswer> {
  const say = (outcome: Outcome, manner: Manner = 'signed') => answerOf(request, outcome, options, manner);
  const refusal = refuseUnproven(request, options.identity);
  if (refusal !== null) return say(refusal);
  if (request.path === DOWNLOAD_PATH) {
    const file = options.bills?.fetch(request.query.get('token') ?? '') ?? null;
    // Not signed: its hash was.
    return file ?? say(problem(400, 'INVALID_REQUEST', '账单下载链接已失效，请重新申请'));
  }
  const word = wordOf(request, options.magic);
  switch (word) {
    case 'lost':
      return silence(request);
    case 'systemerror':
      return say(problem(500, 'SYSTEM_ERROR', '系统异常，请稍后重试'));
    case 'notenough':
      return say(problem(403, 'NOT_ENOUGH', '基本账户余额不足，请充值后重新发起'));
    case 'timeout':
      route(request, options);
      return silence(request);
    case 'unsigned':
    case 'signtest':
      return say(route(request, options), word);
    default:
      return say(route(request, options));
  }
}

type Manner = 'signed' | 'unsigned' | 'signtest';

function answerOf(request: SandboxRequest, { status, value }: Outcome, options: ApiOptions, manner: Manner) {
  const body = value === undefined ? '' : JSON.stringify(value);
  const key = signingKeyOf(options.identity, asksForPublicKey(request) ? 'public-key' : options.signWith);
  const signed = manner === 'unsigned' ? {} : signMessage(body, key, Math.floor(Date.now() / 1000));
  const probe = `WECHATPAY/SIGNTEST/${randomBytes(238).toString('base64')}`.slice(0, 344);
  const type = value === undefined ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
  const wrong = manner === 'signtest' ? { 'Wechatpay-Signature': probe } : {};
  return { status, headers: { ...type, ...signed, ...wrong, 'Request-ID': randomUUID() }, body };
}

const ORDER_WORDS: readonly MagicWord[] = ['timeout', 'lost', 'systemerror', 'unsigned', 'signtest'];
const Numbers = z.object({ out_trade_no: z.string().optional(), out_refund_no: z.string().optional() });

/** The word in the number that the request is about. Queries are never spoiled. */
function wordOf({ method, path, body }: SandboxRequest, magic: Magic | undefined): MagicWord | null {
  if (method !== 'POST' || magic === undefined) return null;
  const closed = /\/out-trade-no\/([^/]+)\/close$/.exec(path)?.[1];
  if (closed !== undefined) return magic.wordIn('close', decodeURIComponent(closed), ORDER_WORDS);
  const numbers = Numbers.safeParse(jsonOf(body));
  if (!numbers.success) return null;
  const { out_refund_no: refundNo, out_trade_no: orderNo = '' } = numbers.data;
  return refundNo === undefined
    ? magic.wordIn('native', orderNo, ORDER_WORDS)
    : magic.wordIn('refund', refundNo, [...ORDER_WORDS, 'notenough']);
}

/** A merchant that sends the public key's id wants answers signed with it (partner docs 4015139289). */
const asksForPublicKey = (request: SandboxRequest) =>
  request.headers['wechatpay-serial']?.startsWith('PUB_KEY_ID_') ?? false;

function refuseUnproven(request: SandboxRequest, identity: Identity): Outcome | null {
  if (!request.headers['user-agent'] || !request.headers.accept) {
    return problem(400, 'PARAM_ERROR', 'the User-Agent and Accept headers are needed');
  }
  const { method, target, headers, body } = request;
  const authorization = headers.authorization ?? '';
  const wrong = proveMerchant({ method, target, authorization, body: body.toString('utf8') }, identity, Date.now());
  return wrong === null ? null : problem(401, 'SIGN_ERROR', wrong);
}

function route(request: SandboxRequest, options: ApiOptions): Outcome {
  const path = request.path.replace('/pay/partner/transactions/', '/pay/transactions/');
  const key = `${request.method} ${path}`;
  const last = decodeURIComponent(path.split('/').at(-1) ?? '');
  if (key === 'POST /v3/pay/transactions/native') return prepay(request, options);
  if (key === 'GET /v3/certificates') return { status: 200, value: certificatesOf(options) };
  if (key === 'GET /v3/bill/tradebill' || key === 'GET /v3/bill/fundflowbill') return bill(request, options);
  if (key === 'POST /v3/refund/domestic/refunds') return refund(request, options);
  if (key === 'POST /v3/security/echo') return echoed(jsonOf(request.body), options.onEcho);
  if (key.startsWith('GET /v3/refund/domestic/refunds/')) return readRefund(last, options);
  if (key.startsWith('GET /v3/merchant-service/complaints-v2/')) return readComplaint(last, options.orders);
  if (key.startsWith('GET /v3/pay/transactions/id/')) {
    return readOrder(options.orders.find((order) => order.transactionId === last));
  }
  const named = /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)(\/close)?$/.exec(path);
  const order = named?.[1] === undefined ? undefined : options.orders.get(decodeURIComponent(named[1]));
  if (named && request.method === 'GET' && !named[2]) return readOrder(order);
  if (named?.[2] && request.method === 'POST') return close(order, options.orders);
  return problem(404, 'RESOURCE_NOT_EXISTS', `the sandbox has no ${request.method} ${request.path}`);
}

const ORDER_UNKNOWN = problem(404, 'ORDER_NOT_EXIST', '订单不存在');
const readOrder = (order: SandboxOrder | undefined): Outcome =>
  order ? { status: 200, value: transactionOf(order) } : ORDER_UNKNOWN;

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined; // which no schema takes
  }
}

function parse<T>(schema: z.ZodType<T>, request: SandboxRequest): T | Outcome {
  const input = jsonOf(request.body);
  if (input === undefined) return problem(400, 'PARAM_ERROR', 'the body is not JSON');
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  return problem(400, 'PARAM_ERROR', `${issue?.path.join('.')}: ${issue?.message}`);
}

const isOutcome = (value: object): value is Outcome => 'status' in value;

function prepay(request: SandboxRequest, { identity, orders }: ApiOptions): Outcome {
  const isPartner = request.path.startsWith('/v3/pay/partner/');
  const asked = isPartner ? parse(Partner, request) : parse(Direct, request);
  if (isOutcome(asked)) return asked;
  const mchId = 'sp_mchid' in asked ? asked.sp_mchid : asked.mchid;
  const appId = 'sp_appid' in asked ? asked.sp_appid : asked.appid;
  if (mchId !== identity.mchId) return problem(400, 'PARAM_ERROR', 'mchid is not the one that signed');
  if (appId !== identity.appId) return problem(400, 'APPID_MCHID_NOT_MATCH', 'appid does not belong to mchid');
  const terms = JSON.stringify(asked);
  const known = orders.get(asked.out_trade_no);
  if (known?.state === 'CLOSED') return problem(400, 'ORDER_CLOSED', '订单已关闭');
  if (known && known.state !== 'NOTPAY') return problem(400, 'ORDERPAID', '该订单已支付');
  if (known && known.terms !== terms) return problem(403, 'OUT_TRADE_NO_USED', '商户订单号重复，且参数不一致');
  const codeUrl = `weixin://wxpay/bizpayurl?pr=${randomBytes(6).toString('base64url')}zz`;
  if (known) return { status: 200, value: { code_url: orders.put({ ...known, codeUrl }).codeUrl } };
  const partner =
    'sp_mchid' in asked
      ? { spMchId: mchId, spAppId: appId, subMchId: asked.sub_mchid, subAppId: asked.sub_appid ?? null }
      : null;
  orders.put({
    outTradeNo: asked.out_trade_no,
    partner,
    mchId,
    appId,
    description: asked.description,
    attach: asked.attach ?? null,
    total: asked.amount.total,
    coupon: 0,
    currency: asked.amount.currency,
    notifyUrl: asked.notify_url,
    codeUrl,
    terms,
    state: 'NOTPAY',
    openid: `o${randomBytes(20).toString('base64url')}`,
    transactionId: null,
    paidAt: null,
    refunds: [],
  });
  return { status: 200, value: { code_url: codeUrl } };
}

function close(order: SandboxOrder | undefined, orders: OrderBook): Outcome {
  if (!order) return ORDER_UNKNOWN;
  if (order.state === 'CLOSED') return problem(400, 'ORDER_CLOSED', '订单已关闭');
  if (order.state !== 'NOTPAY') return problem(400, 'ORDERPAID', '该订单已支付');
  orders.put({ ...order, state: 'CLOSED' });
  return { status: 204 };
}

function refund(request: SandboxRequest, { orders, onRefund }: ApiOptions): Outcome {
  const asked = parse(Refund, request);
  if (isOutcome(asked)) return asked;
  const taken = takeRefund(orders, {
    outTradeNo: asked.out_trade_no,
    transactionId: asked.transaction_id,
    outRefundNo: asked.out_refund_no,
    refund: asked.amount.refund,
    total: asked.amount.total,
    notifyUrl: asked.notify_url,
  });
  switch (taken.kind) {
    case 'not_paid':
      return problem(404, 'RESOURCE_NOT_EXISTS', '订单不存在或未支付');
    case 'account_gone':
      return problem(403, 'USER_ACCOUNT_ABNORMAL', '用户账号已注销');
    case 'other_total':
    case 'other_amount':
      return problem(400, 'INVALID_REQUEST', '订单金额或退款金额与之前请求不一致，请核实后再试');
    case 'too_much':
      return problem(400, 'INVALID_REQUEST', '退款金额大于可退金额');
    case 'taken':
      if (taken.endsNow) onRefund(taken.order, asked.out_refund_no, asked.notify_url ?? null);
      return { status: 200, value: refundAnswerOf(taken.order, taken.refund) };
  }
}

function readRefund(outRefundNo: string, { orders, magic, onRefund }: ApiOptions): Outcome {
  const found = findRefund(orders, outRefundNo, { magic, onRefund });
  return found
    ? { status: 200, value: refundAnswerOf(found.order, found.refund) }
    : problem(404, 'RESOURCE_NOT_EXISTS', '退款单不存在');
}

function bill({ path, query }: SandboxRequest, { bills }: ApiOptions): Outcome {
  const type = query.get('bill_type') ?? 'ALL';
  const account = query.get('account_type') ?? 'BASIC';
  const isKnown = path.endsWith('fundflowbill') ? account === 'BASIC' : type === 'ALL' || type === 'REFUND';
  if (!isKnown || bills === undefined) return problem(400, 'PARAM_ERROR', '沙箱仅支持ALL、REFUND及BASIC');
  const name = path.endsWith('fundflowbill') ? 'FUND' : type === 'REFUND' ? 'REFUND' : 'ALL';
  const asked = bills.ask(name, query.get('bill_date') ?? '', query.get('tar_type') === 'GZIP', Date.now());
  switch (asked) {
    case 'no_such_day':
      return problem(400, 'PARAM_ERROR', 'bill_date格式有误，应为yyyy-MM-dd');
    case 'creating':
      return problem(400, 'STATEMENT_CREATING', '账单生成中，请稍后再试');
    case 'nothing':
      return problem(400, 'NO_STATEMENT_EXIST', '账单文件不存在');
    default:
      return { status: 200, value: bills.lay(asked) };
  }
}

function readComplaint(id: string, orders: OrderBook): Outcome {
  const value = complaintAnswerOf(orders, id);
  return value ? { status: 200, value } : problem(404, 'RESOURCE_NOT_EXISTS', '投诉单不存在');
}

/** The certificates, encrypted with the APIv3 key. */
function certificatesOf({ identity, isNextListed = true }: ApiOptions): unknown {
  const data = [identity.certificate, ...(isNextListed ? [identity.nextCertificate] : [])].map((key) => ({
    serial_no: key.serial,
    effective_time: identity.certificatesFrom,
    expire_time: identity.certificatesUntil,
    encrypt_certificate: seal(key.publicPem, identity.apiV3Key, 'certificate'),
  }));
  return { data };
}
