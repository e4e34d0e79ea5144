import { seededRandom } from '../../src/core/random.ts';
import { parseTolerant } from '../../src/core/lossless-json.ts';
import { readInferTensors } from '../../src/core/tensors/infer-tensors.ts';
import { compare, type Benchmark } from './harness.ts';
import { sendRequests, startServers, stopServers, type Servers } from './http-load.ts';

const requests = 5_000;
const random = seededRandom(11);

/** A request of one row of 100 features, as a client has them: fractions of as many digits as they have. */
const body = JSON.stringify({ instances: [Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`feature_${i}`, random() * 100]))] });
const text = `POST /v1/models/wide:predict HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nuser-agent: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

function load(server: string): (servers: Servers) => Promise<void> {
  return ({ ports }) => sendRequests(ports[server]!, text, requests);
}

const image = Float32Array.from({ length: 3 * 224 * 224 }, () => random());
const head = { name: 'x', datatype: 'FP32', shape: [1, 3, 224, 224] };
const json = JSON.stringify({ inputs: [{ ...head, data: [...image] }] });
const binaryJson = JSON.stringify({ inputs: [{ ...head, parameters: { binary_data_size: image.byteLength } }] });
const bytes = new Uint8Array(image.buffer);

/** What a handler makes of the body of an infer call. */
function decoded(call: string, binary: Uint8Array): number {
  const { inputs } = parseTolerant(call) as { inputs: unknown };
  const [first] = readInferTensors(inputs, binary, 'inputs');
  return first!.tensor.data.length;
}

const options = { setup: () => startServers('serving-child.ts', 3), teardown: stopServers, operations: requests, unit: 'µs', runs: 9, warmup: 4 } as const;

export const benchmarks: readonly Benchmark[] = [
  // The time of a request of 80 % and of 60 % of the throughput.
  compare('predict of 100 features over node:http, to a bare server that parses the same and asks the same model', load('ours'), load('bare'), { ...options, target: { ratioAtMost: 1 / 0.8 } }),
  compare('predict of 100 features by srvx, to the bare server', load('srvx'), load('bare'), { ...options, target: { ratioAtMost: 1 / 0.6 } }),
  compare('a tensor of 1×3×224×224 floats from bytes, to the same from JSON', () => decoded(binaryJson, bytes), () => decoded(json, new Uint8Array()), { runs: 15, warmup: 5, unit: 'µs', target: { ratioAtMost: 1 / 100 } }),
];
