import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as it came. */
export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that listens for the length of a test. */
export interface Receiver<One> {
  readonly url: string;
  /** What came and could be read. */
  readonly received: One[];
  /** Resolves when so many came. */
  came(count: number): Promise<void>;
}

/** Listens; `answer` says with what status, and nothing hangs up. What `read` throws for is answered with 401. */
export async function listen<One>(
  read: (request: ReceivedRequest) => One | Promise<One>,
  answer: (one: One, n: number) => number | undefined | Promise<number | undefined>,
  port = 0,
): Promise<Receiver<One>> {
  const received: One[] = [];
  const waiting = new Set<() => void>();
  const take = async (request: ReceivedRequest): Promise<number | undefined> => {
    const one = await read(request);
    const n = received.push(one);
    for (const look of waiting) look();
    return answer(one, n);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void take({ headers: request.headers, body: Buffer.concat(chunks).toString() }).then(
        (status) => (status === undefined ? request.socket.destroy() : response.writeHead(status).end()),
        () => response.writeHead(401).end(),
      );
    });
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    came: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (received.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
