// Group commit: who waits is answered, whatever goes wrong beside it.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RecordRequest } from '../src/core/record.ts';
import { GroupCommit } from '../src/objects/group-commit.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const request: RecordRequest = { v: 1, facts: [], dispatch: '{}' };
type Sync = Pick<DurableObjectStorage, 'sync'>;
const storageOf = (sync: Sync['sync']) => ({ sync }) as Sync as DurableObjectStorage; // all that is used of it

describe('group commit', () => {
  it('answers who came meanwhile though what is told of durable calls fails', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const answers: Promise<unknown>[] = [];
    const commits = new GroupCommit(
      storageOf(() => new Promise((resolve) => setTimeout(resolve, 1))),
      (requests) => {
        if (answers.length === 1) answers.push(commits.add(request));
        return requests.map(() => []);
      },
      () => {
        throw new Error('nobody counts');
      },
    );
    answers.push(commits.add(request));
    await answers[0];
    const late = new Promise((resolve) => setTimeout(() => resolve('nobody answered'), 200));
    expect(await Promise.race([answers[1], late])).toEqual([]);
  });
});
