// Whether the secrets that an origin has can sign in the format that it chose: asked when it chooses, because a
// delivery would only say so much later. Signs a sample, and sends nothing.

import { newOrder } from '../core/order.ts';
import type { OriginSecret } from '../core/origin.ts';
import { type FormatChoice, type FormatSecret, renderDelivery } from '../formats/index.ts';
import { renderEventData } from '../formats/order.ts';
import { newSecretOf } from './origin-secret.ts';

/** What is missing, in words; null where nothing is. */
export async function signingProblem(
  format: FormatChoice,
  kinds: readonly OriginSecret['kind'][],
  now: number,
): Promise<string | null> {
  const secrets = await Promise.all([...new Set(kinds)].map(sampleSecret));
  const event = { id: 'evt_sample', type: 'payment.pending', occurredAt: now, data: sampleData(now) };
  const rendered = await renderDelivery(format, {
    ...{ event, secrets, now, callback: null, dialect: null, isReplay: false },
  });
  return !rendered.ok && rendered.error.code === 'secret_missing' ? rendered.error.detail : null;
}

const sampleSecret = async (kind: OriginSecret['kind']): Promise<FormatSecret> => ({
  kind,
  secret: await newSecretOf(kind),
});

const sampleData = (now: number): string =>
  JSON.stringify(
    renderEventData({
      ...{ eventId: 'evt_sample', sequence: 1, source: 'callback', receivedAt: now, channelId: 'c', provider: 'p' },
      ...{ order: newOrder('sample', now), event: null },
    }),
  );
