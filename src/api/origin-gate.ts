// How an origin stands with its gate, as GET /v1/origins/{id} shows it. Asks the gate, and never waits for it for long:
// an origin can be read while its gate cannot.
import type { GateView } from '../core/gate.ts';
import { PERMIT_TIMEOUT_MS } from '../core/limits.ts';
import { within } from '../core/within.ts';
import { isoOrNull, Time } from './fields.ts';
import { orNull, z } from './kit.ts';
import { OriginBody } from './origin-shape.ts';

const Gate = z
  .object({
    breaker: z.enum(['closed', 'open', 'half_open']).openapi({
      description: 'open: left alone until probeAt. half_open: one delivery is on its way to try.',
    }),
    since: Time.nullable().openapi({ description: 'Since when the breaker is not closed.' }),
    probeAt: Time.nullable(),
    waitUntil: Time.nullable().openapi({ description: 'The origin asked to be left alone until then.' }),
    failingSince: Time.nullable().openapi({ description: 'The first failure since it last took something.' }),
    successes: z.int().openapi({ description: 'Within the breaker’s window; 0 while it is not closed.' }),
    failures: z.int(),
    inFlight: z.int().openapi({ description: 'Deliveries on their way to it.' }),
  })
  .openapi('OriginGate');

export const OriginWithGate = OriginBody.extend({
  gate: orNull('OriginGate', Gate).openapi({ description: 'Null while it cannot be reached.' }),
}).openapi('OriginWithGate');

export async function readGate(env: Env, originId: string): Promise<z.output<typeof Gate> | null> {
  try {
    const gate = env.ORIGIN_GATE.getByName(`v1:${originId}`);
    return render(await within(gate.state(), PERMIT_TIMEOUT_MS, `The gate of ${originId}`));
  } catch (error) {
    console.error(JSON.stringify({ hop: 'gate', origin: originId, error: String(error) }));
    return null;
  }
}

const render = ({ since, probeAt, waitUntil, failingSince, ...plain }: GateView) => ({
  ...plain,
  since: isoOrNull(since),
  probeAt: isoOrNull(probeAt),
  waitUntil: isoOrNull(waitUntil),
  failingSince: isoOrNull(failingSince),
});
