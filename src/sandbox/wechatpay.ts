// The pretend WeChat Pay: its v3 API below /v3/, its v2 API in XML, and below /sandbox/ what a person or a test can
// make happen. Listens on this machine alone. Moves no money.
import type { z } from 'zod';
import type { BillHours } from './account.ts';
import { answerApi } from './api.ts';
import { BillDesk } from './bill-desk.ts';
import { Courier, type CourierOptions, type Notice } from './courier.ts';
import type { OnEcho } from './echo.ts';
import { json, type Listening, type SandboxAnswer, type SandboxRequest, serve } from './http.ts';
import { credentialsOf, credentialsOfV2, type Identity } from './identity.ts';
import { MAGIC_WORDS, Magic } from './magic.ts';
import { type Misbehaviour, SPOILS, TIMINGS, VARIANTS } from './notice.ts';
import { OrderBook, type SandboxOrder } from './orders.ts';
import { Again, Complain, Pay, Play, RefundRequest, Refused, type Sent } from './play.ts';
import { type OnRefund, REFUND_WORDS } from './refunds.ts';
import { answerV2, isV2Path } from './v2-api.ts';
import { Scan, scan } from './v2-scan.ts';

export type WeChatPayOptions = {
  readonly port: number;
  readonly identity: Identity;
  /** Where callbacks go for orders that the sandbox never saw; an order of its own knows its notify_url. */
  readonly notifyUrl: string | null;
  /** Keeps orders over a restart; memory alone when null. */
  readonly ordersFile?: string | null;
  /** Shrinks the retry schedule for tests; 1 is WeChat Pay's own. */
  readonly timeScale?: number;
  readonly signWith?: CourierOptions['signWith'];
  /** From when on a day has its bill; at once unless said. */
  readonly billHours?: BillHours;
  /** False: the certificate that follows is listed only when it signs. */
  readonly isNextListed?: boolean;
  readonly wait?: CourierOptions['wait'];
  readonly carry?: CourierOptions['carry'];
  readonly onSending?: CourierOptions['onSending'];
  readonly onAttempt?: CourierOptions['onAttempt'];
  /** Another pretend platform at the same address; null for a path that is not its own. */
  readonly beside?: (request: SandboxRequest) => Promise<SandboxAnswer> | null;
};

export type WeChatPay = Listening & {
  /** Completes the payment and begins to notify; `first` is settled after the first attempt. */
  readonly pay: (request: Pay) => Sent;
  readonly refund: (request: RefundRequest) => Sent;
  readonly complain: (request: Complain) => Sent;
  /** From now on the certificate that follows is listed, and signs. */
  readonly rotateCertificate: () => void;
  /** Whether its API has an outage: it answers 502 to whoever asks, and goes on sending notices. */
  readonly setDown: (isDown: boolean) => void;
  /** Its own truth. */
  readonly orders: () => readonly SandboxOrder[];
};

export async function startWeChatPay(options: WeChatPayOptions): Promise<WeChatPay> {
  const { identity, timeScale = 1, signWith = 'public-key', onSending, onAttempt, wait, carry } = options;
  const orders = new OrderBook(options.ordersFile ?? null);
  const courier = new Courier({ identity, timeScale, signWith, onSending, onAttempt, wait, carry });
  const play = new Play(identity, options.notifyUrl, orders, courier);
  const bills = new BillDesk(orders, options.billHours ?? 'at-once');
  const magic = new Magic();
  let keys = { signWith, isNextListed: options.isNextListed ?? true };
  const onRefund: OnRefund = (order, outRefundNo, notifyUrl) => play.endRefund(order, outRefundNo, notifyUrl);
  const onEcho: OnEcho = (url, content) => courier.after(0, () => courier.send('', url, content, {}));
  let isDown = false;
  const listening = await serve(options.port, async (request) => {
    if (isDown && (request.path.startsWith('/v3/') || isV2Path(request.path))) return { status: 502 };
    if (request.path.startsWith('/v3/'))
      return answerApi(request, { identity, orders, ...keys, onRefund, onEcho, magic, bills });
    if (isV2Path(request.path)) return answerV2(request, { identity, orders, onRefund, magic, bills });
    return options.beside?.(request) ?? control(request, { play, orders, courier, identity });
  });
  const close = async () => {
    courier.close();
    await listening.close();
  };
  return {
    ...listening,
    close,
    pay: (request) => play.pay(request),
    refund: (request) => play.refund(request),
    complain: (request) => play.complain(request),
    rotateCertificate: () => {
      keys = { signWith: 'next-certificate', isNextListed: true };
      courier.signFromNowOn('next-certificate');
    },
    setDown: (down) => {
      isDown = down;
    },
    orders: () => orders.all(),
  };
}

type Parts = { play: Play; orders: OrderBook; courier: Courier; identity: Identity };

/** Longest that a control request waits for the first attempt. */
const FIRST_WAIT_MS = 6_000;

async function control(request: SandboxRequest, { play, orders, courier, identity }: Parts): Promise<SandboxAnswer> {
  const sendAsked = <T extends { misbehave?: Misbehaviour | undefined }>(
    schema: z.ZodType<T>,
    act: (asked: T) => Sent,
  ) => {
    const asked = read(schema, request);
    return sent(act(asked), asked.misbehave);
  };
  try {
    switch (`${request.method} ${request.path}`) {
      case 'GET /':
        return json(200, describe(identity));
      case 'GET /sandbox/credentials':
        return json(200, credentialsOf(identity));
      case 'GET /sandbox/credentials/v2':
        return json(200, credentialsOfV2(identity));
      case 'GET /sandbox/orders':
        return json(200, { items: orders.all() });
      case 'GET /sandbox/notices':
        return json(200, { items: courier.all().map(shown).reverse() });
      case 'POST /sandbox/pay':
        return await sendAsked(Pay, (asked) => play.pay(asked));
      case 'POST /sandbox/refund':
        return await sendAsked(RefundRequest, (asked) => play.refund(asked));
      case 'POST /sandbox/notify':
        return await sendAsked(Again, ({ outTradeNo, ...options }) => play.again(outTradeNo, options));
      case 'POST /sandbox/complain':
        return await sendAsked(Complain, (asked) => play.complain(asked));
      case 'POST /sandbox/scan':
        return await scanned(request, identity, orders);
      default:
        return json(404, { error: `There is no ${request.method} ${request.path} here; GET / lists what there is.` });
    }
  } catch (error) {
    if (error instanceof Refused) return json(400, { error: error.message });
    throw error;
  }
}

function read<T>(schema: z.ZodType<T>, request: SandboxRequest): T {
  let input: unknown;
  try {
    input = JSON.parse(request.body.toString('utf8') || '{}');
  } catch {
    throw new Refused('The body is not JSON.');
  }
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new Refused(
    result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '),
  );
}

async function sent({ notice, first }: Sent, misbehave: Misbehaviour | undefined): Promise<SandboxAnswer> {
  const isHeld = misbehave === 'delay' || misbehave === 'reorder';
  const late = new Promise<void>((done) => setTimeout(done, FIRST_WAIT_MS).unref());
  if (!isHeld) await Promise.race([first, late]);
  return json(200, { notice: shown(notice) });
}

async function scanned(request: SandboxRequest, identity: Identity, orders: OrderBook): Promise<SandboxAnswer> {
  const outcome = await scan(read(Scan, request), identity, orders);
  if (typeof outcome === 'string') throw new Refused(outcome);
  return json(200, outcome);
}

const shown = ({ body: _body, content, ...rest }: Notice) => ({ ...rest, says: content.resource });

/** GET /: what this is and what it can do, for people with curl. */
function describe(identity: Identity): unknown {
  return {
    what: 'A pretend WeChat Pay, v3 and v2: it signs, encrypts and repeats like the real one, and moves no money.',
    merchant: { mchId: identity.mchId, appId: identity.appId, serial: identity.merchant.serial },
    signsWith: { publicKey: identity.publicKey.serial, certificate: identity.certificate.serial },
    api: [
      'POST /v3/pay/transactions/native',
      'GET /v3/pay/transactions/out-trade-no/{no}',
      'POST …/{no}/close',
      'GET /v3/pay/transactions/id/{id}',
      'POST and GET /v3/refund/domestic/refunds',
      'GET /v3/merchant-service/complaints-v2/{id}',
      'GET /v3/certificates',
      'POST /v3/security/echo',
      'GET /v3/bill/tradebill and /v3/bill/fundflowbill; POST /pay/downloadbill and /pay/downloadfundflow (XML)',
      'POST /pay/unifiedorder, /pay/orderquery, /pay/closeorder, /secapi/pay/refund, /pay/refundquery (XML)',
    ],
    make: {
      'POST /sandbox/pay':
        '{"outTradeNo", "amount"?: fen, "coupon"?, "misbehave"?, …}: the payer pays, the callback goes out',
      'POST /sandbox/refund': '{"outTradeNo", "amount"?, "status"?: "SUCCESS" | "ABNORMAL" | "CLOSED", …}',
      'POST /sandbox/notify': '{"outTradeNo", …}: the payment is told once more, as a new notice',
      'POST /sandbox/complain': '{"outTradeNo", …}: the payer complains',
      'POST /sandbox/scan': '{"codeUrl", "notifyUrl"}: a static code is scanned, the merchant is asked what to charge',
    },
    misbehave: { ...SPOILS, ...VARIANTS, ...TIMINGS },
    magicWords: { inOrderAndRefundNumbers: MAGIC_WORDS, inRefundNumbers: REFUND_WORDS },
    options: '"times": spoiled attempts (1), "attempts": at most so many, "copies", "delayMs", "signWith", "notifyUrl"',
    look: ['GET /sandbox/notices', 'GET /sandbox/orders', 'GET /sandbox/credentials and /sandbox/credentials/v2'],
  };
}
