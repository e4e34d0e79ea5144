import { Agent, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Random } from 'modelkeep';
import { listen, type RunningServer } from './storage-server.ts';

/** What may go wrong with a request, in the order of its way to the server and back. */
export const faults = ['refused', 'silent', 'error', 'busy', 'limited', 'cut while sent', 'unanswered', 'cut before the answer', 'cut in the answer'] as const;

export type Fault = (typeof faults)[number];

export interface FaultProxy extends RunningServer {
  /** How often each fault was had, and how many requests came through. */
  readonly counts: Map<Fault | 'none', number>;
}

export interface FaultProxyOptions {
  /** Where requests go. */
  readonly target: number;
  /** The share of requests that something goes wrong with. */
  readonly share: number;
  readonly random: Random;
  /** Is told of a request that gets no answer, with the value of its header `x-attempt`: the time that it is waited for need not pass. */
  readonly onSilence: (attempt: string) => void;
}

/** A proxy on a port of its own that lets a share of its requests fail, in every way that a network and a server have. */
export async function faultProxy({ target, share, random, onSilence }: FaultProxyOptions): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });
  const counts = new Map<Fault | 'none', number>();
  const running = await listen((incoming, outgoing) => {
    const fault = random() < share ? faults[Math.floor(random() * faults.length)]! : 'none';
    // Chosen before anything is awaited, so that the choice depends on the order of the requests alone.
    const at = random();
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    incoming.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    void pass(incoming, outgoing, fault, at, { target, agent, silent: () => onSilence(String(incoming.headers['x-attempt'])) });
  });
  return {
    ...running,
    counts,
    async close() {
      agent.destroy();
      await running.close();
    },
  };
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | 'none', at: number, to: { target: number; agent: Agent; silent: () => void }): Promise<void> {
  if (fault === 'refused') return void outgoing.destroy();
  const body = await collect(incoming).catch(() => undefined);
  if (body === undefined) return;
  if (fault === 'silent') return to.silent();
  if (fault === 'error') return answer(outgoing, 500, 'text/html', '<h1>Internal error</h1>');
  if (fault === 'busy') return answer(outgoing, 503, 'text/html', '<h1>Upstream is away</h1>');
  if (fault === 'limited') return answer(outgoing, 429, 'application/json', '{"error":{"code":"unavailable","message":"Too many requests."}}');
  const sent = forward({ host: '127.0.0.1', port: to.target, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: to.agent });
  sent.on('error', () => outgoing.destroy());
  if (fault === 'cut while sent') {
    sent.write(body.subarray(0, Math.floor(body.length * at)));
    sent.destroy();
    return void outgoing.destroy();
  }
  sent.on('response', (response) => void relay(response, outgoing, fault, at, to.silent));
  sent.end(body);
}

async function relay(response: IncomingMessage, outgoing: ServerResponse, fault: Fault | 'none', at: number, silent: () => void): Promise<void> {
  const body = await collect(response).catch(() => undefined);
  // By now the server has done what it was asked to do.
  if (fault === 'unanswered') return silent();
  if (body === undefined || fault === 'cut before the answer') return void outgoing.destroy();
  const { 'transfer-encoding': chunked, ...headers } = response.headers;
  outgoing.writeHead(response.statusCode!, chunked === undefined ? headers : { ...headers, 'transfer-encoding': chunked });
  if (fault !== 'cut in the answer') return void outgoing.end(body);
  outgoing.write(body.subarray(0, Math.floor(body.length * at)), () => outgoing.destroy());
}

function answer(outgoing: ServerResponse, status: number, type: string, text: string): void {
  outgoing.writeHead(status, { 'content-type': type, 'retry-after': '0' }).end(text);
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  if (!stream.complete) throw new Error('cut');
  return Buffer.concat(parts);
}
