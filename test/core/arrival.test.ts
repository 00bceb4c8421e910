// What an isolate holds back between two flushes, and the ids its samples carry.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arrival, ArrivalBuffer, type ArrivalMark, minuteOf, OncePer } from '../../src/core/arrival.ts';
import { ID_BYTES, idOf } from '../../src/core/id.ts';
import { ARRIVAL_BUFFER_MAX, ARRIVAL_FLUSH_MS } from '../../src/core/limits.ts';

const AT = Date.UTC(2026, 0, 1, 12, 0, 30);
const refused: ArrivalMark = { at: AT, verdict: 'rejected', reason: 'signature_invalid' };
const sampleOf = (mark: ArrivalMark, id = 'cb_1'): Arrival => ({
  id,
  ...mark,
  detail: null,
  remoteAddress: null,
  orderNo: null,
  noticeType: null,
  digest: null,
  bytes: null,
});
function note(buffer: ArrivalBuffer, mark: ArrivalMark, log = 'v1:a'): boolean {
  const wanted = buffer.count(log, 'a', mark);
  if (wanted) buffer.addSample(log, 'a', sampleOf(mark));
  return wanted;
}

describe('the arrival buffer', () => {
  it('keeps exact counts beyond the samples it has room for', () => {
    const buffer = new ArrivalBuffer('i');
    for (let n = 0; n < ARRIVAL_BUFFER_MAX * 3; n++) note(buffer, refused);
    const [batch] = buffer.take();
    expect(batch?.counts).toEqual([
      { minute: minuteOf(AT), verdict: 'rejected', reason: 'signature_invalid', count: ARRIVAL_BUFFER_MAX * 3 },
    ]);
    expect(batch?.samples.length).toBeGreaterThan(ARRIVAL_BUFFER_MAX / 2);
    expect(batch?.samples.length).toBeLessThanOrEqual(ARRIVAL_BUFFER_MAX);
  });

  it('still samples the first of another reason in a flood of one, and never more than its bound', () => {
    const buffer = new ArrivalBuffer('i');
    while (note(buffer, refused));
    expect(note(buffer, { ...refused, reason: 'malformed' })).toBe(true);
    for (let minute = 1; minute <= ARRIVAL_BUFFER_MAX; minute++) note(buffer, { ...refused, at: AT + minute * 60_000 });
    expect(buffer.take()[0]?.samples).toHaveLength(ARRIVAL_BUFFER_MAX);
  });

  it('counts what went in, by channel, verdict, reason and minute, whatever the order of flushes', () => {
    const marks = fc.record({
      at: fc.nat({ max: 600_000 }),
      verdict: fc.constantFrom('rejected' as const, 'duplicate' as const),
      reason: fc.constantFrom('malformed' as const, 'unknown_key' as const, null),
    });
    const step = fc.oneof(fc.tuple(fc.constantFrom('v1:a', 'v1:b'), marks), fc.constantFrom('sent', 'lost'));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const buffer = new ArrivalBuffer('i');
        const [put, got] = [new Map<string, number>(), new Map<string, number>()];
        const add = (to: Map<string, number>, key: string, n: number) => to.set(key, (to.get(key) ?? 0) + n);
        const flush = () => {
          for (const batch of buffer.take()) {
            for (const c of batch.counts) add(got, `${batch.log} ${c.minute} ${c.verdict} ${c.reason}`, c.count);
            buffer.confirm(batch);
          }
        };
        for (const one of steps) {
          if (one === 'sent') flush();
          else if (one === 'lost') buffer.take();
          else {
            note(buffer, one[1], one[0]);
            add(put, `${one[0]} ${minuteOf(one[1].at)} ${one[1].verdict} ${one[1].reason}`, 1);
          }
        }
        while (buffer.isWaiting) flush();
        expect(got).toEqual(put);
      }),
    );
  });

  it('sends an unconfirmed batch again exactly as it was, and the newer arrivals after it', () => {
    const buffer = new ArrivalBuffer('i');
    note(buffer, refused);
    const [first] = buffer.take();
    note(buffer, refused);
    expect(buffer.take()).toEqual([first]);
    if (first) buffer.confirm(first);
    expect(buffer.take()).toMatchObject([{ number: 2, counts: [{ count: 1 }] }]);
  });

  it('has room for samples again only after their batch was confirmed', () => {
    const buffer = new ArrivalBuffer('i');
    while (note(buffer, refused));
    const [batch] = buffer.take();
    note(buffer, refused);
    expect(note(buffer, refused)).toBe(false);
    if (batch) buffer.confirm(batch);
    expect(note(buffer, refused)).toBe(true);
  });

  it('counts a signature probe and keeps nothing else of it', () => {
    const buffer = new ArrivalBuffer('i');
    expect(note(buffer, { at: AT, verdict: 'rejected', reason: 'signature_probe' })).toBe(false);
    expect(buffer.take()).toMatchObject([{ counts: [{ reason: 'signature_probe', count: 1 }], samples: [] }]);
  });

  it('samples only the first of the accepted callbacks that an allowlist would have refused', () => {
    const buffer = new ArrivalBuffer('i');
    const monitored: ArrivalMark = { at: AT, verdict: 'accepted', reason: 'source_not_allowed' };
    expect([note(buffer, monitored), note(buffer, monitored)]).toEqual([true, false]);
    expect(buffer.take()).toMatchObject([{ counts: [{ count: 2 }] }]);
  });

  it('asks one caller to flush, and another when that flush never came', () => {
    const buffer = new ArrivalBuffer('i');
    expect([buffer.promiseFlush(AT), buffer.promiseFlush(AT + 1)]).toEqual([true, false]);
    expect(buffer.promiseFlush(AT + 20 * ARRIVAL_FLUSH_MS)).toBe(true);
    buffer.take();
    expect(buffer.promiseFlush(AT + 20 * ARRIVAL_FLUSH_MS + 1)).toBe(true);
  });
});

describe('OncePer', () => {
  it('lets one through per key and interval', () => {
    const once = new OncePer(1_000);
    expect([once.allows('a', AT), once.allows('a', AT + 999), once.allows('b', AT)]).toEqual([true, false, true]);
    expect(once.allows('a', AT + 1_000)).toBe(true);
  });

  it('stays within its number of keys', () => {
    const once = new OncePer(1_000, 2);
    for (const key of ['a', 'b', 'c']) expect(once.allows(key, AT)).toBe(true);
    expect(once.allows('c', AT)).toBe(false);
    expect(once.allows('a', AT)).toBe(true);
  });
});

describe('idOf', () => {
  it('writes 128 bits as 26 characters, different for different bytes', () => {
    const bytes = fc.uint8Array({ minLength: ID_BYTES, maxLength: ID_BYTES });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(idOf('evt', a)).toMatch(/^evt_[0-9a-hjkmnp-tv-z]{26}$/);
        expect(idOf('evt', a) === idOf('evt', b)).toBe(a.every((byte, i) => byte === b[i]));
      }),
    );
  });
});
