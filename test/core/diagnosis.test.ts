// "Why did I not get it?" as tables: what was seen of the way, and what the diagnosis makes of it.
import { describe, expect, it } from 'vitest';
import { inbound } from '../../src/core/diagnosis/inbound-texts.ts';
import { outbound } from '../../src/core/diagnosis/outbound-texts.ts';
import { inEnglish, inWords, textsOf } from '../../src/core/diagnosis/say.ts';
import {
  type Arrivals,
  type DiagnosisFacts,
  diagnose,
  type Finding,
  type FindingCode,
  STEPS,
  type StepName,
} from '../../src/core/diagnosis.ts';
import { newOrder } from '../../src/core/order.ts';
import type { DeliveryView, OrderDetail, TimelineEntry } from '../../src/core/record.ts';
import { REJECTION_REASONS } from '../../src/core/rejection.ts';

const NOW = Date.UTC(2026, 0, 1, 3);
const AT = NOW - 60_000;

const QUIET: Arrivals = {
  taken: 0,
  isMore: false,
  counts: [],
  refusals: [],
  aboutOrder: [],
  strangers: [],
  strangersCount: 0,
  lastAt: null,
  others: { count: 0, heard: 0 },
  open: [],
  silence: { kind: 'usual' },
};

const HEALTHY: DiagnosisFacts = {
  now: NOW,
  channel: {
    id: 'shop-wechat',
    status: 'active',
    allowlist: 'monitor',
    origins: [
      {
        id: 'shop',
        status: 'active',
        pauseReason: null,
        hasFilter: false,
        acceptsTest: false,
        gate: { breaker: 'closed', probeAt: null, waitUntil: null },
      },
    ],
  },
  callbackUrl: 'https://pay.example/callbacks/shop-wechat',
  isLocal: false,
  reach: { kind: 'answered', ms: 12 },
  from: AT - 600_000,
  to: AT + 600_000,
  arrivals: { ...QUIET, taken: 3 },
  alarms: [],
  orderNo: 'A-1',
  isRehearsal: false,
  order: null,
  asked: { kind: 'found', providerState: 'SUCCESS', isPaid: true, isNews: false },
};

const TOLD: TimelineEntry = {
  at: AT,
  kind: 'fact',
  source: 'callback',
  type: 'payment.succeeded',
  verdict: 'applied',
  address: '203.0.113.7',
};
const DELIVERED: DeliveryView = {
  eventId: 'evt_1',
  trace: 'a'.repeat(32),
  originId: 'shop',
  sequence: 1,
  state: 'delivered',
  reason: null,
  dueAt: null,
  attempts: [{ attempt: 1, at: AT, outcome: 'delivered', status: 200, ms: 3, detail: 'ok' }],
};
const REFUSED = { attempt: 1, at: AT, outcome: 'refused', status: 500, ms: 3, detail: 'no room <b>' } as const;
const order = (more: Partial<OrderDetail> = {}, fields: object = {}): OrderDetail => ({
  order: { ...newOrder('A-1', AT), paymentState: 'paid', ...fields },
  held: false,
  timeline: [TOLD],
  deliveries: [DELIVERED],
  ...more,
});
const facts = (more: Partial<DiagnosisFacts> = {}): DiagnosisFacts => ({ ...HEALTHY, order: order(), ...more });
/** Nothing of the order came. */
const lost = (more: Partial<DiagnosisFacts> = {}) =>
  facts({ order: null, arrivals: QUIET, asked: { kind: 'unknown' }, ...more });

const findingsOf = (given: DiagnosisFacts): readonly Finding[] =>
  diagnose(given).steps.flatMap(({ findings }) => findings);
const find = (given: DiagnosisFacts, code: FindingCode) => findingsOf(given).find((one) => one.code === code);
const causeOf = (given: DiagnosisFacts) => {
  const { cause } = diagnose(given);
  return cause && [cause.step, cause.finding.code];
};
const counted = (reason: string, verdict: 'rejected' | 'accepted' = 'rejected'): Arrivals => ({
  ...QUIET,
  counts: [{ verdict, reason, count: 4 }],
  refusals: [{ at: AT, verdict, reason, detail: `because of ${reason}`, noticeType: null }],
});

describe('a diagnosis', () => {
  it('walks every step of the way, and finds nothing wrong where nothing is', () => {
    const { steps, cause } = diagnose(facts());
    expect(steps.map(({ step, judgement }) => [step, judgement])).toEqual(STEPS.map((step) => [step, 'ok']));
    expect(cause).toBeNull();
  });

  const PROBLEMS: readonly (readonly [what: string, DiagnosisFacts, step: StepName, code: FindingCode])[] = [
    ['no public address', lost({ callbackUrl: null }), 'address', 'address_missing'],
    [
      'a disabled channel',
      lost({ channel: { ...HEALTHY.channel, status: 'disabled' } }),
      'address',
      'channel_disabled',
    ],
    [
      'a redirect',
      lost({ reach: { kind: 'redirect', status: 301, location: 'https://www.pay.example/' } }),
      'reach',
      'reach_redirect',
    ],
    ['a login page before it', lost({ reach: { kind: 'blocked', status: 403 } }), 'reach', 'reach_blocked'],
    ['another program there', lost({ reach: { kind: 'stranger', status: 200 } }), 'reach', 'reach_stranger'],
    ['no connection', lost({ reach: { kind: 'failed', host: 'pay.example' } }), 'reach', 'reach_failed'],
    ['no answer in time', lost({ reach: { kind: 'late', host: 'pay.example', ms: 5_000 } }), 'reach', 'reach_late'],
    ['an order that nobody knows', lost(), 'provider', 'provider_unknown'],
    [
      'a provider that is away',
      lost({ asked: { kind: 'problem', code: 'timed_out', detail: 'it did not answer.' } }),
      'provider',
      'provider_away',
    ],
    [
      'API credentials that are refused',
      lost({ asked: { kind: 'problem', code: 'refused', detail: 'sign error.' } }),
      'provider',
      'provider_refused',
    ],
    [
      'a channel gone quiet',
      lost({ asked: { kind: 'cannot' }, arrivals: { ...QUIET, silence: { kind: 'silent', forMs: 6e5, perHour: 40 } } }),
      'usual',
      'usual_silent',
    ],
    [
      'an order that nobody registered',
      facts({ order: order({ deliveries: [] }, { parkedAt: AT }) }),
      'recorded',
      'order_parked',
    ],
    ['an order that is held', facts({ order: order({ held: true, deliveries: [] }) }), 'recorded', 'order_held'],
    [
      'a payment that only the query told of',
      facts({ order: order({ timeline: [{ ...TOLD, source: 'query' }] }) }),
      'recorded',
      'order_learnt',
    ],
    [
      'a paused channel',
      facts({ order: order({ deliveries: [] }), channel: { ...HEALTHY.channel, status: 'paused' } }),
      'origins',
      'channel_paused',
    ],
    [
      'a channel without an origin',
      facts({ order: order({ deliveries: [] }), channel: { ...HEALTHY.channel, origins: [] } }),
      'origins',
      'origins_none',
    ],
    [
      'a dead delivery',
      facts({ order: order({ deliveries: [{ ...DELIVERED, state: 'dead', attempts: [REFUSED] }] }) }),
      'deliveries',
      'delivery_dead',
    ],
    [
      'an origin that fails',
      facts({
        order: order({ deliveries: [{ ...DELIVERED, state: 'waiting', dueAt: NOW, attempts: [REFUSED] }] }),
      }),
      'deliveries',
      'delivery_retries',
    ],
    [
      'an origin that fails and is tried again now',
      facts({ order: order({ deliveries: [{ ...DELIVERED, state: 'in_flight', attempts: [REFUSED] }] }) }),
      'deliveries',
      'delivery_again',
    ],
    [
      'an event without a receiver',
      facts({ order: order({ deliveries: [{ ...DELIVERED, state: 'skipped', reason: 'no_origin', attempts: [] }] }) }),
      'deliveries',
      'delivery_skipped',
    ],
  ];
  it.each(PROBLEMS)('begins with the cause: %s', (_, given, step, code) => {
    expect(causeOf(given)).toEqual([step, code]);
  });

  it.each(REJECTION_REASONS.filter((reason) => reason !== 'unknown_channel'))('says how to mend %s', (reason) => {
    const given = lost({ arrivals: counted(reason) });
    const isHarmless = reason === 'method_not_allowed' || reason === 'signature_probe';
    const found = find(given, isHarmless ? 'refused_harmless' : 'refused');
    if (!found) throw new Error('not found');
    expect(found.judgement).toBe(isHarmless ? 'ok' : 'problem');
    const { seen, fix } = inEnglish(found, {});
    expect(seen).toMatch(/^4 refused: [A-Z]/);
    expect(seen.includes(`because of ${reason}`)).toBe(!isHarmless);
    expect(fix?.length).toBeGreaterThan(20);
    expect(causeOf(given)).toEqual(isHarmless ? ['provider', 'provider_unknown'] : ['refusals', 'refused']);
  });

  it.each([
    ['right', { taken: 2, lastAt: AT }, 'so the keys are right'],
    ['wrong', { lastAt: null }, 'most likely the key is wrong'],
    ['other than before', { lastAt: AT }, 'came at 2026-01-01T02:59:00.000Z: something changed since'],
  ])('tells by what else came whether the keys are %s', (_, seen, told) => {
    const found = find(lost({ arrivals: { ...counted('signature_invalid'), ...seen } }), 'refused');
    expect(found && inEnglish(found, {}).fix).toContain(told);
  });

  it('names the refused callback of this very order before others of that time', () => {
    const own = {
      at: AT,
      verdict: 'rejected',
      reason: 'timestamp_stale',
      detail: '301 s off',
      noticeType: null,
    } as const;
    const given = lost({ arrivals: { ...counted('signature_invalid'), aboutOrder: [own] } });
    const cause = diagnose(given).cause?.finding;
    expect(causeOf(given)).toEqual(['refusals', 'refused_order']);
    const { seen, fix } = inEnglish(cause ?? { code: 'usual', judgement: 'ok', given: {}, next: [] }, {});
    expect(seen).toContain('was refused at 2026-01-01T02:59:00.000Z: Too old, or from the future. 301 s off');
    expect(fix).toContain('check the clock');
    const paidSince = facts({ arrivals: { ...QUIET, aboutOrder: [own] } });
    expect([find(paidSince, 'refused_order')?.judgement, diagnose(paidSince).cause]).toEqual(['unknown', null]);
  });

  it('blames the refusal of its callback where only the query told of a payment', () => {
    const told = order({ timeline: [{ ...TOLD, source: 'query' }] });
    const news = { kind: 'found', providerState: 'SUCCESS', isPaid: true, isNews: true } as const;
    expect(causeOf(facts({ order: told, asked: news, arrivals: QUIET }))).toEqual(['provider', 'provider_repaired']);
    const refused = facts({ order: told, asked: news, arrivals: counted('signature_invalid') });
    expect(causeOf(refused)).toEqual(['refusals', 'refused']);
    const dead = order({ timeline: told.timeline, deliveries: [{ ...DELIVERED, state: 'dead', attempts: [REFUSED] }] });
    expect(causeOf({ ...refused, order: dead })).toEqual(['deliveries', 'delivery_dead']);
  });

  it('blames no refusal for an order that was taken and delivered', () => {
    const given = facts({ arrivals: counted('signature_invalid') });
    expect([find(given, 'refused')?.judgement, diagnose(given).cause]).toEqual(['unknown', null]);
  });

  it('blames nothing for an order that nobody has paid', () => {
    const unpaid = order({ timeline: [], deliveries: [] }, { paymentState: 'pending' });
    const asked = { kind: 'found', providerState: 'NOTPAY', isPaid: false, isNews: false } as const;
    const given = facts({ order: unpaid, asked, arrivals: counted('signature_invalid') });
    expect([find(given, 'refused')?.judgement, find(given, 'provider_unpaid')?.judgement]).toEqual(['unknown', 'ok']);
    const { cause, answer } = diagnose(given);
    expect([cause, answer?.step, answer?.finding.code]).toEqual([null, 'provider', 'provider_unpaid']);
  });

  it('answers with the origin’s own word where it took everything', () => {
    const { cause, answer } = diagnose(facts());
    expect([cause, answer?.step, answer?.finding.code]).toEqual([null, 'deliveries', 'delivered']);
    expect(diagnose(facts({ order: order({ deliveries: [] }) })).answer).toBeNull();
  });

  it('believes the provider that an order is paid which nobody registered, or which was paid too little', () => {
    const parked = order({ deliveries: [] }, { parkedAt: AT, paymentState: 'pending' });
    expect([
      find(facts({ order: parked }), 'provider_same'),
      find(facts({ order: parked }), 'provider_unpaid'),
    ]).toEqual([expect.anything(), undefined]);
  });

  it('begins with calls for a channel of nearly this name, whoever told of the payment since', () => {
    const detail = 'No channel is called "shop-wehcat"; check the address at the provider.';
    const stranger = { at: AT, verdict: 'rejected', reason: 'unknown_channel', detail, noticeType: null } as const;
    const arrivals = { ...QUIET, strangers: [stranger], strangersCount: 1 };
    const told = order({ timeline: [{ ...TOLD, source: 'query' }] });
    expect(causeOf(facts({ order: told, arrivals }))).toEqual(['arrivals', 'arrived_elsewhere']);
    expect(causeOf(lost({ arrivals }))).toEqual(['arrivals', 'arrived_elsewhere']);
    const other = { ...stranger, detail: 'No channel is called "wp-login"; check the address at the provider.' };
    expect(find(facts({ arrivals: { ...arrivals, strangers: [other] } }), 'arrived_elsewhere')).toBeUndefined();
  });

  const stopped = { ...DELIVERED, state: 'paused', attempts: [] } as const;
  const [origin] = HEALTHY.channel.origins;
  it('begins with what paused a delivery', () => {
    const paused = facts({
      order: order({ deliveries: [stopped] }),
      channel: { ...HEALTHY.channel, origins: origin ? [{ ...origin, status: 'paused', pauseReason: 'failing' }] : [] },
    });
    expect(causeOf(paused)).toEqual(['origins', 'origin_paused']);
    const other = order({ deliveries: [{ ...stopped, originId: 'another' }] });
    expect(causeOf({ ...paused, order: other })).toEqual(['deliveries', 'delivery_stopped']);
    const channel = { ...HEALTHY.channel, status: 'paused' } as const;
    expect(causeOf({ ...paused, channel, order: other })).toEqual(['origins', 'channel_paused']);
  });

  describe('of a channel with alarms', () => {
    const alarms = [
      { code: 'discrepancies_open', detail: '3 differ' },
      { code: 'decrypt_failed', detail: 'no key opens it' },
      { code: 'provider_refuses', detail: 'sign error' },
    ];
    const told = ({ findings }: { readonly findings: readonly Finding[] }) =>
      findings.flatMap(({ code, judgement, given }) => (code === 'alarmed' ? [`${given.alarm} ${judgement}`] : []));
    const toldBy = (given: DiagnosisFacts) => {
      const { steps, remarks } = diagnose(given);
      const bySteps = steps.flatMap((step) => told(step).map((one) => `${step.step} ${one}`));
      return [bySteps, told({ findings: remarks })];
    };

    it('takes those that can explain what is missing, and tells the others apart', () => {
      expect(toldBy(lost({ alarms }))).toEqual([
        ['usual decrypt_failed problem', 'provider provider_refuses problem'],
        ['discrepancies_open unknown'],
      ]);
      const silent = { orderNo: null, order: null, asked: { kind: 'not_named' } } as const;
      expect(toldBy(facts({ ...silent, alarms, arrivals: QUIET }))[1]).toEqual(['discrepancies_open unknown']);
    });

    it('takes none where nothing is missing', () => {
      const given = facts({ alarms });
      const { steps, cause } = diagnose(given);
      expect(steps.map(({ step, judgement }) => [step, judgement])).toEqual(STEPS.map((step) => [step, 'ok']));
      expect([cause, toldBy(given)]).toEqual([
        null,
        [[], ['discrepancies_open unknown', 'decrypt_failed unknown', 'provider_refuses unknown']],
      ]);
    });
  });

  it('says what to do about an origin that gives no answer, and leaves no gap where nothing was said', () => {
    const attempts = [
      { ...REFUSED, outcome: 'unreachable', status: null, detail: 'Network connection lost.' },
    ] as const;
    const given = facts({ order: order({ deliveries: [{ ...DELIVERED, state: 'waiting', dueAt: NOW, attempts }] }) });
    const found = find(given, 'delivery_retries');
    const { seen, fix } = inEnglish(found ?? { code: 'usual', judgement: 'ok', given: {}, next: [] }, {});
    expect(seen).toContain('unreachable. Network connection lost. Next attempt');
    expect(fix).toContain('its firewall lets Cloudflare in');
  });

  it('takes an answer that is not proved for a wrong key, not for an outage', () => {
    const given = lost({ asked: { kind: 'problem', code: 'unverified', detail: 'no key fits.' } });
    expect(causeOf(given)).toEqual(['provider', 'provider_unproved']);
  });

  it('calls a callback that came after the query late, and not lost', () => {
    const late = { at: AT, verdict: 'duplicate', reason: null, detail: null, noticeType: null } as const;
    const told = order({ timeline: [{ ...TOLD, source: 'query' }] });
    const given = facts({ order: told, arrivals: { ...QUIET, aboutOrder: [late] } });
    expect([find(given, 'order_learnt'), find(given, 'arrived_again')?.given]).toEqual([undefined, { count: 1 }]);
  });

  it('lets who would have been refused by an allowlist that only watches be no problem', () => {
    const given = facts({ arrivals: counted('source_not_allowed', 'accepted') });
    expect(find(given, 'outside_watched')?.judgement).toBe('ok');
    expect(find(given, 'refused_none')).toBeDefined();
  });

  it.each([
    ['shop-wehcat', 'problem'],
    ['shop_wechat', 'problem'],
    ['Shop-WeChat', 'problem'],
    ['shop-wechat1', 'problem'],
    ['shop-wechat/', 'problem'],
    ['wp-login.php', 'unknown'],
    ['x', 'unknown'],
    ['', 'unknown'],
  ])('knows whether a call for %s was meant for this channel', (called, judgement) => {
    const detail = `No channel is called ${JSON.stringify(called)}; check the address at the provider.`;
    const stranger = { at: AT, verdict: 'rejected', reason: 'unknown_channel', detail, noticeType: null } as const;
    const given = lost({ arrivals: { ...QUIET, strangers: [stranger], strangersCount: 2 } });
    expect(find(given, 'arrived_elsewhere')?.judgement).toBe(judgement);
  });

  it('has only the time to go by where no order is named', () => {
    const silent = { kind: 'silent', forMs: 35 * 60_000, perHour: 40 } as const;
    const timed = { orderNo: null, order: null, asked: { kind: 'not_named' } } as const;
    const given = facts({
      ...timed,
      arrivals: { ...QUIET, silence: silent, others: { count: 2, heard: 0 }, open: [{ state: 'dead', count: 3 }] },
    });
    const said = findingsOf(given).map((one) => inEnglish(one, {}).seen);
    expect(said).toContain('Yes: normally 40 an hour, none for 35 minutes.');
    expect(said).toContain('None of the 2 other channels of this provider took any in that time either.');
    expect(said).toContain('Of what arrived in that time 3 deliveries are not over: dead.');
    expect(causeOf(given)).toEqual(['usual', 'usual_silent']);
  });

  it('says what it could not see, and lets that be no problem', () => {
    const blind = facts({ arrivals: null, reach: { kind: 'skipped' }, asked: { kind: 'skipped' } });
    const { steps, cause } = diagnose(blind);
    const unknown = steps.filter(({ judgement }) => judgement === 'unknown').map(({ step }) => step);
    expect([unknown, cause]).toEqual([['reach', 'arrivals', 'refusals', 'provider'], null]);
  });

  it('knows a test callback of the gateway’s own, and which origin takes none', () => {
    const given = facts({ orderNo: 'TEST-1', isRehearsal: true, order: null, asked: { kind: 'not_named' } });
    const codes = findingsOf(given).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['order_rehearsal', 'origin_no_tests']));
    expect(diagnose(given).cause).toBeNull();
  });

  it('tells what came besides and changed no order', () => {
    const counts = [
      { verdict: 'duplicate', reason: null, count: 2 },
      { verdict: 'ignored', reason: null, count: 1 },
    ] as const;
    const timed = { orderNo: null, order: null, asked: { kind: 'not_named' } } as const;
    const said = findingsOf(facts({ ...timed, arrivals: { ...QUIET, counts } })).map((one) => inEnglish(one, {}).seen);
    expect(said).toContain('And 2 that changed no order: duplicate.');
    expect(said.join()).not.toContain('took no callback');
  });

  it('does not claim that a local run is reached from outside', () => {
    const given = facts({ isLocal: true, callbackUrl: 'http://127.0.0.1:8787/callbacks/shop-wechat' });
    const codes = findingsOf(given).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['address_local', 'reach_local']));
    expect(codes).not.toContain('reach_ok');
  });
});

describe('what a diagnosis says', () => {
  const texts: Readonly<Record<string, { readonly en: string; readonly zh: string }>> = { ...inbound, ...outbound };
  const codes = Object.keys(texts).flatMap((key) => (key.startsWith('seen.') ? [key.slice(5)] : []));

  it('has a mend for no finding that does not exist', () => {
    const mends = Object.keys(texts).flatMap((key) => (key.startsWith('fix.') ? [key.slice(4)] : []));
    expect(mends.filter((code) => !codes.includes(code))).toEqual([]);
  });

  it('fills in all that a text wants', () => {
    const everything = [
      ...Object.values({ HEALTHY, lost: lost(), facts: facts() }),
      facts({ order: order({ deliveries: [{ ...DELIVERED, state: 'dead', attempts: [REFUSED] }] }) }),
      facts({ order: order({ held: true }, { flags: ['underpaid'] }) }),
    ];
    for (const finding of everything.flatMap(findingsOf)) {
      const wanted = [...(texts[textsOf(finding).seen]?.en ?? '').matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect([finding.code, wanted.filter((name) => !(String(name) in finding.given))]).toEqual([finding.code, []]);
    }
  });

  it('puts codes into words, and leaves what an origin answered as it is', () => {
    const dead = find(
      facts({ order: order({ deliveries: [{ ...DELIVERED, state: 'dead', attempts: [REFUSED] }] }) }),
      'delivery_dead',
    );
    if (!dead) throw new Error('not found');
    const given = inWords(dead, (family, code) => `${family}:${code}`);
    expect([given.outcome, given.answer]).toEqual(['outcome:refused', 'no room <b>']);
    expect(inEnglish(dead, {}).seen).toBe(
      'Event 1 is out of attempts at origin shop, after 1: refused 500. no room <b>',
    );
  });

  it('fills nothing into what was given', () => {
    const given = lost({ reach: { kind: 'redirect', status: 301, location: '{status} {constructor}' } });
    const found = find(given, 'reach_redirect');
    expect(found && inEnglish(found, {}).seen).toContain('led elsewhere: {status} {constructor}.');
  });
});
