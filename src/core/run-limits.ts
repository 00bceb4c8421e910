// Limits of reconciliations: of the bills, of what one alarm does, of how long is waited. Units in the names. Pure.
import { DAY_MS } from './limits.ts';

/** How much of an answer tells whether it is a bill's file: the rest goes on as it comes. */
export const BILL_HEAD_BYTES = 64 * 1024;
/** A bill as it is kept while it is compared, packed: what a Worker is sent at most. Two million rows pack to half. */
export const BILL_FILE_BYTES_MAX = 100 * 1024 * 1024;
/** A part of it in one row of the object's database, which takes 2 MB. */
export const BILL_PART_BYTES = 512 * 1024;
/** A bill is downloaded within this. */
export const BILL_FETCH_TIMEOUT_MS = 300_000;
/** Rows of a bill that are looked up and judged together: a commit each, and a call to each shard. */
export const BILL_ROWS_AT_ONCE = 5_000;
/** One alarm does so much of a run and leaves the rest to the next: the platform bounds its seconds and its calls. */
export const RUN_SLICE_ROWS = 200_000;
export const RUN_SLICE_CALLS = 500;
export const RUN_SLICE_MS = 20_000;
/** Facts of a shard that are looked at together for what a bill lacks. */
export const HELD_PAGE_MAX = 1_000;
/** Pages without a difference after which the place is kept: a commit each would be waited for. */
export const HELD_PAGES_KEPT = 10;
/** Repairs told to the ledgers together. */
export const REPAIRS_AT_ONCE = 50;
/** A bill that is not there yet, or cannot be fetched, is asked for again after this, doubling up to the second. */
export const BILL_AGAIN_MS_MIN = 60_000;
export const BILL_AGAIN_MS_MAX = 3_600_000;
/** A bill that nobody could fetch for a day is a person's business; it is still tried. */
export const BILL_MISSING_MS = DAY_MS;
/** So long the trades wait for the account's bill of their day; then they are compared without it. */
export const ACCOUNT_BILL_WAIT_MS = 2 * 3_600_000;
/** A bill that was refused is fetched anew so often: a download may have been cut. */
export const BILL_REFUSED_MAX = 3;
/** What a day's orders are learnt after it is over: by its bill, or by questions of some days. */
export const LEARNT_AFTER_MS = 7 * DAY_MS;
/** Trades are tied to the account line by line, the keys of so many rows of both bills at once; more in parts. */
export const TIED_ROWS_AT_ONCE = 1_000_000;
/** Untied lines shown, a side. */
export const UNTIED_GIVEN_MAX = 1_000;
/** Rows told to D1 together. */
export const RUN_PROJECT_MAX = 100;
