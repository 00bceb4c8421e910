// Problems: every refusal of /v1 as an RFC 9457 document with a stable code. Never shows what went wrong inside.
import { type Context, type ErrorHandler, type Hook, HTTPException, type ZodError, z } from './kit.ts';

const CODES = {
  invalid_json: { status: 400, title: 'The body is not JSON' },
  unauthorized: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'This API key may not do that' },
  not_found: { status: 404, title: 'There is no such thing here' },
  method_not_allowed: { status: 405, title: 'Not by this method' },
  already_exists: { status: 409, title: 'The id is taken' },
  changed_meanwhile: { status: 409, title: 'Somebody else changed it meanwhile' },
  order_conflict: { status: 409, title: 'The order is registered with other data' },
  order_paid: { status: 409, title: 'The order is paid' },
  order_expired: { status: 409, title: 'The order has expired' },
  order_closed: { status: 409, title: 'The order is closed' },
  refund_conflict: { status: 409, title: 'The refund number stands for another refund' },
  refund_exceeds_payment: { status: 409, title: 'More than is left of the payment' },
  insufficient_balance: { status: 409, title: 'The account at the provider cannot cover the refund' },
  second_key_needed: { status: 409, title: 'Another API key has to confirm' },
  wrong_status: { status: 409, title: 'Not possible in the present status' },
  cursor_gone: { status: 410, title: 'The cursor is of another time' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  validation_failed: { status: 422, title: 'The request has fields to mend' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another request' },
  public_url_missing: { status: 422, title: 'The public URL is not configured' },
  pay_not_supported: { status: 422, title: 'This provider cannot be asked for a payment' },
  query_not_supported: { status: 422, title: 'This provider cannot be asked for an order' },
  close_not_supported: { status: 422, title: 'This provider closes no orders' },
  refund_not_supported: { status: 422, title: 'This provider takes no refund requests' },
  provider_not_configured: { status: 422, title: 'The channel lacks what the provider needs' },
  test_not_supported: { status: 422, title: 'This channel can have no test callback' },
  not_renderable: { status: 422, title: 'The event cannot be told in this format' },
  provider_refused: { status: 422, title: 'The provider refused' },
  rate_limited: { status: 429, title: 'Too many requests at once' },
  internal: { status: 500, title: 'Something went wrong inside' },
  provider_unavailable: { status: 502, title: 'The provider did not give a usable answer' },
  unavailable: { status: 503, title: 'A part of the gateway cannot be reached' },
  projection_unavailable: { status: 503, title: 'Lists cannot be read at the moment' },
  provider_timeout: { status: 504, title: 'The provider did not answer in time' },
} as const;

/** All of them, for people who read. */
export const PROBLEMS = Object.entries(CODES).map(([code, { status, title }]) => ({ code, status, title }));

export type ProblemCode = keyof typeof CODES;
export type ProblemStatus = (typeof CODES)[ProblemCode]['status'];
export type FieldError = { readonly field: string; readonly message: string };
export type Problem = {
  readonly code: ProblemCode;
  /** One sentence that says what to do next. */
  readonly detail: string;
  readonly errors?: readonly FieldError[];
};

const FieldErrorBody = z.object({ field: z.string(), message: z.string() }).openapi('FieldError');

export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(CODES)).openapi({ description: 'Stable: programs may branch on it.' }),
    detail: z.string(),
    errors: z.array(FieldErrorBody).optional(),
  })
  .openapi('Problem');

/** Goes into every route's `responses`: whatever is not a success is a problem document. */
export const problemResponse = {
  default: {
    description: 'A problem document (RFC 9457); `code` says which.',
    content: { 'application/problem+json': { schema: ProblemBody } },
  },
} as const;

const ERRORS_SHOWN_MAX = 50;

/** Answers with a problem. */
export function refuse(c: Context, problem: Problem) {
  const { status, title } = CODES[problem.code];
  const errors = problem.errors ? { errors: problem.errors.slice(0, ERRORS_SHOWN_MAX) } : {};
  const body = { type: 'about:blank', title, status, code: problem.code, detail: problem.detail, ...errors };
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return c.json(body, status, headers);
}

export const invalid = (...errors: readonly FieldError[]): Problem => ({
  code: 'validation_failed',
  detail: errors.length === 1 ? `${errors[0]?.field}: ${errors[0]?.message}` : `${errors.length} fields need mending.`,
  errors,
});

export const notFound = (what: string): Problem => ({ code: 'not_found', detail: `${what} is not known.` });

/** Zod's issues as fields; `prefix` where the schema stands for a part of the body. Values are never repeated. */
export function fieldErrors(error: ZodError, prefix = ''): readonly FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    const places = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    return places.map((place) => ({ field: prefix + place.join('.') || 'body', message: messageOf(issue) }));
  });
}

function messageOf({ code, message }: ZodError['issues'][number]): string {
  if (code === 'unrecognized_keys') return 'is not a field here: remove it';
  const [, expected] = /^Invalid input: expected (.+), received undefined$/.exec(message) ?? [];
  return expected === undefined ? message : `is missing: expected ${expected}`;
}

/** What fails a schema answers 422 and names the fields. */
export const refuseInvalid: Hook = (result, c) =>
  result.success ? undefined : refuse(c, invalid(...fieldErrors(result.error)));

/** Whatever was thrown: bad input by a word of its own, an outage as 503, a bug as 500 with one log line. */
export const refuseThrown: ErrorHandler = (error, c) => {
  if (error instanceof HTTPException && error.status === 400) {
    return refuse(c, { code: 'invalid_json', detail: 'The body cannot be parsed as JSON: check quotes and commas.' });
  }
  if (error instanceof HTTPException && error.status === 415) {
    return refuse(c, { code: 'unsupported_media_type', detail: 'Send the body with content-type: application/json.' });
  }
  console.error(JSON.stringify({ hop: 'api', method: c.req.method, path: c.req.path, error: describe(error) }));
  if (error.message.startsWith('D1_')) {
    return refuse(c, {
      code: 'projection_unavailable',
      detail: 'The database of lists does not answer. Callbacks and single orders are not touched by this; try later.',
    });
  }
  if (isOutage(error)) {
    return refuse(c, { code: 'unavailable', detail: 'An object of the gateway did not answer. Try again.' });
  }
  return refuse(c, { code: 'internal', detail: 'The gateway failed to handle this. The log has one line about it.' });
};

// The platform marks its own errors: developers.cloudflare.com/durable-objects/best-practices/error-handling
const isOutage = (error: Error): boolean =>
  ('retryable' in error && error.retryable === true) || ('overloaded' in error && error.overloaded === true);

const describe = (error: Error): string => `${error.name}: ${error.message}`.slice(0, 500);

export const keyReused: Problem = {
  code: 'idempotency_key_reused',
  detail: 'Another request came with this Idempotency-Key: send a new key for a new request.',
};
