// Waiting with a limit. Gives up the wait, never the work: what is waited for must be harmless when it ends late.

/**
 * The work's value, or a throw that says `what` did not come within `timeoutMs` milliseconds. By hand, because it is on
 * the way of every callback: a race of promises in an async function costs twice as much.
 */
export function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${what} did not answer within ${timeoutMs} ms.`));
    const timer = setTimeout(late, Math.max(0, timeoutMs));
    const ended =
      <Value>(settle: (value: Value) => void) =>
      (value: Value) => {
        clearTimeout(timer);
        settle(value);
      };
    work.then(ended(resolve), ended(reject));
  });
}
