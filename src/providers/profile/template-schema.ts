// What a profile says of the provider's API: a template for each thing to ask, from an order to a refund. Hosts are
// https and fixed here; a placeholder fills a path, a parameter, a header or a field, and never chooses whom to call.
import { z } from 'zod';
import { PROVIDER_CALL_TIMEOUT_MS } from '../../core/limits.ts';
import { publicAddressProblem } from '../../core/origin-address.ts';
import { said } from './mapping-schema.ts';
import { PathField } from './path.ts';
import {
  type Complaint,
  HEADER_NAME,
  PEM_CHARS_MAX,
  Secret,
  Signing,
  signingComplaints,
  wordsOf,
} from './proof-schema.ts';

const CALL_WORDS = ['timestamp', 'timestampMs', 'nonce', 'apiKey', 'merchantId'] as const;
/** Which placeholders each template may hold; there are no others. */
export const TEMPLATE_WORDS = {
  query: [...CALL_WORDS, 'orderNo', 'transactionId'],
  pay: [
    ...CALL_WORDS,
    ...['orderNo', 'amount', 'amountMinor', 'currency', 'description', 'notifyUrl', 'expiresAt', 'expiresAtSeconds'],
  ],
  refund: [
    ...CALL_WORDS,
    ...['orderNo', 'transactionId', 'refundNo', 'refundAmount', 'refundAmountMinor', 'amount', 'amountMinor'],
    ...['currency', 'reason', 'notifyUrl'],
  ],
  close: [...CALL_WORDS, 'orderNo'],
  refundQuery: [...CALL_WORDS, 'orderNo', 'transactionId', 'refundNo'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type TemplateName = keyof typeof TEMPLATE_WORDS;
export const TEMPLATE_NAMES = Object.keys(TEMPLATE_WORDS) as readonly TemplateName[]; // the keys of a literal

/** What a request's signature may cover beside the body. */
export const SIGNED_WORDS: readonly string[] = ['method', 'path', 'timestamp', 'timestampMs', 'nonce', 'body'];

const TextTemplate = z.string().max(2_000);
/** Text with placeholders, or JSON of such texts; `{amountMinor:number}` alone in its text becomes a number. */
export type Content = string | number | boolean | null | readonly Content[] | { readonly [name: string]: Content };
const JsonContent: z.ZodType<Content> = z.lazy(() =>
  z.union([
    TextTemplate,
    z.number(),
    z.boolean(),
    z.null(),
    z.array(JsonContent).max(50),
    z.record(z.string().max(100), JsonContent),
  ]),
);

const ErrorWords = z.array(z.string().max(100)).max(20);
const Response = z.strictObject({
  codeUrl: PathField.optional(),
  state: PathField.optional(),
  amount: PathField.optional(),
  currency: PathField.optional(),
  orderNo: PathField.optional(),
  transactionId: PathField.optional(),
  occurredAt: PathField.optional(),
  refundNo: PathField.optional(),
  refundId: PathField.optional(),
  test: PathField.optional(),
  error: PathField.optional(),
  noError: ErrorWords.default(['0', 'OK', 'SUCCESS']),
  notFound: ErrorWords.default([]),
  alreadyPaid: ErrorWords.default([]),
  alreadyClosed: ErrorWords.default([]),
  insufficientBalance: ErrorWords.default([]),
});

export const Template = z.strictObject({
  method: z.enum(['GET', 'POST']),
  url: z.string().max(1_000),
  headers: z.record(z.string().max(100), TextTemplate).default({}),
  bodyFormat: z.enum(['json', 'form', 'xml']).default('json'),
  body: z.record(z.string().max(100), JsonContent).optional(),
  root: z
    .string()
    .regex(/^[A-Za-z_][\w.-]{0,63}$/, 'is no name that XML takes')
    .default('xml'),
  sign: Signing.optional(),
  response: Response.prefault({}),
  timeoutMs: z.int().min(500).max(PROVIDER_CALL_TIMEOUT_MS).default(PROVIDER_CALL_TIMEOUT_MS),
});
export type Template = z.output<typeof Template>;

/** What has become of an order that was to be closed, by the provider's word for its state. */
const CloseResponse = Response.extend({
  states: z.record(z.string().min(1).max(100), z.enum(['closed', 'paid', 'unknown'])).default({}),
});
export const CloseTemplate = Template.extend({ response: CloseResponse.prefault({}) });
export type CloseTemplate = z.output<typeof CloseTemplate>;

const TEMPLATE_HELP = {
  en:
    '{method, url, headers, bodyFormat, body, sign, response, timeoutMs}. The url is https, its host fixed. ' +
    'Placeholders in braces: ',
  zh: '{method, url, headers, bodyFormat, body, sign, response, timeoutMs}。url 必须为 https 且主机固定。可用的占位符：',
};
const helpOf = (name: TemplateName, more = { en: '', zh: '' }) => {
  const words = TEMPLATE_WORDS[name].map((word) => `{${word}}`).join(' ');
  return { en: TEMPLATE_HELP.en + words + more.en, zh: TEMPLATE_HELP.zh + words + more.zh };
};
const PAY_HELP = {
  en: '. response.alreadyPaid lists the error words that say that the order is paid.',
  zh: '。response.alreadyPaid 列出表示订单已支付的错误码。',
};
const REFUND_HELP = {
  en: '. response.insufficientBalance lists the error words that say that your balance cannot cover it.',
  zh: '。response.insufficientBalance 列出表示账户余额不足的错误码。',
};
const CLOSE_HELP = {
  en:
    '. Without response.state, an answer without an error means closed; with it, response.states translates the word ' +
    'to closed, paid or unknown, else statuses.payment does. alreadyPaid, alreadyClosed and notFound list error words.',
  zh:
    '。未填 response.state 时，无错误即为已关闭；填写后由 response.states 将状态译为 closed、paid 或 unknown，未列出的按 ' +
    'statuses.payment 翻译。alreadyPaid、alreadyClosed、notFound 列出相应的错误码。',
};
const REFUND_QUERY_HELP = {
  en: '. response.state (translated by statuses.refund) and response.amount, this refund’s own, are needed.',
  zh: '。必须填写 response.state（按 statuses.refund 翻译）和 response.amount（本次退款金额）。',
};

export function apiShape() {
  return {
    apiKey: Secret.optional().meta(
      said(
        { en: 'API key', zh: 'API 密钥' },
        { en: 'What {apiKey} stands for in the templates.', zh: '模板中 {apiKey} 的值。' },
        { secret: true },
      ),
    ),
    signingSecret: Secret.optional().meta(
      said(
        { en: 'Secret for requests', zh: '请求签名密钥' },
        {
          en: 'Signs requests; left out, the first of `secrets` does.',
          zh: '用于签名请求；留空时使用 secrets 中的第一个。',
        },
        { secret: true },
      ),
    ),
    privateKey: z
      .string()
      .max(PEM_CHARS_MAX)
      .optional()
      .meta(
        said(
          { en: 'Private key for requests', zh: '请求签名私钥' },
          { en: 'PEM; signs requests with rsa-sha256 or ed25519.', zh: 'PEM 格式，用于 rsa-sha256 或 ed25519。' },
          { secret: true },
        ),
      ),
    query: Template.optional().meta(said({ en: 'Order query', zh: '查询订单' }, helpOf('query'))),
    pay: Template.optional().meta(said({ en: 'Payment request', zh: '发起支付' }, helpOf('pay', PAY_HELP))),
    close: CloseTemplate.optional().meta(said({ en: 'Closing an order', zh: '关闭订单' }, helpOf('close', CLOSE_HELP))),
    refund: Template.optional().meta(said({ en: 'Refund request', zh: '申请退款' }, helpOf('refund', REFUND_HELP))),
    refundQuery: Template.optional().meta(
      said({ en: 'Refund query', zh: '查询退款' }, helpOf('refundQuery', REFUND_QUERY_HELP)),
    ),
  };
}

export type Templates = {
  readonly [name in TemplateName]?: (name extends 'close' ? CloseTemplate : Template) | undefined;
};

/** What is wrong with the templates; each says where and how to mend it. */
export const templateComplaints = (templates: Templates): Complaint[] =>
  TEMPLATE_NAMES.flatMap((name) => {
    const template = templates[name];
    return template === undefined ? [] : complaintsOf(name, template);
  });

function complaintsOf(name: TemplateName, template: Template): Complaint[] {
  const { url, headers, body, bodyFormat, sign, response, method } = template;
  const complaints = sign === undefined ? [] : signingComplaints(sign, SIGNED_WORDS, `${name}.sign`);
  const complain = (part: string, message: string) =>
    complaints.push({ path: [name, ...part.split('.')], message: `${name}.${part} ${message}` });
  const problem = urlProblem(url);
  if (problem !== null) complain('url', problem);
  const known: readonly string[] = TEMPLATE_WORDS[name];
  const list = `{${known.join('}, {')}}`;
  const texts = [
    ['url', url] as const,
    ...Object.entries(headers).map(([key, text]) => [`headers.${key}`, text] as const),
  ];
  for (const [part, text] of texts) {
    const stranger = strangerIn(text, known);
    if (stranger !== null) complain(part, `has ${stranger}: there are ${list}.`);
  }
  for (const text of body === undefined ? [] : textsIn(body)) {
    const stranger = strangerIn(text.replace(/^\{(\w+):number\}$/, '{$1}'), known);
    if (stranger !== null) complain('body', `has ${stranger}: there are ${list}.`);
  }
  if (body !== undefined && method === 'GET')
    complain('body', 'goes with POST: use method POST, or put it in the url.');
  const isFlat = Object.values(body ?? {}).every((value) => typeof value !== 'object');
  if (bodyFormat !== 'json' && !isFlat)
    complain('body', `must be flat: ${bodyFormat} has fields, not lists or objects.`);
  if (bodyFormat === 'xml' && Object.keys(body ?? {}).some((key) => !/^[A-Za-z_][\w.-]*$/.test(key))) {
    complain('body', 'has a name that XML does not take.');
  }
  const odd = Object.keys(headers).find((key) => !HEADER_NAME.test(key));
  if (odd !== undefined) complain('headers', `has ${JSON.stringify(odd)}, which is no header’s name.`);
  const forbidden = Object.keys(headers).find((key) =>
    /^(?:host|content-length|transfer-encoding|connection)$/i.test(key),
  );
  if (forbidden !== undefined) complain(`headers.${forbidden}`, 'is set by the sender itself: leave it out.');
  for (const [part, question] of Object.entries(NEEDED_PARTS[name] ?? {})) {
    if (Object.entries(response).every(([given, path]) => given !== part || path === undefined)) {
      complain(`response.${part}`, `is missing: ${question}`);
    }
  }
  return complaints;
}

/** What an answer must be read for, or the question was for nothing. */
const NEEDED_PARTS: { readonly [name in TemplateName]?: Readonly<Record<string, string>> } = {
  query: { state: 'where is the status?' },
  pay: { codeUrl: 'where is the code?' },
  refundQuery: { state: 'where is the status?', amount: 'where is the amount of this refund?' },
};

/** Null for an https address whose host holds no placeholder and is a public name. */
function urlProblem(template: string): string | null {
  const [, host = ''] = /^https:\/\/([^/?#]*)/.exec(template) ?? [];
  const isName = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i.test(host);
  const isPrivate = () => /\.test$/i.test(host) || publicAddressProblem(new URL(`https://${host}`)) !== null;
  if (!isName || isPrivate()) {
    return 'must begin with https:// and a public host name, without a port, a password or a placeholder in it.';
  }
  const filled = template.replace(/\{\w*\}/g, 'x');
  if (!URL.canParse(filled) || new URL(filled).hash !== '' || /[\s\\]/.test(template)) return 'is no address.';
  return null;
}

/** The first placeholder that there is none of, a lone brace included; null when all are known. */
function strangerIn(text: string, known: readonly string[]): string | null {
  const stranger = wordsOf(text).find((word) => !known.includes(word));
  if (stranger !== undefined) return `{${stranger}}`;
  return /[{}]/.test(text.replace(/\{[^{}]*\}/g, '')) ? 'a brace that closes nothing or opens nothing' : null;
}

function textsIn(content: Content): string[] {
  if (typeof content === 'string') return [content];
  if (content === null || typeof content !== 'object') return [];
  return Object.values(content).flatMap(textsIn);
}
