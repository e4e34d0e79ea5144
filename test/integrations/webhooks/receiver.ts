import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { verifyWebhook, type RegistryEvent } from 'modelkeep';

/** A secret of the tests. */
export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** A webhook that came, genuine. */
export interface Received {
  readonly id: string;
  readonly event: RegistryEvent;
}

/** A receiver that listens for the length of a test. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** Resolves when so many came. */
  came(count: number): Promise<void>;
}

/** Listens; `answer` says with what status, and nothing hangs up. */
export async function receiver(answer: (one: Received, n: number) => number | undefined | Promise<number | undefined> = () => 204): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const take = async (headers: IncomingHttpHeaders, body: string): Promise<number | undefined> => {
    const { id, event } = await verifyWebhook({ headers, body }, { secret });
    const one = { id, event: event as RegistryEvent };
    const n = received.push(one);
    for (const look of waiting) look();
    return answer(one, n);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void take(request.headers, Buffer.concat(chunks).toString()).then(
        (status) => (status === undefined ? request.socket.destroy() : response.writeHead(status).end()),
        () => response.writeHead(401).end(),
      );
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
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
