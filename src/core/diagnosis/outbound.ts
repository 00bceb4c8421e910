// What was made of a callback, what the provider says, and the way out, as a diagnosis walks it: order, origins and
// deliveries. Pure: facts in, findings out.
import { stateOf } from '../order.ts';
import type { DeliveryView, OrderDetail } from '../record.ts';
import { unreachable } from '../result.ts';
import { alarmFindings } from './alarms.ts';
import { type DiagnosisFacts, isUnpaid, type OriginSeen } from './facts.ts';
import { bad, type Finding, good, iso, open } from './finding.ts';

export function recordedFindings({
  orderNo,
  isRehearsal,
  order: detail,
  arrivals,
  asked,
}: DiagnosisFacts): readonly Finding[] {
  if (orderNo === null) return [open('nothing_named')];
  if (isRehearsal) return [good('order_rehearsal', {}, 'test_channel')];
  if (detail === null) return [bad('order_unknown', { orderNo }, 'register_order')];
  const { order, held, timeline } = detail;
  if (order.parkedAt !== null) return [bad('order_parked', {}, 'register_order', 'see_order')];
  const isTold = timeline.some(({ kind }) => kind === 'fact');
  const state = stateOf(order);
  const found = [isTold ? good('order_state', { state }, 'see_order') : open('order_waits', {}, 'see_order')];
  const flags = order.flags.join(', ');
  if (held) found.push(bad('order_held', { flags }, 'release_order'));
  else if (flags !== '') found.push(open('order_flagged', { flags }, 'see_order'));
  if (order.partial !== null && order.paymentState !== 'paid') {
    found.push(open('order_incomplete', { lacks: order.partial.lacks }));
  }
  const source = learntBy(detail);
  // One that came all the same was late and not lost.
  const isLate = arrivals?.aboutOrder.some(({ verdict }) => verdict === 'duplicate') ?? false;
  const isNews = asked.kind === 'found' && asked.isNews;
  if (source !== null && source !== 'callback' && !isLate && !isNews) found.push(bad('order_learnt', { source }));
  return found;
}

/** Who told first that it was paid; null where nobody has. */
const learntBy = ({ timeline }: OrderDetail): string | null =>
  timeline.find(({ kind, type }) => kind === 'fact' && type === 'payment.succeeded')?.source ?? null;

export function providerFindings(facts: DiagnosisFacts): readonly Finding[] {
  return facts.isRehearsal ? [] : [...wordFindings(facts), ...alarmFindings(facts, 'provider')];
}

function wordFindings(facts: DiagnosisFacts): readonly Finding[] {
  const { asked } = facts;
  switch (asked.kind) {
    case 'not_named':
      return [open('nothing_named')];
    case 'cannot':
      return [open('provider_cannot')];
    case 'skipped':
      return [open('provider_skipped')];
    case 'busy':
      return [open('provider_busy')];
    case 'disabled':
      return [open('provider_disabled', {}, 'enable_channel')];
    case 'unknown':
      return [bad('provider_unknown')];
    case 'nameless':
      return [open('provider_nameless')];
    case 'problem':
      return [problemFinding(asked)];
    case 'found': {
      const given = { providerState: asked.providerState };
      if (asked.isNews) return [bad('provider_repaired', given, 'see_order')];
      return [good(isUnpaid(facts) ? 'provider_unpaid' : 'provider_same', given)];
    }
    default:
      return unreachable(asked);
  }
}

function problemFinding({ code, detail }: Extract<DiagnosisFacts['asked'], { readonly kind: 'problem' }>): Finding {
  switch (code) {
    case 'refused':
    case 'already_paid':
    case 'insufficient_balance':
      return bad('provider_refused', { detail }, 'rotate_channel');
    case 'not_configured':
      return open('provider_unset', { detail }, 'see_channel');
    case 'unverified':
      return bad('provider_unproved', { detail }, 'rotate_channel');
    case 'timed_out':
    case 'unavailable':
    case 'malformed':
      return bad('provider_away', { detail });
    default:
      return unreachable(code);
  }
}

export function originFindings({ channel, isRehearsal, now }: DiagnosisFacts): readonly Finding[] {
  const found: Finding[] = [];
  if (channel.status === 'paused') found.push(bad('channel_paused', {}, 'resume_channel'));
  if (channel.origins.length === 0) found.push(bad('origins_none', {}, 'see_channel'));
  return [...found, ...channel.origins.flatMap((origin) => originFinding(origin, isRehearsal, now))];
}

function originFinding(seen: OriginSeen, isRehearsal: boolean, now: number): Finding[] {
  const { id: origin, status, pauseReason, hasFilter, gate } = seen;
  const see = { act: 'see_origin', origin } as const;
  if (status === 'missing') return [bad('origin_missing', { origin }, 'see_channel')];
  if (status === 'paused') {
    return [bad('origin_paused', { origin, why: pauseReason ?? '?' }, { act: 'resume_origin', origin })];
  }
  if (isRehearsal && !seen.acceptsTest) return [open('origin_no_tests', { origin }, see)];
  const filter = hasFilter ? [open('origin_filters', { origin }, see)] : [];
  if (gate === null) return [open('gate_unknown', { origin }), ...filter];
  if (gate.breaker !== 'closed') {
    return [bad('origin_broken', { origin, at: iso(gate.probeAt ?? now) }, see), ...filter];
  }
  if (gate.waitUntil !== null && gate.waitUntil > now) {
    return [open('origin_waits', { origin, at: iso(gate.waitUntil) }, see), ...filter];
  }
  return [good('origin_ready', { origin }), ...filter];
}

export function deliveryFindings({ orderNo, isRehearsal, order, arrivals }: DiagnosisFacts): readonly Finding[] {
  if (isRehearsal) return [];
  if (order !== null && order.deliveries.length > 0) return order.deliveries.map(deliveryFinding);
  if (orderNo !== null) return [open('delivery_none')];
  if (arrivals === null) return [open('lists_away')];
  if (arrivals.open.length === 0) return [good('deliveries_over')];
  return arrivals.open.map(({ state, count }) => {
    const given = { state, count };
    return state === 'waiting'
      ? open('deliveries_open', given, 'see_deliveries')
      : bad('deliveries_open', given, 'see_deliveries');
  });
}

function deliveryFinding({ originId: origin, sequence, state, reason, dueAt, attempts }: DeliveryView): Finding {
  const last = attempts.at(-1);
  const said = { outcome: last?.outcome ?? '', status: last?.status ?? '', answer: last?.detail ?? '' };
  const given = { origin, sequence, ...said };
  switch (state) {
    case 'delivered':
      return good('delivered', { ...given, at: last ? iso(last.at) : '' }, 'replay_order');
    case 'dead':
      return bad('delivery_dead', { ...given, attempts: attempts.length }, 'replay_order', {
        act: 'see_origin',
        origin,
      });
    case 'waiting':
    case 'in_flight':
      if (last && dueAt !== null) {
        return bad('delivery_retries', { ...given, at: iso(dueAt) }, { act: 'see_origin', origin });
      }
      if (last) return bad('delivery_again', given, { act: 'see_origin', origin });
      return open('delivery_waits', { origin, sequence, state, why: reason ?? '' });
    case 'held':
      return bad('delivery_stopped', { origin, sequence, state }, 'release_order');
    case 'paused':
      return bad('delivery_stopped', { origin, sequence, state }, 'resume_channel', { act: 'resume_origin', origin });
    case 'cancelled':
      return open('delivery_cancelled', { sequence }, 'replay_order');
    case 'skipped':
      if (reason === 'filtered') return open('delivery_filtered', { sequence }, 'replay_order');
      if (reason === 'no_origin') return bad('delivery_skipped', { sequence }, 'replay_order', 'see_channel');
      return open('delivery_waits', { origin, sequence, state, why: reason ?? '' });
    default:
      return unreachable(state);
  }
}
