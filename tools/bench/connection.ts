// One keep-alive HTTP/1.1 connection that costs the driver little: prepared bytes out, a status in, one at a time.
// Understands what workerd answers and no more. Opens itself again after a failure.
import { createConnection, type Socket } from 'node:net';
import { HOST } from '../ports.ts';

/** Status of a request that got no answer. */
export const NO_ANSWER = 0;
const ANSWER_TIMEOUT_MS = 30_000;

export class Connection {
  readonly #port: number;
  #socket: Socket | null = null;
  #seen = '';
  #waiting: ((status: number) => void) | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends the request and waits for its whole answer. Never throws: no answer is a status too. */
  post(head: Buffer, rest: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      const socket = this.#socket ?? this.#open();
      socket.write(Buffer.concat([head, rest]));
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Socket {
    const socket = createConnection({ host: HOST, port: this.#port, noDelay: true });
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => {}); // close follows and ends the wait
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      this.#finish(NO_ANSWER);
    });
    return socket;
  }

  #read(text: string): void {
    this.#seen += text;
    const status = statusOf(this.#seen);
    if (status !== null) this.#finish(status);
  }

  #finish(status: number): void {
    this.#seen = '';
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(status);
  }
}

/** Null while the answer is not whole. */
function statusOf(text: string): number | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const status = Number(text.slice(9, 12));
  if (status === 204) return status;
  const declared = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1];
  const isWhole = declared === undefined ? text.endsWith('0\r\n\r\n') : text.length - end - 4 >= Number(declared);
  return isWhole ? status : null;
}
