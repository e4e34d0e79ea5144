import { createServingHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../src/core/bytes.ts';
import { seededRandom, type Random } from '../../../src/core/random.ts';
import { SmallDeployment, type SmallVersion } from './small-deployment.ts';

const requests = Number(process.env['FAULT_REQUESTS'] ?? 10_000);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));

const tensors = (...list: object[]) => ({ type: 'tensors', by: 'name', tensors: list }) as never;
const models: Readonly<Record<string, SmallVersion>> = {
  image: { signature: { input: tensors({ name: 'x', dtype: 'float32', shape: [null, 3] }), output: tensors({ name: 'y', dtype: 'float32' }) }, predict: ({ x }: { x: object }) => ({ y: x }) },
  pair: {
    signature: { input: tensors({ name: 'a', dtype: 'int64' }, { name: 'b', dtype: 'string' }) },
    predict: (input: object) => input,
  },
  row: { signature: { input: { type: 'row', columns: [{ name: 'x', type: 'float64' }, { name: 'tags', type: 'list', items: { type: 'string' } }] } }, predict: (input: unknown) => input },
  any: { predict: (input: unknown) => input },
};

const known = ['image', 'image', 'pair', 'row', 'any'];
const odd = ['none', '__proto__', 'constructor', 'toString', '%', '%zz', '%2e%2e', '..', 'a%00b', '%F0%9F%98%80', 'x'.repeat(300), '', 'image%2fimage'];
const versions = ['', '', '/versions/1', '/versions/2', '/versions/0', '/versions/-1', '/versions/9223372036854775807', '/versions/9223372036854775808', '/versions/1e3', '/labels/production', '/labels/__proto__', '/labels/%ff'];
const numbers = ['0', '-0', '1e308', '1e309', '-1e999', '9223372036854775807', '9223372036854775808', '-9223372036854775809', '18446744073709551616', '1'.repeat(400), '0.1e-400', 'NaN', '-Infinity', 'Infinity', '0x10', '01', '+1', '.5', '1_000'];
const texts = ['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"a\\', '"\u2028"', '"__proto__"', '""', `"${'y'.repeat(2_000)}"`];
const shapes = ['[1]', '[3]', '[1,3]', '[2,3]', '[0]', '[-1]', '[1e9]', '[4294967296,4294967296]', '[9007199254740993]', '[1.5]', '["1"]', '[0,1e15]', '[1e15,0]', '[]', '[[1]]', 'null', `[${'1,'.repeat(40)}1]`, '[65536,65536,0]', '1'];
const datatypes = ['FP32', 'FP32', 'FP16', 'FP64', 'INT64', 'UINT64', 'INT8', 'BOOL', 'BYTES', 'fp32', '', '__proto__', 'COMPLEX64'];
const types = ['application/json', 'application/json', 'application/json', 'application/octet-stream', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json, text/plain', ''];

class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  request(): Request {
    const name = this.#of(this.#random() < 0.85 ? known : odd);
    const v2 = (): string => `/v2/models/${name}${this.#of(versions)}/infer`;
    const [method, path, body] = this.#of<() => [string, string, () => Uint8Array]>([
      () => ['POST', `/v1/models/${name}${this.#of(versions)}:${this.#of(['predict', 'PREDICT', 'classify', 'regress', 'explain', ''])}`, () => this.#tensorflow()],
      () => ['POST', `/v1/models/${name}:predict`, () => this.#tensorflow()],
      () => ['POST', v2(), () => this.#infer()],
      () => ['POST', `/v2/models/${name}/infer`, () => this.#infer()],
      () => ['POST', `/predictions/${name}${this.#of(['', '/1', '/x', '/1/2'])}`, () => utf8(this.#json(0))],
      () => ['POST', `/deployments/${name}/feedback`, () => utf8(this.#object({ id: this.#of(texts), label: this.#json(3), metrics: this.#json(2), feedback: this.#json(1) }))],
      () => ['POST', `/v2/repository/models/${name}/${this.#of(['load', 'unload', 'x'])}`, () => utf8(this.#of(['', '{}', '{}', this.#object({ parameters: this.#object({ version: this.#of(['1', '2', ...numbers, ...texts]) }) })]))],
      () => ['POST', '/v2/repository/index', () => utf8(this.#object({ ready: this.#json(3) }))],
      () => ['GET', `/v1/models/${name}${this.#of(versions)}${this.#of(['', '/metadata', '/x'])}`, () => utf8('')],
      () => ['GET', `/v2/models/${name}${this.#of(['', '/ready', '/stats', '/versions', '/versions/1', '/versions/x/ready', '/infer'])}`, () => utf8('')],
      () => [this.#of(['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD']), this.#of([v2(), '/metrics', '/health/ready', '/v2', '/v1', '/', '/deployments']), () => utf8('x')],
    ])();
    const headers = new Headers();
    const type = this.#random() < 0.8 ? 'application/json' : this.#of(types);
    if (type !== '') headers.set('content-type', type);
    if (this.#random() < 0.05) headers.set('content-encoding', 'gzip');
    if (this.#random() < 0.05) headers.set('content-length', this.#of(['0', '5', '99999999999999', '-1', '1, 2']));
    if (this.#random() < 0.1) headers.set(this.#of(['x-modelkeep-key', 'x-modelkeep-id', 'x-modelkeep-version', 'x-modelkeep-timeout-ms']), this.#of(['1', '', 'é', 'x'.repeat(300), '-1', '2', '1e9', '99999999999999999999']));
    const bytes = this.#mutated(body());
    if (/infer$/.test(path) && this.#random() < 0.5) {
      headers.set('inference-header-content-length', this.#of([String(this.#jsonLength), String(this.#jsonLength), String(bytes.length), '0', '1', '-1', '999999999999', 'x', '18446744073709551616']));
      if (this.#random() < 0.7) headers.set('content-type', 'application/octet-stream');
    }
    return new Request(`http://h${path}`, { method, headers, ...(method !== 'GET' && method !== 'HEAD' && { body: bytes as BodyInit, duplex: 'half' }) });
  }

  #jsonLength = 0;

  /** A predict, classify or regress call, of which some parts are wrong. */
  #tensorflow(): Uint8Array {
    const row = (): string => this.#of([`{"x":${this.#json(3)}}`, `{"x":${this.#json(3)},"x":${this.#json(3)}}`, `{"a":[1],"b":${this.#of(texts)}}`, this.#json(2), '[1,2,3]', '{"x":1,"tags":["a"]}', '[0.5,1,NaN]', '{"b64":"AQL/"}', '{"b64":"%"}', '{"__proto__":{"x":1}}']);
    const list = (): string => `[${Array.from({ length: Math.floor(this.#random() * 4) }, row).join()}]`;
    const fields: Record<string, string> = {};
    for (const name of ['instances', 'inputs', 'examples', 'context', 'signature_name', '__proto__']) if (this.#random() < (name === 'instances' ? 0.6 : 0.25)) fields[`${name} `] = this.#of([list, list, row, () => this.#json(2)])();
    return utf8(this.#object(fields));
  }

  /** An infer call, of which some parts are wrong, with bytes behind it. */
  #infer(): Uint8Array {
    const tensor = (): string => {
      const fields: Record<string, string> = { name: this.#of(['"x"', '"a"', '"b"', '"tags"', ...texts]), datatype: JSON.stringify(this.#of(datatypes)), shape: this.#of(this.#random() < 0.5 ? ['[1,3]', '[3]'] : shapes) };
      if (this.#random() < 0.6) fields['data'] = this.#of([() => `[${numbers.slice(0, 3).join()}]`, () => '[1,2,3]', () => '[[1,2,3]]', () => this.#json(2)])();
      if (this.#random() < 0.5) fields['parameters'] = this.#of(['{"binary_data_size":12}', '{"binary_data_size":4}', '{"binary_data_size":1e15}', '{"binary_data_size":-1}', '{"binary_data_size":"12"}', '{"binary_data_size":0}', '[]', 'null']);
      return this.#object(fields);
    };
    const fields: Record<string, string> = { inputs: `[${Array.from({ length: Math.floor(this.#random() * 4) }, tensor).join()}]` };
    if (this.#random() < 0.2) fields['inputs'] = this.#json(1);
    if (this.#random() < 0.3) fields['outputs'] = this.#of(['[{"name":"y","parameters":{"binary_data":true}}]', '[{"name":"z"}]', '[{}]', '{}', '[{"name":"y"},{"name":"y"}]']);
    if (this.#random() < 0.3) fields['parameters'] = this.#of(['{"binary_data_output":true}', '{"key":5}', '{"version":"x"}', '{"timeout":-1}', '{"modelkeep_id":""}', '[]']);
    if (this.#random() < 0.2) fields['id'] = this.#of([...texts, '5']);
    const json = utf8(this.#object(fields));
    this.#jsonLength = json.length;
    return concatBytes([json, Uint8Array.from({ length: this.#of([0, 0, 4, 12, 16, 1_000]) }, () => this.#random() * 256)]);
  }

  #json(depth: number): string {
    const kind = this.#random();
    if (kind < 0.02) return '['.repeat(3_000);
    if (kind < 0.03) return `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`;
    if (depth > 3 || kind < 0.5) return this.#of([...numbers, ...texts, 'true', 'null', 'undefined']);
    const parts = Array.from({ length: Math.floor(this.#random() * 4) }, () => this.#json(depth + 1));
    return kind < 0.75 ? `[${parts.join()}]` : this.#object(Object.fromEntries(parts.map((part, i) => [this.#of(['x', 'tags', 'a', `f${i}`]), part])));
  }

  /** The JSON of fields that are JSON already; now and then a name is there twice. */
  #object(fields: Readonly<Record<string, string>>): string {
    const parts = Object.entries(fields).map(([name, json]) => `${JSON.stringify(name.trim())}:${json}`);
    if (this.#random() < 0.05 && parts.length > 0) parts.push(parts[0]!);
    return `{${parts.join()}}`;
  }

  /** Now and then a byte is another, or the end is missing. */
  #mutated(bytes: Uint8Array): Uint8Array {
    const kind = this.#random();
    if (kind < 0.08) return bytes.subarray(0, Math.floor(this.#random() * bytes.length));
    if (kind < 0.16 && bytes.length > 0) bytes[Math.floor(this.#random() * bytes.length)] = Math.floor(this.#random() * 256);
    return bytes;
  }

  #of<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}

/** Whether a body is an error in one of the forms that there are. */
function isError(text: string): boolean {
  const body = JSON.parse(text) as { error?: unknown; message?: unknown; code?: unknown };
  const { error } = body;
  if (typeof error === 'string') return Object.keys(body).length === 1;
  if (typeof error === 'object') return typeof (error as { code?: unknown }).code === 'string' && typeof (error as { message?: unknown }).message === 'string';
  return typeof body.message === 'string' && typeof body.code === 'number';
}

describe(`hostile requests for predictions (SEED=${seed})`, () => {
  it(`get an answer each, ${requests} times, and neither crash nor allocate what they claim`, { timeout: 600_000 }, async () => {
    const generator = new Generator(seededRandom(seed));
    const failures: unknown[] = [];
    const deployments = Object.entries(models).map(([name, version]) => new SmallDeployment(name, { 1: version, 2: version }));
    const handler = createServingHandler(deployments, { authorize: 'public', limits: { requestBytes: 20_000, rows: 100, requestsInFlight: 2 }, onError: (error) => failures.push(error) });
    const statuses = new Map<number, number>();
    const before = process.memoryUsage();
    for (let i = 0; i < requests; i++) {
      let request: Request;
      try {
        request = generator.request();
      } catch {
        continue; // What no client can build never comes.
      }
      const { method, url } = request;
      const response = await handler(request);
      const text = await response.text();
      const { status } = response;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const isHealth = status === 503 || method === 'HEAD';
      const problem =
        status >= 500 && status !== 501 ? 'failed'
        : status >= 400 && !isHealth && !isError(text) ? 'got something else than an error'
        : /\.ts:\d|node_modules|\bat \S+ \(/.test(text) ? 'saw the server from inside'
        : undefined;
      if (problem) expect.fail(`request ${i}, ${method} ${url.slice(0, 200)}, ${problem}: ${status} ${text.slice(0, 500)} ${String(failures.at(-1) instanceof Error ? (failures.at(-1) as Error).stack : '')}`);
    }
    expect(failures).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    for (const status of [200, 202, 400, 404, 405, 409, 413, 415]) expect(statuses.get(status) ?? 0, `answers with ${status}: ${JSON.stringify([...statuses])}`).toBeGreaterThan(0);
    const after = process.memoryUsage();
    expect(after.heapUsed - before.heapUsed).toBeLessThan(200 * 1024 * 1024);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(200 * 1024 * 1024);
    // No place among the two requests in flight was lost on the way.
    const last = await handler(new Request('http://h/v1/models/any:predict', { method: 'POST', body: '{"instances":[{"x":1}]}', headers: { 'content-type': 'application/json' } }));
    expect(last.status).toBe(200);
  });
});
