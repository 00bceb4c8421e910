// Questions to a worker thread and their answers, one at a time: driver and sink each run in their own, so that neither
// shares an event loop with what it measures. Knows nothing of what is asked.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

type Reply = { readonly value?: unknown; readonly error?: string };

export class Thread<Asked, Answered> {
  readonly #worker: Worker;

  /** `file` is a path. */
  constructor(file: string) {
    this.#worker = new Worker(file);
  }

  ask(question: Asked): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const done = (reply: Reply) => {
        this.#worker.off('error', reject);
        if (reply.error === undefined)
          resolve(reply.value as Answered); // by the answerer of the same types
        else reject(new Error(reply.error));
      };
      this.#worker.once('error', reject);
      this.#worker.once('message', done);
      this.#worker.postMessage(question);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** In the thread: answers what the main thread asks. */
export function answerQuestions<Asked, Answered>(answer: (question: Asked) => Promise<Answered>): void {
  if (isMainThread || !parentPort) throw new Error('This file is a thread of the bench: run tools/bench/main.ts.');
  const port = parentPort;
  port.on('message', (question: Asked) => {
    answer(question).then(
      (value) => port.postMessage({ value } satisfies Reply),
      (error: unknown) => port.postMessage({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
    );
  });
}
