// The way in, as a diagnosis walks it: the address, whether it is reached, what arrived, what was refused, and whether
// all of that is usual. Pure: facts in, findings out.
import { REJECTION_REASONS, type RejectionReason } from '../rejection.ts';
import { unreachable } from '../result.ts';
import { alarmFindings } from './alarms.ts';
import { type Arrivals, type DiagnosisFacts, hasArrived, isUnpaid, type SeenArrival } from './facts.ts';
import { type Act, bad, type Finding, type Given, good, iso, open } from './finding.ts';

export function addressFindings({ callbackUrl, isLocal, channel }: DiagnosisFacts): readonly Finding[] {
  const found: Finding[] = [];
  if (callbackUrl === null) found.push(bad('address_missing'));
  else found.push(isLocal ? open('address_local', { url: callbackUrl }) : good('address_right', { url: callbackUrl }));
  if (channel.status === 'disabled') found.push(bad('channel_disabled', {}, 'enable_channel'));
  return found;
}

export function reachFindings({ reach, callbackUrl, isLocal }: DiagnosisFacts): readonly Finding[] {
  if (callbackUrl === null) return [];
  switch (reach.kind) {
    case 'skipped':
      return [open('reach_skipped')];
    case 'answered':
      return [isLocal ? open('reach_local', { ms: reach.ms }) : good('reach_ok', { ms: reach.ms })];
    case 'redirect':
      return [bad('reach_redirect', { status: reach.status, location: reach.location })];
    case 'blocked':
      return [bad('reach_blocked', { status: reach.status })];
    case 'stranger':
      return [bad('reach_stranger', { status: reach.status })];
    case 'failed':
      return [bad('reach_failed', { host: reach.host })];
    case 'late':
      return [bad('reach_late', { host: reach.host, ms: reach.ms })];
    default:
      return unreachable(reach);
  }
}

const LISTS_AWAY = [open('lists_away')];

export function arrivalFindings(facts: DiagnosisFacts): readonly Finding[] {
  const { arrivals } = facts;
  const found = [...orderArrivals(facts)];
  if (arrivals === null) return [...found, ...LISTS_AWAY];
  found.push(
    ...timeArrivals(
      facts,
      arrivals,
      found.some(({ code }) => code === 'arrived'),
    ),
  );
  const { strangers, strangersCount: count } = arrivals;
  const isNamed = strangers.some(({ detail }) => isAlike(detail ?? '', facts.channel.id));
  if (isNamed || (count > 0 && !hasArrived(facts))) {
    const given = { count, detail: detailOf(strangers) };
    found.push(isNamed ? bad('arrived_elsewhere', given) : open('arrived_elsewhere', given));
  }
  return found;
}

/** Whether a stranger's address is likely a misspelling: the same letters but for case and punctuation, or a part. */
function isAlike(detail: string, id: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const called = plain(/"((?:[^"\\]|\\.)*)"/.exec(detail)?.[1] ?? '');
  const own = plain(id);
  if (called.length < 3) return false;
  return own.includes(called) || called.includes(own) || isOneEditAway(called, own);
}

/** One letter more, less or other, or two neighbours swapped. */
function isOneEditAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return Math.max(x.length, y.length) <= 1 || (x.length === 2 && y.length === 2 && x[0] === y[1] && x[1] === y[0]);
}

function orderArrivals({ orderNo, isRehearsal, order, arrivals, asked }: DiagnosisFacts): readonly Finding[] {
  if (orderNo === null || isRehearsal) return [];
  const calls = (order?.timeline ?? []).filter(({ kind, source }) => kind === 'fact' && source === 'callback');
  const last = calls.at(-1);
  const found: Finding[] = [];
  if (last) {
    const address = String(last.address ?? '?');
    found.push(good('arrived', { count: calls.length, at: iso(last.at), address }, 'see_order'));
  }
  const about = arrivals?.aboutOrder ?? [];
  const again = about.filter(({ verdict }) => verdict === 'duplicate').length;
  if (again > 0) found.push(good('arrived_again', { count: again }));
  const ignored = about.find(({ verdict }) => verdict === 'ignored');
  if (ignored) found.push(open('arrived_ignored', { at: iso(ignored.at), type: ignored.noticeType ?? '?' }));
  if (!last && !ignored) {
    const isPaid = order?.order.paymentState === 'paid' || (asked.kind === 'found' && asked.isNews);
    found.push(isPaid ? bad('arrived_never') : open('arrived_never'));
  }
  return found;
}

function timeArrivals(
  { orderNo, from, to }: DiagnosisFacts,
  { taken, isMore, counts, lastAt, silence }: Arrivals,
  isKnown: boolean,
): readonly Finding[] {
  const time = { from: iso(from), to: iso(to) };
  const besides = counts
    .filter(({ verdict, reason }) => (verdict === 'duplicate' || verdict === 'ignored') && reason === null)
    .map(({ verdict, count }) => good('arrived_besides', { verdict, count }));
  if (taken > 0) {
    const some = good('arrived_some', { ...time, count: isMore ? `${taken}+` : taken }, 'see_callbacks');
    return [some, ...besides];
  }
  if (isKnown || besides.length > 0) return besides;
  const isOdd = orderNo === null && silence.kind === 'silent';
  const none = isOdd
    ? bad('arrived_none', time, 'see_callbacks', 'test_channel')
    : open('arrived_none', time, 'see_callbacks', 'test_channel');
  return [none, lastAt === null ? open('arrived_first') : open('arrived_last', { at: iso(lastAt) })];
}

/** No payment is behind these. */
const HARMLESS: readonly string[] = ['method_not_allowed', 'signature_probe'];

const MENDED_BY: Readonly<Partial<Record<RejectionReason, Act>>> = {
  channel_disabled: 'enable_channel',
  source_not_allowed: 'change_allowlist',
  unknown_key: 'rotate_channel',
  keys_unavailable: 'rotate_channel',
  signature_invalid: 'rotate_channel',
  decrypt_failed: 'rotate_channel',
};
const isReason = (reason: string): reason is RejectionReason => REJECTION_REASONS.some((one) => one === reason);

export function refusalFindings(facts: DiagnosisFacts): readonly Finding[] {
  const { arrivals, from, to } = facts;
  if (arrivals === null) return LISTS_AWAY;
  const refused = arrivals.counts.filter(({ verdict }) => verdict === 'rejected');
  // Of an order that arrived, or is unpaid by the provider's own word, refusals of that time are another's.
  const judge = hasArrived(facts) || isUnpaid(facts) ? open : bad;
  const found = refused.map(({ reason, count }) => {
    const code = reason ?? '?';
    if (HARMLESS.includes(code)) return good('refused_harmless', { count, reason: code });
    const detail = detailOf(arrivals.refusals.filter((one) => one.reason === reason));
    return judge('refused', { count, reason: code, detail, ...keysSeen(arrivals, code) }, ...mendsOf(code));
  });
  // One that names the order says more than all of that time, though nothing proves that it is about it.
  const own = arrivals.aboutOrder.find(
    ({ verdict, reason }) => verdict === 'rejected' && !HARMLESS.includes(`${reason}`),
  );
  if (own) {
    const code = own.reason ?? '?';
    const given = { at: iso(own.at), reason: code, detail: own.detail ?? '', ...keysSeen(arrivals, code) };
    found.unshift(judge('refused_order', given, ...mendsOf(code)));
  }
  const outside = arrivals.counts.filter(
    ({ verdict, reason }) => verdict !== 'rejected' && reason === 'source_not_allowed',
  );
  const watched = outside.reduce((sum, { count }) => sum + count, 0);
  if (watched > 0) found.push(good('outside_watched', { count: watched }, 'change_allowlist'));
  const isWorse = found.some(({ code }) => code === 'refused' || code === 'refused_order');
  return isWorse ? found : [good('refused_none', { from: iso(from), to: iso(to) }), ...found];
}

const mendsOf = (reason: string): readonly Act[] => {
  const mend = isReason(reason) ? MENDED_BY[reason] : undefined;
  return mend === undefined ? ['see_refusals'] : ['see_refusals', mend];
};

/** What others that came tell of the keys which this one did not verify with. */
function keysSeen({ taken, lastAt }: Arrivals, reason: string): Given {
  if (reason !== 'signature_invalid') return {};
  if (taken > 0) return { keys: 'right' };
  return lastAt === null ? { keys: 'wrong' } : { keys: 'changed', last: iso(lastAt) };
}

/** What the newest sample says; the reasons' own texts say the rest. */
const detailOf = (samples: readonly SeenArrival[]): string =>
  samples.find(({ detail }) => detail !== null)?.detail ?? '';

export function usualFindings(facts: DiagnosisFacts): readonly Finding[] {
  const { arrivals } = facts;
  const found: Finding[] = [];
  if (arrivals !== null) {
    found.push(silenceFinding(arrivals));
    const { count, heard } = arrivals.others;
    if (count > 0 && arrivals.taken === 0) {
      found.push(heard > 0 ? good('others_heard', { count, heard }) : open('others_silent', { count }));
    }
  }
  return [...found, ...alarmFindings(facts, 'usual')];
}

function silenceFinding({ silence }: Arrivals): Finding {
  switch (silence.kind) {
    case 'learning':
      return open('usual_learning');
    case 'usual':
      return good('usual');
    case 'silent': {
      const perHour = silence.perHour < 10 ? silence.perHour.toFixed(1) : Math.round(silence.perHour);
      return bad('usual_silent', { perHour, minutes: Math.floor(silence.forMs / 60_000) });
    }
    default:
      return unreachable(silence);
  }
}
