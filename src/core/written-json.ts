// JSON from outside whose numbers stay as they were written. Pure. Never throws, never makes a float of an amount.

/** A number as its sender wrote it: 170 and 170.0 differ in a signature. Nothing in JSON can pretend to be one. */
export class WrittenNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The value; undefined when the bytes are not JSON in UTF-8, which no schema accepts. */
export function parseWritten(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), keepNumber);
  } catch {
    return undefined; // not JSON, or nested too deeply: expected forms of hostile input
  }
}

/** The third argument tells the source text of a number (ECMA-262, JSON.parse source text access). */
function keepNumber(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  if (context?.source === undefined) throw new Error('this runtime does not show how a number was written');
  return new WrittenNumber(context.source);
}
