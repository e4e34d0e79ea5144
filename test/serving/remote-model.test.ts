import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { remoteModel, type RemoteModelOptions } from 'modelkeep/http';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { parseTolerant } from '../../src/core/lossless-json.ts';
import { readInferTensors, writeInferTensors } from '../../src/core/tensors/infer-tensors.ts';
import type { Tensor } from '../../src/core/tensors/tensor.ts';
import { listen, type Listening } from '../server/listening.ts';
import { SimulatedTime } from '../storage/simulated-time.ts';
import { ManualClock, settled } from '../tracking/manual-clock.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

/** A server that answers its requests in turn, the last answer again and again, and keeps what it was asked. */
async function serving(...answers: [Answer, ...Answer[]]): Promise<{ server: Listening; seen: Seen[] } & AsyncDisposable> {
  const seen: Seen[] = [];
  const server = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const next: Seen = { method: request.method!, url: request.url!, headers: request.headers, body: Buffer.concat(chunks) };
      const answer = answers[Math.min(seen.length, answers.length - 1)]!;
      seen.push(next);
      answer(next, response, request);
    });
  });
  return { server, seen, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const text = (body: string | Uint8Array, status = 200, headers: Record<string, string> = {}): Answer => (_, response) => void response.writeHead(status, headers).end(body);
/** When the connection of a request is gone. */
const closed = (request: IncomingMessage): Promise<void> => new Promise((resolve) => void request.socket.once('close', () => resolve()));
const version = { version: { model: 'flight delay', version: 3 } };

function predictorOf<I = unknown, O = unknown>(options: RemoteModelOptions<I, O>) {
  const { signal } = new AbortController();
  const predictor = remoteModel<I, O>(options)(version, { signal });
  return {
    predictor,
    predict: async (input: I, signalOf: AbortSignal = signal): Promise<O> => predictor.predict!(input, { signal: signalOf }),
    warmUp: async (signalOf: AbortSignal = signal): Promise<void> => void (await predictor.warmUp?.({ signal: signalOf })),
  };
}

describe('a remote model of TensorFlow Serving', () => {
  it('sends rows together and keeps NaN and integers of 64 bits', async () => {
    await using world = await serving(text('{"predictions": [NaN, {"score": -Infinity, "id": 9007199254740993, "raw_bytes": {"b64": "AQI="}}]}'));
    const { predictor } = predictorOf({ url: `${world.server.url}/`, format: 'tensorflow', signatureName: 'serving_default', headers: { 'x-team': 'delays' }, token: () => 'secret' });
    const { signal } = new AbortController();
    const answers = await predictor.predictBatch!([{ x: Float32Array.of(1.5), n: 2n ** 60n, image: Uint8Array.of(1, 2) }, { x: [NaN], n: 1n, image: { b64: 'AA==' } }], { signal });
    expect(answers).toEqual([NaN, { score: -Infinity, id: 9007199254740993n, raw_bytes: Uint8Array.of(1, 2) }]);
    const [request] = world.seen;
    expect([request!.method, request!.url]).toEqual(['POST', '/v1/models/flight%20delay/versions/3:predict']);
    expect(request!.headers).toMatchObject({ 'content-type': 'application/json', 'x-team': 'delays', authorization: 'Bearer secret' });
    expect(parseTolerant(request!.body.toString())).toEqual({ signature_name: 'serving_default', instances: [{ x: [1.5], n: 2n ** 60n, image: { b64: 'AQI=' } }, { x: [NaN], n: 1, image: { b64: 'AA==' } }] });
  });

  it('sends columns one by one', async () => {
    await using world = await serving(text('{"outputs": {"score": [[0.5]]}}'));
    const { predictor, predict } = predictorOf({ url: () => world.server.url, format: 'tensorflow', layout: 'columns', model: 'delay', versionOf: () => undefined, input: (input: number[]) => ({ x: { dtype: 'float32', shape: [1, 2], data: Float32Array.from(input) } }), output: (answer) => (answer as { score: number[][] }).score[0]![0]! });
    expect(predictor).not.toHaveProperty('predictBatch');
    expect(await predict([1, 2])).toBe(0.5);
    expect(world.seen[0]!.url).toBe('/v1/models/delay:predict');
    expect(JSON.parse(world.seen[0]!.body.toString())).toEqual({ inputs: { x: [[1, 2]] } });
  });

  it('is ready when the server says so, however long that takes, and not longer than it may', async () => {
    const state = (name: string): Answer => text(JSON.stringify({ model_version_status: [{ version: '3', state: name, status: { error_code: 'OK', error_message: 'warming' } }] }));
    await using world = await serving(text('{"error": "Servable not found for request: Specific(flight delay, 3)"}', 404), state('LOADING'), state('AVAILABLE'));
    await predictorOf({ url: world.server.url, format: 'tensorflow', clock: new SimulatedPatience() }).warmUp();
    expect(world.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(Array(3).fill('GET /v1/models/flight%20delay/versions/3'));

    await using never = await serving(state('LOADING'));
    await expect(predictorOf({ url: never.server.url, format: 'tensorflow', readyWithin: '10s', clock: new SimulatedPatience() }).warmUp()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/10000 ms.*"LOADING", "warming"/) as string });
  });
});

describe('a remote model of the Open Inference Protocol', () => {
  const input = { image: { dtype: 'float32', shape: [1, 3], data: Float32Array.of(1, NaN, 3) }, id: { dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 60n) } } satisfies Record<string, Tensor>;
  const outputs: Record<string, Tensor> = { score: { dtype: 'float64', shape: [2], data: Float64Array.of(0.25, -Infinity) }, label: { dtype: 'string', shape: [1], data: ['späth'] }, big: { dtype: 'uint64', shape: [1], data: BigUint64Array.of(2n ** 63n) } };
  const named = Object.entries(outputs).map(([name, tensor]) => ({ name, tensor }));

  it('speaks JSON', async () => {
    await using world = await serving(text(`{"model_name": "m", "outputs": [{"name": "score", "datatype": "FP64", "shape": [2], "data": [0.25, -Infinity]}, {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["späth"]}, {"name": "big", "datatype": "UINT64", "shape": [1], "data": [9223372036854775808]}]}`));
    const { predict } = predictorOf({ url: world.server.url, format: 'open-inference' });
    const answer = await predict(input);
    expect(answer).toMatchObject({ score: outputs['score'], label: outputs['label'] });
    expect(world.seen[0]!.url).toBe('/v2/models/flight%20delay/versions/3/infer');
    expect(parseTolerant(world.seen[0]!.body.toString())).toEqual({ inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 3], data: [1, NaN, 3] }, { name: 'id', datatype: 'INT64', shape: [1], data: [2n ** 60n] }] });
  });

  it('speaks bytes', async () => {
    const written = writeInferTensors(named, () => true, 'outputs');
    const json = utf8(JSON.stringify({ model_name: 'm', outputs: written.json }));
    await using world = await serving(text(concatBytes([json, ...written.binary]), 200, { 'inference-header-content-length': String(json.length) }));
    const { predict } = predictorOf({ url: world.server.url, format: 'open-inference', binary: true });
    expect(await predict(input)).toEqual(outputs);
    const { headers, body } = world.seen[0]!;
    const end = Number(headers['inference-header-content-length']);
    const request = JSON.parse(body.subarray(0, end).toString()) as { inputs: unknown; parameters: unknown };
    expect(request.parameters).toEqual({ binary_data_output: true });
    const sent = readInferTensors(request.inputs, body.subarray(end), 'inputs');
    expect(Object.fromEntries(sent.map(({ name, tensor }) => [name, tensor]))).toEqual(input);
  });

  it.each([
    ['claims more JSON than there is', text('{}', 200, { 'inference-header-content-length': '900' }), /claims "900" bytes/],
    ['has tensors that contradict themselves', text('{"outputs": [{"name": "a", "datatype": "FP32", "shape": [3], "data": [1]}]}'), /no answer of the Open Inference Protocol/],
    ['has no tensors', text('{}'), /no answer of the Open Inference Protocol/],
    ['is cut off', text('{"outputs": ['), /is no JSON/],
  ])('fails when the answer %s', async (_, answer, message) => {
    await using world = await serving(answer);
    await expect(predictorOf({ url: world.server.url, format: 'open-inference' }).predict(input)).rejects.toMatchObject({ code: 'model-failed', message: expect.stringMatching(message) as string });
  });

  it('refuses inputs that are no tensors', async () => {
    const { predict } = predictorOf({ url: 'http://localhost:1', format: 'open-inference' });
    for (const wrong of [3, {}, { a: 3 }, input.image]) await expect(predict(wrong)).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('a remote model of TorchServe, and of plain JSON', () => {
  it('sends JSON or bytes, and takes what a handler answers', async () => {
    await using world = await serving(text('{"class": 3}'), text('tabby cat'), text(Uint8Array.of(0xff, 0xfe)), text('{"status":"Healthy"}'));
    const { predict, warmUp } = predictorOf({ url: world.server.url, format: 'torchserve' });
    expect([await predict({ x: 1 }), await predict(Uint8Array.of(7, 8)), await predict(null)]).toEqual([{ class: 3 }, 'tabby cat', Uint8Array.of(0xff, 0xfe)]);
    await warmUp();
    expect(world.seen.map(({ method, url, headers, body }) => [method, url, headers['content-type'], body.toString('hex')])).toEqual([
      ['POST', '/predictions/flight%20delay/3', 'application/json', Buffer.from('{"x":1}').toString('hex')],
      ['POST', '/predictions/flight%20delay/3', 'application/octet-stream', '0708'],
      ['POST', '/predictions/flight%20delay/3', 'application/json', Buffer.from('null').toString('hex')],
      ['GET', '/ping', undefined, ''],
    ]);
  });

  it('posts JSON to the URL of each version', async () => {
    await using world = await serving(text('', 204), text('[1, NaN]'));
    const { predict, warmUp } = predictorOf({ url: ({ version: number }) => `${world.server.url}/delay/v${number}?key=1`, format: 'json', readyUrl: ({ model }) => `${world.server.url}/ready/${encodeURIComponent(model)}` });
    await warmUp();
    expect(await predict({ a: 1 })).toEqual([1, NaN]);
    expect(world.seen.map(({ url }) => url)).toEqual(['/ready/flight%20delay', '/delay/v3?key=1']);
  });
});

describe('a remote model whose server fails', () => {
  const ok = text('{"predictions": [1]}');
  const options = (world: { server: Listening }, of: Partial<RemoteModelOptions> = {}): RemoteModelOptions => ({ url: world.server.url, format: 'tensorflow', random: () => 0.5, ...of });

  it('asks again after 503 and 429, no sooner than it is told', async () => {
    await using world = await serving(text('{"error": "loading"}', 503), text('', 429, { 'retry-after': '7' }), ok);
    const clock = new SimulatedPatience();
    expect(await predictorOf(options(world, { clock })).predict(0)).toBe(1);
    expect(world.seen).toHaveLength(3);
    expect(clock.waits).toEqual([37.5, 7000]);
  });

  it('does not wait longer than its time lasts', async () => {
    await using world = await serving(text('{"error": "full"}', 429, { 'retry-after': '60' }));
    await expect(predictorOf(options(world, { clock: new SimulatedPatience() })).predict(0)).rejects.toMatchObject({ code: 'overloaded', message: expect.stringMatching(/answered with 429: full$/) as string, details: { status: 429, retryAfterMs: 60_000 } });
    expect(world.seen).toHaveLength(1);
  });

  it.each([
    ['a wrong input', text('{"error": "Invalid argument: shape"}', 400), { code: 'model-failed', message: expect.stringMatching(/400: Invalid argument: shape$/) as string }],
    ['a crash', text('<html>oops</html>', 500), { code: 'model-failed', message: expect.stringMatching(/500: <html>oops<\/html>$/) as string }],
    ['a long complaint', text('x'.repeat(200_000), 500), { message: expect.stringMatching(/x…$/) as string }],
    ['bytes of no kind', text(Uint8Array.of(0xff, 0xff), 500), { message: expect.stringMatching(/2 bytes that are no text/) as string }],
    ['no leave', text('', 401), { code: 'unauthorized' }],
    ['a refusal', text('', 403), { code: 'forbidden' }],
    ['a gateway without a server', text('', 502), { code: 'unavailable' }],
    ['a gateway that waited too long', text('', 504), { code: 'timeout' }],
    ['a redirect', text('', 302, { location: 'http://elsewhere.test/' }), { code: 'model-failed', message: expect.stringMatching(/redirect/) as string }],
    ['garbage', text('\u0000\u0001nope'), { code: 'model-failed', message: expect.stringMatching(/is no JSON/) as string }],
    ['another number of answers', text('{"predictions": [1, 2]}'), { code: 'model-failed', message: expect.stringMatching(/2 predictions for 1 row\./) as string }],
    ['no answers', text('null'), { code: 'model-failed' }],
    ['a reset', (_: Seen, __: ServerResponse, request: IncomingMessage) => void request.socket.resetAndDestroy(), { code: 'unavailable', message: expect.stringMatching(/lost the connection/) as string }],
    ['an answer that breaks off', (_: Seen, response: ServerResponse, request: IncomingMessage) => { response.writeHead(200, { 'content-length': '100' }).write('{"pre'); setImmediate(() => request.socket.destroy()); }, { code: 'unavailable' }],
  ] satisfies [string, Answer, object][])('tells of %s, and does not ask again', async (_, answer, failure) => {
    await using world = await serving(answer);
    await expect(predictorOf(options(world)).predict(0)).rejects.toMatchObject(failure);
    expect(world.seen).toHaveLength(1);
  });

  it('asks again where nobody listened', async () => {
    await using world = await serving(ok);
    const away = await listen(() => undefined);
    await away[Symbol.asyncDispose]();
    let attempts = 0;
    const fetch = (request: Request): Promise<Response> => globalThis.fetch(++attempts === 1 ? new Request(away.url, { method: 'POST', body: '{}', signal: request.signal }) : request);
    expect(await predictorOf(options(world, { fetch, clock: new SimulatedPatience() })).predict(0)).toBe(1);
    expect(attempts).toBe(2);
    await expect(predictorOf(options({ server: away }, { clock: new SimulatedPatience() })).predict(0)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/did not reach the server \(ECONNREFUSED\)/) as string });
  });

  it('takes no answer that is larger than it may be', async () => {
    await using world = await serving((_, response) => void response.writeHead(200).end(Buffer.alloc(100_000, 0x20)));
    await expect(predictorOf(options(world, { maxAnswerBytes: 1000 })).predict(0)).rejects.toMatchObject({ code: 'model-failed', message: expect.stringMatching(/more than 1000 bytes/) as string });
  });

  it('gives up a server that says nothing, or stops in the middle, and lets go of the connection', async () => {
    for (const answer of [() => undefined, (_: Seen, response: ServerResponse) => void response.writeHead(200).write('{"predictions"')] satisfies Answer[]) {
      let left: Promise<unknown> | undefined;
      await using world = await serving((seen, response, request) => { left = closed(request); answer(seen, response); });
      const clock = new ManualClock();
      const asked = predictorOf(options(world, { clock, timeout: '5s' })).predict(0);
      const outcome = expect(asked).rejects.toMatchObject({ code: 'timeout', message: expect.stringMatching(/5000 ms/) as string });
      while (left === undefined) await settled();
      await clock.pass(5_000);
      await outcome;
      await left;
      expect(clock.timers).toBe(0);
    }
  });

  it('lets go of a request when its caller leaves', async () => {
    let left: Promise<unknown> | undefined;
    await using world = await serving((_, __, request) => void (left = closed(request)));
    const controller = new AbortController();
    const asked = predictorOf(options(world)).predict(0, controller.signal);
    const outcome = expect(asked).rejects.toMatchObject({ code: 'aborted' });
    while (left === undefined) await settled();
    controller.abort();
    await outcome;
    await left;
    await expect(predictorOf(options(world)).predict(0, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    expect(world.seen).toHaveLength(1);
  });

  it('shows no secret in what it says', async () => {
    await using world = await serving(text('', 500));
    const failing = predictorOf({ url: `${world.server.url}/?token=hush`, format: 'json', token: 'hush', headers: () => ({ 'x-key': 'hush' }) }).predict(0);
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect(JSON.stringify([String(error), error])).not.toContain('hush');
    await expect(predictorOf({ url: world.server.url, format: 'json', token: 'hu\nsh' }).predict(0)).rejects.toMatchObject({ code: 'unauthorized', message: expect.not.stringContaining('hu') as string });
  });
});

describe('wrong options of a remote model', () => {
  const right: RemoteModelOptions = { url: 'http://localhost:8501', format: 'tensorflow' };
  it.each([
    [{ ...right, url: 'localhost' }, 'options.url'],
    [{ ...right, url: 'ftp://host/' }, 'options.url'],
    [{ ...right, url: 'http://me:secret@host/' }, 'options.url'],
    [{ ...right, format: 'grpc' }, 'options.format'],
    [{ ...right, binary: true }, "options.binary is for the format 'open-inference'"],
    [{ ...right, format: 'json', layout: 'rows' }, 'options.layout'],
    [{ ...right, attempts: 0 }, 'options.attempts'],
    [{ ...right, timeout: 'long' }, 'options.timeout'],
    [{ ...right, retries: 3 }, 'retries'],
  ])('%j is refused by name', (options, message) => {
    expect(() => remoteModel(options as RemoteModelOptions)).toThrow(message);
  });

  it('hold for the URL of a version, too', () => {
    expect(() => predictorOf({ ...right, url: () => 'nowhere' })).toThrow(/options\.url\(\)/);
  });
});

/** Time that passes at once where somebody waits, and not where an answer is waited for. */
class SimulatedPatience extends SimulatedTime {
  readonly waits: number[] = [];

  override setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): () => void {
    if (!options?.keepAlive) return () => undefined;
    this.waits.push(ms);
    return super.setTimer(callback, ms);
  }
}

describe('a remote model whose token never comes', () => {
  it('is given up when its time is over or its caller leaves, and keeps no place', async () => {
    const time = new ManualClock();
    const asking = predictorOf({ url: 'http://127.0.0.1:9', format: 'json', token: () => new Promise<string>(() => undefined), timeout: '2s', clock: time });
    const late = asking.predict(0).catch((error: unknown) => error);
    await settled();
    await time.pass(2_000);
    expect(await late).toMatchObject({ code: 'timeout' });
    const caller = new AbortController();
    const left = asking.predict(0, caller.signal).catch((error: unknown) => error);
    await settled();
    caller.abort();
    expect(await left).toMatchObject({ code: 'aborted' });
  });
});
