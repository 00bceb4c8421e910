// The script of the payer's page, run as a browser would run it, over a pretend page, clock and network.
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { SCRIPT } from '../src/payer/behaviour.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const iso = (ms: number) => new Date(START + ms).toISOString();
const VALID_MS = 120_000;

type Seen = { readonly state: string; readonly codeExpiresAt: string | null };
type Answer = Seen | { readonly status: number; readonly retryAfter?: string } | 'unreachable' | 'silent';

/** A page that was served in this state; `clockMs` is how far the visitor's clock is ahead. */
function browser(served: Partial<Seen> = {}, clockMs = 0) {
  const until = served.codeExpiresAt === undefined ? iso(VALID_MS) : (served.codeExpiresAt ?? '');
  const left = { textContent: 'Valid until 00:02 UTC' };
  const said = { textContent: '' };
  const dataset: Record<string, string> = {
    state: served.state ?? 'waiting',
    status: '/pay/T/status',
    now: iso(0),
    until,
  };
  Object.assign(dataset, {
    left: 'Valid for {}',
    waiting: 'Waiting',
    paid: 'Paid',
    expired: 'Expired',
    closed: 'Closed',
  });
  const parts: Record<string, object | null> = { '[role=status]': said, '.left': until === '' ? null : left };
  const world = {
    nowMs: 0,
    answer: { state: 'waiting', codeExpiresAt: until || null } as Answer,
    asked: [] as number[],
  };
  const timers = new Map<number, { at: number; every: number | null; run: () => void }>();
  const page = { title: 'To pay', hidden: false, reloads: 0, onVisible: (): void => undefined };
  let ids = 0;
  const start = (run: () => void, ms: number, every: number | null) => {
    ids += 1;
    timers.set(ids, { at: world.nowMs + ms, every, run });
    return ids;
  };
  const respond = async (signal: AbortSignal) => {
    const { answer } = world;
    if (answer === 'unreachable') throw new TypeError('fetch failed');
    if (answer === 'silent')
      return new Promise((_, refuse) => signal.addEventListener('abort', () => refuse(signal.reason)));
    if ('state' in answer) return Response.json({ ...answer, now: iso(world.nowMs) });
    return new Response(null, { status: answer.status, headers: { 'retry-after': answer.retryAfter ?? '' } });
  };
  class BrowserDate extends Date {
    static override now = () => START + world.nowMs + clockMs;
  }
  new Script(SCRIPT).runInNewContext({
    document: {
      querySelector: (selector: string) =>
        selector === 'main' ? { dataset, querySelector: (inner: string) => parts[inner] } : null,
      addEventListener: (name: string, run: () => void) => {
        if (name === 'visibilitychange') page.onVisible = run;
      },
      get hidden() {
        return page.hidden;
      },
      set title(title: string) {
        page.title = title;
      },
    },
    location: {
      reload: () => {
        page.reloads += 1;
      },
    },
    fetch: (url: string, { signal }: { signal: AbortSignal }) => {
      expect(url).toBe('/pay/T/status');
      world.asked.push(world.nowMs);
      return respond(signal);
    },
    setTimeout: (run: () => void, ms: number) => start(run, ms, null),
    setInterval: (run: () => void, ms: number) => start(run, ms, ms),
    clearTimeout: (id: number) => timers.delete(id),
    AbortController,
    Date: BrowserDate,
  });
  /** Lets the time pass, and everything that is due in it happen. */
  const pass = async (ms: number) => {
    const end = world.nowMs + ms;
    for (;;) {
      await new Promise((done) => setImmediate(done));
      const due = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [id, timer] = due;
      world.nowMs = timer.at;
      if (timer.every === null) timers.delete(id);
      else timer.at += timer.every;
      timer.run();
    }
    world.nowMs = end;
  };
  const show = (hidden: boolean) => {
    page.hidden = hidden;
    page.onVisible();
  };
  return { world, page, dataset, left, said, pass, show };
}

describe('the script of the payer’s page', () => {
  it('asks every two seconds, turns to paid by itself, and then rests', async () => {
    const { world, page, dataset, said, pass } = browser();
    await pass(5_000);
    expect(world.asked).toEqual([2_000, 4_000]);
    world.answer = { state: 'paid', codeExpiresAt: iso(VALID_MS) };
    await pass(60_000);
    expect([dataset.state, said.textContent, page.title]).toEqual(['paid', 'Paid', 'Paid']);
    expect(world.asked).toEqual([2_000, 4_000, 6_000]);
    expect(page.reloads).toBe(0);
  });

  it('counts the time down by the gateway’s clock, however wrong the visitor’s is', async () => {
    for (const clockMs of [0, 3_600_000, -86_400_000]) {
      const { left, pass } = browser({}, clockMs);
      expect(left.textContent).toBe('Valid for 2:00');
      await pass(51_000);
      expect(left.textContent).toBe('Valid for 1:09');
    }
    expect(browser({ codeExpiresAt: iso(7_199_000) }).left.textContent).toBe('Valid for 1:59:59');
  });

  it('turns to expired, asks ever more rarely, and shows a payment that comes all the same', async () => {
    const { world, dataset, said, pass } = browser();
    world.answer = { state: 'expired', codeExpiresAt: iso(VALID_MS) };
    await pass(180_000);
    expect([dataset.state, said.textContent]).toEqual(['expired', 'Expired']);
    const waits = world.asked.slice(1).map((at, i) => at - (world.asked[i] ?? 0));
    expect(waits[0]).toBe(3_000);
    expect(waits.at(-1)).toBe(30_000);
    world.answer = { state: 'paid', codeExpiresAt: iso(VALID_MS) };
    await pass(30_000);
    expect(dataset.state).toBe('paid');
  });

  it('loads the page anew for a code that came since, and never for an older one', async () => {
    const waiting = browser({ codeExpiresAt: null });
    await waiting.pass(10_000);
    expect(waiting.page.reloads).toBe(0);
    waiting.world.answer = { state: 'waiting', codeExpiresAt: iso(VALID_MS) };
    await waiting.pass(8_000);
    expect(waiting.page.reloads).toBeGreaterThan(0);
    const shown = browser();
    shown.world.answer = { state: 'waiting', codeExpiresAt: iso(VALID_MS - 1) };
    await shown.pass(10_000);
    expect(shown.page.reloads).toBe(0);
  });

  it.each<[string, Answer]>([
    ['a refusal', { status: 503 }],
    ['no answer', 'unreachable'],
    ['a page that is gone', { status: 404 }],
  ])('slows down on %s, to thirty seconds, and recovers', async (_, answer) => {
    const { world, dataset, pass } = browser();
    world.answer = answer;
    await pass(149_000);
    const waits = world.asked.slice(1).map((at, i) => at - (world.asked[i] ?? 0));
    expect(waits).toEqual([4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    world.answer = { state: 'paid', codeExpiresAt: null };
    await pass(30_000);
    expect(dataset.state).toBe('paid');
  });

  it('comes back when it was told to', async () => {
    const { world, pass } = browser();
    world.answer = { status: 429, retryAfter: '15' };
    await pass(20_000);
    expect(world.asked).toEqual([2_000, 17_000]);
  });

  it('gives up an answer that does not come within ten seconds', async () => {
    const { world, pass } = browser();
    world.answer = 'silent';
    await pass(20_000);
    expect(world.asked).toEqual([2_000, 16_000]);
  });

  it('rests while nobody sees it, and asks at once when somebody is back from the wallet', async () => {
    const { world, dataset, pass, show } = browser();
    show(true);
    await pass(60_000);
    expect(world.asked.length).toBeLessThanOrEqual(1);
    world.answer = { state: 'paid', codeExpiresAt: iso(VALID_MS) };
    show(false);
    await pass(0);
    expect(dataset.state).toBe('paid');
  });

  it.each(['paid', 'closed'])('does nothing on a page that is %s', async (state) => {
    const { world, pass } = browser({ state });
    await pass(60_000);
    expect(world.asked).toEqual([]);
  });
});
