import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { compare, type Benchmark } from './harness.ts';

interface Place {
  readonly child: ChildProcess;
  readonly ports: Readonly<Record<string, number>>;
}

const requests = 5_000;
const connections = 16;
const listeners = 4;

/** The servers stand in another process than the load. */
async function setup(): Promise<Place> {
  const script = fileURLToPath(new URL('server-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ports: Record<string, number> = {};
  await new Promise<void>((resolve, reject) => {
    let printed = '';
    child.on('exit', (code) => reject(new Error(`The servers ended with ${code}.`)));
    child.stdout.on('data', (text: Buffer) => {
      printed += text.toString();
      for (const [, name, port] of printed.matchAll(/(\w+) (\d+)\n/g)) ports[name!] = Number(port);
      if (Object.keys(ports).length === listeners) resolve();
    });
  });
  return { child, ports };
}

function teardown({ child }: Place): void {
  child.stdin?.end();
}

const head = 'host: localhost\r\nauthorization: Bearer s3cret\r\naccept: */*\r\nuser-agent: bench\r\n';
const texts = {
  GET: `GET /v1/records/runs/one HTTP/1.1\r\n${head}\r\n`,
  PUT: `PUT /v1/records/runs/two HTTP/1.1\r\n${head}content-type: application/octet-stream\r\ncontent-length: 200\r\n\r\n${'a'.repeat(200)}`,
};

/** Sends requests over connections that are kept, each when the answer to the one before has come, with as little of a client as will do. */
function load(server: string, method: keyof typeof texts): (place: Place) => Promise<void> {
  return async ({ ports }) => {
    let left = requests;
    const connection = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const socket = connect(ports[server]!, '127.0.0.1');
        const send = (): void => void (left-- > 0 ? socket.write(texts[method]) : socket.end(resolve));
        let received = '';
        socket.setNoDelay(true).on('connect', send).on('error', reject);
        socket.on('data', (bytes) => {
          received += bytes.toString('latin1');
          const end = received.indexOf('\r\n\r\n');
          const length = /content-length: (\d+)/i.exec(received);
          if (end === -1 || length === null || received.length < end + 4 + Number(length[1])) return;
          if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received));
          received = '';
          send();
        });
      });
    await Promise.all(Array.from({ length: connections }, connection));
  };
}

const options = { setup, teardown, operations: requests, unit: 'µs', runs: 9, warmup: 4 } as const;
const other = { ...options, runs: 5, warmup: 3 };
// The time of a request of 60 % of the throughput.
const target = { ratioAtMost: 1 / 0.6 };

export const benchmarks: readonly Benchmark[] = [
  compare('GET of a record of 200 bytes over node:http, to a bare server that answers the same bytes', load('ours', 'GET'), load('bare', 'GET'), { ...options, target }),
  compare('PUT of a record of 200 bytes over node:http, to a bare server that answers the same bytes', load('ours', 'PUT'), load('bare', 'PUT'), { ...options, target }),
  compare('GET by toNodeHandler, to @hono/node-server', load('ours', 'GET'), load('hono', 'GET'), other),
  compare('PUT by toNodeHandler, to @hono/node-server', load('ours', 'PUT'), load('hono', 'PUT'), other),
  compare('GET by toNodeHandler, to srvx', load('ours', 'GET'), load('srvx', 'GET'), other),
  compare('PUT by toNodeHandler, to srvx', load('ours', 'PUT'), load('srvx', 'PUT'), other),
];
