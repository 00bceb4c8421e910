// The sink, in a thread of its own: an origin that answers at once, late or never, and counts what it was brought.
// Verifies nothing.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { HOST } from '../ports.ts';
import { answerQuestions } from './thread.ts';

/** `listen` with a time answers so late; null never does. Asked again it changes how, on the same port. */
export type SinkQuestion = 'listen' | 'count' | 'forget' | { readonly answersAfterMs: number | null };
export type SinkCount = {
  readonly port: number;
  /** Different events, and those that came again. */
  readonly events: number;
  readonly repeats: number;
  /** When the first and the last new event came, epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** From the gateway's receipt of the callback to here. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
};

let port = 0;
let answersAfterMs: number | null = 0;
let firstAt = 0;
let repeats = 0;
let lastAt = 0;
const seen = new Set<string>();
let lags: number[] = [];

function take(request: IncomingMessage, response: ServerResponse): void {
  const now = Date.now();
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    answer(response);
    const id = String(request.headers['webhook-id']);
    if (seen.has(id)) {
      repeats += 1;
      return;
    }
    if (seen.size === 0) firstAt = now;
    seen.add(id);
    lastAt = now;
    const receivedAt = /"receivedAt":"([^"]+)"/.exec(body)?.[1];
    if (receivedAt !== undefined) lags.push(now - Date.parse(receivedAt));
  });
}

function answer(response: ServerResponse): void {
  if (answersAfterMs === null) return;
  if (answersAfterMs === 0) response.writeHead(204).end();
  else setTimeout(() => response.writeHead(204).end(), answersAfterMs);
}

function count(): SinkCount {
  const sorted = Float64Array.from(lags).sort();
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { port, events: seen.size, repeats, firstAt, lastAt, lagP50Ms: at(0.5), lagP99Ms: at(0.99) };
}

const listen = () =>
  new Promise<void>((resolve, reject) => {
    const server = createServer(take);
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      port = address !== null && typeof address === 'object' ? address.port : 0;
      resolve();
    });
  });

answerQuestions(async (question: SinkQuestion): Promise<SinkCount> => {
  if (typeof question === 'object') answersAfterMs = question.answersAfterMs;
  if (port === 0 && question !== 'count' && question !== 'forget') await listen();
  if (question === 'forget') {
    seen.clear();
    lags = [];
    repeats = 0;
  }
  return count();
});
