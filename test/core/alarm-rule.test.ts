// When alarms are told and how: rules, quiet hours, repetition, and the form of each platform.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { Bulletin, BulletinItem } from '../../src/alarm/index.ts';
import { alarmWords, FORMS, hookProblem, shownAddress } from '../../src/alarm/index.ts';
import { whereOf } from '../../src/alarm/where.ts';
import { ALARM_CODES, type AlarmRecord } from '../../src/core/alarm.ts';
import { DESTINATION_KINDS, noteDue, quietUntil, rulesWith, type ToldAlarm } from '../../src/core/alarm-rule.ts';
import { spikeOf, sumBacklogs } from '../../src/core/vitals.ts';

const NOW = Date.parse('2026-11-20T15:30:00Z');
const MINUTE_MS = 60_000;
const at = (clock: string, day = 20) => Date.parse(`2026-11-${day}T${clock}:00Z`);

describe('quiet hours', () => {
  const night = { from: 22 * 60, to: 7 * 60, utcOffsetMinutes: 480 };
  const berlin = { ...night, timeZone: 'Europe/Berlin' };
  it.each([
    ['before them', night, at('13:59'), at('13:59')],
    ['from their first minute', night, at('14:00'), at('23:00')],
    ['before midnight there', night, at('15:30'), at('23:00')],
    ['after midnight there', night, at('16:30'), at('23:00')],
    ['in their last minute', night, at('22:59'), at('23:00')],
    ['at their end', night, at('23:00'), at('23:00')],
    ['within one day', { from: 60, to: 120, utcOffsetMinutes: 0 }, at('01:30'), at('02:00')],
    ['after them, within one day', { from: 60, to: 120, utcOffsetMinutes: 0 }, at('02:00'), at('02:00')],
    ['west of Greenwich', { from: 0, to: 360, utcOffsetMinutes: -300 }, at('05:30'), at('11:00')],
    ['that are empty', { from: 60, to: 60, utcOffsetMinutes: 0 }, at('01:00'), at('01:00')],
    ['where clocks go forward that night', berlin, Date.UTC(2026, 2, 28, 22), Date.UTC(2026, 2, 29, 5)],
    ['where clocks go back that night', berlin, Date.UTC(2026, 9, 24, 21), Date.UTC(2026, 9, 25, 6)],
    ['in summer, by the name of a zone', berlin, Date.UTC(2026, 6, 1, 20), Date.UTC(2026, 6, 2, 5)],
    ['in winter, before they begin', berlin, Date.UTC(2026, 0, 1, 20, 59), Date.UTC(2026, 0, 1, 20, 59)],
    ['half an hour off', { ...night, timeZone: 'Asia/Kolkata' }, Date.UTC(2026, 0, 1, 17), Date.UTC(2026, 0, 2, 1, 30)],
    ['that are not chosen', null, at('01:00'), at('01:00')],
  ])('%s', (_, hours, now, until) => {
    expect(new Date(quietUntil(hours, now)).toISOString()).toBe(new Date(until).toISOString());
  });
});

const alarm = (more: Partial<AlarmRecord> = {}): AlarmRecord => ({
  code: 'order_flagged',
  subject: 'order/shop/tea-1',
  detail: 'odd',
  count: 1,
  firstAt: NOW,
  lastAt: NOW,
  state: 'open',
  actedBy: null,
  actedAt: null,
  rev: 1,
  ...more,
});
const told = (more: Partial<ToldAlarm> = {}): ToldAlarm => ({
  kind: 'raised',
  firstAt: NOW,
  count: 1,
  at: NOW,
  ...more,
});
const destination = {
  id: 'ops',
  enabled: true,
  quietHours: { from: 22 * 60, to: 7 * 60, utcOffsetMinutes: 480 },
};
const rule = rulesWith({}).order_flagged;
const due = (more: Partial<Parameters<typeof noteDue>[0]>, now = NOW) =>
  noteDue({ alarm: alarm(), rule, destination, told: null, isWaiting: false, ...more }, now);

describe('what is due', () => {
  const morning = at('23:00');
  it('is the first message, after the quiet hours, or at once when it is urgent', () => {
    expect(due({})).toEqual({ kind: 'raised', dueAt: morning });
    expect(due({ rule: { ...rule, critical: true } })).toEqual({ kind: 'raised', dueAt: NOW });
  });
  it('is nothing for whom it is not meant, and what waits is dropped', () => {
    const unmeant = [
      { rule: { ...rule, enabled: false } },
      { rule: { ...rule, destinations: ['other'] } },
      { destination: { ...destination, enabled: false } },
      { alarm: alarm({ code: 'notification_dead', subject: 'destination/ops' }) },
    ];
    for (const one of unmeant) {
      expect(due(one)).toBeNull();
      expect(due({ ...one, isWaiting: true })).toBe('drop');
    }
    expect(due({ rule: { ...rule, destinations: ['ops'] } })).not.toBeNull();
  });
  it('is one message in the time that the rule says, however often it comes', () => {
    const more = { told: told(), rule: { ...rule, critical: true } };
    expect(due({ ...more, alarm: alarm({ count: 12 }) })).toEqual({ kind: 'again', dueAt: NOW + 60 * MINUTE_MS });
    expect(due({ ...more, alarm: alarm({ count: 1 }) })).toBeNull();
    const later = NOW + 90 * MINUTE_MS;
    expect(due({ ...more, alarm: alarm({ count: 13 }) }, later)).toEqual({ kind: 'again', dueAt: later });
  });
  it('is nothing more once somebody has it in hand, and one word when it is over', () => {
    const acknowledged = alarm({ state: 'acknowledged', count: 5 });
    expect(due({ alarm: acknowledged, told: told() })).toBeNull();
    expect(due({ alarm: acknowledged, told: told(), isWaiting: true })).toBe('drop');
    expect(due({ alarm: acknowledged })).toBeNull();
    const over = alarm({ state: 'resolved' });
    expect(due({ alarm: over, told: told() })).toEqual({ kind: 'resolved', dueAt: morning });
    expect(due({ alarm: over, told: told({ kind: 'resolved' }) })).toBeNull();
    expect(due({ alarm: over })).toBeNull();
  });
  it('is a first message again when it comes back after it was over', () => {
    const anew = alarm({ firstAt: NOW + 1 });
    expect(due({ alarm: anew, told: told() })).toMatchObject({ kind: 'raised' });
  });
});

describe('rules', () => {
  it('are as usual but for what was chosen', () => {
    const rules = rulesWith({ backlog_age: { minutes: 3 }, order_held: { enabled: false } });
    expect(rules.backlog_age).toMatchObject({ minutes: 3, enabled: true, critical: true, repeatMinutes: 60 });
    expect(rules.order_held.enabled).toBe(false);
    expect(Object.keys(rules)).toEqual([...ALARM_CODES]);
  });
  it('have words for every alarm, in both languages', () => {
    const keys = Object.keys(alarmWords).sort();
    expect(keys).toEqual(ALARM_CODES.flatMap((code) => [`alarm.${code}`, `next.${code}`]).sort());
  });
});

it('the page about alarms has a row for each, and says which are urgent', () => {
  const rows = readFileSync('docs/alarms.md', 'utf8').matchAll(/^\| `(\w+)` \|.*\| (yes)? ?\| [^|]*\|$/gm);
  const told = [...rows].map(([, code = '', urgent]) => [code, urgent === 'yes']);
  const rules = rulesWith({});
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(ALARM_CODES.map((code) => [code, rules[code].critical])));
});

describe('a spike of refusals', () => {
  const day = { recentMinutes: 10, beforeMinutes: 1_440 };
  it.each([
    ['where usually none is', { recent: 100, before: 0 }, true],
    ['below the least that counts', { recent: 99, before: 0 }, false],
    ['as many as usual', { recent: 100, before: 14_400 }, false],
    ['five times as many', { recent: 500, before: 14_400 }, true],
    ['a little less than five times', { recent: 499, before: 14_400 }, false],
  ])('%s', (_, counted, isOne) => {
    expect(spikeOf({ ...day, ...counted }, { perMinute: 10, times: 5 }) !== null).toBe(isOne);
  });
});

it('the backlog of a channel is that of its shards, with the oldest of them', () => {
  const none = { waiting: 0, oldestAt: null, originId: null };
  expect(sumBacklogs([none, { waiting: 2, oldestAt: 5, originId: 'b' }, { waiting: 1, oldestAt: 3, originId: 'a' }])) //
    .toEqual({ waiting: 3, oldestAt: 3, originId: 'a' });
  expect(sumBacklogs([none, none])).toEqual(none);
});

const item = (more: Partial<BulletinItem> = {}): BulletinItem => ({
  kind: 'raised',
  code: 'delivery_dead',
  subject: 'order/shop/TEA_1',
  detail: 'evt_1 was not delivered (500 <b>*no*</b> [click](http://evil.example) @all)',
  count: 1,
  since: null,
  firstAt: NOW,
  lastAt: NOW,
  critical: true,
  link: 'https://pay.example/console/orders/shop/TEA_1',
  ...more,
});
const bulletin = (more: Partial<Bulletin> = {}): Bulletin => ({
  id: 'msg_1',
  at: NOW,
  language: 'en',
  items: [item()],
  more: 0,
  link: 'https://pay.example/console/alarms',
  ...more,
});
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const address = {
  url: 'https://hook.example/services/x?access_token=t',
  secret: 'SEC1',
  from: 'a@b.example',
  to: ['c@d.example'],
};
async function rendered(kind: (typeof DESTINATION_KINDS)[number], of = bulletin(), more: object = {}) {
  const message = await FORMS[kind].render(of, { ...address, ...more }, NOW);
  if (message.kind === 'email') throw new Error('not a request');
  return { ...message, json: JSON.parse(message.body) };
}

describe('a message', () => {
  it('names the order and the next step, in the reader’s language, in every form', async () => {
    for (const kind of DESTINATION_KINDS) {
      for (const [language, next] of [
        ['en', 'Next: '],
        ['zh', '处理：'],
      ] as const) {
        const message = await FORMS[kind].render(bulletin({ language }), { ...address, secret: SECRET }, NOW);
        const text = message.kind === 'email' ? message.text : JSON.stringify(JSON.parse(message.body));
        expect(text).toContain('TEA_1');
        if (kind !== 'webhook') expect(text).toContain(next); // a program has the code
        expect(text).toContain('/console/orders/shop/TEA_1');
      }
    }
  });

  it('to Feishu is a post, signed in its body under the time and the secret', async () => {
    const { url, json } = await rendered('feishu', bulletin({ language: 'zh' }));
    expect(url).toBe(address.url);
    expect(json).toMatchObject({ msg_type: 'post', timestamp: String(NOW / 1_000) });
    expect(json.sign).toBe(
      createHmac('sha256', `${NOW / 1_000}\nSEC1`)
        .update('')
        .digest('base64'),
    );
    expect(json.content.post.zh_cn.title).toContain('投递已用尽重试');
    expect(json.content.post.zh_cn.content.at(-1)).toEqual([expect.objectContaining({ tag: 'a' })]);
    const bare = (await rendered('feishu', bulletin(), { secret: null })).json;
    expect([bare.sign, bare.timestamp]).toEqual([undefined, undefined]);
    expect(FORMS.feishu.complaint(200, '{"code":0,"msg":"success"}')).toBeNull();
    expect(FORMS.feishu.complaint(200, '{"code":19021,"msg":"sign match fail"}')).toBe('19021 sign match fail');
    expect(FORMS.feishu.complaint(200, 'hello')).not.toBeNull();
  });

  it('to DingTalk is Markdown, signed in the query in milliseconds', async () => {
    const { url, json } = await rendered('dingtalk');
    const query = new URL(url).searchParams;
    expect(query.get('access_token')).toBe('t');
    expect(query.get('timestamp')).toBe(String(NOW));
    expect(query.get('sign')).toBe(createHmac('sha256', 'SEC1').update(`${NOW}\nSEC1`).digest('base64'));
    expect(json.msgtype).toBe('markdown');
    expect((await rendered('dingtalk', bulletin(), { secret: null })).url).toBe(address.url);
    expect(FORMS.dingtalk.complaint(200, '{"errcode":310000,"errmsg":"sign not match"}')).toBe('310000 sign not match');
  });

  it('to WeCom is Markdown of at most 4096 bytes, whole characters', async () => {
    const long = item({ detail: '订单'.repeat(400) });
    const { json } = await rendered('wecom', bulletin({ language: 'zh', items: Array(10).fill(long), more: 37 }));
    expect(Buffer.byteLength(json.markdown.content)).toBeLessThanOrEqual(4_096);
    expect(json.markdown.content).not.toContain('\uFFFD');
    expect(FORMS.wecom.complaint(200, '{"errcode":0,"errmsg":"ok"}')).toBeNull();
  });

  it('to Slack is a section for each alarm, of the length that Slack takes', async () => {
    const { json } = await rendered('slack', bulletin({ items: [item({ detail: '&'.repeat(2_000) })], more: 1 }));
    expect(json.text).toContain('2 alarms');
    for (const { text } of json.blocks) expect(text.text.length).toBeLessThanOrEqual(3_000);
    expect(json.blocks[0].text.text).toMatch(/\n<https:[^|]+\|Open Tollgate>$/);
    expect(FORMS.slack.complaint(404, 'no_team')).toBe('404 no_team');
    expect(FORMS.slack.complaint(200, 'ok')).toBeNull();
  });

  it('to a program is JSON that a library of the specification verifies', async () => {
    const { headers, body, json } = await rendered('webhook', bulletin(), { secret: SECRET });
    const now = Math.floor(Date.now() / 1_000);
    const fresh = await FORMS.webhook.render(bulletin(), { ...address, secret: SECRET }, now * 1_000);
    if (fresh.kind === 'email') throw new Error('not a request');
    expect(() => new Webhook(SECRET).verify(fresh.body, { ...fresh.headers })).not.toThrow();
    expect(headers['webhook-id']).toBe('msg_1');
    expect(body).toContain('"type":"alarm.raised"');
    expect(json.data.alarms[0]).toMatchObject({ code: 'delivery_dead', subject: 'order/shop/TEA_1', count: 1 });
    const many = await rendered('webhook', bulletin({ more: 37 }), { secret: SECRET });
    expect([many.json.type, many.json.data.more]).toEqual(['alarm.digest', 37]);
  });

  it('by mail has one line of subject, and no markup', async () => {
    const message = await FORMS.email.render(bulletin({ items: [item({ code: 'x\r\nBcc: evil' })] }), address, NOW);
    if (message.kind !== 'email') throw new Error('a mail');
    expect(message.subject).not.toMatch(/[\r\n]/);
    expect(message).toMatchObject({ from: 'a@b.example', to: ['c@d.example'] });
  });

  const EVILS = [
    ...['<at user_id="all">', '<@all>', '<!channel>', '@all', '@everyone', '&lt;!here&gt;', '&#64;all', '<b>', '*no*'],
    ...['_no_', '~no~', '`no`', '](http://evil.example)', 'https://evil.example/x', '## no', 'a\n\n# no', '\u202eno'],
    ...['<font color="warning">', '![x](https://evil.example/x.png)', '<https://evil.example|Open the console>', '\\*'],
  ];
  it.each(EVILS)('makes harmless what a stranger writes: %j', async (evil) => {
    const orderNo = `A${evil.replaceAll('/', '')}`;
    const link = `https://pay.example${whereOf({ code: 'order_held', subject: `order/shop/${orderNo}` })}`;
    const items = [item({ detail: `it said ${evil}`, subject: `order/shop/${orderNo}`, link })];
    for (const kind of ['feishu', 'dingtalk', 'wecom', 'slack'] as const) {
      const { body } = await rendered(kind, bulletin({ items }));
      const links = [...body.matchAll(/https?:\/\/[^\s"|)]+/g)].map(([url]) => new URL(url).host);
      expect([kind, new Set(links)]).toEqual([kind, new Set(['pay.example'])]);
      const strangers = body.replaceAll(link, '');
      const signs = kind === 'feishu' ? /<at|@|&/ : /<at|<!|<@|<f|<b>|@|&|\*no\*|~no~|`no|!\[|## no|\u202e/;
      expect([kind, signs.exec(strangers)?.[0]]).toEqual([kind, undefined]);
    }
  });

  it('by mail has no address but the console’s, and no line of a stranger’s own', async () => {
    const detail = 'lost\n\nTollgate: log in at https://evil.example/x';
    const message = await FORMS.email.render(bulletin({ items: [item({ detail })] }), address, NOW);
    if (message.kind !== 'email') throw new Error('a mail');
    expect(message.text).not.toContain('https://evil');
    expect(message.text).toContain('lost Tollgate: log in at');
  });

  const longest = item({ detail: '订单'.repeat(250), subject: `order/shop/${'9'.repeat(180)}` });
  it.each([
    ['feishu', 20 * 1_024, (json: { content: unknown }) => JSON.stringify(json.content)],
    ['dingtalk', 15_000, (json: { markdown: { text: string } }) => json.markdown.text],
    ['wecom', 4_096, (json: { markdown: { content: string } }) => json.markdown.content],
  ] as const)(
    'to %s is at most %d bytes, tells whole alarms, and counts the others',
    async (kind, bytesMax, textOf) => {
      for (const language of ['en', 'zh'] as const) {
        const of = bulletin({ language, items: Array(10).fill(longest), more: 37 });
        const { body, json } = await rendered(kind, of);
        expect(Buffer.byteLength(kind === 'feishu' ? body : textOf(json))).toBeLessThanOrEqual(bytesMax);
        const told = [...textOf(json).matchAll(/9{180}(?!\d)(?=，|,)/g)].length;
        const [, more] = /and (\d+) more|另有 (\d+) 条/.exec(textOf(json))?.filter(Boolean) ?? [];
        expect(told).toBeGreaterThan(0);
        expect(Number(more) + told).toBe(47);
      }
    },
  );

  it('names the gateway in its own text, for robots that ask for a keyword', async () => {
    for (const kind of ['feishu', 'dingtalk', 'wecom', 'slack'] as const) {
      const { json } = await rendered(kind);
      expect(JSON.stringify(json.content?.post?.en_us?.content ?? json)).toContain('Tollgate');
    }
  });

  it('says how often it came again, what is over, and how many more there are', async () => {
    const again = item({ kind: 'again', count: 13, since: { count: 12, at: NOW - 3_600_000 } });
    const text = async (of: Bulletin) => (await rendered('dingtalk', of)).json.markdown.text;
    expect(await text(bulletin({ items: [again] }))).toContain('again: 12 times since 2026-11-20 14:30 UTC');
    const several = item({ count: 5, firstAt: NOW - 60_000 });
    expect(await text(bulletin({ items: [several] }))).toContain('5 times since 2026-11-20 15:29 UTC; the last:');
    const over = await text(bulletin({ items: [item({ kind: 'resolved' })] }));
    expect(over).toContain('Over: A delivery is out of attempts');
    expect(over).not.toContain('Next: ');
    expect(await text(bulletin({ more: 37 }))).toContain('and 37 more');
    expect(await text(bulletin({ more: 37, language: 'zh' }))).toContain('另有 37 条');
  });
});

describe('the address of a chat platform', () => {
  it.each([
    ['feishu', 'https://open.feishu.cn/open-apis/bot/v2/hook/x', true],
    ['feishu', 'https://open.larksuite.com/open-apis/bot/v2/hook/x', true],
    ['feishu', 'https://open.feishu.cn.evil.example/open-apis/bot/v2/hook/x', false],
    ['feishu', 'https://open.feishu.cn/open-apis/im/v1/messages', false],
    ['dingtalk', 'https://oapi.dingtalk.com/robot/send?access_token=x', true],
    ['dingtalk', 'http://oapi.dingtalk.com/robot/send?access_token=x', false],
    ['dingtalk', 'https://oapi.dingtalk.com:8443/robot/send?access_token=x', false],
    ['wecom', 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x', true],
    ['slack', 'https://hooks.slack.com/services/T/B/x', true],
    ['slack', 'https://hooks.slack.com@evil.example/services/T/B/x', false],
    ['webhook', 'https://ops.shop.example/alarms', true],
  ] as const)('%s %s', (kind, url, isTaken) => {
    expect(hookProblem(kind, new URL(url), false) === null).toBe(isTaken);
  });
  it('may be one of this machine in a local run, and there alone', () => {
    const here = new URL('http://127.0.0.1:9/robot/send');
    expect(hookProblem('dingtalk', here, true)).toBeNull();
    expect(hookProblem('dingtalk', here, false)).not.toBeNull();
    expect(hookProblem('dingtalk', new URL('https://other.example/robot/send'), true)).not.toBeNull();
  });
});

it.each([
  ['https://ops.shop.example', 'ops.shop.example'],
  ['https://ops.shop.example/hook/s3cr', 'ops.shop.example'],
  ['https://ops.shop.example/a-long-way-to-a-short-one/s3cret-of-19-chars', 'ops.shop.example'],
  ['https://ops.shop.example/hook?key=short&to=1234', 'ops.shop.example'],
  [
    'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a0b1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d',
    'qyapi.weixin.qq.com/…3c4d',
  ],
  ['https://hooks.slack.com/services/T0000/B0000/abcdefghijklmnopqrstuvwx', 'hooks.slack.com/…uvwx'],
])('of the address %s only %s is shown', (url, shown) => {
  expect(shownAddress(url)).toBe(shown);
});

it('an alarm leads to the thing that it is about', () => {
  expect(whereOf({ code: 'order_held', subject: 'order/shop/a b' })).toBe('/console/orders/shop/a%20b');
  expect(whereOf({ code: 'delivery_dead', subject: 'origin/x' })).toBe('/console/deliveries?state=dead');
  expect(whereOf({ code: 'key_expiring', subject: 'channel/shop/SERIAL' })).toBe('/console/channels/shop');
  expect(whereOf({ code: 'breaker_open', subject: 'origin/erp' })).toBe('/console/origins/erp');
});
