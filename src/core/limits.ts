// Every default number of the gateway, with its unit in the name and its reason beside it. Pure data.

/** Largest callback body. WeChat Pay's are about 2 KB; 64 KiB holds every provider's batch. */
export const CALLBACK_BODY_BYTES_MAX = 64 * 1024;
/** Largest header block of a callback: ordinary servers' own bound. */
export const CALLBACK_HEADER_BYTES_MAX = 16 * 1024;
/** XML from outside: no provider's document comes near any of these. A coupon takes three elements. */
export const XML_CHARS_MAX = 256 * 1024;
export const XML_ELEMENTS_MAX = 2_000;
export const XML_DEPTH_MAX = 16;
/** Largest body of a /v1 request. */
export const API_BODY_BYTES_MAX = 64 * 1024;
/** How far a provider's clock may differ from ours, either way. The bound itself is refused, as official SDKs do. */
export const CLOCK_SKEW_SECONDS_MAX = 300;

/** How long an isolate trusts its copy of a channel or origin before it asks the registry again. */
export const REGISTRY_COPY_FRESH_MS = 10_000;
/** Longest wait for the registry on the way to an answer; then the stale copy is used. */
export const REGISTRY_READ_TIMEOUT_MS = 2_000;
/** Least time between two downloads of one channel's provider keys: random serials cannot make it more. */
export const KEY_REFRESH_INTERVAL_MIN_MS = 60_000;
/** Provider keys are looked at again after this long even when nothing asks (WeChat Pay: at most 12 h). */
export const KEY_REFRESH_INTERVAL_MAX_MS = 6 * 3_600_000;
/** Timeout of a call to a provider's API. */
export const PROVIDER_CALL_TIMEOUT_MS = 10_000;
/** Largest answer read from a provider's API. */
export const PROVIDER_ANSWER_BYTES_MAX = 256 * 1024;

/** Things that one notice may make the gateway ask the provider about; real ones name one or two. */
export const HINTS_PER_NOTICE_MAX = 5;
/** Questions that notices of one channel may cause in one isolate: strangers can send those that prove nothing. */
export const ASKS_PER_SECOND_MAX = 10;

/** Orders of one channel that callbacks which cannot be verified may have asked about in a minute. */
export const HINTS_PER_MINUTE_MAX = 10;

/** Shards a channel has unless chosen; fixed when the channel is created. See docs/decisions. */
export const SHARDS_DEFAULT = 8;
export const SHARDS_MAX = 32;
/** Facts committed together at most: bounds how long one commit blocks the shard. */
export const GROUP_COMMIT_FACTS_MAX = 64;
/** Facts of one order; a provider that sends more is refused as malformed rather than growing one order for ever. */
export const ORDER_FACTS_MAX = 500;

/** Test callbacks of one channel in a minute and on one day: enough for a person, and for a script that watches. */
export const REHEARSALS_PER_MINUTE_MAX = 10;
export const REHEARSALS_PER_DAY_MAX = 500;

/** From commit to the first flush: long enough to batch under load, short enough not to be felt. */
export const DISPATCH_DELAY_MS = 200;
/** The next flush when the last one was full. */
export const DISPATCH_AGAIN_MS = 50;
/** Events in one flush: also the queue's own bound for sendBatch. */
export const DISPATCH_BATCH_MAX = 100;
/** An order is closed at its provider no sooner than this after it was made (WeChat Pay: five minutes). */
export const CLOSE_AFTER_MS_MIN = 5 * 60_000;
/** How long a payer has when the merchant did not say. */
export const PAY_WITHIN_MS_DEFAULT = 30 * 60_000;
/** A question to a provider that nobody came back from is sent again after this. */
export const ASK_LEASE_MS = 120_000;
/** When an order is asked about after its registration: soon, while somebody looks at a page, then ever more slowly. */
export const QUERY_SECONDS: readonly number[] = [60, 120, 300, 600, 1_200, 1_800, 3_600];
/** After the last of them, until the order's end. */
export const QUERY_EVERY_SECONDS = 3_600;
/** Nobody is known to be paying an order that was registered without a payment: its first questions are left out. */
export const QUERY_FROM_SECONDS = 300;
/** How long an order without an end is asked about. */
export const QUERY_FOR_SECONDS = 86_400;
/** Questions of the clock to one channel's provider, all consumers together; the strictest known API takes more. */
export const QUERIES_PER_SECOND = 10;
/** A refund is given up no sooner than this after it was asked for: the request may still be on its way. */
export const ABANDON_AFTER_MS_MIN = 2 * 60_000;
/** Waits between questions about a refund; its notice tells sooner, and a bank may take days. */
export const REFUND_QUERY_SECONDS: readonly number[] = [600, 3_600, 21_600, 86_400];
/** A notice that lacks a field is completed within this, or goes out flagged. */
export const INCOMPLETE_AFTER_SECONDS = 600;
/** A question that got no answer is asked again no later than this, however far its schedule has grown. */
export const QUERY_AGAIN_MS = 300_000;
/** How long a provider that does not answer is left alone by one shard: doubling from the first to the second. */
export const PROVIDER_AWAY_MS_MIN = 5_000;
export const PROVIDER_AWAY_MS_MAX = 300_000;
/** Trouble with a provider of which nothing was heard for longer than two of the rarest questions is another one. */
export const PROVIDER_TROUBLE_GAP_MS = 7_200_000;
/** Longest wait for the queue to take a batch; then it is sent again, and whichever comes first is claimed. */
export const QUEUE_TIMEOUT_MS = 5_000;
/** Messages of one shard that may be out at once: local queues keep them in memory, permits are finite. */
export const DISPATCH_OUTSTANDING_MAX = 500;
/** Of those, the most for one origin of several: one that hangs leaves room for the others. */
export const ORIGIN_OUTSTANDING_MAX = 400;
/** From commit to projection: one write in D1 per burst instead of one an event. */
export const PROJECT_DELAY_MS = 1_000;
/** A timer that failed is tried again after this. */
export const TIMER_AGAIN_MS = 3_600_000;
/** Refusals of one order alone, by a D1 that takes others, before it is set aside; and when it is tried again. */
export const ASIDE_REFUSALS = 3;
export const ASIDE_AGAIN_MS = 3_600_000;
/** Of one shard; beyond them D1 refuses them all, and the lists wait for it as while it is away. */
export const ASIDE_ORDERS_MAX = 20;
export const PROJECT_BATCH_MAX = 100;
/** Longest a projection write may hold the alarm. */
export const PROJECT_TIMEOUT_MS = 3_000;
/** Backoff while D1 or the queue refuses: doubling from the first to the second. */
export const BACKOFF_MS_MIN = 500;
export const BACKOFF_MS_MAX = 60_000;

/** No POST starts later than this after its claim was confirmed, so that a pause acts within a second. */
export const CLAIM_FRESH_MS = 800;
/** Concurrent POSTs of one consumer invocation: the platform's six connections. */
export const DELIVER_LANES = 6;
/** An origin that has not answered for this long does not hold up a batch: it is served from the slow queue. */
export const ORIGIN_PATIENCE_MS = 1_000;
/** Outcomes settled together, and the longest an outcome waits for company. */
export const SETTLE_BATCH_MAX = 25;
export const SETTLE_WAIT_MS = 250;
/** Retry of a queue message whose ledger could not be reached. */
export const LEDGER_UNREACHABLE_RETRY_SECONDS = 10;

export const ORIGIN_TIMEOUT_MS_DEFAULT = 10_000;
export const ORIGIN_TIMEOUT_MS_MAX = 30_000;
export const ORIGIN_RESPONSE_BYTES_MAX = 16 * 1024;
/** How much of an origin's answer is kept with the attempt, for people. */
export const ORIGIN_RESPONSE_KEPT_CHARS = 500;
/** Attempts of one delivery that are kept: how it began, and how it stands. A ladder has 30 steps at most. */
export const ATTEMPTS_KEPT_FIRST = 5;
export const ATTEMPTS_KEPT_LAST = 20;
export const ORIGIN_PER_SECOND_DEFAULT = 100;
export const ORIGIN_CONCURRENT_DEFAULT = 50;
/** Half of at least 20 attempts within a minute failed: the origin is left alone and asked again by one delivery. */
export const BREAKER_DEFAULT = {
  failureShare: 0.5,
  windowSeconds: 60,
  attemptsMin: 20,
  probeAfterSeconds: 30,
} as const;
/** Longest wait between two probes of an open breaker; it doubles up to here. */
export const BREAKER_WAIT_MS_MAX = 600_000;
/** Longest Retry-After that a 429 or 503 may ask for on behalf of the whole origin. */
export const ORIGIN_RETRY_AFTER_SECONDS_MAX = 3_600;
/** What a 429 without Retry-After asks for: it speaks of the rate, and the rate is counted by the second. */
export const ORIGIN_RETRY_AFTER_SECONDS_UNSAID = 1;
/** Fewer failures in a row than this are no failing origin, however far they lie apart. */
export const ORIGIN_FAILURES_MIN = 5;
/** An origin that only failed for this long is a person's business, and again each hour. */
export const ORIGIN_FAILING_ALARM_MS = 10 * 60_000;
export const ORIGIN_FAILING_ALARM_AGAIN_MS = 3_600_000;
/** Held events are a person's to decide about: they are told again after this. */
export const HOLD_ALARM_MS = 3_600_000;
/** A run of failures is kept on disk only when it is this old: most are over before. */
export const ORIGIN_FAILING_KEPT_MS = 60_000;
/** An origin that took nothing for three days is paused: its events wait for it instead of running out of attempts. */
export const ORIGIN_PAUSE_AFTER_SECONDS_DEFAULT = 3 * 86_400;
/** Headers that an origin may ask to see; more would be data, which belongs into the body. */
export const ORIGIN_AUTH_MAX = 10;
/** Longest wait for an origin's gate; then a shard goes on at half its last rate. */
export const PERMIT_TIMEOUT_MS = 2_000;
/** Permits expire after this when a shard never gave them back. */
export const PERMIT_LEASE_MS = 120_000;
/** An origin that timed out within this is served from the slow queue. */
export const ORIGIN_SLOW_FOR_MS = 60_000;
/** Longest Retry-After that is honoured; a larger one is cut to it. */
export const RETRY_AFTER_SECONDS_MAX = 86_400;
/** Waits in seconds; the first is before the first attempt. After the last failure a delivery is dead. */
export const RETRY_LADDER_SECONDS: readonly number[] = [
  0, 5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400, 86_400,
];
/** Deliveries that one bulk replay asks for again in a second, unless chosen. */
export const REPLAYS_PER_SECOND_DEFAULT = 10;
export const REPLAYS_PER_SECOND_MAX = 100;
/** Bulk replays at once, and those kept to be looked at. */
export const REPLAYS_RUNNING_MAX = 5;
export const REPLAYS_KEPT_MAX = 1_000;
/** A dry run counts no further: its answer must not read a year of deliveries. */
export const REPLAY_COUNT_MAX = 100_000;
export const REPLAY_SAMPLE_MAX = 10;
/** Each wait is stretched by up to this share, so that a recovering origin is not met by all at once. */
export const RETRY_JITTER_SHARE = 0.1;
/** An old signing secret goes on signing beside the new one for this long, unless chosen. */
export const SECRET_OVERLAP_MS_DEFAULT = 24 * 3_600_000;

/** Arrivals an isolate holds back before it must write, and how often it writes at most. */
export const ARRIVAL_BUFFER_MAX = 200;
export const ARRIVAL_FLUSH_MS = 1_000;
/** Whole samples that one channel's callback log keeps. */
export const ARRIVAL_SAMPLES_MAX = 1_000;
/** Samples that it takes in a minute, besides the first of each reason: in a flood more would tell nothing. */
export const ARRIVAL_SAMPLES_PER_MINUTE_MAX = 100;
/** The callback log writes to D1 once in this at most. */
export const ARRIVAL_PROJECT_MS = 60_000;
/** How long the counts of a minute are kept: long enough for a month's report. */
export const ARRIVAL_COUNTS_KEPT_MS = 32 * 86_400_000;
/** Authentic notices without an order that one channel keeps whole; about 2 KB each, far below an object's 10 GB. */
export const NOTICES_KEPT_MAX = 100_000;
/** The same alarm about the same channel is raised once in this by one isolate, and the same outage logged once. */
export const ALARM_INTERVAL_MIN_MS = 60_000;

/** A notice that names no known order is a person's business after this long. */
export const UNLINKED_ALARM_MS = 10 * 60_000;

/** Page sizes of /v1 lists. */
export const PAGE_ITEMS_DEFAULT = 50;
/** Orders read at once for a table: a million are two hundred pages. */
export const EXPORT_PAGE_ITEMS = 5_000;
/** Rows of an index that one page of a list looks through for what the index does not know. */
export const LIST_SCAN_MAX = 2_000;
export const PAGE_ITEMS_MAX = 200;
/** How long an Idempotency-Key of a registry write is remembered. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000;
/** Alarms kept; the longest unraised go first. More than a person can read, few enough for one object. */
export const ALARMS_KEPT_MAX = 10_000;
/** Fetched keys kept for one channel: providers rotate one or two at a time. */
export const FETCHED_KEYS_MAX = 20;
export const DAY_MS = 86_400_000;
/** Fetched keys whose last one ends within this are looked for each hour: an outage may last a day. */
export const KEY_ENDING_MS = 3 * DAY_MS;
export const KEY_ENDING_INTERVAL_MS = 3_600_000;
/** A person is told so many days before a key or certificate ends that nothing takes the place of, once each. */
export const KEY_WARNING_DAYS: readonly number[] = [30, 7, 1];
/** Weeks that a channel's usual rate is learnt from; two have to be known. */
export const SILENCE_WEEKS = 4;
/** How far back a silence is looked at: longer ones are as plain. */
export const SILENCE_WINDOW_MS = DAY_MS;
/** A silence that the quietest of those weeks would show with less than this chance is no accident. */
export const SILENCE_CHANCE = 1e-6;
/** A silence that lasts is told again after this. */
export const SILENCE_AGAIN_MS = 6 * 3_600_000;
/** Orders that a quiet channel's provider is asked about at once, at each look; each shard takes its share. */
export const SILENCE_ASKS_MAX = 20;
/** Answers that come within this are in the alarm; the others are facts all the same. */
export const SILENCE_ANSWER_MS = 3_000;
/** The newest facts of a shard that are looked through for what was learnt by asking. */
export const SILENCE_FACTS_MAX = 1_000;
/** From the first thing to count to the row that holds it: one row for all that happens meanwhile. */
export const TALLY_DELAY_MS = 5_000;
/** Facts counted at once; a shard that was never counted catches up so. */
export const TALLY_FACTS_MAX = 2_000;
/** Old facts that a shard looks at in one go. */
export const PRUNE_BATCH_MAX = 100;
/** One nudge of cron does so many of these at most: 2,000 facts a minute, more than a shard commits for long. */
export const PRUNE_BATCHES_MAX = 20;
/** And begins none after this: the nudge's answer is waited for. */
export const PRUNE_TIME_MS = 2_000;
/** Longest that a channel may keep things: ten years. */
export const RETENTION_DAYS_MAX = 3_653;
/** Ends of keys are looked at once in this. */
export const KEY_WATCH_MS = 3_600_000;
/** A trial of new credentials reads at most this many of each shard's last facts, and tries so many callbacks. */
export const TRIAL_FACTS_MAX = 1_000;
export const TRIAL_CALLBACKS_MAX = 5;
/** Longest wait for one shard to take a changed configuration; then it is pushed again from the registry's alarm. */
export const PUSH_TIMEOUT_MS = 2_000;
/** A channel that stays paused this long wants a person. */
export const CHANNEL_PAUSED_LONG_MS = 3_600_000;
/** Destinations of alarms: people read a few. */
export const DESTINATIONS_MAX = 20;
/** Alarms in one message; the rest is a number. */
export const BULLETIN_ITEMS_MAX = 10;
/** Between two messages to one destination: the strictest platform takes 20 a minute. */
export const BULLETIN_PACE_MS = 5_000;
/** Messages that wait for one destination one by one; beyond that they are only counted. */
export const NOTES_WAITING_MAX = 500;
/** Messages kept to be looked at, sent or dead. */
export const NOTES_KEPT_MAX = 2_000;
/** A message that no destination took for a day is dead, and shown. */
export const NOTE_DEAD_MS = DAY_MS;
/** Backoff of a destination that fails: doubling from the first to the second. */
export const NOTE_BACKOFF_MS_MIN = 10_000;
export const NOTE_BACKOFF_MS_MAX = 900_000;
/** Longest Retry-After of a destination that is honoured. */
export const NOTE_REST_MS_MAX = 3_600_000;
/** Longest wait for a destination's answer. */
export const NOTE_TIMEOUT_MS = 10_000;
/** Between the first news of an alarm and its message, so that those that come together are told together. */
export const NOTE_DELAY_MS = 1_000;
/** Changed alarms that the desk reads at once. */
export const ALARM_NEWS_MAX = 200;
/** What was told of an alarm is forgotten after this; one that is raised then is told anew. */
export const TOLD_KEPT_MS = 60 * DAY_MS;
/** How exactly it is known when an API key was last used: one row written a key and so long. */
export const KEY_USE_NOTED_MS = 3_600_000;
/** A session of the console ends after so long without a page, and after so long in any case. */
/** Browsers that were here once come by https alone; what is said over plain http they ignore (RFC 6797, 8.1). */
export const HTTPS_ALONE_SECONDS = 31_536_000;
export const SESSION_IDLE_MS = 3_600_000;
export const SESSION_MS_MAX = 12 * 3_600_000;
/** API keys that are not revoked; every isolate holds a copy of them. */
export const API_KEYS_MAX = 500;
/** Ended sessions that are remembered one by one; of one person, and of all. More end older sessions at once. */
export const LOGOUTS_OF_ONE_MAX = 50;
export const LOGOUTS_MAX = 1_000;
/** Failed logins that are written down one by one in an hour, and writes that were refused; a flood goes untold. */
export const REFUSALS_NOTED_MAX = 60;
/** How long the registry keeps its own copy of acts that the audit log has. */
export const ACTS_KEPT_MS = 730 * 86_400_000;
/** Refused callbacks that one isolate writes lines about in a minute. */
export const HOP_LINES_PER_MINUTE_MAX = 300;
