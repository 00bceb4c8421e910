// `npm run tokenim`: sends one callback of the pretend Tokenim to a channel and shows the answer, or serves its API.
// For trying a channel's settings before the real platform calls. Moves no money.

import { startTokenim, TOKENIM_SPOILS, Tokenim, type TokenimSpoil } from '../src/sandbox/tokenim.ts';
import { DEFAULT_SCHEME, type Form } from '../src/sandbox/tokenim-signing.ts';
import { readFlags } from './flags.ts';
import { parsePort } from './ports.ts';
import { main, paint, Sentence, stopOnSignals } from './terminal.ts';

const USAGE = `npm run tokenim -- --secret S --callback URL [options]     send one callback
npm run tokenim -- --secret S --serve PORT --api-key K     serve the pretend API

  --secret S         the secret that the channel has too
  --callback URL     the channel's address: http://127.0.0.1:8787/callbacks/<channel>
  --format F         json (default), form or xml
  --order NO         the order number (one is made up)
  --amount N         in minor units (100); --currency CNY
  --status WORD      SUCCESS unless given; any word of your statuses
  --refund NO        a refund of that number instead of a payment, of --refund-amount N (all of it)
  --misbehave HOW    ${Object.keys(TOKENIM_SPOILS).join(', ')}
  --help             this text`;

const TEXTS = ['secret', 'callback', 'format', 'order', 'amount', 'currency', 'status', 'refund', 'refund-amount'];

const isForm = (text: string): text is Form => ['json', 'form', 'xml'].includes(text);
const isSpoil = (text: string): text is TokenimSpoil => Object.hasOwn(TOKENIM_SPOILS, text);

function wholeNumber(text: string, name: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new Sentence(`--${name} must be a whole number of minor units: 100 is 1.00.`);
}

async function send(flags: ReturnType<typeof readFlags>, secret: string): Promise<void> {
  const url = flags.text('callback');
  if (url === undefined || !URL.canParse(url))
    throw new Sentence(`--callback must be the channel's address.\n\n${USAGE}`);
  const form = flags.text('format') ?? 'json';
  if (!isForm(form)) throw new Sentence('--format must be json, form or xml.');
  const spoil = flags.text('misbehave');
  if (spoil !== undefined && !isSpoil(spoil)) throw new Sentence(`--misbehave knows no ${spoil}.\n\n${USAGE}`);
  const now = Date.now();
  const tokenim = new Tokenim({ scheme: { ...DEFAULT_SCHEME, secret }, apiKey: '' });
  const amount = wholeNumber(flags.text('amount') ?? '100', 'amount');
  const order = tokenim.open(flags.text('order') ?? `try-${now}`, amount, flags.text('currency') ?? 'CNY');
  order.state = 'SUCCESS';
  const refundNo = flags.text('refund');
  if (refundNo !== undefined) {
    const part = wholeNumber(flags.text('refund-amount') ?? String(amount), 'refund-amount');
    order.refunds.set(refundNo, { amount: part, state: 'SUCCESS' });
  }
  const seconds = Math.floor(now / 1_000);
  const fields =
    refundNo === undefined ? Tokenim.paymentFields(order, seconds) : Tokenim.refundFields(order, refundNo, seconds);
  const told = { ...fields, status: flags.text('status') ?? 'SUCCESS' };
  const sent = await tokenim.send(told, form, url, spoil).catch((error: unknown) => {
    throw new Sentence(`${url} could not be reached (${error instanceof Error ? error.message : error}).`);
  });
  for (const { message, status, body } of sent) {
    for (const [name, value] of Object.entries(message.headers)) console.log(paint('dim', `${name}: ${value}`));
    console.log(`${message.body}\n${paint(status < 300 ? 'green' : 'red', String(status))} ${body}\n`);
  }
  console.log(`order ${order.orderId}, transaction ${order.transactionId}`);
}

main(async () => {
  const flags = readFlags(USAGE, [...TEXTS, 'misbehave', 'serve', 'api-key']);
  const secret = flags.text('secret');
  if (secret === undefined) throw new Sentence(`--secret is missing: it is the one that the channel has.\n\n${USAGE}`);
  const port = flags.text('serve');
  if (port === undefined) return send(flags, secret);
  const apiKey = flags.text('api-key');
  if (apiKey === undefined)
    throw new Sentence(`--api-key is missing: what the templates send as {apiKey}.\n\n${USAGE}`);
  const served = await startTokenim(parsePort(port, '--serve'), { scheme: { ...DEFAULT_SCHEME, secret }, apiKey });
  stopOnSignals(() => served.close());
  console.log(
    `the pretend Tokenim answers at ${paint('cyan', served.url)}: POST /api/pay, query, close, refund, refund/query`,
  );
});
