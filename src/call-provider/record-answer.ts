// Has the ledger hear what asking a provider brought, by the same door as a callback. Never asks.
import type { Evidence } from '../core/record.ts';
import type { Translation } from '../providers/provider.ts';
import { newTrace, recordTold } from '../record.ts';
import type { Asker } from './ask.ts';

/** Longest wait for the ledger to take what the provider said. */
const RECORD_TIMEOUT_MS = 10_000;

/** `evidence` null where no bytes of the answer are worth keeping. */
export async function recordAnswer(
  { env, record, trace = newTrace() }: Asker,
  translation: Translation,
  evidence: Evidence | null,
): Promise<void> {
  const now = Date.now();
  const recording = { env, record, deadline: now + RECORD_TIMEOUT_MS, receivedAt: now, evidence, trace };
  await recordTold(recording, [{ source: 'query', translation }]);
}
