// Waiting with a limit. Gives up the wait, never the work: what is waited for must be harmless when it ends late.

/** The work's value, or a throw that says `what` did not come within `timeoutMs` milliseconds. */
export async function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, giveUp) => {
    const message = `${what} did not answer within ${timeoutMs} ms.`;
    timer = setTimeout(() => giveUp(new Error(message)), Math.max(0, timeoutMs));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
