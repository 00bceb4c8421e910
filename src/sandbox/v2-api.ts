// The pretend WeChat Pay v2 API, XML: unified order, queries, close, refunds. Every request must carry the signature of
// the merchant's key and every answer is signed. No client certificate is asked for: this is plain http on one machine.
import { randomBytes } from 'node:crypto';
import { printXml } from '../core/xml.ts';
import { answerWith, type BillDesk } from './bill-desk.ts';
import type { SandboxAnswer, SandboxRequest } from './http.ts';
import type { Identity } from './identity.ts';
import { type Magic, type MagicWord, silence } from './magic.ts';
import type { OrderBook, SandboxOrder } from './orders.ts';
import { findRefund, type OnRefund, takeRefund } from './refunds.ts';
import { type Fields, newNonce, readXml, signedXml, signOf, signTypeOf } from './v2-signing.ts';
import { orderAnswer, refundsAnswer, takenAnswer, whoOf } from './v2-words.ts';

export type V2Options = {
  readonly identity: Identity;
  readonly orders: OrderBook;
  readonly magic: Magic;
  readonly onRefund: OnRefund;
  readonly bills: BillDesk;
};

/** `FAIL` with a code, or the fields of a success. */
type Outcome = { readonly code: string; readonly message: string } | Fields;
type Act = (asked: Fields, options: V2Options) => Outcome;

const ACTS: Readonly<Record<string, Act>> = {
  '/pay/unifiedorder': unifiedOrder,
  '/pay/orderquery': orderQuery,
  '/pay/closeorder': closeOrder,
  '/secapi/pay/refund': refund,
  '/pay/refundquery': refundQuery,
};

const BILLS: readonly string[] = ['/pay/downloadbill', '/pay/downloadfundflow'];

export const isV2Path = (path: string): boolean => Object.hasOwn(ACTS, path) || BILLS.includes(path);

const fail = (code: string, message: string) => ({ code, message });
const isFailure = (outcome: Outcome): outcome is { code: string; message: string } => 'code' in outcome;

export async function answerV2(request: SandboxRequest, options: V2Options): Promise<SandboxAnswer> {
  const asked = readXml(request.body.toString('utf8'));
  const act = ACTS[request.path];
  if (request.method !== 'POST') return misunderstood('请使用post方法');
  const wrong = typeof asked === 'string' ? 'XML格式错误' : unproven(asked, options.identity);
  if (wrong !== null || typeof asked === 'string') return misunderstood(wrong ?? 'XML格式错误');
  if (act === undefined) return request.path === '/pay/downloadbill' ? tradeBill(asked, options) : fund(asked, options);
  const say = (outcome: Outcome, sign: 'signed' | 'unsigned' = 'signed') => answerOf(outcome, asked, options, sign);
  switch (wordOf(request.path, asked, options.magic)) {
    case 'lost':
      return silence(request);
    case 'systemerror':
      return say(fail('SYSTEMERROR', '系统超时'));
    case 'notenough':
      return say(fail('NOTENOUGH', '基本账户余额不足，请充值后重新发起'));
    case 'timeout':
      act(asked, options);
      return silence(request);
    case 'unsigned':
      return say(act(asked, options), 'unsigned');
    default:
      return say(act(asked, options));
  }
}

const ORDER_WORDS: readonly MagicWord[] = ['timeout', 'lost', 'systemerror', 'unsigned'];
const WORDS: Readonly<Record<string, readonly MagicWord[]>> = {
  '/pay/unifiedorder': ORDER_WORDS,
  '/pay/closeorder': ORDER_WORDS,
  '/secapi/pay/refund': [...ORDER_WORDS, 'notenough'],
};

function wordOf(path: string, asked: Fields, magic: Magic): MagicWord | null {
  const number = path === '/secapi/pay/refund' ? asked.out_refund_no : asked.out_trade_no;
  return magic.wordIn(path, number ?? '', WORDS[path] ?? []);
}

/** Whether the request itself is understood; what is wrong with it otherwise. Such an answer carries no signature. */
function unproven(asked: Fields, identity: Identity): string | null {
  if (asked.mch_id !== identity.mchId) return '商户号mch_id与appid不匹配';
  if (asked.appid !== identity.appId) return 'appid和mch_id不匹配';
  if (!asked.nonce_str) return '缺少参数nonce_str';
  return asked.sign === signOf(asked, identity.apiV2Key, signTypeOf(asked)) ? null : '签名错误';
}

const xml = (body: string): SandboxAnswer => ({ status: 200, headers: { 'Content-Type': 'text/plain' }, body });
const misunderstood = (message: string) => xml(printXml('xml', { return_code: 'FAIL', return_msg: message }));

function answerOf(outcome: Outcome, asked: Fields, { identity }: V2Options, sign: 'signed' | 'unsigned') {
  const told: Fields = isFailure(outcome)
    ? { result_code: 'FAIL', err_code: outcome.code, err_code_des: outcome.message }
    : { result_code: 'SUCCESS', ...outcome };
  const who = {
    appid: identity.appId,
    mch_id: identity.mchId,
    ...(asked.sub_mch_id ? { sub_mch_id: asked.sub_mch_id } : {}),
  };
  const fields = { return_code: 'SUCCESS', return_msg: 'OK', ...who, nonce_str: newNonce(), ...told };
  if (sign === 'unsigned') return xml(printXml('xml', fields));
  return xml(signedXml(fields, identity.apiV2Key, signTypeOf(asked)));
}

const billDay = ({ bill_date: date = '' }: Fields): string => date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');

/** The file itself, bare, or why there is none: in return_msg, and not signed. */
function tradeBill(asked: Fields, { bills }: V2Options): SandboxAnswer {
  const type = asked.bill_type ?? 'ALL';
  if (type !== 'ALL' && type !== 'REFUND') return misunderstood('invalid bill_type');
  const file = bills.ask(type, billDay(asked), asked.tar_type === 'GZIP', Date.now());
  switch (file) {
    case 'no_such_day':
      return misunderstood('invalid bill_date');
    case 'creating':
      return misunderstood('Bill Creating');
    case 'nothing':
      return misunderstood('No Bill Exist');
    default:
      return answerWith(file);
  }
}

/** The same of the account, signed with HMAC-SHA256 alone; why there is none stands in err_code. */
function fund(asked: Fields, options: V2Options): SandboxAnswer {
  if (asked.sign_type !== 'HMAC-SHA256') return misunderstood('签名类型仅支持HMAC-SHA256');
  const say = (code: string, message: string) => answerOf(fail(code, message), asked, options, 'signed');
  if (asked.account_type !== 'Basic') return say('PARAM_ERROR', 'account_type有误');
  const file = options.bills.ask('FUND', billDay(asked), asked.tar_type === 'GZIP', Date.now());
  switch (file) {
    case 'no_such_day':
      return say('PARAM_ERROR', 'bill_date有误');
    case 'creating':
      return say('BILL_CREATING', '账单生成中');
    case 'nothing':
      return say('NO_BILL_EXIST', '账单不存在');
    default:
      return answerWith(file);
  }
}

const ORDER_UNKNOWN = fail('ORDERNOTEXIST', '订单不存在');

function unifiedOrder(asked: Fields, { identity, orders }: V2Options): Outcome {
  const { out_trade_no: outTradeNo = '', total_fee: total = '', notify_url: notifyUrl = '', body = '' } = asked;
  if (!/^[0-9A-Za-z_|*@-]{1,32}$/.test(outTradeNo)) return fail('PARAM_ERROR', 'out_trade_no参数长度或格式有误');
  if (!/^[1-9]\d{0,9}$/.test(total) || body === '') return fail('PARAM_ERROR', 'total_fee或body有误');
  if (!/^https?:\/\/[^?#]+$/.test(notifyUrl)) return fail('PARAM_ERROR', 'notify_url填写错误');
  if (asked.trade_type !== 'NATIVE' || !asked.product_id)
    return fail('PARAM_ERROR', '沙箱仅支持NATIVE，且需product_id');
  const { nonce_str: _, sign: __, ...rest } = asked;
  const terms = JSON.stringify(Object.entries(rest).sort());
  const known = orders.get(outTradeNo);
  if (known?.state === 'CLOSED') return fail('ORDERCLOSED', '该订单已关闭');
  if (known && known.state !== 'NOTPAY') return fail('ORDERPAID', '该订单已支付');
  if (known && known.terms !== terms) return fail('OUT_TRADE_NO_USED', '商户订单号重复');
  const codeUrl = `weixin://wxpay/bizpayurl?pr=${randomBytes(6).toString('base64url')}zz`;
  const prepayId = known?.v2?.prepayId ?? `wx${randomBytes(17).toString('hex')}`;
  orders.put({
    outTradeNo,
    partner: asked.sub_mch_id
      ? { spMchId: identity.mchId, spAppId: identity.appId, subMchId: asked.sub_mch_id, subAppId: null }
      : null,
    mchId: identity.mchId,
    appId: identity.appId,
    description: body,
    attach: asked.attach ?? null,
    total: Number(total),
    coupon: 0,
    currency: 'CNY',
    notifyUrl,
    codeUrl,
    terms,
    state: 'NOTPAY',
    openid: known?.openid ?? `o${randomBytes(20).toString('base64url')}`,
    transactionId: null,
    paidAt: null,
    refunds: [],
    v2: { signType: signTypeOf(asked), prepayId },
  });
  return { trade_type: 'NATIVE', prepay_id: prepayId, code_url: codeUrl };
}

const orderOf = (asked: Fields, orders: OrderBook): SandboxOrder | undefined =>
  asked.transaction_id
    ? orders.find((one) => one.transactionId === asked.transaction_id)
    : orders.get(asked.out_trade_no ?? '');

function orderQuery(asked: Fields, { orders }: V2Options): Outcome {
  const order = orderOf(asked, orders);
  return order ? { ...whoOf(order), ...orderAnswer(order) } : ORDER_UNKNOWN;
}

function closeOrder(asked: Fields, { orders }: V2Options): Outcome {
  const order = orders.get(asked.out_trade_no ?? '');
  if (!order) return ORDER_UNKNOWN;
  if (order.state === 'CLOSED') return fail('ORDERCLOSED', '订单已关闭');
  if (order.state !== 'NOTPAY') return fail('ORDERPAID', '订单已支付');
  orders.put({ ...order, state: 'CLOSED' });
  return { result_msg: 'OK' };
}

function refund(asked: Fields, { orders, onRefund }: V2Options): Outcome {
  const { out_refund_no: outRefundNo = '', refund_fee: fee = '', total_fee: total = '', notify_url: notifyUrl } = asked;
  if (!/^[0-9A-Za-z_|*@-]{1,64}$/.test(outRefundNo)) return fail('PARAM_ERROR', 'out_refund_no参数长度或格式有误');
  if (!/^[1-9]\d{0,9}$/.test(fee) || !/^[1-9]\d{0,9}$/.test(total))
    return fail('PARAM_ERROR', 'refund_fee或total_fee有误');
  if (Buffer.byteLength(asked.refund_desc ?? '') > 80) return fail('PARAM_ERROR', 'refund_desc过长');
  const { out_trade_no: outTradeNo, transaction_id: transactionId } = asked;
  const amounts = { refund: Number(fee), total: Number(total) };
  const taken = takeRefund(orders, { outTradeNo, transactionId, outRefundNo, ...amounts, notifyUrl });
  switch (taken.kind) {
    case 'not_paid':
      return fail('ORDERNOTEXIST', '订单不存在或未支付');
    case 'account_gone':
      return fail('USER_ACCOUNT_ABNORMAL', '用户账号已注销');
    case 'other_total':
    case 'other_amount':
      return fail('REFUND_FEE_MISMATCH', '订单金额或退款金额与之前请求不一致');
    case 'too_much':
      return fail('INVALID_REQUEST', 'refund_fee大于可退金额');
    case 'taken':
      if (taken.endsNow) onRefund(taken.order, outRefundNo, notifyUrl ?? null);
      return takenAnswer(taken.order, taken.refund);
  }
}

function refundQuery(asked: Fields, { orders, magic, onRefund }: V2Options): Outcome {
  const { out_refund_no: outRefundNo } = asked;
  if (outRefundNo) {
    const found = findRefund(orders, outRefundNo, { magic, onRefund });
    return found ? refundsAnswer(found.order, [found.refund]) : fail('REFUNDNOTEXIST', '退款订单查询失败');
  }
  const order = orderOf(asked, orders);
  return order && order.refunds.length > 0
    ? refundsAnswer(order, order.refunds)
    : fail('REFUNDNOTEXIST', '退款订单查询失败');
}
