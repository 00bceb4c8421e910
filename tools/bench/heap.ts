// What the isolate of a runtime holds, asked of its inspector: in use, and in use once its garbage is collected. Never
// part of a run that is timed: collecting stops the world.
import { z } from 'zod';
import type { Launched } from '../launch.ts';

const Targets = z.array(z.object({ webSocketDebuggerUrl: z.string() }));
const Usage = z.object({
  id: z.int(),
  result: z
    .object({ usedSize: z.number().default(0), backingStorageSize: z.number().default(0) })
    .default({ usedSize: 0, backingStorageSize: 0 }),
});

export class Heap {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (mb: number) => void>();
  #id = 0;

  static async open({ miniflare }: Launched): Promise<Heap> {
    const url = await miniflare.getInspectorURL();
    const http = new URL('/json', url.href.replace(/^ws/, 'http'));
    const [target] = Targets.parse(await (await fetch(http)).json());
    if (target === undefined) throw new Error('The inspector knows no Worker.');
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((done, fail) => {
      socket.addEventListener('open', done);
      socket.addEventListener('error', fail);
    });
    return new Heap(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const usage = Usage.safeParse(JSON.parse(String(data)));
      if (!usage.success) return; // news that nobody asked for
      const { usedSize, backingStorageSize } = usage.data.result;
      this.#waiting.get(usage.data.id)?.((usedSize + backingStorageSize) / 1_048_576);
      this.#waiting.delete(usage.data.id);
    });
  }

  /** MB that are no garbage: objects and the bytes behind them. */
  async heldMb(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage');
    return this.#ask('Runtime.getHeapUsage');
  }

  #ask(method: string): Promise<number> {
    const id = ++this.#id;
    return new Promise((done) => {
      this.#waiting.set(id, done);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}
