// What the tests of the pretend platforms share: somebody who listens for notices, and patience.
import { createServer, type IncomingHttpHeaders } from 'node:http';

export type Arrival = { readonly headers: IncomingHttpHeaders; readonly body: string };
export type Receipt = { readonly status: number; readonly body?: string };

export type Receiver = {
  readonly url: string;
  readonly arrivals: Arrival[];
  /** What it answers, one after the other; `usual` when none is left. */
  readonly receipts: Receipt[];
  readonly close: () => void;
};

export async function startReceiver(usual: Receipt): Promise<Receiver> {
  const arrivals: Arrival[] = [];
  const receipts: Receipt[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      arrivals.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      const { status, body = '' } = receipts.shift() ?? usual;
      response.writeHead(status).end(body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { url: `http://127.0.0.1:${port}/callbacks/shop`, arrivals, receipts, close: () => server.close() };
}

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error('it did not come true');
    await new Promise((done) => setTimeout(done, 10));
  }
}
