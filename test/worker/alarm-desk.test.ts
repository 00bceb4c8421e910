// From an alarm in the registry to a message at a destination: rules, repetition, outages, floods, restarts, and what
// people do about alarms through /v1.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Alarm } from '../../src/core/alarm.ts';
import { ALARMS_KEPT_MAX, NOTE_DEAD_MS, NOTES_WAITING_MAX } from '../../src/core/limits.ts';
import { pruneAlarms } from '../../src/store/registry-alarms.ts';
import { call, makeChannel, makeKey, makeOrigin, unique } from './api-world.ts';

const registry = () => env.REGISTRY.getByName('registry');
const desk = () => env.ALARM_DESK.getByName('alarms');
const sql = (statement: string, ...bound: (string | number)[]) =>
  runInDurableObject(desk(), (_, { storage }) => storage.sql.exec(statement, ...bound).toArray());

type Post = { readonly url: string; readonly body: string; readonly headers: Headers; readonly redirect: unknown };
let posts: Post[] = [];
let answer: (post: Post) => Response | Promise<Response> = () => new Response('{"code":0,"errcode":0}');
let destinations: string[] = [];

beforeEach(() => {
  posts = [];
  answer = () => new Response('{"code":0,"errcode":0}');
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const { headers, body, redirect } = init;
    const post = { url: String(input), body: String(body), headers: new Headers(headers), redirect };
    posts.push(post);
    return answer(post);
  });
});
afterEach(async () => {
  for (const id of destinations) await call('DELETE', `/v1/alarm-destinations/${id}`);
  destinations = [];
  await call('PUT', '/v1/alarm-rules', { rules: {} });
});

async function make(kind: string, more: object = {}): Promise<string> {
  const id = unique('to');
  const url = `http://127.0.0.1:9/hook/${id}/token-${id}-0123456789`;
  const { status, text } = await call('POST', '/v1/alarm-destinations', { id, kind, url, ...more });
  if (status !== 201) throw new Error(text);
  destinations.push(id);
  return id;
}

const alarm = (subject: string, more: Partial<Alarm> = {}): Alarm => ({
  code: 'order_held',
  subject,
  detail: 'flagged overpaid',
  at: Date.now(),
  ...more,
});
const raise = (...alarms: Alarm[]) => registry().raiseAlarms(alarms);
const listed = async (subject: string, state = 'all') => {
  const { body } = await call('GET', `/v1/alarms?limit=200&state=${state}`);
  return body.items?.find((one) => String(one.subject) === subject);
};

/** Runs something while the registry answers no question about alarms; answers what was logged. */
async function withoutRegistry(during: () => Promise<void>): Promise<string> {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const rename = (from: string, to: string) =>
    runInDurableObject(registry(), (_, { storage }) => storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`));
  await rename('alarms', 'away');
  await during();
  await rename('away', 'alarms');
  return errors.mock.calls.join();
}

/** Reads what is new and sends what is due, as if the waits were over. */
async function run(): Promise<void> {
  await desk().poke(Date.now());
  await runDurableObjectAlarm(desk());
  await sql("UPDATE notes SET due_at = ? WHERE state = 'waiting' AND kind <> 'again'", Date.now());
  await sql('UPDATE paces SET next_at = 0');
  await desk().poke(Date.now());
  await runDurableObjectAlarm(desk());
}
const sentTo = (id: string) => posts.filter(({ url }) => url.includes(`/${id}/`));

describe('an alarm', () => {
  it('is told to each destination in its language, with the order, the next step and where to look', async () => {
    const [feishu, slack] = [await make('feishu', { language: 'zh', secret: 'SEC' }), await make('slack')];
    await raise(alarm('order/shop/tea-1'));
    await run();
    const [zh] = sentTo(feishu);
    const [en] = sentTo(slack);
    expect(zh?.body).toContain('订单 tea-1，渠道 shop');
    expect(zh?.body).toContain('处理：请查看标记');
    expect(JSON.parse(zh?.body ?? '')).toMatchObject({ msg_type: 'post', sign: expect.any(String) });
    expect(en?.body).toContain('Next: Look at its flags');
    expect(en?.body).toContain('http://127.0.0.1:8787/console/orders/shop/tea-1');
    expect(en?.redirect).toBe('manual');
    await run();
    expect(posts.length).toBe(2);
    const told = (await listed('order/shop/tea-1'))?.told?.map(({ destination, state }) => [destination, state]);
    expect(told).toEqual(
      expect.arrayContaining([
        [feishu, 'sent'],
        [slack, 'sent'],
      ]),
    );
  });

  it('that goes on is told once more after a while, with how often it came; and once when it is over', async () => {
    const id = await make('slack');
    const subject = 'order/shop/again-1';
    await raise(alarm(subject));
    await run();
    for (let n = 0; n < 12; n++) await raise(alarm(subject));
    await run();
    expect(posts.length).toBe(1);
    await sql("UPDATE notes SET due_at = ? WHERE state = 'waiting'", Date.now());
    await run();
    expect(posts.length).toBe(2);
    expect(posts[1]?.body).toContain('again: 12 times since');
    await raise(alarm(subject, { ended: true, at: Date.now() + 1_000 }));
    await run();
    expect(posts.length).toBe(3);
    expect(posts[2]?.body).toContain('Over: An order is held');
    expect(await listed(subject, 'wanting')).toBeUndefined();
    expect(await listed(subject)).toMatchObject({ state: 'resolved', actedBy: 'gateway' });
    await raise(alarm(subject, { at: Date.now() + 2_000 }));
    await run();
    expect(sentTo(id).length).toBe(4);
    expect(await listed(subject)).toMatchObject({ state: 'open', count: 1, actedBy: null });
  });

  it('that somebody acknowledged is told to nobody again, and resolved it leaves the list', async () => {
    await make('slack');
    const subject = 'order/shop/mine-1';
    await raise(alarm(subject));
    await run();
    const id = (await listed(subject))?.id;
    const viewer = await makeKey('read');
    expect((await call('POST', `/v1/alarms/${id}/acknowledge`, undefined, { key: viewer })).status).toBe(403);
    const operator = await makeKey('operate');
    const acknowledged = await call('POST', `/v1/alarms/${id}/acknowledge`, undefined, { key: operator });
    expect(acknowledged.body).toMatchObject({ state: 'acknowledged', actedBy: expect.stringMatching(/^key_/) });
    await raise(alarm(subject));
    await sql("UPDATE notes SET due_at = ? WHERE state = 'waiting'", Date.now());
    await run();
    expect(posts.length).toBe(1);
    expect((await call('POST', `/v1/alarms/${id}/resolve`)).body).toMatchObject({
      state: 'resolved',
      actedBy: 'admin',
    });
    expect((await call('POST', `/v1/alarms/${id}/resolve`)).body).toMatchObject({
      state: 'resolved',
      actedBy: 'admin',
    });
    await run();
    expect(posts.length).toBe(2);
    expect(await listed(subject, 'wanting')).toBeUndefined();
    expect((await call('POST', '/v1/alarms/bm9wZSB4/resolve')).status).toBe(404);
    expect((await call('POST', '/v1/alarms/%21/resolve')).status).toBe(404);
  });

  it('is dropped last of those that nobody has resolved, when there are more than are kept', async () => {
    const old = 'order/shop/oldest';
    await raise(alarm(old, { at: 1 }));
    const kept = await runInDurableObject(registry(), (_, { storage: { sql: db } }) => {
      db.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)
         INSERT INTO alarms (code, subject, detail, count, first_at, last_at, state)
         SELECT 'unlinked', 'channel/many-' || i, '', 1, 100 + i, 100 + i, 'resolved' FROM n`,
        ALARMS_KEPT_MAX,
      );
      pruneAlarms(db);
      const total = db.exec<{ n: number }>('SELECT COUNT(*) AS n FROM alarms').one().n;
      db.exec("DELETE FROM alarms WHERE subject LIKE 'channel/many-%'");
      return total;
    });
    expect(kept).toBe(ALARMS_KEPT_MAX);
    expect(await listed(old)).toMatchObject({ state: 'open' });
  });

  it('is told once the registry can be asked again', async () => {
    await make('slack');
    await raise(alarm('order/shop/unasked'));
    const errors = await withoutRegistry(async () => {
      await desk().poke(Date.now());
      await runDurableObjectAlarm(desk());
    });
    expect(errors).toContain('"hop":"notify"');
    expect(posts).toEqual([]);
    await run();
    expect(posts.length).toBe(1);
  });

  it('that the desk knows of leaves while the registry is away', async () => {
    const id = await make('slack');
    answer = () => new Response('busy', { status: 503 });
    await raise(alarm('order/shop/known-1'));
    await run();
    answer = () => new Response('ok');
    posts = [];
    await withoutRegistry(run);
    expect(sentTo(id).map(({ body }) => body.includes('known-1'))).toEqual([true]);
  });

  it('that comes late, after it was resolved, opens nothing', async () => {
    const subject = 'order/shop/late-1';
    const at = Date.now();
    await raise(alarm(subject, { at }));
    await raise(alarm(subject, { ended: true, at: at + 10 }));
    await raise(alarm(subject, { at: at + 5 }));
    expect(await listed(subject)).toMatchObject({ state: 'resolved', count: 2 });
    await raise(alarm(subject, { ended: true, at: at + 20 }), alarm('order/shop/never', { ended: true }));
    expect(await listed('order/shop/never')).toBeUndefined();
  });

  it('that was over by itself is raised at once when it comes back; one that a person closed is not', async () => {
    const subject = `channel/${unique('ch')}`;
    const now = Date.now();
    const tell = (at: number, more: Partial<Alarm> = {}) =>
      registry().raiseNews([{ alarm: alarm(subject, { at, ...more }), since: at - 86_400_000 }]);
    await tell(now - 4_000);
    await tell(now - 3_000, { ended: true });
    await tell(now - 2_000);
    expect(await listed(subject)).toMatchObject({ state: 'open', count: 1 });
    await call('POST', `/v1/alarms/${(await listed(subject))?.id}/resolve`);
    await tell(now + 60_000);
    expect(await listed(subject)).toMatchObject({ state: 'resolved' });
  });

  it('is over by itself where the registry sees it: a resumed origin, a channel that is no longer paused', async () => {
    const [origin, channel] = [await makeOrigin(), await makeChannel()];
    await raise(alarm(`origin/${origin}`, { code: 'origin_paused' }));
    await raise(alarm(`channel/${channel}`, { code: 'channel_paused_long' }));
    await raise(alarm(`channel/${channel}`, { code: 'decrypt_failed' }));
    await call('POST', `/v1/origins/${origin}/pause`);
    await call('POST', `/v1/channels/${channel}/pause`);
    await registry().tick(Date.now());
    const states = async () => {
      const { body } = await call('GET', '/v1/alarms?limit=200&state=all');
      const mine = body.items?.filter(({ subject }) =>
        [`origin/${origin}`, `channel/${channel}`].includes(`${subject}`),
      );
      return Object.fromEntries(mine?.map(({ code, state }) => [String(code), String(state)]) ?? []);
    };
    expect(await states()).toEqual({ origin_paused: 'open', channel_paused_long: 'open', decrypt_failed: 'open' });
    await call('POST', `/v1/origins/${origin}/resume`);
    await call('POST', `/v1/channels/${channel}/resume`);
    await registry().tick(Date.now() + 1);
    expect(await states()).toMatchObject({ origin_paused: 'resolved', channel_paused_long: 'resolved' });
    expect((await states()).decrypt_failed).toBe('open');
    await registry().tick(Date.now() + 25 * 3_600_000);
    expect((await states()).decrypt_failed).toBe('resolved');
  });
});

const HOOK = { kind: 'feishu', url: 'https://open.feishu.cn/open-apis/bot/v2/hook/x' };
/** From 25 o'clock. */
const NEVER = { from: '25:00', to: '07:00', utcOffsetMinutes: 0 };

describe('a destination', () => {
  it('that is away gets everything in one message when it is back', async () => {
    const id = await make('webhook');
    answer = () => new Response('busy', { status: 503 });
    await raise(alarm('order/shop/away-1'));
    await run();
    await raise(alarm('order/shop/away-2'));
    await run();
    expect(sentTo(id).length).toBeGreaterThan(1);
    const waiting = await call('GET', `/v1/alarm-messages?destination=${id}`);
    expect(waiting.body.items?.map(({ state }) => String(state))).toEqual(['waiting', 'waiting']);
    expect(waiting.body.items?.map(({ error }) => String(error))).toContain('503 busy');
    answer = () => new Response('ok');
    await run();
    const { type, data } = JSON.parse(posts.at(-1)?.body ?? '{}');
    expect([type, data.alarms.length, data.more]).toEqual(['alarm.digest', 2, 0]);
  });

  it('that asks for a rest is given it, whatever else is due, and one that errs in a 200 is asked again', async () => {
    const [busy, wrong] = [await make('slack'), await make('wecom')];
    answer = ({ url }) =>
      url.includes(busy)
        ? new Response('rate_limited', { status: 429, headers: { 'retry-after': '120' } })
        : new Response('{"errcode":45009,"errmsg":"api freq out of limit"}');
    await raise(alarm('order/shop/rest-1'));
    await sql('UPDATE paces SET next_at = 0');
    await desk().poke(Date.now());
    await runDurableObjectAlarm(desk());
    await sql("UPDATE notes SET due_at = ? WHERE state = 'waiting'", Date.now());
    await runDurableObjectAlarm(desk());
    const waits = async (id: string) => {
      const [pace] = await sql('SELECT next_at, error FROM paces WHERE destination = ?', id);
      return [Math.round((Number(pace?.next_at) - Date.now()) / 1_000), pace?.error];
    };
    expect(await waits(busy)).toEqual([expect.closeTo(120, -1), '429 rate_limited']);
    expect(await waits(wrong)).toEqual([expect.closeTo(10, -1), '45009 api freq out of limit']);
    await run();
    expect([sentTo(busy).length, sentTo(wrong).length]).toEqual([2, 2]);
  });

  it('that is away for a day is given up, and the others are told of it', async () => {
    const [deaf, other] = [await make('dingtalk'), await make('slack')];
    await call('PUT', '/v1/alarm-rules', { rules: { order_held: { destinations: [deaf] } } });
    answer = ({ url }) =>
      url.includes(deaf) ? new Response('{"errcode":300001,"errmsg":"token is not exist"}') : new Response('ok');
    await raise(alarm('order/shop/deaf-1'));
    await run();
    expect(sentTo(other)).toEqual([]);
    await sql('UPDATE notes SET due_at = ?, state = ?', Date.now() - NOTE_DEAD_MS, 'waiting');
    await sql('UPDATE paces SET next_at = 0');
    await desk().poke(Date.now());
    await runDurableObjectAlarm(desk());
    const { body } = await call('GET', `/v1/alarm-messages?destination=${deaf}&state=dead`);
    expect(body.items?.map(({ error }) => String(error))).toEqual(['300001 token is not exist']);
    await run();
    expect(sentTo(other).map(({ body: text }) => text.includes(deaf))).toEqual([true]);
    expect(await listed(`destination/${deaf}`)).toMatchObject({ code: 'notification_dead' });
    expect(sentTo(deaf).some(({ body: text }) => text.includes('did not reach'))).toBe(false);
  });

  it('that was given up is told of even if the desk ends meanwhile, until it takes a message', async () => {
    const [deaf, other] = [await make('slack'), await make('webhook')];
    await call('PUT', '/v1/alarm-rules', { rules: { order_held: { destinations: [deaf] } } });
    answer = ({ url }) => new Response('no', { status: url.includes(deaf) ? 404 : 200 });
    await raise(alarm('order/shop/deaf-2'));
    await run();
    await sql('UPDATE notes SET due_at = ?', Date.now() - NOTE_DEAD_MS);
    await sql('UPDATE paces SET next_at = 0');
    await withoutRegistry(async () => {
      await runDurableObjectAlarm(desk());
      await runInDurableObject(desk(), (_, state) => state.abort('the end')).catch(() => undefined);
    });
    expect(await listed(`destination/${deaf}`)).toBeUndefined();
    await run(); // raises it
    await run(); // tells it
    expect(await listed(`destination/${deaf}`)).toMatchObject({ code: 'notification_dead', state: 'open', count: 1 });
    expect(sentTo(other).map(({ body }) => body.includes(deaf))).toEqual([true]);
    answer = () => new Response('ok');
    await raise(alarm('order/shop/deaf-3'));
    await run();
    expect(await listed(`destination/${deaf}`)).toMatchObject({ state: 'resolved', actedBy: 'gateway' });
  });

  it.each([
    ['takes a test', (id: string) => call('POST', `/v1/alarm-destinations/${id}/test`)],
    ['is switched off', (id: string) => call('PATCH', `/v1/alarm-destinations/${id}`, { enabled: false })],
    ['is removed', (id: string) => call('DELETE', `/v1/alarm-destinations/${id}`)],
  ])('that was given up wants nobody any more when it %s', async (_, act) => {
    const id = await make('slack');
    answer = () => new Response('no', { status: 404 });
    await raise(alarm(`order/shop/${id}`));
    await run();
    await sql('UPDATE notes SET due_at = ?', Date.now() - NOTE_DEAD_MS);
    await sql('UPDATE paces SET next_at = 0');
    await runDurableObjectAlarm(desk());
    expect(await listed(`destination/${id}`)).toMatchObject({ state: 'open' });
    answer = () => new Response('ok');
    await act(id);
    await runDurableObjectAlarm(desk());
    expect(await listed(`destination/${id}`)).toMatchObject({ state: 'resolved' });
  });

  it('gets a flood as one message that says how many more there are', async () => {
    await make('wecom');
    const flood = Array.from({ length: NOTES_WAITING_MAX + 20 }, (_, n) => alarm(`order/shop/flood-${n}`));
    await raise(...flood);
    await run();
    expect(posts.length).toBe(1);
    expect(posts[0]?.body).toContain(`${flood.length} alarms`);
    await run();
    expect(posts.length).toBe(1);
  });

  it('gets what was on its way when the desk ended once more, and nothing after that', async () => {
    await make('slack');
    await raise(alarm('order/shop/crash-1'));
    await run();
    await sql("UPDATE notes SET state = 'sending'"); // sent, and the desk ended before it knew
    await sql('DELETE FROM told');
    await runInDurableObject(desk(), (_, state) => state.abort('the end')).catch(() => undefined);
    await run();
    expect(posts.length).toBe(2);
    await run();
    expect(posts.length).toBe(2);
  });

  it('whose quiet hours are taken back is told at once what waited for their end', async () => {
    const clock = (ms: number) => new Date(Date.now() + ms).toISOString().slice(11, 16);
    const quietHours = { from: clock(-3_600_000), to: clock(3_600_000), utcOffsetMinutes: 0 };
    const id = await make('slack', { quietHours });
    await raise(alarm('order/shop/quiet-1', { code: 'order_flagged' }));
    const send = async () => {
      await desk().poke(Date.now());
      await runDurableObjectAlarm(desk());
    };
    await send();
    await send();
    expect(sentTo(id)).toEqual([]);
    await call('PATCH', `/v1/alarm-destinations/${id}`, { quietHours: null });
    await send();
    expect(sentTo(id).length).toBe(1);
  });

  it('that is switched off while a message to it fails keeps nothing to send', async () => {
    const id = await make('slack');
    answer = () => new Response('no', { status: 500 });
    await raise(alarm('order/shop/off-1'));
    await run();
    const waiting = () => sql("SELECT 1 FROM notes WHERE destination = ? AND state = 'waiting'", id);
    expect((await waiting()).length).toBe(1);
    await sql("UPDATE destinations SET doc = json_set(doc, '$.enabled', json('false')) WHERE id = ?", id);
    await sql('UPDATE paces SET next_at = 0');
    await run();
    expect(await waiting()).toEqual([]);
  });

  it('shows no address and no secret, in answers, in errors or at rest', async () => {
    const id = unique('to');
    const token = 'very-secret-token-0123456789';
    const url = `http://127.0.0.1:9/hook/${id}?access_token=${token}`;
    const made = await call('POST', '/v1/alarm-destinations', { id, kind: 'dingtalk', url, secret: 'SECverysecret' });
    destinations.push(id);
    answer = ({ url: asked }) => new Response(`no ${asked} SECverysecret`, { status: 400 });
    const tested = await call('POST', `/v1/alarm-destinations/${id}/test`);
    expect(tested.body).toMatchObject({ taken: false, error: expect.stringMatching(/^400 no /) });
    const rows = JSON.stringify([await sql('SELECT * FROM destinations'), await sql('SELECT * FROM writes')]);
    const seen = [made, tested, await call('GET', '/v1/alarm-destinations')].map(({ text }) => text).join() + rows;
    for (const secret of [token, 'SECverysecret']) expect(seen).not.toContain(secret);
    expect(made.body).toMatchObject({ address: '127.0.0.1:9/…6789', signed: true });
  });

  it('is tested at once; a webhook’s message is signed with the secret that was shown once', async () => {
    const id = unique('to');
    const input = { id, kind: 'webhook', url: 'http://127.0.0.1:9/hook' };
    const { body } = await call('POST', '/v1/alarm-destinations', input, { headers: { 'idempotency-key': id } });
    destinations.push(id);
    expect((await call('POST', `/v1/alarm-destinations/${id}/test`)).body).toEqual({ taken: true, error: null });
    const [post] = posts;
    const given = Object.fromEntries(post?.headers ?? []);
    const verify = () => new Webhook(String(body.secret)).verify(post?.body ?? '', given);
    expect(verify).not.toThrow();
    expect(JSON.parse(post?.body ?? '').type).toBe('alarm.test');
    expect((await call('GET', `/v1/alarm-destinations/${id}`)).body.secret).toBeUndefined();
    expect((await call('POST', '/v1/alarm-destinations/nobody/test')).status).toBe(404);
  });

  it.each([
    [{ kind: 'slack', url: 'https://evil.example/services/x' }, 'url'],
    [{ kind: 'slack', url: 'https://hooks.slack.com/services/x', secret: 'x' }, 'secret'],
    [{ kind: 'webhook', url: 'https://10.0.0.1/x' }, 'url'],
    [{ kind: 'webhook', url: 'https://ops.example/x', secret: 'short' }, 'secret'],
    [{ kind: 'webhook', url: 'https://ops.example/x', to: ['a@b.example'] }, 'to'],
    [{ kind: 'email', from: 'a@b.example', to: ['c@d.example'] }, 'kind'],
    [{ kind: 'feishu' }, 'url'],
    [{ kind: 'feishu', url: 'https://open.feishu.cn/open-apis/bot/v2/hook/x', quietHours: NEVER }, 'quietHours.from'],
    [{ ...HOOK, quietHours: { from: '22:00', to: '07:00' } }, 'quietHours.timeZone'],
    [{ ...HOOK, quietHours: { from: '22:00', to: '07:00', timeZone: 'Mars/Olympus' } }, 'quietHours.timeZone'],
  ])('that cannot be is refused with the field to mend: %o', async (input, field) => {
    const { status, body } = await call('POST', '/v1/alarm-destinations', { id: unique('to'), ...input });
    expect([status, body.errors?.map((error) => String(error.field))]).toEqual([422, [field]]);
  });

  it('is changed, switched off, removed; rules that name it alone are everybody’s again', async () => {
    const [id, other] = [await make('slack'), await make('slack')];
    await call('PUT', '/v1/alarm-rules', { rules: { order_held: { destinations: [id] } } });
    const quietHours = { from: '22:00', to: '07:00', utcOffsetMinutes: 480 };
    const changed = await call('PATCH', `/v1/alarm-destinations/${id}`, { quietHours, enabled: false });
    expect(changed.body).toMatchObject({ quietHours, enabled: false, language: 'en' });
    const zoned = { from: '22:00', to: '07:00', timeZone: 'Asia/Shanghai' };
    const named = await call('PATCH', `/v1/alarm-destinations/${id}`, { quietHours: zoned });
    expect(named.body.quietHours).toEqual({ ...zoned, utcOffsetMinutes: 480 });
    await raise(alarm('order/shop/off-1'));
    await run();
    expect(posts).toEqual([]);
    await call('DELETE', `/v1/alarm-destinations/${id}`);
    expect((await call('GET', '/v1/alarm-rules')).body.rules?.order_held?.destinations).toBeNull();
    await raise(alarm('order/shop/off-2'));
    await run();
    expect(sentTo(other).length).toBe(1);
    expect((await call('DELETE', `/v1/alarm-destinations/${id}`)).status).toBe(404);
  });
});

describe('the rules', () => {
  it('say who is told of what; what is left out is as usual', async () => {
    const [a, b] = [await make('slack'), await make('slack')];
    const rules = { order_held: { destinations: [a] }, unlinked: { enabled: false }, backlog_age: { minutes: 3 } };
    const put = await call('PUT', '/v1/alarm-rules', { rules });
    expect(put.body.rules).toMatchObject({ ...rules, delivery_dead: { enabled: true, critical: true } });
    await raise(alarm('order/shop/ruled-1'), alarm('order/shop/ruled-1', { code: 'unlinked' }));
    await run();
    expect([sentTo(a).length, sentTo(b).length]).toEqual([1, 0]);
    expect(sentTo(a)[0]?.body).not.toContain('names no known order');
  });

  it.each([
    [{ nonsense: {} }, 'rules.nonsense'],
    [{ order_held: { minutes: 3 } }, 'rules.order_held.minutes'],
    [{ order_held: { destinations: ['nobody'] } }, 'rules.order_held.destinations'],
    [{ backlog_age: { minutes: 0 } }, 'rules.backlog_age.minutes'],
  ])('that cannot be are refused: %o', async (rules, field) => {
    const { status, body } = await call('PUT', '/v1/alarm-rules', { rules });
    expect([status, body.errors?.map((error) => String(error.field))]).toEqual([422, [field]]);
  });

  it('are an admin’s to change', async () => {
    const operator = await makeKey('read', 'operate');
    expect((await call('PUT', '/v1/alarm-rules', { rules: {} }, { key: operator })).status).toBe(403);
    expect((await call('GET', '/v1/alarm-rules', undefined, { key: operator })).status).toBe(200);
    expect((await call('POST', '/v1/alarm-destinations', {}, { key: operator })).status).toBe(403);
  });
});
