// Every page of the console, by the route that answers it, and each file: what a walk through it all has to see. A test
// compares the routes with the console's own, so that no page is forgotten. Data alone.

/** What there is in the town that is walked through: order numbers and ids. */
export type Sights = {
  readonly channel: string;
  readonly bills: string;
  readonly day: string;
  readonly dayBefore: string;
  readonly orders: readonly string[];
  /** Of the channel: one that waits for a person. */
  readonly held: string;
  /** Of the demonstration's channel. */
  readonly refundable: string;
  readonly pending: string;
  readonly test: string;
  readonly discrepancy: string;
  readonly replay: string;
  readonly key: string;
};

const SHOP = 'demo-wechat';
const at = (...parts: readonly string[]): string => ['/console', ...parts.map(encodeURIComponent)].join('/');
const each = (all: readonly string[], path: (one: string) => string): readonly string[] => all.map(path);

/** Routes as hono has them, each with the addresses to look at. */
export const pagesOf = (town: Sights): Readonly<Record<string, readonly string[]>> => {
  const of = (act: string, orderNo: string) => ({
    [`/console/orders/:channel/:orderNo/${act}`]: [at('orders', town.channel, orderNo, act)],
  });
  const run = `${town.channel}~${town.day}`;
  return {
    '/console': ['/console', `/console?range=1h&channel=${town.channel}`, '/console?range=30d'],
    '/console/login': ['/console/login'],
    '/console/me': [at('me')],
    '/console/access': [at('access')],
    '/console/reports': [at('reports'), `/console/reports?groupBy=month&channel=${SHOP}`],
    '/console/orders': [
      ...[at('orders'), `${at('orders')}?state=paid`, `${at('orders')}?channel=${town.channel}`],
      '/console/orders?search=none&flag=overpaid&from=2026-01-01T00:00',
    ],
    '/console/orders/:channel/:orderNo': [
      ...each([...town.orders, town.held, 'decided0'], (orderNo) => at('orders', town.channel, orderNo)),
      ...each([town.refundable, town.pending], (orderNo) => at('orders', SHOP, orderNo)),
    ],
    ...of('query', town.held),
    ...of('close', town.held),
    ...of('release', town.held),
    ...of('discard', town.held),
    ...of('replay', town.orders[0] ?? ''),
    '/console/orders/:channel/:orderNo/refund': [at('orders', SHOP, town.refundable, 'refund')],
    '/console/deliveries': [at('deliveries'), '/console/deliveries?state=dead'],
    '/console/replays': [at('replays')],
    '/console/replays/:id': [at('replays', town.replay)],
    '/console/new/replay': ['/console/new/replay', '/console/new/replay?state=dead'],
    '/console/callbacks': [at('callbacks'), '/console/callbacks?verdict=rejected'],
    '/console/reconciliations': [at('reconciliations')],
    '/console/reconciliations/:id': each(
      [run, `${town.channel}~${town.dayBefore}`, `${town.bills}~${town.day}`],
      (id) => at('reconciliations', id),
    ),
    '/console/new/:what{reconciliation|bill}': [at('new', 'reconciliation'), at('new', 'bill')],
    '/console/discrepancies': [
      at('discrepancies'),
      ...each([town.channel, town.bills], (id) => `/console/discrepancies?channel=${id}`),
    ],
    '/console/discrepancies/:id': [at('discrepancies', town.discrepancy)],
    '/console/alarms': [at('alarms'), '/console/alarms?state=resolved'],
    '/console/alarm-rules': [at('alarm-rules')],
    '/console/new/alarm-destination': [at('new', 'alarm-destination')],
    '/console/alarm-destinations/:id': [at('alarm-destinations', 'hostile0')],
    '/console/alarm-destinations/:id/remove': [at('alarm-destinations', 'hostile0', 'remove')],
    '/console/why': [at('why'), `/console/why?channel=${town.channel}&orderNo=${encodeURIComponent(town.held)}`],
    '/console/audit': [
      at('audit'),
      `/console/audit?channel=${town.channel}&act=released`,
      `/console/audit?channel=${town.channel}&act=discarded`,
    ],
    '/console/keys': [at('keys')],
    '/console/keys/:id': [at('keys', town.key)],
    ...setupOf(town),
  };
};

const setupOf = ({ channel, test }: Sights): Readonly<Record<string, readonly string[]>> => {
  const verb = (section: string, id: string, act: string) => ({
    [`/console/${section}/:id/${act}`]: [at(section, id, act)],
  });
  return {
    '/console/channels': [at('channels')],
    '/console/channels/:id': [at('channels', channel), at('channels', SHOP)],
    ...verb('channels', channel, 'pause'),
    ...verb('channels', channel, 'resume'),
    ...verb('channels', channel, 'disable'),
    ...verb('channels', channel, 'enable'),
    ...verb('channels', channel, 'change'),
    ...verb('channels', channel, 'rotate'),
    ...verb('channels', channel, 'allowlist'),
    '/console/channels/:id/test': [at('channels', channel, 'test'), at('channels', SHOP, 'test')],
    '/console/channels/:id/test/:orderNo': [at('channels', channel, 'test', test)],
    '/console/new/channel': [at('new', 'channel')],
    '/console/new/channel/:provider': each(['wechatpay-v3', 'tokenim', 'stripe'], (id) => at('new', 'channel', id)),
    '/console/origins': [at('origins')],
    '/console/origins/:id': [at('origins', 'hostile'), at('origins', 'mapped')],
    ...verb('origins', 'hostile', 'pause'),
    ...verb('origins', 'hostile', 'resume'),
    ...verb('origins', 'mapped', 'change'),
    ...verb('origins', 'hostile', 'rotate'),
    ...verb('origins', 'hostile', 'check'),
    ...verb('origins', 'hostile', 'tests'),
    '/console/new/origin': [at('new', 'origin')],
  };
};

/** What is no page: each answers with something else than HTML. */
export const filesOf = ({ channel, day, orders }: Sights): Readonly<Record<string, string>> => ({
  '/console/assets/:name': '/console/assets/style.css',
  '/console/live': '/console/live',
  '/console/reports.csv': '/console/reports.csv',
  '/console/orders.csv': '/console/orders.csv',
  '/console/deliveries.csv': '/console/deliveries.csv',
  '/console/callbacks.csv': '/console/callbacks.csv',
  '/console/discrepancies.csv': '/console/discrepancies.csv',
  '/console/reconciliations/:id/discrepancies.csv': at('reconciliations', `${channel}~${day}`, 'discrepancies.csv'),
  '/console/orders/:channel/:orderNo/evidence': at('orders', channel, orders[0] ?? '', 'evidence'),
});
