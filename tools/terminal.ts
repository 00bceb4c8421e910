// What every tool says and does at a terminal: plain sentences for expected trouble, colours, one clean stop. Never a
// stack trace for something a person can mend.
import { styleText } from 'node:util';

/** Expected trouble, told in a sentence that says what to do next. Anything else is a bug and keeps its stack. */
export class Sentence extends Error {}

type Style = Parameters<typeof styleText>[0];

/** Colours the text when the stream is a terminal that wants colours. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** Runs a tool; a Sentence becomes one line on stderr and exit code 1. */
export function main(tool: () => Promise<void>): void {
  tool().catch((error: unknown) => {
    console.error(describe(error));
    process.exit(1);
  });
}

export function describe(error: unknown): string {
  if (error instanceof Sentence) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Longest a stop may take before the process ends regardless. */
const STOP_TIMEOUT_MS = 5_000;

/**
 * Ctrl-C, a kill or a closed terminal runs `stop` once and ends the process; repeated signals change nothing.
 * Takes the place of handlers that were there before: Miniflare's own ends the process before anything else could stop.
 */
export function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(describe(error));
          process.exit(1);
        },
      );
    });
  }
}
