// The example receivers as real processes: what they take, what they refuse, and what they still know after a crash.
import { generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET as OTHER_SECRET, OLD_SECRET as SECRET } from '../formats/input.ts';
import { CHANNEL, type Delivery, deliveryOf, type Story } from './deliveries.ts';
import { type Known, RECEIVERS, type Receiver, type Running, start } from './receivers.ts';

const hmac = (secret: string) => ({ kind: 'hmac' as const, secret });
const seconds = () => Math.floor(Date.now() / 1000); // the receivers compare with their own clock

/** An origin's ed25519 secret, and the public half that its receiver holds. */
function makeEd25519() {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const text = (part: string | undefined) => Buffer.from(part ?? '', 'base64url').toString('base64');
  return { publicKey: `whpk_${text(jwk.x)}`, secret: { kind: 'ed25519' as const, secret: `whsk_${text(jwk.d)}` } };
}

it.each(RECEIVERS)('$name: its source is short enough to be read', ({ source }) => {
  const lines = readFileSync(join('examples', source), 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeLessThan(120);
  expect(lines.filter((line) => [...line.replaceAll('\t', '    ')].length > 120)).toEqual([]);
});

for (const receiver of RECEIVERS) {
  const { name, missing } = receiver;
  describe.skipIf(missing !== null)(
    `the receiver in ${name}${missing === null ? '' : ` (skipped: ${missing})`}`,
    () => {
      examine(receiver);
    },
  );
}

function examine(receiver: Receiver): void {
  const { format, store, withoutEd25519 } = receiver;
  let folder: string;
  let running: Running | null = null;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-receiver-test-'));
    mkdirSync(join(folder, 'state'));
    receiver.build?.(folder);
    await restart();
  });
  afterAll(async () => {
    await running?.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  async function restart(secret = SECRET): Promise<void> {
    await running?.kill();
    running = await start(receiver, folder, secret);
    if (running === null) throw new Error(`${receiver.name} ended at once`);
  }

  async function send({ headers, body }: Delivery): Promise<number> {
    const response = await fetch(running?.url ?? '', { method: 'POST', headers, body: new Uint8Array(body) });
    await response.arrayBuffer();
    return response.status;
  }

  const make = (orderNo: string, change: Partial<Parameters<typeof deliveryOf>[0]> = {}) =>
    deliveryOf({ orderNo, secrets: [hmac(SECRET)], format, now: Date.now(), ...change });
  const tell = async (orderNo: string, story: Story) => send(await make(orderNo, { story }));
  const knownOf = (orderNo: string): Known | undefined =>
    receiver.read(join(folder, 'state', store)).get(`${CHANNEL}/${orderNo}`);
  const PAID = { sequence: 1, state: 'paid', shipments: 1, notes: [] };

  it('takes what the gateway signs, and ships', async () => {
    expect(await tell('plain-1', 'paid')).toBe(204);
    expect(knownOf('plain-1')).toEqual(PAID);
  });

  it('takes what the specification’s library signs, over the bytes as they came', async () => {
    const orderNo = '茶 "7"\\\t&+%=é🍵';
    const { headers, body } = await make(orderNo);
    const text = body.toString();
    const other = format === 'form' ? `${text}&later=%E8%8C%B6+1` : `${JSON.stringify(JSON.parse(text), null, 3)}\n`;
    const signature = new Webhook(SECRET).sign(headers['webhook-id'] ?? '', new Date(seconds() * 1000), other);
    const proof = { 'webhook-timestamp': String(seconds()), 'webhook-signature': signature };
    const attempt = { headers: { ...headers, ...proof }, body: Buffer.from(other) };
    expect(await send(attempt), running?.text()).toBe(204);
    expect(knownOf(orderNo)).toEqual(PAID);
  });

  it('takes what is nearly five minutes off its clock', async () => {
    for (const shiftMs of [-270_000, 270_000]) {
      const orderNo = `off ${shiftMs}`;
      expect(await send(await make(orderNo, { now: Date.now() + shiftMs }))).toBe(204);
      expect(knownOf(orderNo)).toEqual(PAID);
    }
  });

  type Spoil = (delivery: Delivery) => Delivery;
  const header =
    (name: string, value: (now: string) => string): Spoil =>
    ({ headers, body }) => ({ headers: { ...headers, [name]: value(headers[name] ?? '') }, body });
  const without =
    (name: string): Spoil =>
    ({ headers: { [name]: _, ...headers }, body }) => ({ headers, body });
  const bytes =
    (change: (text: string) => string): Spoil =>
    ({ headers, body }) => ({ headers, body: Buffer.from(change(body.toString())) });
  const text = (signature: string) => signature.slice('v1,'.length);

  it.each<[string, Spoil]>([
    ['a body with another amount', bytes((body) => body.replace('100', '900'))],
    ['a body with a blank more', bytes((body) => `${body} `)],
    ['a body without its end', bytes((body) => body.slice(0, -1))],
    ['no body', bytes(() => '')],
    ['another id', header('webhook-id', (id) => `${id}x`)],
    ['another time', header('webhook-timestamp', (at) => String(Number(at) + 1))],
    ['no id', without('webhook-id')],
    ['no time', without('webhook-timestamp')],
    ['no signature', without('webhook-signature')],
    ['an empty signature', header('webhook-signature', () => '')],
    ['a version alone', header('webhook-signature', () => 'v1')],
    ['a signature without letters', header('webhook-signature', () => 'v1,')],
    ['letters that are no base64', header('webhook-signature', () => 'v1,*** v1,é v1a,é v1,=')],
    ['a signature cut short', header('webhook-signature', (all) => `v1,${text(all).slice(0, -4)}`)],
    ['a signature that goes on', header('webhook-signature', (all) => `${all.replace('=', '')}AAAAA=`)],
    ['another version’s name', header('webhook-signature', (all) => `v2,${text(all)} v1a,${text(all)}`)],
    ['a time in words', header('webhook-timestamp', () => 'now')],
    ['a time that never ends', header('webhook-timestamp', () => '9'.repeat(40))],
    ['a time that is not whole', header('webhook-timestamp', (at) => `${at}.0`)],
  ])('refuses %s', async (_, spoil) => {
    expect(await send(spoil(await make('spoilt'))), running?.text()).toBe(400);
    expect(knownOf('spoilt')).toBeUndefined();
  });

  it.each([
    ['what another secret signed', { secrets: [hmac(OTHER_SECRET)] }],
    ['what is more than five minutes old', { now: Date.now() - 330_000 }],
    ['what is more than five minutes ahead', { now: Date.now() + 3_600_000 }],
  ])('refuses %s', async (_, change) => {
    expect(await send(await make('refused', change))).toBe(400);
    expect(knownOf('refused')).toBeUndefined();
  });

  it('ships once, however often and however close together the same event comes', async () => {
    const delivery = await make('again-1');
    expect(await Promise.all(Array.from({ length: 8 }, () => send(delivery)))).toEqual(Array(8).fill(204));
    expect(await send(await make('again-1', { isReplay: true }))).toBe(204);
    expect(knownOf('again-1')).toEqual(PAID);
  });

  it('ships an order once, also when two events say that it is paid', async () => {
    expect(await send(await make('again-2'))).toBe(204);
    expect(await send(await make('again-2', { id: 'evt_another' }))).toBe(204);
    expect(knownOf('again-2')).toEqual(PAID);
  });

  it('follows an order from event to event', async () => {
    expect(await tell('life-1', 'paid')).toBe(204);
    expect(await tell('life-1', 'refunded')).toBe(204);
    expect(knownOf('life-1')).toEqual({ sequence: 2, state: 'partially_refunded', shipments: 1, notes: [] });
  });

  it('makes nothing of an event that comes again after a later one', async () => {
    for (const story of ['paid', 'refunded', 'paid', 'refunded'] as const)
      expect(await tell('life-2', story)).toBe(204);
    expect(knownOf('life-2')).toEqual({ sequence: 2, state: 'partially_refunded', shipments: 1, notes: [] });
  });

  it('does not go by what is older than what it knows, and says so to a person', async () => {
    expect(await tell('late-1', 'refunded')).toBe(204);
    expect(await tell('late-1', 'paid')).toBe(204);
    const notes = ['late payment.succeeded'];
    expect(knownOf('late-1')).toEqual({ sequence: 2, state: 'partially_refunded', shipments: 0, notes });
  });

  it('notes flags for a person', async () => {
    expect(await tell('flag-1', 'overpaid')).toBe(204);
    expect(knownOf('flag-1')).toEqual({ ...PAID, notes: ['overpaid'] });
    expect(await tell('flag-2', 'paid')).toBe(204);
    expect(await tell('flag-2', 'paidTwice')).toBe(204);
    expect(knownOf('flag-2')).toEqual({ ...PAID, sequence: 2, notes: ['overpaid', 'paid_twice'] });
  });

  it('does not ship where nobody checked the price, or the money went back already', async () => {
    expect(await tell('open-1', 'unregistered')).toBe(204);
    expect(knownOf('open-1')).toEqual({ ...PAID, shipments: 0, notes: ['not shipped'] });
    expect(await tell('open-2', 'refundedFirst')).toBe(204);
    const known = knownOf('open-2');
    expect(known).toMatchObject({ sequence: 2, state: 'refunded', shipments: 0 });
    expect(known?.notes).toContain('not shipped');
  });

  it('takes either signature while one secret replaces another', async () => {
    const both = [hmac(OTHER_SECRET), hmac(SECRET)];
    expect(await send(await make('turn-1', { secrets: both }))).toBe(204);
    expect(await send(await make('turn-2', { secrets: both.toReversed() }))).toBe(204);
    await restart(`${OTHER_SECRET} ${SECRET}`);
    expect(await send(await make('turn-3', { secrets: [hmac(SECRET)] }))).toBe(204);
    expect(await send(await make('turn-4', { secrets: [hmac(OTHER_SECRET)] }))).toBe(204);
    for (const orderNo of ['turn-1', 'turn-2', 'turn-3', 'turn-4']) expect(knownOf(orderNo)).toEqual(PAID);
    await restart();
  });

  const why = withoutEd25519 === null ? '' : ` (skipped: ${withoutEd25519})`;
  it.skipIf(withoutEd25519 !== null)(`takes ed25519, alone and beside HMAC${why}`, async () => {
    const [one, other] = [makeEd25519(), makeEd25519()];
    await restart(one.publicKey);
    expect(await send(await make('curve-1', { secrets: [one.secret] }))).toBe(204);
    expect(await send(await make('curve-2', { secrets: [hmac(SECRET), other.secret, one.secret] }))).toBe(204);
    const forged = await make('curve-3', { secrets: [other.secret, hmac(SECRET)] });
    expect(await send(forged)).toBe(400);
    const short = (all: string) => `v1a,${all.slice('v1a,'.length, -4)} v1a, v1a,é`;
    expect(await send(header('webhook-signature', short)(await make('curve-3', { secrets: [one.secret] })))).toBe(400);
    await restart(`${SECRET} ${one.publicKey}`);
    expect(await send(await make('curve-4', { secrets: [one.secret] }))).toBe(204);
    expect(await send(forged)).toBe(204);
    for (const orderNo of ['curve-1', 'curve-2', 'curve-3', 'curve-4']) expect(knownOf(orderNo)).toEqual(PAID);
    await restart();
  });

  it('knows after a crash what it answered 2xx before', async () => {
    const [first, later] = [await make('crash-1'), await make('crash-2', { story: 'refunded' })];
    expect([await send(first), await send(later)]).toEqual([204, 204]);
    await restart();
    expect([await send(first), await tell('crash-2', 'paid')]).toEqual([204, 204]);
    expect(knownOf('crash-1')).toEqual(PAID);
    expect(knownOf('crash-2')).toMatchObject({ sequence: 2, state: 'partially_refunded', shipments: 0 });
  });

  it('answers 5xx to a genuine delivery that it does not understand, and remembers nothing of it', async () => {
    const whole = await make('odd-1');
    const order = { orderNo: 'odd-1', amountChecked: true, flags: [] }; // and no state
    const json = JSON.stringify({ type: 'payment.succeeded', data: { channel: CHANNEL, sequence: 1, order } });
    const form = `event_type=payment.succeeded&channel=${CHANNEL}&sequence=1&order_no=odd-1&amount_checked=1`;
    for (const body of [json, form, '{"type":"payment.succeeded","data":{}}', 'null', '[', '']) {
      const id = whole.headers['webhook-id'] ?? '';
      const signature = new Webhook(SECRET).sign(id, new Date(seconds() * 1000), body);
      const proof = { 'webhook-timestamp': String(seconds()), 'webhook-signature': signature };
      const status = await send({ headers: { ...whole.headers, ...proof }, body: Buffer.from(body) });
      expect([body, status]).toEqual([body, 500]);
    }
    expect(await send(whole)).toBe(204);
    expect(knownOf('odd-1')).toEqual(PAID);
  });

  it.skipIf(process.platform === 'win32')('answers 5xx while its store is away, and 2xx when it is back', async () => {
    const delivery = await make('away-1');
    renameSync(join(folder, 'state'), join(folder, 'away'));
    expect(await send(delivery)).toBe(500);
    renameSync(join(folder, 'away'), join(folder, 'state'));
    expect(await send(delivery), running?.text()).toBe(204);
    expect(knownOf('away-1')).toEqual(PAID);
  });

  it.skipIf(store.endsWith('.db'))(
    'drops half a line that a crash left, and takes its event when it comes again',
    async () => {
      expect(await tell('half-1', 'refunded')).toBe(204);
      await running?.kill();
      running = null;
      const path = join(folder, 'state', store);
      const files = statSync(path).isDirectory() ? readdirSync(path).map((file) => join(path, file)) : [path];
      const file = files.find((one) => readFileSync(one, 'utf8').includes('half-1')) ?? '';
      const [line = ''] = readFileSync(file, 'utf8').trim().split('\n').slice(-1);
      const half = `\n${line.replaceAll('evt_refunded', `evt_paid${'d'.repeat(900)}`)}`.slice(
        store.endsWith('.journal') ? 1 : 0,
        -10,
      );
      appendFileSync(file, half);
      await restart();
      expect(await tell('half-1', 'paid')).toBe(204);
      expect(await tell('half-2', 'paid')).toBe(204);
      await restart();
      expect(await tell('half-1', 'refunded')).toBe(204);
      expect(knownOf('half-1')).toMatchObject({ sequence: 2, shipments: 0, notes: ['late payment.succeeded'] });
      expect(knownOf('half-2')).toEqual(PAID);
    },
  );

  it('knows no other address, and no other method', async () => {
    const { headers, body } = await make('elsewhere-1');
    const elsewhere = new URL('/', running?.url);
    const posted = await fetch(elsewhere, { method: 'POST', headers, body: new Uint8Array(body) });
    expect(posted.status).toBe(404);
    const asked = await fetch(running?.url ?? '');
    expect(asked.status).toBeGreaterThanOrEqual(400);
    expect(asked.status).toBeLessThan(500);
    expect(knownOf('elsewhere-1')).toBeUndefined();
  });

  it.each(['', 'whsec', 'demo_secret'])('takes nothing with the secret "%s"', async (secret) => {
    await running?.kill();
    running = await start(receiver, folder, secret);
    if (running !== null) expect(await send(await make('open-door-1'))).toBeGreaterThanOrEqual(400);
    await restart();
    expect(knownOf('open-door-1')).toBeUndefined();
  });
}
