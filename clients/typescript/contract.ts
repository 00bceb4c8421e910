// Made from the OpenAPI document by tools/api-client.ts (npm run client); never edited by hand.
export type Schemas = {
  Money: { readonly minor: number; readonly currency: string };
  Payment: {
    readonly codeUrl: string;
    readonly codeExpiresAt: string;

    /** The code as an SVG image, with its quiet zone. */
    readonly qrSvg: string;

    /** A page for the payer: the code, the amount, the time left, and paid as soon as it is. */
    readonly payUrl: string;
  };

  /** Which events this origin gets: all that is named has to hold, and of a list one. Left out or empty: any. Between the events that it gets, `sequence` may have gaps. */
  OriginFilter: {
    readonly types?: readonly (
      | 'payment.pending'
      | 'payment.succeeded'
      | 'payment.failed'
      | 'payment.closed'
      | 'refund.pending'
      | 'refund.succeeded'
      | 'refund.failed'
      | 'dispute.opened'
      | 'dispute.won'
      | 'dispute.lost'
      | 'order.flagged'
    )[];
    readonly states?: readonly (
      | 'parked'
      | 'pending'
      | 'paid'
      | 'failed'
      | 'closed'
      | 'partially_refunded'
      | 'refunded'
    )[];
    readonly flags?: readonly (
      | 'amount_mismatch'
      | 'currency_mismatch'
      | 'underpaid'
      | 'overpaid'
      | 'late_payment'
      | 'paid_after_close'
      | 'paid_twice'
      | 'refund_before_payment'
      | 'refund_exceeds_payment'
      | 'refund_abnormal'
      | 'refund_reversed'
      | 'transaction_reused'
      | 'unmatched'
      | 'provider_disagrees'
      | 'origin_disagrees'
      | 'risk_review'
      | 'incomplete'
    )[];
    readonly channels?: readonly string[];
    readonly amount?: { readonly min?: number | null; readonly max?: number | null; readonly currency: string } | null;
    readonly metadata?: { readonly [name: string]: string };
  };
  Preview: {
    readonly method: string;
    readonly url: string;

    /** What the origin asks to see is masked. */
    readonly headers: { readonly [name: string]: string };
    readonly body: string;

    /** base64 where the bytes are no UTF-8 text. */
    readonly bodyEncoding: 'text' | 'base64';

    /** The secret that signed, made for this answer; null where the origin’s own did: for an admin, in its format. */
    readonly sampleSecret: string | null;
  };

  /** Trades and lines of the account that tie to nothing. */
  UntiedCounts: {
    readonly bill: number;
    readonly account: number;

    /** All of them, by side, kind and currency. */
    readonly sums: readonly {
      readonly side: 'bill' | 'account';
      readonly kind: 'payment' | 'refund' | 'fee' | 'other';
      readonly lines: number;
      readonly amount: Schemas['Money'];
    }[];
  };
  OriginGate: {
    /** open: left alone until probeAt. half_open: one delivery is on its way to try. */
    readonly breaker: 'closed' | 'open' | 'half_open';

    /** Since when the breaker is not closed. */
    readonly since: string | null;
    readonly probeAt: string | null;

    /** The origin asked to be left alone until then. */
    readonly waitUntil: string | null;

    /** The first failure since it last took something. */
    readonly failingSince: string | null;

    /** Within the breaker’s window; 0 while it is not closed. */
    readonly successes: number;
    readonly failures: number;

    /** Deliveries on their way to it. */
    readonly inFlight: number;
  };

  /** `units` with `scale` decimals, of the currency’s main unit. */
  Decimal: { readonly units: number; readonly scale: number };
  Channel: {
    readonly id: string;
    readonly provider: string;
    readonly status: 'active' | 'paused' | 'disabled';

    /** open: a callback may create its order, whose amount is then not checked. registered: events of an order that is not registered are parked until it is. */
    readonly mode: 'open' | 'registered';
    readonly settings: Schemas['ChannelSettings'];
    readonly environment: 'live' | 'test';
    readonly origins: readonly string[];
    readonly allowlist: Schemas['Allowlist'];
    readonly shards: number;
    readonly locationHint: string | null;

    /** What the provider is told to call; null while TOLLGATE_PUBLIC_URL is not set. */
    readonly callbackUrl: string | null;
    readonly version: number;

    /** Until when callbacks of the credentials before the last rotation are taken; null when they are not. */
    readonly previousUntil: string | null;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  ChannelSettings: {
    /** How long an event may wait for its order before the alarm unmatched; 600 unless set. */
    readonly parkAgeSeconds: number;

    /** Flags whose orders wait for a person: the event that raises one, and all later ones of that order. */
    readonly hold: readonly (
      | 'amount_mismatch'
      | 'currency_mismatch'
      | 'underpaid'
      | 'overpaid'
      | 'late_payment'
      | 'paid_after_close'
      | 'paid_twice'
      | 'refund_before_payment'
      | 'refund_exceeds_payment'
      | 'refund_abnormal'
      | 'refund_reversed'
      | 'transaction_reused'
      | 'unmatched'
      | 'provider_disagrees'
      | 'origin_disagrees'
      | 'risk_review'
      | 'incomplete'
    )[];

    /** An order above this amount, or in another currency, is let go only once a second API key agrees; null: none. */
    readonly releaseConfirmAbove: Schemas['Money'] | null;

    /** When the provider is asked about an unpaid order, in seconds after its registration, rising; 60, 120, 300, 600, 1200, 1800 and 3600 unless set. Empty: never by the clock. */
    readonly querySeconds: readonly number[];

    /** The wait after the last of querySeconds, until the order ends; 3600 unless set. */
    readonly queryEverySeconds: number;

    /** An order that was registered without pay is asked about only at the querySeconds from here on; 300 unless set. */
    readonly queryFromSeconds: number;

    /** How long an order without expiresAt is asked about; 86400 unless set. */
    readonly queryForSeconds: number;

    /** Questions that the clock asks the provider in a second at most; 10 unless set. */
    readonly queriesPerSecond: number;

    /** Waits in seconds between questions about a refund that is under way, the last one again and again for 30 days; 600, 3600, 21600 and 86400 unless set. */
    readonly refundQuerySeconds: readonly number[];

    /** A callback that lacks a field is completed by asking, or goes out flagged incomplete after this; 600 unless set. */
    readonly incompleteAfterSeconds: number;
    readonly retention: Schemas['Retention'];

    /** True: everything on the merchant account is of this channel, so that a row of a bill whose order nobody knows is a lost payment; false unless set. */
    readonly exclusive: boolean;

    /** Which order numbers of a shared account are of this channel: * stands for any letters, ? for one, as in A2026*. Rows outside it are counted as foreign. Null: nobody said, and an order that nobody knows is left to a person. */
    readonly orderNoPattern: string | null;

    /** The share that the provider keeps of a payment, as agreed: 0.006 is 0.6 %. Null: the rate in each row of a bill. */
    readonly feeRate: string | null;

    /** How an uploaded table of payments and refunds is read; given as a whole. Null: only the provider’s bills are. */
    readonly billMapping: {
      /** The header name of each. */
      readonly columns: {
        /** The column with your own order number. */
        readonly orderNo: string;

        /** The provider’s id of the payment. Without it nothing can be repaired. */
        readonly transactionId?: string;

        /** What the order or the refund is about, before fees. */
        readonly amount: string;

        /** When it was paid or given back. */
        readonly at: string;

        /** Your own number of the refund. */
        readonly refundNo?: string;

        /** The provider’s id of the refund. */
        readonly providerRefundId?: string;

        /** Says payment or refund; its words go into kindWords. */
        readonly kind?: string;

        /** Without it every row has succeeded; its words go into stateWords. */
        readonly state?: string;

        /** Three capital letters; else give currency below. */
        readonly currency?: string;

        /** What it moved in your account before fees. */
        readonly settled?: string;

        /** Where it is another amount than the order’s. */
        readonly payerAmount?: string;

        /** What the provider kept. */
        readonly fee?: string;

        /** 0.60% or 0.006. */
        readonly feeRate?: string;
      };

      /** A byte order mark wins. */
      readonly charset?: 'utf-8' | 'gbk';

      /** Between two cells. */
      readonly separator?: ',' | ';' | '\t' | '|';

      /** Such as #. */
      readonly comment?: string | null;

      /** Of every row, where no column says it. */
      readonly currency?: string;

      /** 12.30, or 12,30, or 1230 in the smallest unit. */
      readonly amounts?: 'decimal' | 'decimal_comma' | 'minor';

      /** Where no column tells. */
      readonly negativeIsRefund?: boolean;

      /** What is kept has a minus. */
      readonly feeIsNegative?: boolean;

      /** Each word and what it means. */
      readonly kindWords?: { readonly [name: string]: 'payment' | 'refund' | 'fee' | 'other' };

      /** Each word and what it means. */
      readonly stateWords?: {
        readonly [name: string]: 'pending' | 'succeeded' | 'failed' | 'needs_attention' | 'closed';
      };

      /** 2026-01-31 23:59:59 in its own zone, ISO 8601 with a zone, or since 1970. */
      readonly times?: 'local' | 'iso' | 'seconds' | 'milliseconds';

      /** Of local times and of the day, minutes ahead of UTC: 480 is Beijing. */
      readonly offsetMinutes?: number;
    } | null;

    /** Whether the bills of days that are over are fetched and compared by the clock; true unless set. */
    readonly fetchBills: boolean;
  };
  Retention: {
    /** The bytes of callbacks; afterwards they are in the archive, where one is configured, or gone. Digests and links stay. 180 unless set. */
    readonly evidenceDays: number;

    /** Events and deliveries in the lists; single orders keep theirs. 730 unless set. */
    readonly eventsDays: number;

    /** Samples and counts of what was refused, ignored or repeated; 32 unless set, and at most. */
    readonly rejectionsDays: number;
  };

  /** monitor lets every address in and notes those outside; enforce refuses them. */
  Allowlist: { readonly mode: 'off' | 'monitor' | 'enforce'; readonly ranges: readonly string[] };
  Problem: {
    readonly type: string;
    readonly title: string;
    readonly status: number;

    /** Stable: programs may branch on it. */
    readonly code:
      | 'invalid_json'
      | 'unauthorized'
      | 'forbidden'
      | 'not_found'
      | 'method_not_allowed'
      | 'already_exists'
      | 'changed_meanwhile'
      | 'order_conflict'
      | 'order_paid'
      | 'order_expired'
      | 'order_closed'
      | 'refund_conflict'
      | 'refund_exceeds_payment'
      | 'insufficient_balance'
      | 'second_key_needed'
      | 'wrong_status'
      | 'cursor_gone'
      | 'body_too_large'
      | 'unsupported_media_type'
      | 'validation_failed'
      | 'idempotency_key_reused'
      | 'public_url_missing'
      | 'pay_not_supported'
      | 'query_not_supported'
      | 'close_not_supported'
      | 'refund_not_supported'
      | 'provider_not_configured'
      | 'test_not_supported'
      | 'not_renderable'
      | 'provider_refused'
      | 'rate_limited'
      | 'internal'
      | 'provider_unavailable'
      | 'unavailable'
      | 'projection_unavailable'
      | 'provider_timeout';
    readonly detail: string;
    readonly errors?: readonly Schemas['FieldError'][];
  };
  FieldError: { readonly field: string; readonly message: string };
  ChannelInput: {
    readonly id: string;
    readonly provider: string;

    /** Ids of the origins that receive the events of this channel. */
    readonly origins: readonly string[];

    /** What the provider needs; GET /v1/providers lists the fields. Never returned. */
    readonly credentials: { readonly [name: string]: unknown };

    /** open: a callback may create its order, whose amount is then not checked. registered: events of an order that is not registered are parked until it is. */
    readonly mode?: 'open' | 'registered';
    readonly environment?: 'live' | 'test';
    readonly allowlist?: { readonly mode: 'off' | 'monitor' | 'enforce'; readonly ranges: readonly string[] };
    readonly settings?: Schemas['ChannelSettingsInput'];
    readonly shards?: number;
    readonly locationHint?:
      | 'wnam'
      | 'enam'
      | 'sam'
      | 'weur'
      | 'eeur'
      | 'apac'
      | 'apac-ne'
      | 'apac-se'
      | 'oc'
      | 'afr'
      | 'me';
  };
  ChannelSettingsInput: {
    /** How long an event may wait for its order before the alarm unmatched; 600 unless set. */
    readonly parkAgeSeconds?: number;

    /** Flags whose orders wait for a person: the event that raises one, and all later ones of that order. */
    readonly hold?: readonly (
      | 'amount_mismatch'
      | 'currency_mismatch'
      | 'underpaid'
      | 'overpaid'
      | 'late_payment'
      | 'paid_after_close'
      | 'paid_twice'
      | 'refund_before_payment'
      | 'refund_exceeds_payment'
      | 'refund_abnormal'
      | 'refund_reversed'
      | 'transaction_reused'
      | 'unmatched'
      | 'provider_disagrees'
      | 'origin_disagrees'
      | 'risk_review'
      | 'incomplete'
    )[];

    /** An order above this amount, or in another currency, is let go only once a second API key agrees; null: none. */
    readonly releaseConfirmAbove?: { readonly minor: number; readonly currency: string } | null;

    /** When the provider is asked about an unpaid order, in seconds after its registration, rising; 60, 120, 300, 600, 1200, 1800 and 3600 unless set. Empty: never by the clock. */
    readonly querySeconds?: readonly number[];

    /** The wait after the last of querySeconds, until the order ends; 3600 unless set. */
    readonly queryEverySeconds?: number;

    /** An order that was registered without pay is asked about only at the querySeconds from here on; 300 unless set. */
    readonly queryFromSeconds?: number;

    /** How long an order without expiresAt is asked about; 86400 unless set. */
    readonly queryForSeconds?: number;

    /** Questions that the clock asks the provider in a second at most; 10 unless set. */
    readonly queriesPerSecond?: number;

    /** Waits in seconds between questions about a refund that is under way, the last one again and again for 30 days; 600, 3600, 21600 and 86400 unless set. */
    readonly refundQuerySeconds?: readonly number[];

    /** A callback that lacks a field is completed by asking, or goes out flagged incomplete after this; 600 unless set. */
    readonly incompleteAfterSeconds?: number;
    readonly retention?: Schemas['RetentionInput'];

    /** True: everything on the merchant account is of this channel, so that a row of a bill whose order nobody knows is a lost payment; false unless set. */
    readonly exclusive?: boolean;

    /** Which order numbers of a shared account are of this channel: * stands for any letters, ? for one, as in A2026*. Rows outside it are counted as foreign. Null: nobody said, and an order that nobody knows is left to a person. */
    readonly orderNoPattern?: string | null;

    /** The share that the provider keeps of a payment, as agreed: 0.006 is 0.6 %. Null: the rate in each row of a bill. */
    readonly feeRate?: string | null;

    /** How an uploaded table of payments and refunds is read; given as a whole. Null: only the provider’s bills are. */
    readonly billMapping?: {
      /** The header name of each. */
      readonly columns: {
        /** The column with your own order number. */
        readonly orderNo: string;

        /** The provider’s id of the payment. Without it nothing can be repaired. */
        readonly transactionId?: string;

        /** What the order or the refund is about, before fees. */
        readonly amount: string;

        /** When it was paid or given back. */
        readonly at: string;

        /** Your own number of the refund. */
        readonly refundNo?: string;

        /** The provider’s id of the refund. */
        readonly providerRefundId?: string;

        /** Says payment or refund; its words go into kindWords. */
        readonly kind?: string;

        /** Without it every row has succeeded; its words go into stateWords. */
        readonly state?: string;

        /** Three capital letters; else give currency below. */
        readonly currency?: string;

        /** What it moved in your account before fees. */
        readonly settled?: string;

        /** Where it is another amount than the order’s. */
        readonly payerAmount?: string;

        /** What the provider kept. */
        readonly fee?: string;

        /** 0.60% or 0.006. */
        readonly feeRate?: string;
      };

      /** A byte order mark wins. */
      readonly charset?: 'utf-8' | 'gbk';

      /** Between two cells. */
      readonly separator?: ',' | ';' | '\t' | '|';

      /** Such as #. */
      readonly comment?: string | null;

      /** Of every row, where no column says it. */
      readonly currency?: string;

      /** 12.30, or 12,30, or 1230 in the smallest unit. */
      readonly amounts?: 'decimal' | 'decimal_comma' | 'minor';

      /** Where no column tells. */
      readonly negativeIsRefund?: boolean;

      /** What is kept has a minus. */
      readonly feeIsNegative?: boolean;

      /** Each word and what it means. */
      readonly kindWords?: { readonly [name: string]: 'payment' | 'refund' | 'fee' | 'other' };

      /** Each word and what it means. */
      readonly stateWords?: {
        readonly [name: string]: 'pending' | 'succeeded' | 'failed' | 'needs_attention' | 'closed';
      };

      /** 2026-01-31 23:59:59 in its own zone, ISO 8601 with a zone, or since 1970. */
      readonly times?: 'local' | 'iso' | 'seconds' | 'milliseconds';

      /** Of local times and of the day, minutes ahead of UTC: 480 is Beijing. */
      readonly offsetMinutes?: number;
    } | null;

    /** Whether the bills of days that are over are fetched and compared by the clock; true unless set. */
    readonly fetchBills?: boolean;
  };

  /** Given as a whole: what is not named goes back to what it is unless set. */
  RetentionInput: {
    /** The bytes of callbacks; afterwards they are in the archive, where one is configured, or gone. Digests and links stay. 180 unless set. */
    readonly evidenceDays?: number;

    /** Events and deliveries in the lists; single orders keep theirs. 730 unless set. */
    readonly eventsDays?: number;

    /** Samples and counts of what was refused, ignored or repeated; 32 unless set, and at most. */
    readonly rejectionsDays?: number;
  };
  ChannelPage: {
    readonly items: readonly Schemas['ChannelDetail'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  ChannelDetail: Schemas['Channel'] & {
    /** Keys fetched from the provider and certificates among the credentials, the first to end first. A secret or a public key without an end is not listed. */
    readonly keys: readonly {
      readonly serial: string;
      readonly source: 'fetched' | 'configured';

      /** The field of the credentials that holds it. */
      readonly field: string | null;
      readonly effectiveAt: string;
      readonly expiresAt: string;

      /** Whole days; negative once it is over. */
      readonly daysLeft: number;
    }[];
  };

  /** Only what is named changes, also within settings. Credentials are replaced as a whole and at once: what was signed with the old ones is refused from then on. The rotate route is the way that loses nothing. */
  ChannelPatch: {
    /** Ids of the origins that receive the events of this channel. */
    readonly origins?: readonly string[];

    /** What the provider needs; GET /v1/providers lists the fields. Never returned. */
    readonly credentials?: { readonly [name: string]: unknown };
    readonly allowlist?: { readonly mode: 'off' | 'monitor' | 'enforce'; readonly ranges: readonly string[] };

    /** open: a callback may create its order, whose amount is then not checked. registered: events of an order that is not registered are parked until it is. */
    readonly mode?: 'open' | 'registered';
    readonly settings?: Schemas['ChannelSettingsInput'];
  };
  RotationTrial: {
    readonly dryRun: true;

    /** Stored callbacks that were verified again: the last five of each shard. */
    readonly checked: number;
    readonly both: number;
    readonly newOnly: number;
    readonly oldOnly: number;
    readonly neither: number;

    /** What the counts mean, in one sentence. */
    readonly detail: string;
  };
  ChannelRotation: {
    /** The fields that change; null takes one away, and all others stay. GET /v1/providers says which rotate. */
    readonly credentials: { readonly [name: string]: unknown };

    /** How long callbacks of the old credentials are still taken; a day unless set. */
    readonly overlapSeconds?: number;

    /** True: nothing changes. Stored callbacks are verified with the new credentials and with the old. */
    readonly dryRun?: boolean;
  };
  ChannelCheck: {
    /** No field has a problem, and the provider did not refuse. */
    readonly ok: boolean;
    readonly fields: readonly {
      /** Such as credentials.apiKey. */
      readonly field: string;
      readonly verdict: 'ok' | 'problem' | 'unknown';

      /** Stable: programs may branch on it. */
      readonly code: string;
      readonly seen: string;

      /** What the provider’s own rules say of the field. */
      readonly detail: string | null;
      readonly given: { readonly [name: string]: string | number };
    }[];

    /** Whether the provider takes the credentials. */
    readonly provider: {
      readonly verdict: 'ok' | 'problem' | 'unknown';
      readonly code: string;
      readonly seen: string;
      readonly given: { readonly [name: string]: string };
    };
  };
  ChannelCheckInput: {
    /** Of a channel that is to be made. */
    readonly provider?: string;

    /** Or a channel whose credentials are to change: others stay. */
    readonly channel?: string;

    /** What the provider needs; GET /v1/providers lists the fields. Never returned. */
    readonly credentials: { readonly [name: string]: unknown };

    /** Which the channel is to have. */
    readonly environment?: 'live' | 'test';

    /** False: the provider is not asked. */
    readonly ask?: boolean;
  };
  Outsiders: {
    /** What was tried. */
    readonly ranges: readonly string[];
    readonly since: string;
    readonly items: readonly {
      readonly address: string | null;

      /** Callbacks that proved genuine: enforcing would have refused them. */
      readonly genuine: number;

      /** Samples of those that were refused all the same. */
      readonly refused: number;
      readonly lastAt: string;
    }[];
  };
  Diagnosis: {
    readonly channel: string;
    readonly orderNo: string | null;
    readonly from: string;
    readonly to: string;

    /** Where to begin; null when no problem was found. */
    readonly cause: {
      readonly step:
        | 'address'
        | 'reach'
        | 'arrivals'
        | 'refusals'
        | 'usual'
        | 'recorded'
        | 'provider'
        | 'origins'
        | 'deliveries';
      readonly finding: Schemas['Finding'];
    } | null;

    /** What explains it where nothing is wrong: it was not paid, or the origin took it. */
    readonly answer: {
      readonly step:
        | 'address'
        | 'reach'
        | 'arrivals'
        | 'refusals'
        | 'usual'
        | 'recorded'
        | 'provider'
        | 'origins'
        | 'deliveries';
      readonly finding: Schemas['Finding'];
    } | null;
    readonly steps: readonly {
      readonly step:
        | 'address'
        | 'reach'
        | 'arrivals'
        | 'refusals'
        | 'usual'
        | 'recorded'
        | 'provider'
        | 'origins'
        | 'deliveries';
      readonly verdict: 'ok' | 'problem' | 'unknown';
      readonly findings: readonly Schemas['Finding'][];
    }[];

    /** Alarms of the channel that explain nothing of this; look at them another time. */
    readonly remarks: readonly Schemas['Finding'][];
  };
  Finding: {
    /** Stable: programs may branch on it. */
    readonly code: string;
    readonly verdict: 'ok' | 'problem' | 'unknown';

    /** What was seen, in one sentence. */
    readonly seen: string;

    /** How to mend it; null where there is nothing to mend. */
    readonly fix: string | null;

    /** What the sentences are about. */
    readonly given: { readonly [name: string]: string | number };

    /** What may be done or looked at next, as requests of this API. */
    readonly next: readonly { readonly act: string; readonly method: string; readonly path: string }[];
  };
  DiagnoseInput: {
    /** The order that is missing. */
    readonly orderNo?: string;

    /** Or the provider’s number of its payment. */
    readonly transactionId?: string;

    /** When it should have come; ten minutes before and after are looked at. Left out: when it was paid. */
    readonly at?: string;
  };
  TestPlan: {
    readonly channel: string;
    readonly possible: boolean;

    /** Why there can be none, or none now. */
    readonly why: { readonly en: string; readonly zh: string } | null;
    readonly amount: Schemas['Money'] | null;

    /** The provider calls on request: POST …/test/echo. */
    readonly echo: boolean;
    readonly origins: readonly {
      readonly origin: string;
      readonly format: string;
      readonly accepts: boolean;
      readonly paused: boolean;
    }[];
  };
  TestCallback: {
    readonly orderNo: string;
    readonly channel: string;
    readonly test: true;
    readonly sentAt: string;

    /** shared_secret: with the one that provider and channel share. test_key: only the provider could sign, so a key was made for this test, which this route alone takes. */
    readonly signedWith: 'shared_secret' | 'test_key';

    /** What /callbacks would have made of it. */
    readonly arrival: {
      readonly verdict: 'accepted' | 'duplicate' | 'ignored' | 'parked' | 'rejected';
      readonly reason: string | null;
      readonly detail: string | null;
      readonly noticeType: string | null;
    };

    /** What the provider would have been answered, to the byte. */
    readonly answer: {
      readonly status: number;
      readonly headers: { readonly [name: string]: string };
      readonly body: string;
    };
    readonly events: readonly {
      readonly id: string;
      readonly type: string;
      readonly sequence: number;
      readonly at: string;
    }[];
    readonly deliveries: readonly {
      readonly eventId: string;

      /** null: the channel has none, and this shows what one would get. */
      readonly origin: string | null;
      readonly format: string;

      /** The origin’s acceptsTest: only then anything is sent. */
      readonly accepts: boolean;

      /** null: nothing is sent to it. */
      readonly deliveryState:
        | 'waiting'
        | 'in_flight'
        | 'delivered'
        | 'dead'
        | 'held'
        | 'paused'
        | 'cancelled'
        | 'skipped'
        | null;

      /** Such as filtered: its filter leaves this event out. */
      readonly reason: string | null;
      readonly dueAt: string | null;
      readonly attempts: readonly Schemas['Attempt'][];

      /** What would have been sent, for an origin that takes none. */
      readonly wouldSend: Schemas['Preview'] | null;

      /** Why that cannot be shown. */
      readonly problem: string | null;
    }[];

    /** Nothing of it will change any more by itself. */
    readonly isDone: boolean;
    readonly keptUntil: string;
  };
  Attempt: {
    readonly attempt: number;
    readonly at: string;
    readonly outcome: 'delivered' | 'refused' | 'unreachable' | 'timed_out';

    /** HTTP status; null when no answer came. */
    readonly status: number | null;
    readonly ms: number;

    /** The start of the answer, secrets masked, or why none came. */
    readonly detail: string;

    /** When the next attempt was, or is due; null: there is none. */
    readonly nextAt: string | null;
  };
  Echo: {
    readonly channel: string;

    /** Where the provider was told to call. */
    readonly notifyUrl: string;
    readonly noticeType: string;

    /** When its notice was taken; null: not within six seconds. GET /v1/callbacks shows a later one. */
    readonly arrivedAt: string | null;
  };
  OriginWithSecret: Schemas['Origin'] & {
    /** Shown this once: keep it where the origin verifies signatures. */
    readonly secret: string;
  };

  /** When so large a share of at least `attemptsMin` attempts within the window failed, the origin is left alone, and one delivery asks again after `probeAfterSeconds`. No attempt of a delivery is used up meanwhile. */
  Breaker: {
    readonly failureShare: number;
    readonly windowSeconds: number;
    readonly attemptsMin: number;
    readonly probeAfterSeconds: number;
  };
  Origin: {
    readonly id: string;
    readonly url: string;
    readonly format: string;
    readonly timeoutMs: number;

    /** Waits before each attempt, in seconds, the first before the first one. */
    readonly ladderSeconds: readonly number[];
    readonly perSecond: number;
    readonly concurrent: number;
    readonly formatVersion: number;
    readonly formatOptions: { readonly [name: string]: unknown };

    /** What counts as success: "status" (any 2xx), or a 2xx whose body equals or contains a text. */
    readonly success: 'status' | { readonly bodyEquals: string } | { readonly bodyContains: string };
    readonly filter: Schemas['OriginFilter'] | null;
    readonly breaker: Schemas['Breaker'];
    readonly pauseAfterSeconds: number | null;
    readonly binding: string | null;
    readonly echoCheck: boolean;
    readonly acceptsTest: boolean;
    readonly auth: readonly {
      readonly kind: 'basic' | 'bearer' | 'header';

      /** The user of basic, the name of a header. */
      readonly name: string | null;

      /** The last four characters of a long secret. */
      readonly ending: string | null;
    }[];
    readonly status: 'active' | 'paused';
    readonly pauseReason: string | null;
    readonly signature: 'hmac' | 'ed25519' | 'rsa';

    /** whpk_… when the newest secret is ed25519, PEM when it is RSA. */
    readonly publicKey: string | null;
    readonly secrets: readonly {
      readonly kind: 'hmac' | 'ed25519' | 'rsa';
      readonly publicKey: string | null;
      readonly createdAt: string;
      readonly expiresAt: string | null;
    }[];
    readonly version: number;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  OriginInput: {
    readonly id: string;
    readonly url: string;
    readonly format?: 'standard' | 'cloudevents' | 'form' | 'xml' | 'passthrough' | 'mapped';

    /** Left out: one is made. HMAC: whsec_ and 24 to 64 bytes in base64. RSA: a PEM private key. */
    readonly secret?: string;
    readonly signature?: 'hmac' | 'ed25519' | 'rsa';
    readonly timeoutMs?: number;

    /** Waits before each attempt, in seconds, the first before the first one. */
    readonly ladderSeconds?: readonly number[];
    readonly perSecond?: number;
    readonly concurrent?: number;

    /** Pinned; the newest one unless chosen. */
    readonly formatVersion?: number;

    /** The options of the format, checked by the format itself; see docs/formats.md. */
    readonly formatOptions?: { readonly [name: string]: unknown };

    /** What counts as success: "status" (any 2xx), or a 2xx whose body equals or contains a text. */
    readonly success?: 'status' | { readonly bodyEquals: string } | { readonly bodyContains: string };
    readonly filter?: Schemas['OriginFilter'] | null;
    readonly breaker?: {
      readonly failureShare?: number;
      readonly windowSeconds?: number;
      readonly attemptsMin?: number;
      readonly probeAfterSeconds?: number;
    };

    /** An origin that took nothing for this long is paused; null: never. */
    readonly pauseAfterSeconds?: number | null;

    /** Deliveries go through this binding of the Worker: MTLS_… is an mtls_certificates binding, PRIVATE_… a service binding or a Workers VPC service. See docs/origins.md. */
    readonly binding?: string | null;

    /** Whether a JSON answer with orderNo, amount or sequence is compared with what was sent. */
    readonly echoCheck?: boolean;

    /** Whether test callbacks are delivered here. Their events say test: true; no unless set, because a backend that does not look at it would ship goods. */
    readonly acceptsTest?: boolean;

    /** What the origin asks to see besides the signature. Replaced as a whole; never shown. */
    readonly auth?: readonly Schemas['OriginAuth'][];
  };
  OriginAuth:
    | { readonly kind: 'basic'; readonly user: string; readonly password: string }
    | { readonly kind: 'bearer'; readonly token: string }
    | { readonly kind: 'header'; readonly name: string; readonly value: string };
  OriginPage: {
    readonly items: readonly Schemas['Origin'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  OriginWithGate: Schemas['Origin'] & {
    /** Null while it cannot be reached. */
    readonly gate: Schemas['OriginGate'] | null;
  };

  /** Only what is named changes; lists and filters are replaced as a whole. */
  OriginPatch: {
    readonly url?: string;
    readonly format?: 'standard' | 'cloudevents' | 'form' | 'xml' | 'passthrough' | 'mapped';
    readonly timeoutMs?: number;

    /** Waits before each attempt, in seconds, the first before the first one. */
    readonly ladderSeconds?: readonly number[];
    readonly perSecond?: number;
    readonly concurrent?: number;

    /** Pinned; the newest one unless chosen. */
    readonly formatVersion?: number;

    /** The options of the format, checked by the format itself; see docs/formats.md. */
    readonly formatOptions?: { readonly [name: string]: unknown };

    /** What counts as success: "status" (any 2xx), or a 2xx whose body equals or contains a text. */
    readonly success?: 'status' | { readonly bodyEquals: string } | { readonly bodyContains: string };
    readonly filter?: Schemas['OriginFilter'] | null;
    readonly breaker?: {
      readonly failureShare?: number;
      readonly windowSeconds?: number;
      readonly attemptsMin?: number;
      readonly probeAfterSeconds?: number;
    };

    /** An origin that took nothing for this long is paused; null: never. */
    readonly pauseAfterSeconds?: number | null;

    /** Deliveries go through this binding of the Worker: MTLS_… is an mtls_certificates binding, PRIVATE_… a service binding or a Workers VPC service. See docs/origins.md. */
    readonly binding?: string | null;

    /** Whether a JSON answer with orderNo, amount or sequence is compared with what was sent. */
    readonly echoCheck?: boolean;

    /** Whether test callbacks are delivered here. Their events say test: true; no unless set, because a backend that does not look at it would ship goods. */
    readonly acceptsTest?: boolean;

    /** What the origin asks to see besides the signature. Replaced as a whole; never shown. */
    readonly auth?: readonly Schemas['OriginAuth'][];
  };
  Rotation: {
    /** Left out: one is made. HMAC: whsec_ and 24 to 64 bytes in base64. RSA: a PEM private key. */
    readonly secret?: string;

    /** The kind of the new secret; as before when left out. */
    readonly signature?: 'hmac' | 'ed25519' | 'rsa';

    /** How long the old secret goes on signing beside the new one. */
    readonly overlapSeconds?: number;
  };
  OriginCheck: {
    readonly verdict: 'ok' | 'problem' | 'unknown';

    /** Stable: programs may branch on it. */
    readonly code: string;
    readonly seen: string;
    readonly given: { readonly [name: string]: string | number };

    /** Channels that name it: POST /v1/channels/{id}/test shows and, where it may, sends a test. */
    readonly channels: readonly string[];
  };

  /** Format, version and options are the origin’s own unless named. */
  PreviewInput: {
    /** Or channel, orderNo and sequence. */
    readonly eventId?: string;
    readonly channel?: string;
    readonly orderNo?: string;

    /** The event’s place among its order’s. */
    readonly sequence?: number;
    readonly format?: 'standard' | 'cloudevents' | 'form' | 'xml' | 'passthrough' | 'mapped';

    /** Pinned; the newest one unless chosen. */
    readonly formatVersion?: number;

    /** The options of the format, checked by the format itself; see docs/formats.md. */
    readonly formatOptions?: { readonly [name: string]: unknown };
  };
  OrderPage: {
    readonly items: readonly Schemas['OrderItem'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  OrderItem: {
    readonly channel: string;
    readonly orderNo: string;
    readonly state: 'parked' | 'pending' | 'paid' | 'failed' | 'closed' | 'partially_refunded' | 'refunded';
    readonly flags: readonly string[];
    readonly amountChecked: boolean;
    readonly amount: Schemas['Money'] | null;
    readonly paid: Schemas['Money'] | null;
    readonly refunded: Schemas['Money'] | null;
    readonly sequence: number;
    readonly test: boolean;
    readonly createdAt: string;
    readonly updatedAt: string;
    readonly paidAt: string | null;
  };
  RegisteredOrder: {
    readonly order: Schemas['Order'];

    /** What the payer scans; null when none was asked for, or the order is paid. */
    readonly payment: Schemas['Payment'] | null;
  };
  Order: {
    readonly orderNo: string;
    readonly state: 'parked' | 'pending' | 'paid' | 'failed' | 'closed' | 'partially_refunded' | 'refunded';
    readonly dispute: 'open' | 'won' | 'lost' | null;
    readonly flags: readonly (
      | 'amount_mismatch'
      | 'currency_mismatch'
      | 'underpaid'
      | 'overpaid'
      | 'late_payment'
      | 'paid_after_close'
      | 'paid_twice'
      | 'refund_before_payment'
      | 'refund_exceeds_payment'
      | 'refund_abnormal'
      | 'refund_reversed'
      | 'transaction_reused'
      | 'unmatched'
      | 'provider_disagrees'
      | 'origin_disagrees'
      | 'risk_review'
      | 'incomplete'
    )[];
    readonly amountChecked: boolean;
    readonly amount: Schemas['Money'] | null;
    readonly paid: Schemas['Money'] | null;
    readonly refunded: Schemas['Money'] | null;
    readonly paidAt: string | null;
    readonly providerState: string | null;
    readonly payments: readonly {
      readonly transactionId: string;
      readonly amount: Schemas['Money'];
      readonly payerAmount: Schemas['Money'] | null;
      readonly discounts: readonly { readonly id: string; readonly name?: string; readonly amount: Schemas['Money'] }[];
      readonly method: string | null;
      readonly providerMethod: string | null;
      readonly bank: string | null;
      readonly received: { readonly amount: string; readonly asset: string; readonly network: string } | null;
      readonly paidAt: string | null;
    }[];
    readonly refunds: readonly {
      readonly refundNo: string;
      readonly providerRefundId: string | null;
      readonly amount: Schemas['Money'];
      readonly state: 'pending' | 'succeeded' | 'failed' | 'needs_attention';
      readonly reason: string | null;
      readonly at: string | null;
    }[];
    readonly attach: string | null;
    readonly metadata: { readonly [name: string]: string };
    readonly expiresAt: string | null;
  };
  OrderInput: {
    readonly channel: string;
    readonly orderNo: string;
    readonly amount: { readonly minor: number; readonly currency: string };
    readonly description?: string;

    /** When a payment comes too late. */
    readonly expiresAt?: string;

    /** Comes back with every event of this order. */
    readonly metadata?: { readonly [name: string]: string };

    /** Also asks the provider for a payment. */
    readonly pay?: boolean;

    /** With pay: at its end (expiresAt, or 30 minutes) the order is closed at the provider. */
    readonly closeOnExpiry?: boolean;
  };
  OrderRead: Schemas['OrderDetail'] & {
    /** What the payer may scan now; null when there is nothing. */
    readonly payment: Schemas['Payment'] | null;
  };
  OrderDetail: {
    readonly order: Schemas['Order'] & {
      readonly held: boolean;

      /** The last event's place in this order. */
      readonly sequence: number;
    };
    readonly timeline: readonly ({ readonly at: string; readonly kind: string; readonly source: string } & {
      readonly [name: string]: unknown;
    })[];
    readonly deliveries: readonly {
      readonly eventId: string;

      /** As in `traceparent` and in the log. */
      readonly trace: string;
      readonly origin: string;
      readonly sequence: number;
      readonly state: 'waiting' | 'in_flight' | 'delivered' | 'dead' | 'held' | 'paused' | 'cancelled' | 'skipped';
      readonly reason: string | null;
      readonly dueAt: string | null;
      readonly attempts: readonly Schemas['Attempt'][];
    }[];
  };
  QueriedOrder: Schemas['OrderDetail'] & {
    readonly query: {
      /** The provider knows the order. */
      readonly found: boolean;

      /** The provider's own word for how it stands. */
      readonly providerState: string | null;
    };
  };
  Released: { readonly released: number };
  ReleaseNoted: { readonly confirmation: 'needed' };
  ReleaseInput: {
    /** Kept with the order, with the key that said so. */
    readonly reason: string;

    /** True: what is held is never delivered. */
    readonly discard?: boolean;
  };
  RefundedOrder: {
    readonly refund: Schemas['Refund'];
    readonly order: Schemas['Order'];

    /** Why nobody knows yet; null when somebody does. */
    readonly detail: string | null;
  };
  Refund: {
    readonly refundNo: string;
    readonly providerRefundId: string | null;
    readonly amount: Schemas['Money'];

    /** requested: nobody knows yet what became of it; the gateway goes on asking. */
    readonly state: 'requested' | 'pending' | 'succeeded' | 'failed' | 'needs_attention';
    readonly reason: string | null;
    readonly at: string | null;
  };
  RefundInput: {
    /** Yours, and never used for another refund of this channel. */
    readonly refundNo: string;
    readonly amount: { readonly minor: number; readonly currency: string };

    /** Some providers show it to the payer. */
    readonly reason?: string;

    /** The payment to give back, where the order has several. */
    readonly transactionId?: string;
  };
  RefundList: {
    readonly items: readonly Schemas['Refund'][];

    /** What is left to give back; null while nothing was paid. */
    readonly refundable: Schemas['Money'] | null;
    readonly next: null;
  };
  AbandonedRefund: {
    readonly order: Schemas['Order'];

    /** What is left to give back, this amount included. */
    readonly refundable: Schemas['Money'] | null;
  };
  AbandonInput: {
    /** Kept with the order, with the key that said so. */
    readonly reason: string;
  };
  OrderReplayed: { readonly replayed: number };

  /** Without eventId and sequence: everything the order told, in its sequence. */
  OrderReplayInput: {
    readonly eventId?: string;
    readonly sequence?: number;

    /** One origin of the channel, whether it got the event before or not. Left out: those that did. */
    readonly origin?: string;

    /** Kept with the order, with the key that said so. */
    readonly reason?: string;
  };
  ReplayDryRun: {
    /** 100000 means so many or more. */
    readonly count: number;

    /** The first ones it would send. */
    readonly sample: readonly {
      readonly eventId: string;
      readonly type:
        | 'payment.pending'
        | 'payment.succeeded'
        | 'payment.failed'
        | 'payment.closed'
        | 'refund.pending'
        | 'refund.succeeded'
        | 'refund.failed'
        | 'dispute.opened'
        | 'dispute.won'
        | 'dispute.lost'
        | 'order.flagged';
      readonly channel: string;
      readonly orderNo: string;

      /** Null where nobody was told. */
      readonly origin: string | null;

      /** Of the event's data, before the origin's format. */
      readonly bytes: number;
      readonly receivedAt: string;

      /** The request its origin would get now; of the first 3, where it can be made. */
      readonly preview: Schemas['Preview'] | null;
    }[];
  };
  Replay: {
    readonly id: string;
    readonly state: 'running' | 'done' | 'cancelled';
    readonly filter: {
      readonly state: 'dead' | 'delivered' | 'cancelled' | 'skipped';
      readonly channel: string | null;
      readonly origin: string | null;
      readonly type:
        | 'payment.pending'
        | 'payment.succeeded'
        | 'payment.failed'
        | 'payment.closed'
        | 'refund.pending'
        | 'refund.succeeded'
        | 'refund.failed'
        | 'dispute.opened'
        | 'dispute.won'
        | 'dispute.lost'
        | 'order.flagged'
        | null;
      readonly from: string | null;
      readonly to: string;
    };
    readonly perSecond: number;

    /** Deliveries that matched when it began; 100000 is "or more". */
    readonly count: number;

    /** Deliveries looked at so far. */
    readonly seen: number;

    /** Of those, the ones that go again. */
    readonly replayed: number;

    /** What keeps it from going on; it tries again by itself. */
    readonly problem: string | null;
    readonly reason: string | null;
    readonly createdAt: string;
    readonly finishedAt: string | null;
  };
  ReplayInput: {
    readonly state?: 'dead' | 'delivered' | 'cancelled' | 'skipped';
    readonly channel?: string;
    readonly origin?: string;
    readonly type?:
      | 'payment.pending'
      | 'payment.succeeded'
      | 'payment.failed'
      | 'payment.closed'
      | 'refund.pending'
      | 'refund.succeeded'
      | 'refund.failed'
      | 'dispute.opened'
      | 'dispute.won'
      | 'dispute.lost'
      | 'order.flagged';

    /** Arrived then or later. */
    readonly from?: string;

    /** Arrived before; else now. */
    readonly to?: string;
    readonly perSecond?: number;

    /** Kept with the order, with the key that said so. */
    readonly reason?: string;

    /** True: nothing is sent, the answer says what would be. */
    readonly dryRun?: boolean;
  };
  ReplayPage: {
    readonly items: readonly Schemas['Replay'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  Evidence: {
    readonly channel: string;
    readonly orderNo: string;
    readonly exportedAt: string;
    readonly note: string;

    /** Every digest and every link was recomputed and agrees. */
    readonly intact: boolean;

    /** The last link; null before the first fact. */
    readonly chain: string | null;
    readonly entries: readonly {
      readonly eventId: string;
      readonly sequence: number | null;
      readonly type: string | null;
      readonly verdict: string;
      readonly source: string;
      readonly occurredAt: string;
      readonly receivedAt: string;
      readonly remoteAddress: string | null;
      readonly contentType: string | null;
      readonly headers: string | null;

      /** Base64. */
      readonly body: string | null;
      readonly digest: string | null;

      /** The bytes were let go of; digest and link stay. */
      readonly pruned: boolean;

      /** The key of GET /v1/archives/lines that has them. */
      readonly archive: string | null;
      readonly covers: readonly (string | number | null)[];

      /** Null while the fact waits for a registration. */
      readonly link: string | null;
    }[];
  };
  Feed: {
    readonly items: readonly Schemas['Event'][];

    /** Send it as `after` the next time, also when `items` is empty. Keep it. */
    readonly next: string;

    /** There is more already: come again at once, without `wait`. */
    readonly more: boolean;
  };
  Event: {
    readonly type:
      | 'payment.pending'
      | 'payment.succeeded'
      | 'payment.failed'
      | 'payment.closed'
      | 'refund.pending'
      | 'refund.succeeded'
      | 'refund.failed'
      | 'dispute.opened'
      | 'dispute.won'
      | 'dispute.lost'
      | 'order.flagged';

    /** When it happened at the provider. */
    readonly timestamp: string;

    /** What an origin gets, byte for byte. */
    readonly data: {
      /** The same as webhook-id: what you did for it you need not do again. */
      readonly id: string;

      /** Its place among the events of its order. */
      readonly sequence: number;
      readonly source: 'callback' | 'query' | 'bill' | 'operator' | 'merchant';
      readonly receivedAt: string;
      readonly channel: string;
      readonly provider: string;
      readonly test: boolean;
      readonly order: Schemas['Order'] & unknown;
      readonly payer: {
        readonly id: string | null;
        readonly idType: string | null;
        readonly account: string | null;
        readonly name: string | null;
      } | null;
      readonly refund: {
        readonly refundNo: string;
        readonly providerRefundId: string | null;
        readonly amount: Schemas['Money'];
        readonly state: 'pending' | 'succeeded' | 'failed' | 'needs_attention';
        readonly reason: string | null;
        readonly at: string | null;
      } | null;

      /** Who told what is not from the callback. */
      readonly provenance: { readonly [name: string]: string };
    };
  };
  ArchivePage: {
    readonly items: readonly Schemas['Archive'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  Archive: {
    readonly key: string;
    readonly channel: string;
    readonly from: string;
    readonly to: string;
    readonly items: number;

    /** As they are stored, compressed. */
    readonly bytes: number;
  };
  CallbackPage: {
    readonly items: readonly Schemas['Callback'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  Callback: {
    readonly id: string;
    readonly at: string;
    readonly channel: string;
    readonly verdict: 'accepted' | 'duplicate' | 'ignored' | 'parked' | 'rejected';

    /** Why it was refused, or would have been where only noted. */
    readonly reason: string | null;
    readonly detail: string | null;
    readonly remoteAddress: string | null;
    readonly orderNo: string | null;
    readonly noticeType: string | null;

    /** SHA-256 of the body, hex. */
    readonly digest: string | null;
    readonly bytes: number | null;
  };
  RejectionPage: {
    readonly items: readonly Schemas['Callback'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  DeliveryPage: {
    readonly items: readonly Schemas['Delivery'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  Delivery: {
    readonly eventId: string;
    readonly origin: string;
    readonly channel: string;
    readonly orderNo: string;
    readonly sequence: number;
    readonly state: 'waiting' | 'in_flight' | 'delivered' | 'dead' | 'held' | 'paused' | 'cancelled' | 'skipped';
    readonly reason: string | null;
    readonly attempts: number;
    readonly lastOutcome: string | null;
    readonly lastStatus: number | null;
    readonly dueAt: string | null;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  AlarmPage: {
    readonly items: readonly Schemas['ListedAlarm'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  ListedAlarm: Schemas['Alarm'] & {
    /** The last messages about it, the newest first. */
    readonly told: readonly {
      readonly destination: string;
      readonly kind: 'raised' | 'again' | 'resolved' | 'test';

      /** dead: not taken for a day. */
      readonly state: 'waiting' | 'sending' | 'sent' | 'dead';

      /** When it was sent; while it waits, when it is due. */
      readonly at: string;
      readonly error: string | null;
    }[];
  };
  Alarm: {
    readonly id: string;
    readonly code: string;
    readonly subject: string;
    readonly detail: string;
    readonly count: number;
    readonly firstAt: string;
    readonly lastAt: string;
    readonly state: 'open' | 'acknowledged' | 'resolved';

    /** The API key that acknowledged or resolved it; `gateway` where what it told of ended. */
    readonly actedBy: string | null;
    readonly actedAt: string | null;
  };
  AlarmMessagePage: {
    readonly items: readonly Schemas['AlarmMessage'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  AlarmMessage: {
    readonly code: string;
    readonly subject: string;
    readonly createdAt: string;
    readonly tries: number;
    readonly destination: string;
    readonly kind: string;
    readonly state: string;
    readonly at: string;
    readonly error: string | null;
  };
  AlarmRules: {
    readonly rules: {
      readonly delivery_dead: Schemas['AlarmRule'];
      readonly origin_gone: Schemas['AlarmRule'];
      readonly origin_failing: Schemas['AlarmRule'];
      readonly origin_paused: Schemas['AlarmRule'];
      readonly origin_removed: Schemas['AlarmRule'];
      readonly origin_disagrees: Schemas['AlarmRule'];
      readonly breaker_open: Schemas['AlarmRule'];
      readonly backlog_age: Schemas['AlarmRule'];
      readonly provider_away: Schemas['AlarmRule'];
      readonly provider_refuses: Schemas['AlarmRule'];
      readonly rejection_spike: Schemas['AlarmRule'];
      readonly wrong_merchant: Schemas['AlarmRule'];
      readonly wrong_environment: Schemas['AlarmRule'];
      readonly decrypt_failed: Schemas['AlarmRule'];
      readonly keys_unavailable: Schemas['AlarmRule'];
      readonly key_expiring: Schemas['AlarmRule'];
      readonly channel_silent: Schemas['AlarmRule'];
      readonly channel_paused_long: Schemas['AlarmRule'];
      readonly projection_refused: Schemas['AlarmRule'];
      readonly order_flagged: Schemas['AlarmRule'];
      readonly order_held: Schemas['AlarmRule'];
      readonly unlinked: Schemas['AlarmRule'];
      readonly unmatched: Schemas['AlarmRule'];
      readonly unconfirmed_notice: Schemas['AlarmRule'];
      readonly refund_needs_attention: Schemas['AlarmRule'];
      readonly refund_refused: Schemas['AlarmRule'];
      readonly close_failed: Schemas['AlarmRule'];
      readonly bill_missing: Schemas['AlarmRule'];
      readonly bill_refused: Schemas['AlarmRule'];
      readonly discrepancies_open: Schemas['AlarmRule'];
      readonly notification_dead: Schemas['AlarmRule'];
    };
  };
  AlarmRule: {
    /** Whether anybody is told. It is listed either way. */
    readonly enabled: boolean;

    /** Told in quiet hours too. */
    readonly critical: boolean;

    /** Ids; null: all of them. */
    readonly destinations: readonly string[] | null;

    /** An alarm that goes on is told again after this. */
    readonly repeatMinutes: number;

    /** backlog_age: how old the oldest undelivered event may be. provider_…: how long no question is answered. */
    readonly minutes?: number;

    /** rejection_spike: fewer refusals a minute are never one. */
    readonly perMinute?: number;

    /** rejection_spike: so many times the usual rate of the day before. */
    readonly times?: number;
  };

  /** What is left out is as usual. */
  AlarmRulesInput: {
    readonly rules: {
      readonly delivery_dead?: Schemas['AlarmRuleInput'];
      readonly origin_gone?: Schemas['AlarmRuleInput'];
      readonly origin_failing?: Schemas['AlarmRuleInput'];
      readonly origin_paused?: Schemas['AlarmRuleInput'];
      readonly origin_removed?: Schemas['AlarmRuleInput'];
      readonly origin_disagrees?: Schemas['AlarmRuleInput'];
      readonly breaker_open?: Schemas['AlarmRuleInput'];
      readonly backlog_age?: Schemas['AlarmRuleInput'];
      readonly provider_away?: Schemas['AlarmRuleInput'];
      readonly provider_refuses?: Schemas['AlarmRuleInput'];
      readonly rejection_spike?: Schemas['AlarmRuleInput'];
      readonly wrong_merchant?: Schemas['AlarmRuleInput'];
      readonly wrong_environment?: Schemas['AlarmRuleInput'];
      readonly decrypt_failed?: Schemas['AlarmRuleInput'];
      readonly keys_unavailable?: Schemas['AlarmRuleInput'];
      readonly key_expiring?: Schemas['AlarmRuleInput'];
      readonly channel_silent?: Schemas['AlarmRuleInput'];
      readonly channel_paused_long?: Schemas['AlarmRuleInput'];
      readonly projection_refused?: Schemas['AlarmRuleInput'];
      readonly order_flagged?: Schemas['AlarmRuleInput'];
      readonly order_held?: Schemas['AlarmRuleInput'];
      readonly unlinked?: Schemas['AlarmRuleInput'];
      readonly unmatched?: Schemas['AlarmRuleInput'];
      readonly unconfirmed_notice?: Schemas['AlarmRuleInput'];
      readonly refund_needs_attention?: Schemas['AlarmRuleInput'];
      readonly refund_refused?: Schemas['AlarmRuleInput'];
      readonly close_failed?: Schemas['AlarmRuleInput'];
      readonly bill_missing?: Schemas['AlarmRuleInput'];
      readonly bill_refused?: Schemas['AlarmRuleInput'];
      readonly discrepancies_open?: Schemas['AlarmRuleInput'];
      readonly notification_dead?: Schemas['AlarmRuleInput'];
    };
  };
  AlarmRuleInput: {
    /** Whether anybody is told. It is listed either way. */
    readonly enabled?: boolean;

    /** Told in quiet hours too. */
    readonly critical?: boolean;

    /** Ids; null: all of them. */
    readonly destinations?: readonly string[] | null;

    /** An alarm that goes on is told again after this. */
    readonly repeatMinutes?: number;

    /** backlog_age: how old the oldest undelivered event may be. provider_…: how long no question is answered. */
    readonly minutes?: number;

    /** rejection_spike: fewer refusals a minute are never one. */
    readonly perMinute?: number;

    /** rejection_spike: so many times the usual rate of the day before. */
    readonly times?: number;
  };
  AlarmDestinationWithSecret: Schemas['AlarmDestination'] & {
    /** Of a webhook, when it was made here, this once. */
    readonly secret?: string;
  };
  AlarmDestination: {
    readonly id: string;
    readonly kind: 'feishu' | 'dingtalk' | 'wecom' | 'slack' | 'webhook' | 'email';
    readonly language: 'en' | 'zh';
    readonly enabled: boolean;
    readonly quietHours: {
      readonly from: string;
      readonly to: string;
      readonly utcOffsetMinutes: number;
      readonly timeZone?: string;
    } | null;

    /** Enough of it to tell two apart. */
    readonly address: string;
    readonly signed: boolean;
    readonly from: string | null;
    readonly to: readonly string[];
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  AlarmDestinationInput: {
    readonly id: string;
    readonly kind: 'feishu' | 'dingtalk' | 'wecom' | 'slack' | 'webhook' | 'email';
    readonly language?: 'en' | 'zh';
    readonly enabled?: boolean;

    /** Only rules that are critical are told within them; the rest waits for their end. */
    readonly quietHours?: {
      readonly from: string;
      readonly to: string;
      readonly utcOffsetMinutes?: number;

      /** Instead of utcOffsetMinutes: a zone by its IANA name, whose clocks may change. */
      readonly timeZone?: string;
    } | null;

    /** The address that the platform gave out. Never shown. */
    readonly url?: string;

    /** feishu, dingtalk: the signing secret of the robot. webhook: whsec_…, made if left out. */
    readonly secret?: string;

    /** email: a sender of a domain of yours at Cloudflare. */
    readonly from?: string;
    readonly to?: readonly string[];
  };
  AlarmDestinationPage: {
    readonly items: readonly Schemas['AlarmDestination'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  AlarmDestinationPatch: {
    readonly language?: 'en' | 'zh';
    readonly enabled?: boolean;

    /** Only rules that are critical are told within them; the rest waits for their end. */
    readonly quietHours?: {
      readonly from: string;
      readonly to: string;
      readonly utcOffsetMinutes?: number;

      /** Instead of utcOffsetMinutes: a zone by its IANA name, whose clocks may change. */
      readonly timeZone?: string;
    } | null;

    /** The address that the platform gave out. Never shown. */
    readonly url?: string;

    /** feishu, dingtalk: the signing secret of the robot. webhook: whsec_…, made if left out. */
    readonly secret?: string;

    /** email: a sender of a domain of yours at Cloudflare. */
    readonly from?: string;
    readonly to?: readonly string[];
  };
  AlarmTest: {
    readonly taken: boolean;

    /** Why it was not taken. */
    readonly error: string | null;
  };
  Rebuild: { readonly channels: number; readonly shards: number; readonly orders: number };
  ApiKeyWithKey: Schemas['ApiKey'] & {
    /** Shown this once; only its hash is kept. */
    readonly key: string;
  };
  ApiKey: {
    readonly id: string;
    readonly name: string;
    readonly scopes: readonly ('read' | 'orders' | 'operate' | 'metrics' | 'admin')[];

    /** The key's last four characters. */
    readonly ending: string;
    readonly createdAt: string;
    readonly expiresAt: string | null;

    /** To the hour; null: not yet. */
    readonly lastUsedAt: string | null;
    readonly revokedAt: string | null;
  };
  ApiKeyInput: {
    readonly name: string;

    /** viewer = read; operator = read, orders, operate; admin = admin. */
    readonly scopes: readonly ('read' | 'orders' | 'operate' | 'metrics' | 'admin')[];

    /** From then on it is refused; left out or null: never. */
    readonly expiresAt?: string | null;
  };
  ApiKeyPage: {
    readonly items: readonly Schemas['ApiKey'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };

  /** Scopes cannot change: make another key. */
  ApiKeyPatch: { readonly name?: string; readonly expiresAt?: string | null };
  Access: {
    /** 0: never set. */
    readonly version: number;
    readonly issuer: string | null;
    readonly audiences: readonly string[];
    readonly rules: readonly {
      readonly kind: 'email' | 'domain' | 'group';
      readonly value: string;
      readonly role: 'viewer' | 'operator' | 'admin';
    }[];
  };
  AccessInput: {
    /** https://<team>.cloudflareaccess.com; null: nobody comes in so. */
    readonly issuer: string | null;
    readonly audiences: readonly string[];
    readonly rules: readonly {
      readonly kind: 'email' | 'domain' | 'group';
      readonly value: string;
      readonly role: 'viewer' | 'operator' | 'admin';
    }[];

    /** Refused (409) when somebody changed it since this version. */
    readonly ifVersion?: number;
  };
  SessionsEnded: { readonly endedBefore: string };
  SessionsEndInput: {
    /** A key or an e-mail; left out: the caller. */
    readonly actor?: string;
    readonly everybody?: true;
  };
  AuditPage: {
    readonly items: readonly Schemas['AuditEntry'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  AuditEntry: {
    readonly id: string;
    readonly at: string;

    /** The id of an API key, a person’s e-mail, `provider` where it decided, `gateway` where nobody asked. */
    readonly actor: string;

    /** Where the request came from; null where unknown. */
    readonly remoteAddress: string | null;

    /** Such as channel.pause or refund_requested: docs/operations.md has them all. */
    readonly act: string;

    /** What it was done to: order/shop/1001, channel/shop, api-key/key_…. */
    readonly subject: string;
    readonly channel: string | null;
    readonly orderNo: string | null;

    /** The names of changed fields, or what an order’s act was about. */
    readonly about: string;
    readonly reason: string | null;
  };
  Reconciliation: {
    readonly id: string;
    readonly channel: string;
    readonly day: string;
    readonly state: 'running' | 'waiting' | 'done' | 'refused' | 'missing';
    readonly step: 'fetch' | 'check' | 'compare' | 'repair' | 'absent' | 'settle' | 'done';
    readonly begunBy: 'clock' | 'hand' | 'upload';
    readonly kinds: readonly ('trade' | 'refund' | 'fundflow')[];

    /** How often this day was run. */
    readonly runs: number;
    readonly startedAt: string;
    readonly updatedAt: string;
    readonly finishedAt: string | null;

    /** When it goes on by itself. */
    readonly retryAt: string | null;
    readonly problem: string | null;
    readonly bills: readonly Schemas['ReconciliationBill'][];

    /** Null without a bill of the account. */
    readonly settlement: readonly Schemas['SettlementLine'][] | null;
    readonly untied: Schemas['UntiedCounts'] | null;
  };
  ReconciliationBill: {
    readonly kind: 'trade' | 'refund' | 'fundflow';
    readonly state: 'wanted' | 'here' | 'checked' | 'compared' | 'done' | 'refused';
    readonly source: 'provider' | 'upload';

    /** What of the day it has in full. */
    readonly covers: 'all' | 'payments' | 'refunds' | 'part';

    /** The provider said that nothing was traded. */
    readonly empty: boolean;
    readonly bytes: number;

    /** What the provider told and the file was held against. */
    readonly checksum: string | null;

    /** SHA-256 of the file as it came, hex. */
    readonly digest: string | null;
    readonly rows: number | null;
    readonly rowsDone: number;

    /** Rows of another day. */
    readonly outside: number;
    readonly totals: readonly { readonly name: string; readonly said: string | null; readonly counted: string }[];
    readonly tally: {
      readonly payments: number;
      readonly refunds: number;
      readonly matched: number;
      readonly repaired: number;
      readonly foreign: number;
      readonly unjudged: number;
      readonly differences: { readonly [name: string]: number };
      readonly trades: readonly Schemas['BillTrades'][];
    } | null;
    readonly problem: string | null;
  };
  BillTrades: {
    readonly currency: string;

    /** A decimal of the main unit, exact. */
    readonly gross: string;

    /** A decimal of the main unit, exact. */
    readonly refunds: string;

    /** A decimal of the main unit, exact. */
    readonly fees: string;

    /** A decimal of the main unit, exact. */
    readonly net: string;
  };
  SettlementLine: {
    readonly currency: string;

    /** A decimal of the main unit, exact. */
    readonly gross: string;

    /** A decimal of the main unit, exact. */
    readonly refunds: string;

    /** A decimal of the main unit, exact. */
    readonly fees: string;

    /** A decimal of the main unit, exact. */
    readonly net: string;

    /** A decimal of the main unit, exact. */
    readonly moved: string;

    /** A decimal of the main unit, exact. */
    readonly difference: string;

    /** A decimal of the main unit, exact. */
    readonly others: string;

    /** A decimal of the main unit, exact. */
    readonly opening: string | null;

    /** A decimal of the main unit, exact. */
    readonly closing: string | null;

    /** A decimal of the main unit, exact. */
    readonly balanceDifference: string | null;

    /** A decimal of the main unit, exact. */
    readonly overnightDifference: string | null;

    /** The first line whose balance does not follow. */
    readonly brokenAt: number | null;
  };
  ReconciliationInput: {
    readonly channel: string;

    /** In the provider’s own time: Beijing’s for mainland providers. */
    readonly day: string;

    /** Left out: trade, and fundflow where the provider has it. */
    readonly kinds?: readonly ('trade' | 'refund' | 'fundflow')[];
  };
  ReconciliationPage: {
    readonly items: readonly Schemas['Reconciliation'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  ReconciliationDetail: Schemas['Reconciliation'] & {
    /** The first thousand of each side. */
    readonly untiedLines: readonly {
      readonly side: 'bill' | 'account';
      readonly row: number;
      readonly kind: 'payment' | 'refund' | 'fee' | 'other';
      readonly id: string;
      readonly orderNo: string | null;
      readonly amount: Schemas['Money'];
    }[];
  };
  DiscrepancyPage: {
    readonly items: readonly Schemas['Discrepancy'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  Discrepancy: {
    readonly id: string;
    readonly channel: string;
    readonly day: string;
    readonly kind:
      | 'missing_here'
      | 'missing_there'
      | 'amount'
      | 'currency'
      | 'state'
      | 'fee'
      | 'duplicate'
      | 'unknown_here';
    readonly status: 'open' | 'explained' | 'fixed';
    readonly about: 'payment' | 'refund' | 'fee' | 'other';
    readonly orderNo: string | null;
    readonly transactionId: string | null;
    readonly refundNo: string | null;

    /** Of the bill, counted from 1; null where the bill lacks it. */
    readonly row: number | null;

    /** As the bill tells it. */
    readonly there: {
      readonly amount: Schemas['Money'] | null;
      readonly state: string;
      readonly fee: string | null;
      readonly at: string;
    } | null;

    /** As we hold it. */
    readonly here: {
      readonly amount: Schemas['Money'] | null;
      readonly state: string;
      readonly fee: string | null;
      readonly at: string;
    } | null;

    /** The ledger was told of it, with the bill as its source. */
    readonly repaired: boolean;
    readonly eventId: string | null;
    readonly detail: string;
    readonly owner: string | null;
    readonly note: string | null;
    readonly foundAt: string;
    readonly updatedAt: string;
  };
  DiscrepancyChange: {
    readonly status?: 'open' | 'explained' | 'fixed';
    readonly note?: string | null;

    /** Who looks after it. */
    readonly owner?: string | null;
  };
  Stats: {
    readonly channel: string | null;
    readonly by: string;
    readonly from: string;
    readonly to: string;
    readonly total: Schemas['Figures'];
    readonly items: readonly Schemas['Step'][];
  };
  Figures: {
    readonly callbacks: {
      /** Facts that callbacks brought. */
      readonly accepted: number;

      /** Repeated ones; they change nothing. */
      readonly duplicate: number;

      /** Authentic ones about no order. */
      readonly ignored: number;

      /** Refused ones. */
      readonly rejected: number;
    };
    readonly payments: {
      /** Orders that were paid. */
      readonly succeeded: number;

      /** Of those, first told by a callback. */
      readonly byCallback: number;

      /** First learnt by asking the provider. */
      readonly byQuery: number;

      /** First learnt from the daily bill. */
      readonly byBill: number;

      /** The share that no callback told first: the callback-miss rate. Null without payments. */
      readonly missShare: number | null;
    };

    /** Refunds that succeeded. */
    readonly refunds: number;

    /** Disputes that were opened. */
    readonly disputes: number;

    /** Events that told of something odd. */
    readonly flagged: number;

    /** Deliveries that an origin took. */
    readonly delivered: number;
    readonly attempts: {
      /** Attempts that the origin answered with anything but success. */
      readonly refused: number;
      readonly unreachable: number;
      readonly timedOut: number;

      /** Deliveries that ran out of attempts. */
      readonly dead: number;

      /** Of all attempts, the share that an origin took. Null without attempts. */
      readonly successShare: number | null;
    };

    /** What was told in the step, in minor units: no balance. */
    readonly sums: readonly { readonly currency: string; readonly gross: number; readonly refunded: number }[];
    readonly latencies: {
      readonly acknowledged: Schemas['Latency'];
      readonly paidToVerified: Schemas['Latency'] & unknown;
      readonly verifiedToDelivered: Schemas['Latency'] & unknown;
      readonly deliveredToSettled: Schemas['Latency'] & unknown;
      readonly paidToDelivered: Schemas['Latency'] & unknown;
    };
  };

  /** From a callback’s arrival to its facts being durable. */
  Latency: {
    readonly count: number;
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
    readonly p99Ms: number | null;

    /** Those that hold something; they add up over steps and channels. */
    readonly buckets: readonly { readonly upToMs: number; readonly count: number }[];
  };
  Step: { readonly at: string; readonly figures: Schemas['Figures'] };
  CallbackSeries: {
    readonly channel: string | null;
    readonly stepMinutes: number;
    readonly from: string;
    readonly to: string;

    /** Every step, those without a callback too, the earliest first. */
    readonly items: readonly Schemas['CallbackCounts'][];
  };
  CallbackCounts: {
    readonly at: string;

    /** Facts that callbacks brought. */
    readonly accepted: number;
    readonly duplicate: number;
    readonly ignored: number;
    readonly rejected: number;
  };
  Waiting: {
    /** As the ledgers told at the last minute: all that should go out now, tried or not. Null where they did not. */
    readonly backlog: { readonly at: string; readonly waiting: number; readonly oldestAt: string | null } | null;
    readonly states: readonly {
      readonly state: 'waiting' | 'paused' | 'held' | 'dead';
      readonly count: number;

      /** True where only the oldest 2000 were looked at. */
      readonly isMore: boolean;

      /** When the oldest of them was committed. */
      readonly oldestAt: string | null;
    }[];
  };
  KeyEnds: {
    readonly items: readonly {
      readonly channel: string;
      readonly serial: string;
      readonly expiresAt: string;
      readonly daysLeft: number;
    }[];
  };
  Report: {
    readonly from: string;
    readonly to: string;
    readonly utcOffsetMinutes: number;
    readonly groupBy: 'day' | 'month';
    readonly items: readonly Schemas['ReportLine'][];

    /** Each currency over all items. */
    readonly totals: readonly Schemas['ReportTotal'][];
  };
  ReportLine: {
    /** Null where orders ended unpaid and nobody said a currency. */
    readonly currency: string | null;

    /** All payments, each on the day it was paid; minor units, like all sums here. */
    readonly gross: number;

    /** Refunds that succeeded, each on the day it did. */
    readonly refunded: number;

    /** Of refunds that had succeeded and then failed: on the day they failed. */
    readonly reversed: number;

    /** gross − refunded + reversed: before fees. */
    readonly net: number;

    /** As the daily bills told; null where not every day’s bill was compared, or one holds other shops’ rows. */
    readonly fees: Schemas['Decimal'] | null;
    readonly netAfterFees: Schemas['Decimal'] | null;
    readonly orders: {
      readonly paid: number;
      readonly failed: number;
      readonly closed: number;

      /** paid / (paid + failed + closed); null where none ended. */
      readonly successRate: number | null;
    };

    /** How many refunds succeeded. */
    readonly refunds: number;
    readonly reversals: number;
    readonly day: string;
    readonly channel: string;
  };
  ReportTotal: {
    /** Null where orders ended unpaid and nobody said a currency. */
    readonly currency: string | null;

    /** All payments, each on the day it was paid; minor units, like all sums here. */
    readonly gross: number;

    /** Refunds that succeeded, each on the day it did. */
    readonly refunded: number;

    /** Of refunds that had succeeded and then failed: on the day they failed. */
    readonly reversed: number;

    /** gross − refunded + reversed: before fees. */
    readonly net: number;

    /** As the daily bills told; null where not every day’s bill was compared, or one holds other shops’ rows. */
    readonly fees: Schemas['Decimal'] | null;
    readonly netAfterFees: Schemas['Decimal'] | null;
    readonly orders: {
      readonly paid: number;
      readonly failed: number;
      readonly closed: number;

      /** paid / (paid + failed + closed); null where none ended. */
      readonly successRate: number | null;
    };

    /** How many refunds succeeded. */
    readonly refunds: number;
    readonly reversals: number;
  };
  Product: {
    readonly id: string;
    readonly channel: string;
    readonly name: string;
    readonly amount: Schemas['Money'];
    readonly enabled: boolean;

    /** What its static code says; null when the channel lacks what the code needs. `qr.svg` says what. */
    readonly codeUrl: string | null;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  ProductInput: {
    /** What the static code says; the provider brings it back with every scan. */
    readonly id: string;
    readonly channel: string;

    /** What the payer is shown. */
    readonly name: string;
    readonly amount: { readonly minor: number; readonly currency: string };

    /** A disabled product is refused to whoever scans its code. */
    readonly enabled?: boolean;
  };
  ProductPage: {
    readonly items: readonly Schemas['Product'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };

  /** Only what is named changes. Orders that were made keep their price. */
  ProductPatch: {
    /** What the payer is shown. */
    readonly name?: string;
    readonly amount?: { readonly minor: number; readonly currency: string };

    /** A disabled product is refused to whoever scans its code. */
    readonly enabled?: boolean;
  };
  ProviderPage: {
    readonly items: readonly Schemas['Provider'][];

    /** The cursor of the next page; null on the last one. */
    readonly next: string | null;
  };
  Provider: {
    readonly id: string;
    readonly name: { readonly en: string; readonly zh: string };
    readonly credentials: readonly {
      readonly field: string;
      readonly label: { readonly en: string; readonly zh: string };
      readonly help: { readonly en: string; readonly zh: string };
      readonly required: boolean;
      readonly secret: boolean;

      /** What kind of PEM file belongs here; null for a plain text. */
      readonly holds: 'private_key' | 'public_key' | 'certificate' | 'certificates' | null;

      /** Whether POST /v1/channels/{id}/rotate may change it: it proves callbacks and does not say whose. */
      readonly rotates: boolean;

      /** JSON Schema of the field's value. */
      readonly schema: { readonly [name: string]: unknown };
    }[];

    /** JSON Schema of all credentials, with label, help, secret and default of each field. */
    readonly credentialsSchema: { readonly [name: string]: unknown };

    /** Such as pay and keys: what this provider can be asked. */
    readonly capabilities: readonly string[];

    /** Its daily bills; null where none can be asked for. */
    readonly bill: {
      readonly kinds: readonly ('trade' | 'refund' | 'fundflow')[];

      /** How far the days of its bills are ahead of UTC. */
      readonly offsetMinutes: number;

      /** After the end of its day, at the soonest. */
      readonly readyAfterHours: number;

      /** How far back bills can be asked for. */
      readonly keptDays: number;
    } | null;

    /** Where its callbacks come from; the default allowlist. */
    readonly sourceRanges: readonly string[];
    readonly retryScheduleSeconds: readonly number[];
  };
  Me: {
    /** The id of the key; admin for the admin key. */
    readonly id: string;
    readonly scopes: readonly ('read' | 'orders' | 'operate' | 'metrics' | 'admin')[];
  };
};

export type Operations = {
  /** List the channels. */
  'GET /v1/channels': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
      };
    };
    answer: Schemas['ChannelPage'];
  };
  /** Create a channel. */
  'POST /v1/channels': { input: { readonly body: Schemas['ChannelInput'] }; answer: Schemas['Channel'] };
  /** Read a channel. */
  'GET /v1/channels/{id}': { input: { readonly path: { readonly id: string } }; answer: Schemas['ChannelDetail'] };
  /** Change a channel. */
  'PATCH /v1/channels/{id}': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['ChannelPatch'] };
    answer: Schemas['Channel'];
  };
  /** Rotate the credentials of a channel. */
  'POST /v1/channels/{id}/rotate': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['ChannelRotation'] };
    answer: Schemas['Channel'] | Schemas['RotationTrial'];
  };
  /** Take callbacks in, deliver nothing. */
  'POST /v1/channels/{id}/pause': { input: { readonly path: { readonly id: string } }; answer: Schemas['Channel'] };
  /** Deliver again, in order. */
  'POST /v1/channels/{id}/resume': { input: { readonly path: { readonly id: string } }; answer: Schemas['Channel'] };
  /** Acknowledge nothing any more. */
  'POST /v1/channels/{id}/disable': { input: { readonly path: { readonly id: string } }; answer: Schemas['Channel'] };
  /** Take callbacks in again. */
  'POST /v1/channels/{id}/enable': { input: { readonly path: { readonly id: string } }; answer: Schemas['Channel'] };
  /** Check credentials before a channel is made or changed. */
  'POST /v1/channels/check': {
    input: { readonly body: Schemas['ChannelCheckInput'] };
    answer: Schemas['ChannelCheck'];
  };
  /** List who would have been refused by an allowlist. */
  'GET /v1/channels/{id}/outsiders': {
    input: {
      readonly path: { readonly id: string };
      readonly query?: {
        readonly days?: number;

        /** Ranges to try, with commas between; else the channel’s own, or those published. */
        readonly ranges?: string;
      };
    };
    answer: Schemas['Outsiders'];
  };
  /** Find out why an order, or anything at all, did not arrive. */
  'POST /v1/channels/{id}/diagnose': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['DiagnoseInput'] };
    answer: Schemas['Diagnosis'];
  };
  /** Say what a test callback would do. */
  'GET /v1/channels/{id}/test': { input: { readonly path: { readonly id: string } }; answer: Schemas['TestPlan'] };
  /** Send a test callback. */
  'POST /v1/channels/{id}/test': { input: { readonly path: { readonly id: string } }; answer: Schemas['TestCallback'] };
  /** Say how a test callback stands. */
  'GET /v1/channels/{id}/test/{orderNo}': {
    input: { readonly path: { readonly id: string; readonly orderNo: string } };
    answer: Schemas['TestCallback'];
  };
  /** Have the provider call the channel. */
  'POST /v1/channels/{id}/test/echo': { input: { readonly path: { readonly id: string } }; answer: Schemas['Echo'] };
  /** List the origins. */
  'GET /v1/origins': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
      };
    };
    answer: Schemas['OriginPage'];
  };
  /** Create an origin. */
  'POST /v1/origins': { input: { readonly body: Schemas['OriginInput'] }; answer: Schemas['OriginWithSecret'] };
  /** Read an origin. */
  'GET /v1/origins/{id}': { input: { readonly path: { readonly id: string } }; answer: Schemas['OriginWithGate'] };
  /** Change an origin. */
  'PATCH /v1/origins/{id}': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['OriginPatch'] };
    answer: Schemas['Origin'];
  };
  /** Keep deliveries waiting. */
  'POST /v1/origins/{id}/pause': { input: { readonly path: { readonly id: string } }; answer: Schemas['Origin'] };
  /** Deliver again, in order. */
  'POST /v1/origins/{id}/resume': { input: { readonly path: { readonly id: string } }; answer: Schemas['Origin'] };
  /** Give the origin a new signing secret. */
  'POST /v1/origins/{id}/rotate': {
    input: { readonly path: { readonly id: string }; readonly body?: Schemas['Rotation'] };
    answer: Schemas['OriginWithSecret'];
  };
  /** See whether an origin’s address is reached. */
  'POST /v1/origins/{id}/check': { input: { readonly path: { readonly id: string } }; answer: Schemas['OriginCheck'] };
  /** Show what an origin would get, without sending it. */
  'POST /v1/origins/{id}/preview': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['PreviewInput'] };
    answer: Schemas['Preview'];
  };
  /** Find orders, newest first. */
  'GET /v1/orders': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;

        /** An order, transaction or refund number. Whole, or how it begins; then the list is by what was found. */
        readonly search?: string;

        /** The merchant's number. Whole, or how it begins; then the list is by what was found. */
        readonly orderNo?: string;

        /** The provider's number of a payment. Whole, or how it begins; then the list is by what was found. */
        readonly transactionId?: string;

        /** A refund's number, ours or the provider's. Whole, or how it begins; then the list is by what was found. */
        readonly refundNo?: string;
        readonly channel?: string;
        readonly state?: 'parked' | 'pending' | 'paid' | 'failed' | 'closed' | 'partially_refunded' | 'refunded';
        readonly flag?:
          | 'amount_mismatch'
          | 'currency_mismatch'
          | 'underpaid'
          | 'overpaid'
          | 'late_payment'
          | 'paid_after_close'
          | 'paid_twice'
          | 'refund_before_payment'
          | 'refund_exceeds_payment'
          | 'refund_abnormal'
          | 'refund_reversed'
          | 'transaction_reused'
          | 'unmatched'
          | 'provider_disagrees'
          | 'origin_disagrees'
          | 'risk_review'
          | 'incomplete';

        /** First heard of then or later. */
        readonly from?: string;

        /** First heard of before then. */
        readonly to?: string;
        readonly currency?: string;

        /** Of the order’s amount, in the smallest unit; with currency. */
        readonly amountMin?: number;

        /** The same, included. */
        readonly amountMax?: number;

        /** csv: all pages as one table; limit and cursor are not looked at. */
        readonly format?: 'json' | 'csv';
      };
    };
    answer: Schemas['OrderPage'];
  };
  /** Register an order, and ask for its payment. */
  'POST /v1/orders': { input: { readonly body: Schemas['OrderInput'] }; answer: Schemas['RegisteredOrder'] };
  /** Read an order with its history. */
  'GET /v1/orders/{channel}/{orderNo}': {
    input: { readonly path: { readonly channel: string; readonly orderNo: string } };
    answer: Schemas['OrderRead'];
  };
  /** Ask the provider how an order stands. */
  'POST /v1/orders/{channel}/{orderNo}/query': {
    input: { readonly path: { readonly channel: string; readonly orderNo: string } };
    answer: Schemas['QueriedOrder'];
  };
  /** Close an order at the provider, so that nobody can pay it any more. */
  'POST /v1/orders/{channel}/{orderNo}/close': {
    input: { readonly path: { readonly channel: string; readonly orderNo: string } };
    answer: Schemas['OrderDetail'];
  };
  /** Let held events of an order go, or discard them. */
  'POST /v1/orders/{channel}/{orderNo}/release': {
    input: {
      readonly path: { readonly channel: string; readonly orderNo: string };
      readonly body: Schemas['ReleaseInput'];
    };
    answer: Schemas['Released'] | Schemas['ReleaseNoted'];
  };
  /** List the refunds of an order, and what is left to give back. */
  'GET /v1/orders/{channel}/{orderNo}/refunds': {
    input: { readonly path: { readonly channel: string; readonly orderNo: string } };
    answer: Schemas['RefundList'];
  };
  /** Ask the provider to give money back. */
  'POST /v1/orders/{channel}/{orderNo}/refunds': {
    input: {
      readonly path: { readonly channel: string; readonly orderNo: string };
      readonly body: Schemas['RefundInput'];
    };
    answer: Schemas['RefundedOrder'];
  };
  /** Give up a refund that the provider has never heard of. */
  'POST /v1/orders/{channel}/{orderNo}/refunds/{refundNo}/abandon': {
    input: {
      readonly path: { readonly channel: string; readonly orderNo: string; readonly refundNo: string };
      readonly body: Schemas['AbandonInput'];
    };
    answer: Schemas['AbandonedRefund'];
  };
  /** Deliver events of an order again. */
  'POST /v1/orders/{channel}/{orderNo}/replay': {
    input: {
      readonly path: { readonly channel: string; readonly orderNo: string };
      readonly body?: Schemas['OrderReplayInput'];
    };
    answer: Schemas['OrderReplayed'];
  };
  /** List bulk replays, newest first. */
  'GET /v1/replays': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
      };
    };
    answer: Schemas['ReplayPage'];
  };
  /** Deliver many events again, in the background. */
  'POST /v1/replays': {
    input: { readonly body: Schemas['ReplayInput'] };
    answer: Schemas['ReplayDryRun'] | Schemas['Replay'];
  };
  /** Read how far a bulk replay is. */
  'GET /v1/replays/{id}': { input: { readonly path: { readonly id: string } }; answer: Schemas['Replay'] };
  /** End a bulk replay where it is. */
  'POST /v1/replays/{id}/cancel': { input: { readonly path: { readonly id: string } }; answer: Schemas['Replay'] };
  /** Export what proves an order. */
  'GET /v1/orders/{channel}/{orderNo}/evidence': {
    input: { readonly path: { readonly channel: string; readonly orderNo: string } };
    answer: Schemas['Evidence'];
  };
  /** Read the feed: the events that origins get, oldest first. */
  'GET /v1/events': {
    input: {
      readonly query?: {
        /** The `next` of the answer before. Left out: the oldest event that is kept; latest: now. */
        readonly after?: string;
        readonly channel?: string;
        readonly type?:
          | 'payment.pending'
          | 'payment.succeeded'
          | 'payment.failed'
          | 'payment.closed'
          | 'refund.pending'
          | 'refund.succeeded'
          | 'refund.failed'
          | 'dispute.opened'
          | 'dispute.won'
          | 'dispute.lost'
          | 'order.flagged';
        readonly limit?: number;

        /** Seconds to wait for an event where there is none yet. */
        readonly wait?: number;
      };
    };
    answer: Schemas['Feed'];
  };
  /** List what a channel has archived. */
  'GET /v1/archives': {
    input: {
      readonly query: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly channel: string;

        /** evidence: facts with the bytes that proved them; events: events with what was told; rejections: what arrived and changed no order. */
        readonly kind?: 'evidence' | 'events' | 'rejections';
      };
    };
    answer: Schemas['ArchivePage'];
  };
  /** Read an archive, whole or one order of it. */
  'GET /v1/archives/lines': {
    input: { readonly query: { readonly key: string; readonly orderNo?: string } };
    answer: string;
  };
  /** List what providers sent, newest first. */
  'GET /v1/callbacks': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly channel?: string | '-';
        readonly verdict?: 'accepted' | 'duplicate' | 'ignored' | 'parked' | 'rejected';
        readonly reason?:
          | 'unknown_channel'
          | 'channel_disabled'
          | 'method_not_allowed'
          | 'too_large'
          | 'malformed'
          | 'source_not_allowed'
          | 'header_missing'
          | 'timestamp_stale'
          | 'unknown_key'
          | 'keys_unavailable'
          | 'signature_invalid'
          | 'signature_probe'
          | 'decrypt_failed'
          | 'wrong_merchant'
          | 'wrong_environment'
          | 'overloaded';

        /** That it named, unproved where it was refused; quick together with channel. */
        readonly orderNo?: string;

        /** It came then or later. */
        readonly from?: string;

        /** It came before then. */
        readonly to?: string;

        /** csv: all pages as one table; limit and cursor are not looked at. */
        readonly format?: 'json' | 'csv';
      };
    };
    answer: Schemas['CallbackPage'];
  };
  /** List refused callbacks, newest first, with exact counts. */
  'GET /v1/rejections': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly channel?: string | '-';

        /** How far back the counts go. */
        readonly minutes?: number;
      };
    };
    answer: Schemas['RejectionPage'] & {
      /** Exact counts by minute, newest first; on the first page alone. */
      readonly counts: readonly {
        readonly channel: string;
        readonly minute: string;
        readonly reason: string;
        readonly count: number;
      }[];
    };
  };
  /** List deliveries, newest first. */
  'GET /v1/deliveries': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly state?: 'waiting' | 'in_flight' | 'delivered' | 'dead' | 'held' | 'paused' | 'cancelled' | 'skipped';
        readonly channel?: string;
        readonly origin?: string;
        readonly orderNo?: string;

        /** The event came then or later. */
        readonly from?: string;

        /** The event came before then. */
        readonly to?: string;

        /** csv: all pages as one table; limit and cursor are not looked at. */
        readonly format?: 'json' | 'csv';
      };
    };
    answer: Schemas['DeliveryPage'];
  };
  /** List what wants a person, latest first. */
  'GET /v1/alarms': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;

        /** wanting: open or acknowledged. */
        readonly state?: 'open' | 'acknowledged' | 'resolved' | 'wanting' | 'all';
      };
    };
    answer: Schemas['AlarmPage'];
  };
  /** Say that somebody has it in hand. */
  'POST /v1/alarms/{id}/acknowledge': { input: { readonly path: { readonly id: string } }; answer: Schemas['Alarm'] };
  /** Say that it is over. */
  'POST /v1/alarms/{id}/resolve': { input: { readonly path: { readonly id: string } }; answer: Schemas['Alarm'] };
  /** List what destinations were told, or were not. */
  'GET /v1/alarm-messages': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly destination?: string;
        readonly state?: 'waiting' | 'sending' | 'sent' | 'dead';
      };
    };
    answer: Schemas['AlarmMessagePage'];
  };
  /** Read the rules of alarms. */
  'GET /v1/alarm-rules': { input: Record<never, never>; answer: Schemas['AlarmRules'] };
  /** Choose the rules of alarms. */
  'PUT /v1/alarm-rules': { input: { readonly body: Schemas['AlarmRulesInput'] }; answer: Schemas['AlarmRules'] };
  /** List the destinations of alarms. */
  'GET /v1/alarm-destinations': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
      };
    };
    answer: Schemas['AlarmDestinationPage'];
  };
  /** Create a destination of alarms. */
  'POST /v1/alarm-destinations': {
    input: { readonly body: Schemas['AlarmDestinationInput'] };
    answer: Schemas['AlarmDestinationWithSecret'];
  };
  /** Read a destination of alarms. */
  'GET /v1/alarm-destinations/{id}': {
    input: { readonly path: { readonly id: string } };
    answer: Schemas['AlarmDestination'];
  };
  /** Change a destination of alarms. */
  'PATCH /v1/alarm-destinations/{id}': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['AlarmDestinationPatch'] };
    answer: Schemas['AlarmDestination'];
  };
  /** Remove a destination of alarms. */
  'DELETE /v1/alarm-destinations/{id}': {
    input: { readonly path: { readonly id: string } };
    answer: Schemas['AlarmDestination'];
  };
  /** Send a test to a destination of alarms. */
  'POST /v1/alarm-destinations/{id}/test': {
    input: { readonly path: { readonly id: string } };
    answer: Schemas['AlarmTest'];
  };
  /** Rebuild D1 from the ledgers, the callback logs and the reconcilers. */
  'POST /v1/projection/rebuild': { input: Record<never, never>; answer: Schemas['Rebuild'] };
  /** List the API keys. */
  'GET /v1/api-keys': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
      };
    };
    answer: Schemas['ApiKeyPage'];
  };
  /** Create an API key. */
  'POST /v1/api-keys': { input: { readonly body: Schemas['ApiKeyInput'] }; answer: Schemas['ApiKeyWithKey'] };
  /** Read an API key, without the key itself. */
  'GET /v1/api-keys/{id}': { input: { readonly path: { readonly id: string } }; answer: Schemas['ApiKey'] };
  /** Rename an API key, or change when it ends. */
  'PATCH /v1/api-keys/{id}': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['ApiKeyPatch'] };
    answer: Schemas['ApiKey'];
  };
  /** Revoke an API key. */
  'DELETE /v1/api-keys/{id}': { input: { readonly path: { readonly id: string } }; answer: Schemas['ApiKey'] };
  /** Read who may come in by Cloudflare Access. */
  'GET /v1/access': { input: Record<never, never>; answer: Schemas['Access'] };
  /** Say who may come in by Cloudflare Access. */
  'PUT /v1/access': { input: { readonly body: Schemas['AccessInput'] }; answer: Schemas['Access'] };
  /** Log out of the console everywhere. */
  'POST /v1/sessions/end': { input: { readonly body?: Schemas['SessionsEndInput'] }; answer: Schemas['SessionsEnded'] };
  /** List who did what, latest first. */
  'GET /v1/audit': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly actor?: string;
        readonly act?: string;
        readonly subject?: string;
        readonly channel?: string;

        /** From then on. */
        readonly from?: string;

        /** Before then. */
        readonly to?: string;
      };
    };
    answer: Schemas['AuditPage'];
  };
  /** List reconciliations, the newest day first. */
  'GET /v1/reconciliations': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly channel?: string;
        readonly state?: 'running' | 'waiting' | 'done' | 'refused' | 'missing';

        /** In the provider’s own time: Beijing’s for mainland providers. */
        readonly day?: string;
      };
    };
    answer: Schemas['ReconciliationPage'];
  };
  /** Compare a day with the provider’s bills. */
  'POST /v1/reconciliations': {
    input: { readonly body: Schemas['ReconciliationInput'] };
    answer: Schemas['Reconciliation'];
  };
  /** Bring a bill, and compare its day with it. */
  'POST /v1/reconciliations/bills': {
    input: {
      readonly query: {
        readonly channel: string;

        /** In the provider’s own time: Beijing’s for mainland providers. */
        readonly day: string;
        readonly kind?: 'trade' | 'refund' | 'fundflow';

        /** What of the day the file has in full: all payments and refunds, all payments, all refunds, or but a part. Only of that is judged what it lacks. Left out: all for the provider’s own file, part for a table of yours. */
        readonly covers?: 'all' | 'payments' | 'refunds' | 'part';
      };
      readonly body: BodyInit;
    };
    answer: Schemas['Reconciliation'];
  };
  /** Read a reconciliation. */
  'GET /v1/reconciliations/{id}': {
    input: { readonly path: { readonly id: string } };
    answer: Schemas['ReconciliationDetail'];
  };
  /** Export what a reconciliation found. */
  'GET /v1/reconciliations/{id}/discrepancies.csv': {
    input: { readonly path: { readonly id: string } };
    answer: string;
  };
  /** List discrepancies, the last found first. */
  'GET /v1/discrepancies': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly status?: 'open' | 'explained' | 'fixed';
        readonly kind?:
          | 'missing_here'
          | 'missing_there'
          | 'amount'
          | 'currency'
          | 'state'
          | 'fee'
          | 'duplicate'
          | 'unknown_here';
        readonly channel?: string;

        /** In the provider’s own time: Beijing’s for mainland providers. */
        readonly day?: string;
        readonly owner?: string;
        readonly orderNo?: string;
      };
    };
    answer: Schemas['DiscrepancyPage'];
  };
  /** Export discrepancies as a table. */
  'GET /v1/discrepancies.csv': {
    input: {
      readonly query?: {
        readonly status?: 'open' | 'explained' | 'fixed';
        readonly kind?:
          | 'missing_here'
          | 'missing_there'
          | 'amount'
          | 'currency'
          | 'state'
          | 'fee'
          | 'duplicate'
          | 'unknown_here';
        readonly channel?: string;

        /** In the provider’s own time: Beijing’s for mainland providers. */
        readonly day?: string;
        readonly owner?: string;
        readonly orderNo?: string;
      };
    };
    answer: string;
  };
  /** Read a discrepancy. */
  'GET /v1/discrepancies/{id}': {
    input: {
      readonly path: {
        /** Percent-encoded: it may hold % itself. */
        readonly id: string;
      };
    };
    answer: Schemas['Discrepancy'];
  };
  /** Say what a discrepancy is about. */
  'PATCH /v1/discrepancies/{id}': {
    input: {
      readonly path: {
        /** Percent-encoded: it may hold % itself. */
        readonly id: string;
      };
      readonly body: Schemas['DiscrepancyChange'];
    };
    answer: Schemas['Discrepancy'];
  };
  /** Figures for charts. */
  'GET /v1/stats': {
    input: {
      readonly query?: {
        /** Left out: all together, and what came to no channel. */
        readonly channel?: string;

        /** Left out: a day, or by day 30 days, before `to`. */
        readonly from?: string;

        /** Not included. Left out: now. */
        readonly to?: string;
        readonly by?: 'hour' | 'day';

        /** Where days begin: 480 for Beijing. */
        readonly utcOffsetMinutes?: number;
      };
    };
    answer: Schemas['Stats'];
  };
  /** Callbacks by the minute. */
  'GET /v1/stats/callbacks': {
    input: {
      readonly query?: {
        /** Left out: all together, and those that came to no channel. */
        readonly channel?: string;

        /** Left out: 60 steps before `to`. */
        readonly from?: string;

        /** Not included. Left out: now. */
        readonly to?: string;
        readonly stepMinutes?: 1 | 5 | 10 | 30 | 60 | 360 | 480 | 1440;
      };
    };
    answer: Schemas['CallbackSeries'];
  };
  /** Deliveries that are not over, and their age. */
  'GET /v1/stats/waiting': { input: { readonly query?: { readonly channel?: string } }; answer: Schemas['Waiting'] };
  /** Keys and certificates that end soon. */
  'GET /v1/stats/keys': {
    input: { readonly query?: { readonly channel?: string; readonly withinDays?: number } };
    answer: Schemas['KeyEnds'];
  };
  /** What each day brought, by channel and currency. */
  'GET /v1/reports': {
    input: {
      readonly query?: {
        /** The first day. Left out: 30 days up to `to`. */
        readonly from?: string;

        /** The last day, included. Left out: today. */
        readonly to?: string;

        /** Left out: each channel by itself. */
        readonly channel?: string;
        readonly groupBy?: 'day' | 'month';

        /** Where days begin. Left out: where the days of the channel’s own bills do, else in Beijing (480). */
        readonly utcOffsetMinutes?: number;
        readonly format?: 'json' | 'csv';
      };
    };
    answer: Schemas['Report'];
  };
  /** A product’s static code as SVG. */
  'GET /v1/products/{id}/qr.svg': { input: { readonly path: { readonly id: string } }; answer: string };
  /** A product’s static code as PNG. */
  'GET /v1/products/{id}/qr.png': { input: { readonly path: { readonly id: string } }; answer: string };
  /** List the products. */
  'GET /v1/products': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
        readonly channel?: string;
      };
    };
    answer: Schemas['ProductPage'];
  };
  /** Create a product. */
  'POST /v1/products': { input: { readonly body: Schemas['ProductInput'] }; answer: Schemas['Product'] };
  /** Read a product. */
  'GET /v1/products/{id}': { input: { readonly path: { readonly id: string } }; answer: Schemas['Product'] };
  /** Change a product. */
  'PATCH /v1/products/{id}': {
    input: { readonly path: { readonly id: string }; readonly body: Schemas['ProductPatch'] };
    answer: Schemas['Product'];
  };
  /** List the providers and what their channels need. */
  'GET /v1/providers': {
    input: {
      readonly query?: {
        readonly limit?: number;

        /** The `next` of the page before; leave it out for the first page. */
        readonly cursor?: string;
      };
    };
    answer: Schemas['ProviderPage'];
  };
  /** Read whose key this is, and what it may do. */
  'GET /v1/me': { input: Record<never, never>; answer: Schemas['Me'] };
};
