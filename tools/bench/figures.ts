// What one measurement says, by field. Types alone.

export type Rate = {
  readonly perSecond: number;
  /** Open loop at 400/s. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the runtime, a request: at saturation, and at 400/s. */
  readonly cpuMs: number | null;
  readonly cpuMsOpen: number | null;
};

/** The same with LANES_MANY connections. */
export type CommitRate = Rate & { readonly perSecondMany: number };

export type Pipe = {
  /** Delivered to the origin, from the first callback to the last delivery at saturation. */
  readonly perSecond: number;
  readonly acceptedPerSecond: number;
  /** Acknowledged and not yet delivered when the load ended. */
  readonly backlog: number;
  readonly drainMs: number;
  readonly undelivered: number;
  readonly repeats: number;
  /** The acknowledgement at 400/s with everything running. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the callback's receipt to the origin at 400/s. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  /** End to end, drained and projected: at saturation, and at 400/s. */
  readonly cpuMsPerOrder: number | null;
  readonly cpuMsPerOrderOpen: number | null;
};

export type Stateless = {
  readonly bareWorker: Rate;
  readonly bareCrypto: Rate;
  readonly verify: Rate;
  /** Many in one request, so without HTTP: microseconds each. */
  readonly cryptoUs: number;
  readonly verifyUs: number;
};

export type Stateful = {
  readonly bareInsert: CommitRate;
  readonly bareProvenInsert: CommitRate;
  readonly accepted: CommitRate;
  readonly pipe: Pipe;
};
export type RowsPerOrder = { readonly ledger: number; readonly d1: number; readonly alarms: number };
