// What the console figures are measured over: orders of three months in eight shops, with all that lists show of them.
// SQL that makes rows of numbers; the same number makes the same rows.

const SPREAD_MS = 90 * 86_400_000;
const SHOPS = 8;
/** Of callbacks that changed nothing, one for so many orders. */
const OTHERS_EACH = 10;

const COUNTER = (from: number, count: number) =>
  `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${from + count})`;
const SHOP = `'shop-' || (i % ${SHOPS})`;
const NO = `printf('%010d', (i * 2654435761) % 10000000000)`;
const TX = `'4200' || printf('%024d', i)`;
const STATE = `CASE WHEN i % 100 < 90 THEN 'paid' WHEN i % 100 < 94 THEN 'pending' WHEN i % 100 < 97 THEN 'closed'
  WHEN i % 100 < 99 THEN 'refunded' ELSE 'failed' END`;
const FLAGS = `CASE WHEN i % 50000 = 7 THEN '["risk_review"]' WHEN i % 50 = 1 THEN '["overpaid"]' ELSE '[]' END`;
const DELIVERY = `CASE WHEN i % 1000 = 3 THEN 'dead' WHEN i % 1000 = 4 THEN 'waiting' ELSE 'delivered' END`;
/** As long as an order's snapshot is. */
const NOTE = 'x'.repeat(300);
const DATA = `'{"id":"evt","order":{"orderNo":"' || ${NO} || '","metadata":{"note":"${NOTE}"}}}'`;

/** Orders by their place among all, as statements; the newest is as old as `now`. */
export function seedOf(from: number, count: number, now: number): readonly string[] {
  const n = COUNTER(from, count);
  // By a stride that has no common divisor with the months: orders of many shops come in no order.
  const at = `(${now} - (i * 7919 * 1009) % ${SPREAD_MS})`;
  return [
    `INSERT INTO orders ${n} SELECT ${SHOP}, ${NO}, 1, ${STATE}, ${FLAGS}, 100 + i % 100000, 'CNY', 100 + i % 100000, 0,
       1, 1, 0, ${at}, ${at}, ${at} FROM n`,
    `INSERT INTO order_ids ${n} SELECT ${TX}, ${SHOP}, ${NO}, 'transaction' FROM n WHERE i % 100 < 90`,
    `INSERT INTO order_ids ${n} SELECT 'RF' || i, ${SHOP}, ${NO}, 'refund' FROM n WHERE i % 100 IN (97, 98)`,
    `INSERT INTO events (event_id, channel, order_no, sequence, type, verdict, source, remote_address, digest,
       occurred_at, received_at, data)
     ${n} SELECT 'evt_' || printf('%026d', i), ${SHOP}, ${NO}, 1, 'payment.succeeded', 'applied', 'callback',
       '203.0.113.7', NULL, ${at}, ${at}, ${DATA} FROM n`,
    `INSERT INTO deliveries ${n} SELECT ${at}, 'evt_' || printf('%026d', i), 'origin-' || (i % 4), ${SHOP}, ${NO}, 1, 1,
       ${DELIVERY}, NULL, 1, 'delivered', 200, NULL, ${at} FROM n`,
    `INSERT INTO callbacks (at, id, channel, verdict, reason, order_no)
     ${n} SELECT ${at}, 'cb_' || i, ${SHOP}, CASE WHEN i % 3 = 0 THEN 'rejected' ELSE 'duplicate' END,
       CASE WHEN i % 3 = 0 THEN 'signature_invalid' END, ${NO} FROM n WHERE i % ${OTHERS_EACH} = 0`,
    `INSERT OR REPLACE INTO callback_counts ${n} SELECT ${SHOP}, ${at} - ${at} % 60000, 'rejected', 'signature_invalid',
       1 + i % 5 FROM n WHERE i % ${OTHERS_EACH} = 0`,
    ...(from === 0 ? figuresOf(now) : []),
    `INSERT INTO audit (at, id, channel, order_no, act, actor, about)
     ${n} SELECT ${at}, 'act-' || i, ${SHOP}, ${NO}, 'query', 'key_' || (i % 5), '' FROM n WHERE i % 100 = 5`,
  ];
}

const SHARDS = 8;
const HOUR_MS = 3_600_000;
const HOURS = SPREAD_MS / HOUR_MS;
const LATENCIES = ['acknowledged', 'paidToVerified', 'verifiedToDelivered', 'deliveredToSettled', 'paidToDelivered'];
/** As an hour of one shard is told: it does not depend on how many orders came in it. */
const FIGURES = JSON.stringify({
  ...{ 'facts.callback': 7, 'events.payment.succeeded': 7, 'learnt.callback': 6, 'learnt.query': 1, delivered: 7 },
  ...{ 'gross.CNY': 350_000, 'refunded.CNY': 9_000, 'events.refund.succeeded': 1, 'attempts.refused': 1 },
  ...Object.fromEntries(
    LATENCIES.flatMap((name) => [`${name}.ms`, ...[2, 3, 4, 5, 7].map((n) => `${name}.${n}`)].map((n) => [n, 2])),
  ),
});
const MINUTES = JSON.stringify({ 3: 1, 9: 1, 17: 1, 28: 1, 36: 1, 44: 1, 58: 1 });

const MONEY = JSON.stringify({
  'gross.CNY': 350_000,
  'refunded.CNY': 9_000,
  'refunds.CNY': 1,
  'paid.CNY': 7,
  'closed.CNY': 1,
});

/** Every hour of every shard. */
const figuresOf = (now: number): readonly string[] => {
  const n = COUNTER(0, SHOPS * SHARDS * HOURS);
  const hour = `${now - (now % HOUR_MS)} - (i / ${SHOPS * SHARDS}) * ${HOUR_MS}`;
  const shard = `CAST((i / ${SHOPS}) % ${SHARDS} AS TEXT)`;
  return [
    `INSERT OR IGNORE INTO rollups (channel, hour, shard, version, last_at, doc, minutes, money)
     ${n} SELECT ${SHOP}, ${hour}, ${shard}, 1, ${now}, '${FIGURES}', '${MINUTES}', '${MONEY}' FROM n`,
  ];
};

export const SHOP_IDS: readonly string[] = Array.from({ length: SHOPS }, (_, n) => `shop-${n}`);

/** Numbers that are there, however few orders are. */
export const SEEDED = {
  shop: 'shop-3',
  orderNo: String((3 * 2654435761) % 10_000_000_000).padStart(10, '0'),
  transactionId: `4200${'3'.padStart(24, '0')}`,
  refundNo: 'RF97',
} as const;
