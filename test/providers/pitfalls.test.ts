// The mistakes that integrations make most, by the numbers that test names give, and the dialects that invite each:
// every one of them has a test named after it.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The test files of a dialect are those that begin with its name; `receive` is the door that all of them share. */
const PITFALLS: readonly (readonly [number: number, mistake: string, dialects: readonly string[]])[] = [
  [
    1,
    'verifying a body that was parsed and written anew instead of the bytes that came',
    [
      ...['wechatpay-v3', 'alipay', 'stripe', 'paypal', 'square', 'razorpay', 'paddle', 'btcpay'],
      ...['coinbase-commerce', 'cryptomus', 'nowpayments', 'oxapay', 'standard-webhooks', 'profile'],
    ],
  ],
  [
    2,
    'acknowledging a probe with a wrong signature, or alarming about it',
    ['wechatpay-v3', 'wechatpay-v3-api', 'receive'],
  ],
  [3, 'answering 200 with a failure in the body, which is not called again', ['wechatpay-v3']],
  [4, 'keeping one platform key while two of them take turns', ['wechatpay-v3', 'paypal']],
  [5, 'fetching a key for every unknown serial that anybody makes up', ['receive', 'paypal']],
  [
    6,
    'remembering a notice before what it told is recorded, or knowing it by what changes with every try',
    ['faults', 'receive', 'ask-providers'],
  ],
  [7, 'answering late because of other work, or before what was told is durable', ['receive', 'receive-outage']],
  [8, 'taking an accepted, closed or abnormal refund for money given back', ['wechatpay-v3', 'wechatpay-v2', 'alipay']],
  [
    9,
    'losing what comes before its payment, or taking the notice of a partial refund for a second payment',
    ['alipay', 'paypal', 'unionpay', 'unlinked-callbacks'],
  ],
  [
    10,
    'reading amounts as floats, in another unit, or what the payer paid for what the order cost',
    [
      ...['wechatpay-v3', 'wechatpay-v2', 'alipay', 'unionpay', 'adyen', 'stripe', 'paypal', 'square', 'razorpay'],
      ...['paddle', 'mollie', 'btcpay', 'coinbase-commerce', 'cryptomus', 'nowpayments', 'oxapay', 'profile'],
    ],
  ],
  [
    11,
    'believing that an order which has expired here cannot be paid any more',
    ['wechatpay-v3', 'alipay', 'ask-providers'],
  ],
  [12, 'the signature, key and XML of WeChat Pay v2, and its unsigned refund notices', ['wechatpay-v2']],
  [13, 'the decoding, sign_type, states, parties and answer of Alipay', ['alipay']],
  [14, 'the checksum, webhook, certificate address and approved orders of PayPal', ['paypal']],
  [15, 'the batches, texts for truth and unknown event codes of Adyen', ['adyen']],
  [16, 'verifying with the address that was called instead of the registered one', ['square']],
  [17, 'taking a completed session for a paid one, and times from the future', ['stripe']],
  [
    18,
    'comparing text instead of bytes, throwing for garbage, and verifying with an empty key',
    [
      ...['wechatpay-v3', 'wechatpay-v2', 'alipay', 'unionpay', 'adyen', 'stripe', 'paypal', 'square', 'razorpay'],
      ...[
        'paddle',
        'btcpay',
        'coinbase-commerce',
        'cryptomus',
        'nowpayments',
        'oxapay',
        'standard-webhooks',
        'profile',
      ],
    ],
  ],
  [
    19,
    'splitting a bill at every comma, reading its mark or its sums as data, and calling a quiet day an outage',
    ['bills'],
  ],
  [20, 'believing headers about where a callback came from', ['receive']],
];

const files = ['test/providers', 'test/worker'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts') && name !== 'pitfalls.test.ts')
    .map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') })),
);

describe.each(PITFALLS)('pitfall %i, %s', (number, _mistake, dialects) => {
  it.each(dialects)('is in the name of a test of %s', (dialect) => {
    const own = files.filter(({ name }) => name.startsWith(`${dialect}.`) || name.startsWith(`${dialect}-`));
    expect(own.some(({ text }) => text.includes(` (pitfall ${number})`))).toBe(true);
  });
});

it('no test is named after a pitfall that is not listed', () => {
  const named = files.flatMap(({ text }) =>
    [...text.matchAll(/ \(pitfall (\d+)\)/g)].map(([, number]) => Number(number)),
  );
  const listed = PITFALLS.map(([number]) => number);
  expect([...new Set(named)].filter((number) => !listed.includes(number))).toEqual([]);
});
