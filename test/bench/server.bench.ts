import { compare, type Benchmark } from './harness.ts';
import { sendRequests, startServers, stopServers, type Servers } from './http-load.ts';

const requests = 5_000;

const head = 'host: localhost\r\nauthorization: Bearer s3cret\r\naccept: */*\r\nuser-agent: bench\r\n';
const texts = {
  GET: `GET /v1/records/runs/one HTTP/1.1\r\n${head}\r\n`,
  PUT: `PUT /v1/records/runs/two HTTP/1.1\r\n${head}content-type: application/octet-stream\r\ncontent-length: 200\r\n\r\n${'a'.repeat(200)}`,
};

function load(server: string, method: keyof typeof texts): (servers: Servers) => Promise<void> {
  return ({ ports }) => sendRequests(ports[server]!, texts[method], requests);
}

const options = { setup: () => startServers('server-child.ts', 4), teardown: stopServers, operations: requests, unit: 'µs', runs: 9, warmup: 4 } as const;
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
