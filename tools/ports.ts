// Ports of this machine: is one free, find one that is. Never leaves a listener behind.
import { createServer } from 'node:net';
import { Sentence } from './terminal.ts';

export const HOST = '127.0.0.1';

/** The port that was bound and let go again; null when it is taken. Port 0 finds a free one. */
function probe(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else if (error.code === 'EACCES')
        reject(new Sentence(`Port ${port} is reserved for the system: choose one above 1023.`));
      else reject(error);
    });
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });
}

export const isFree = async (port: number): Promise<boolean> => (await probe(port)) !== null;

/** The given port, or a free one for 0; a taken one is refused in a sentence that names the flag to change. */
export async function claimPort(port: number, flag: string): Promise<number> {
  const bound = await probe(port);
  if (bound !== null) return bound;
  throw new Sentence(
    `Port ${port} on ${HOST} is taken by another program. Stop that program, or choose another port with ${flag}.`,
  );
}

/** Reads a port from a flag. */
export function parsePort(text: string, flag: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new Sentence(`${flag} needs a port from 1 to 65535, not "${text}".`);
}
