// The smallest HTTP server that the sandbox needs: routes, whole bodies, JSON. Listens on 127.0.0.1 and nowhere else.
import { createServer, type IncomingMessage } from 'node:http';

export type SandboxRequest = {
  readonly method: string;
  /** As it arrived, query included: signatures cover it. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names lower-cased. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Aborted when the caller hangs up. */
  readonly hungUp: AbortSignal;
};

export type SandboxAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Instead of a body that is text. */
  readonly bytes?: Uint8Array;
};

export type Handler = (request: SandboxRequest) => Promise<SandboxAnswer>;

export type Listening = { readonly url: string; readonly port: number; readonly close: () => Promise<void> };

const BODY_BYTES_MAX = 256 * 1024;

/** Serves until closed; what the handler throws is answered 500 with its message, since only developers call here. */
export async function serve(port: number, handler: Handler): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on('close', () => gone.abort());
    read(incoming, gone.signal)
      .then((request) => (request ? handler(request) : json(413, { error: 'the body is too large' })))
      .catch((error: unknown) => json(500, { error: String(error) }))
      .then((answer) => {
        outgoing.writeHead(answer.status, answer.headers ?? {});
        outgoing.end(answer.bytes ?? answer.body ?? '');
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve);
  });
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : port;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${bound}`, port: bound, close };
}

async function read(incoming: IncomingMessage, hungUp: AbortSignal): Promise<SandboxRequest | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = chunk as Buffer; // no encoding is set, so chunks are buffers
    size += bytes.length;
    if (size > BODY_BYTES_MAX) return null;
    chunks.push(bytes);
  }
  const target = incoming.url ?? '/';
  const { pathname, searchParams } = new URL(target, 'http://sandbox');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  const method = incoming.method ?? 'GET';
  return { method, target, path: pathname, query: searchParams, headers, body: Buffer.concat(chunks), hungUp };
}

export function json(status: number, value: unknown): SandboxAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers, body: `${JSON.stringify(value, null, 2)}\n` };
}
