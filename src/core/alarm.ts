// Alarm: what wants a person, by code and subject; which of them are urgent, and which end by themselves. Pure. Tells
// nobody: the registry keeps them, the alarm desk brings them to people.

/** Each code, whether it is urgent unless a rule says otherwise, and after which silence it counts as over. */
const ALARMS = {
  delivery_dead: { isCritical: true, quietMs: null },
  origin_gone: { isCritical: true, quietMs: null },
  origin_failing: { isCritical: true, quietMs: null },
  origin_paused: { isCritical: true, quietMs: null },
  origin_removed: { isCritical: false, quietMs: null },
  origin_disagrees: { isCritical: true, quietMs: null },
  breaker_open: { isCritical: true, quietMs: null },
  backlog_age: { isCritical: true, quietMs: null },
  provider_away: { isCritical: true, quietMs: 86_400_000 },
  provider_refuses: { isCritical: true, quietMs: 86_400_000 },
  rejection_spike: { isCritical: true, quietMs: null },
  wrong_merchant: { isCritical: false, quietMs: 86_400_000 },
  wrong_environment: { isCritical: false, quietMs: 86_400_000 },
  decrypt_failed: { isCritical: true, quietMs: 86_400_000 },
  keys_unavailable: { isCritical: true, quietMs: 86_400_000 },
  key_expiring: { isCritical: false, quietMs: null },
  channel_silent: { isCritical: true, quietMs: null },
  channel_paused_long: { isCritical: false, quietMs: null },
  projection_refused: { isCritical: false, quietMs: null },
  order_flagged: { isCritical: false, quietMs: null },
  order_held: { isCritical: true, quietMs: null },
  unlinked: { isCritical: false, quietMs: 3_600_000 },
  unmatched: { isCritical: false, quietMs: null },
  unconfirmed_notice: { isCritical: false, quietMs: null },
  refund_needs_attention: { isCritical: true, quietMs: null },
  refund_refused: { isCritical: false, quietMs: null },
  close_failed: { isCritical: false, quietMs: null },
  bill_missing: { isCritical: true, quietMs: null },
  bill_refused: { isCritical: true, quietMs: null },
  discrepancies_open: { isCritical: false, quietMs: null },
  notification_dead: { isCritical: true, quietMs: null },
} as const satisfies Readonly<Record<string, { readonly isCritical: boolean; readonly quietMs: number | null }>>;

export type AlarmCode = keyof typeof ALARMS;
// ALARMS is a constant, so its keys are all of them and nothing else.
export const ALARM_CODES = Object.keys(ALARMS) as readonly AlarmCode[]; // see above

export const isCriticalByNature = (code: AlarmCode): boolean => ALARMS[code].isCritical;
/** After this long without being raised it is over; null: only what ended it, or a person, can say so. */
export const quietMsOf = (code: AlarmCode): number | null => ALARMS[code].quietMs;
export const isAlarmCode = (text: string): text is AlarmCode => Object.hasOwn(ALARMS, text);

/** What wants a person. The same code and subject is one alarm with a count. */
export type Alarm = {
  readonly code: AlarmCode;
  /** What it is about: `channel/x`, `origin/y`, `order/x/1`. */
  readonly subject: string;
  readonly detail: string;
  readonly at: number;
  /** Left out: it is raised. True: what it told of is over. */
  readonly ended?: true;
};

export type AlarmState = 'open' | 'acknowledged' | 'resolved';
export const ALARM_STATES = ['open', 'acknowledged', 'resolved'] as const satisfies readonly AlarmState[];

export type AlarmRecord = {
  readonly code: string;
  readonly subject: string;
  readonly detail: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly state: AlarmState;
  /** Who acknowledged or resolved it last: an API key's id, or `gateway`; null while nobody has. */
  readonly actedBy: string | null;
  readonly actedAt: number | null;
  /** Grows with every change of any alarm. */
  readonly rev: number;
};
export type AlarmKey = Pick<AlarmRecord, 'code' | 'subject'>;
export type AlarmPlace = Pick<AlarmRecord, 'lastAt' | 'code' | 'subject'>;
/** `state` left out: all of them; `wanting`: those that are not resolved. */
export type AlarmPage = {
  readonly limit: number;
  readonly after: AlarmPlace | null;
  readonly state?: AlarmState | 'wanting' | undefined;
};
export type AlarmAct = AlarmKey & { readonly act: 'acknowledge' | 'resolve'; readonly by: string };
