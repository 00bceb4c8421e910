// How fast a shard may send questions: its share, saved up for a second at most, and none while nobody answers.
import { describe, expect, it } from 'vitest';
import { PROVIDER_AWAY_MS_MAX, PROVIDER_AWAY_MS_MIN } from '../../src/core/limits.ts';
import { Pace } from '../../src/core/pace.ts';

const T = 1_790_000_000_000;

describe('a pace', () => {
  it('saves up one second at most, and one question at least', () => {
    const pace = new Pace();
    expect(pace.room(10, T)).toBe(10);
    pace.take(10);
    expect([pace.room(10, T), pace.readyAt(10, T)]).toEqual([0, T + 100]);
    expect(pace.room(10, T + 550)).toBe(5);
    expect(pace.room(10, T + 3_600_000)).toBe(10);
    expect(new Pace().room(0.1, T)).toBe(1);
  });

  it('of less than one a second waits for a whole question', () => {
    const pace = new Pace();
    pace.room(0.5, T);
    pace.take(1);
    expect([pace.room(0.5, T + 1_999), pace.room(0.5, T + 2_000)]).toEqual([0, 1]);
  });

  it('adds nothing when the clock steps back', () => {
    const pace = new Pace();
    pace.room(10, T);
    pace.take(10);
    expect(pace.room(10, T - 60_000)).toBe(0);
  });

  it('leaves a provider alone that does not answer, ever longer, until it does', () => {
    const pace = new Pace();
    pace.noteAway(T);
    pace.noteAway(T + 1); // left together with the first
    expect(pace.room(10, T + PROVIDER_AWAY_MS_MIN - 1)).toBe(0);
    expect(pace.room(10, T + PROVIDER_AWAY_MS_MIN)).toBeGreaterThan(0);
    let now = T + PROVIDER_AWAY_MS_MIN;
    for (let i = 0; i < 20; i++) {
      pace.noteAway(now);
      const ready = pace.readyAt(10, now);
      expect(ready - now).toBeLessThanOrEqual(PROVIDER_AWAY_MS_MAX);
      now = ready;
    }
    pace.noteAway(now);
    expect(pace.readyAt(10, now)).toBe(now + PROVIDER_AWAY_MS_MAX);
    pace.noteThere();
    expect(pace.room(10, now)).toBeGreaterThan(0);
  });
});
