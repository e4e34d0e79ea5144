import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../src/core/bytes.ts';
import type { Tensor } from '../../../src/core/tensors/tensor.ts';
import { askOf, type Answered } from './ask.ts';
import { SmallDeployment, type SmallVersion } from './small-deployment.ts';

const tensors = (...list: object[]) => ({ type: 'tensors', by: 'name', tensors: list }) as never;

const addOne: SmallVersion = {
  signature: { input: tensors({ name: 'x', dtype: 'float32', shape: [null, 2] }), output: tensors({ name: 'y', dtype: 'float32', shape: [null, 2] }) },
  predict: ({ x }: { x: Tensor }) => ({ y: { type: 'float32', dims: x.shape, data: (x.data as Float32Array).map((value) => value + 1) } }),
};

const rows: SmallVersion = {
  signature: {
    input: { type: 'row', columns: [{ name: 'distance', type: 'float64' }, { name: 'stops', type: 'int64' }, { name: 'origin', type: 'string' }, { name: 'embedding', type: 'list', items: { type: 'float64' } }] },
    output: { type: 'row', columns: [{ name: 'score', type: 'float64' }, { name: 'id', type: 'int64' }, { name: 'late', type: 'bool' }, { name: 'why', type: 'list', items: { type: 'string' } }] },
  },
  predict: ({ distance, stops, origin, embedding }: { distance: number; stops: number | bigint; origin: string; embedding: number[] }) => ({ score: distance + embedding.length, id: stops, late: distance > 1, why: [origin] }),
};

const data = (name: string, datatype: string, shape: number[], values: unknown) => ({ name, datatype, shape, data: values });
const x = data('x', 'FP32', [2, 2], [[1, 2], [3, 4]]);

/** A body of JSON and the bytes behind it, with the header that tells them apart. */
function binary(json: object, ...parts: Uint8Array[]): [Uint8Array, Record<string, string>] {
  const head = utf8(JSON.stringify(json));
  return [concatBytes([head, ...parts]), { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) }];
}

/** The JSON of an answer and what follows it. */
function parts({ headers, body }: Answered): { json: { outputs: object[] }; rest: Uint8Array } {
  const length = Number(headers.get('inference-header-content-length'));
  const bytes = body as Uint8Array;
  return { json: JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as { outputs: object[] }, rest: bytes.subarray(length) };
}

const bytesOf = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

describe('infer of the Open Inference Protocol', () => {
  it('answers a model of tensors, with the id of the request, and says where the answer comes from', async () => {
    const deployment = new SmallDeployment('add', { 1: addOne });
    const answer = await askOf([deployment])('POST /v2/models/add/infer', { id: 'r1', inputs: [x], parameters: { key: 'user-1', modelkeep_id: 'p-1', timeout: 250_000 } });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      model_name: 'add', model_version: '1', id: 'r1', parameters: { modelkeep_version: '1', modelkeep_reason: 'stable', modelkeep_id: 'p-1' },
      outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 2], data: [2, 3, 4, 5] }],
    });
    expect(deployment.options).toEqual([{ signal: expect.any(AbortSignal), key: 'user-1', id: 'p-1', timeout: 250 }]);
  });

  it('takes binary tensors and gives them, for one output or for all', async () => {
    const ask = askOf([new SmallDeployment('add', { 1: addOne })]);
    const input = { name: 'x', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } };
    for (const asked of [{ outputs: [{ name: 'y', parameters: { binary_data: true } }] }, { parameters: { binary_data_output: true } }]) {
      const answer = await ask('POST /v2/models/add/infer', ...binary({ inputs: [input], ...asked }, bytesOf(1, 2, 3, 4)));
      const { json, rest } = parts(answer);
      expect(json.outputs).toEqual([{ name: 'y', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } }]);
      expect([...new Float32Array(rest.slice().buffer)]).toEqual([2, 3, 4, 5]);
    }
    const mixed = await ask('POST /v2/models/add/infer', ...binary({ inputs: [input], parameters: { binary_data_output: true }, outputs: [{ name: 'y', parameters: { binary_data: false } }] }, bytesOf(1, 2, 3, 4)));
    expect(mixed.body).toMatchObject({ outputs: [{ data: [2, 3, 4, 5] }] });
  });

  it('takes the bytes of a single input alone, and gives bytes', async () => {
    const ask = askOf([new SmallDeployment('add', { 1: addOne })]);
    const answer = await ask('POST /v2/models/add/infer', bytesOf(1, 2, 3, 4, 5, 6), { 'content-type': 'application/octet-stream', 'inference-header-content-length': '0' });
    const { json, rest } = parts(answer);
    expect(json.outputs).toMatchObject([{ shape: [3, 2] }]);
    expect([...new Float32Array(rest.slice().buffer)]).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it('asks a model of rows once for each, with the types of its columns, and gives a tensor for each of theirs', async () => {
    const deployment = new SmallDeployment('rows', { 1: rows });
    const answer = await askOf([deployment])(
      'POST /v2/models/rows/infer',
      `{"inputs":[{"name":"distance","datatype":"FP32","shape":[2,1],"data":[0.5,2]},{"name":"stops","datatype":"INT64","shape":[2],"data":[3,9007199254740993]},
        {"name":"origin","datatype":"BYTES","shape":[2],"data":["ATL","SFO"]},{"name":"embedding","datatype":"FP64","shape":[2,1],"data":[1,2]}]}`,
    );
    expect(deployment.inputs).toEqual([{ distance: 0.5, stops: 3, origin: 'ATL', embedding: [1] }, { distance: 2, stops: 9007199254740993n, origin: 'SFO', embedding: [2] }]);
    expect(answer.text).toContain('{"name":"id","datatype":"INT64","shape":[2],"data":[3,9007199254740993]}');
    expect(answer.body).toMatchObject({
      parameters: { modelkeep_id: 'p0,p1' },
      outputs: [{ name: 'score', datatype: 'FP64', data: [1.5, 3] }, { name: 'id' }, { name: 'late', datatype: 'BOOL', data: [false, true] }, { name: 'why', datatype: 'BYTES', shape: [2, 1], data: ['ATL', 'SFO'] }],
    });
  });

  it.each<[unknown, object]>([
    [1.5, { name: 'output', datatype: 'FP64', shape: [1], data: [1.5] }],
    [7n, { name: 'output', datatype: 'INT64', data: [7] }],
    ['yes', { name: 'output', datatype: 'BYTES', data: ['yes'] }],
    [[1, 2], { name: 'output', datatype: 'FP64', shape: [1, 2], data: [1, 2] }],
    [Float32Array.of(0.5), { name: 'output', datatype: 'FP64', shape: [1, 1], data: [0.5] }],
    [{ a: { nested: [1, 'x'] } }, { name: 'a', datatype: 'BYTES', data: ['{"nested":[1,"x"]}'] }],
    [{ a: null }, { name: 'a', datatype: 'FP64', data: [NaN] }],
  ])('makes a tensor of the output %s of a model that has no signature', async (output, expected) => {
    const ask = askOf([new SmallDeployment('any', { 1: { predict: () => output } })]);
    expect((await ask('POST /v2/models/any/infer', { inputs: [data('x', 'FP64', [1], [1])] })).body).toMatchObject({ outputs: [expected] });
  });

  it('gives a model of lists one for each row', async () => {
    const lists = new SmallDeployment('lists', { 1: { signature: { input: { type: 'list', items: { type: 'float64' } } }, predict: (list: number[]) => list.length } });
    expect((await askOf([lists])('POST /v2/models/lists/infer', { inputs: [data('anything', 'FP64', [2, 3], [1, 2, 3, 4, 5, 6])] })).body).toMatchObject({ outputs: [{ shape: [2], data: [3, 3] }] });
    expect(lists.inputs).toEqual([[1, 2, 3], [4, 5, 6]]);
  });

  it.each<[string, object, number, RegExp]>([
    ['POST /v2/models/none/infer', { inputs: [x] }, 404, /'none' is not served/],
    ['POST /v2/models/add/versions/2/infer', { inputs: [x] }, 404, /Version 2 of 'add' is not in memory/],
    ['POST /v2/models/add/infer', { inputs: [x], parameters: { version: '2' } }, 404, /Version 2/],
    ['POST /v2/models/add/infer', {}, 400, /inputs is undefined; it must be a list/],
    ['POST /v2/models/add/infer', { inputs: [] }, 400, /The input 'x' is missing/],
    ['POST /v2/models/add/infer', { inputs: [data('z', 'FP32', [1], [1])] }, 400, /no input 'z'; it has x/],
    ['POST /v2/models/add/infer', { inputs: [{ ...x, shape: [2, 3] }] }, 400, /must have \[2,3\]/],
    ['POST /v2/models/add/infer', { inputs: [x], id: 5 }, 400, /id must be a text/],
    ['POST /v2/models/add/infer', { inputs: [x], outputs: [{ name: 'z' }] }, 400, /no output "z"; it gave y/],
    ['POST /v2/models/add/infer', { inputs: [x], outputs: [{ name: 'y', parameters: { classification: 3 } }] }, 501, /classification is not served/],
    ['POST /v2/models/add/infer', { inputs: [x], parameters: { key: 5 } }, 400, /parameters.key/],
    ['POST /v2/models/add/infer', { inputs: [x], parameters: [] }, 400, /parameters must be an object/],
    ['GET /v2/models/add/infer', {}, 405, /Only POST/],
    ['POST /v2/models/add', {}, 405, /Only GET, HEAD/],
    ['GET /v2/models/add/explain', {}, 404, /Nothing is served here/],
  ])('refuses %s %j', async (line, body, status, error) => {
    const ask = askOf([new SmallDeployment('add', { 1: addOne, 2: addOne })]);
    expect(await ask(line, line.startsWith('GET') ? undefined : body)).toMatchObject({ status, body: { error: expect.stringMatching(error) } });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['too long', { 'inference-header-content-length': '999' }, /a number of bytes that the body has/],
    ['no number', { 'inference-header-content-length': '1e3' }, /a number of bytes/],
    ['missing', {}, /needs the header inference-header-content-length/],
  ])('refuses a length of the JSON that is %s', async (_, headers, error) => {
    const ask = askOf([new SmallDeployment('add', { 1: addOne })]);
    expect(await ask('POST /v2/models/add/infer', utf8('{}'), { 'content-type': 'application/octet-stream', ...headers })).toMatchObject({ status: 400, body: { error: expect.stringMatching(error) } });
  });
});

describe('what the Open Inference Protocol tells', () => {
  const both = (): [SmallDeployment, ReturnType<typeof askOf>] => {
    const deployment = new SmallDeployment('add', { 1: addOne, 2: addOne });
    return [deployment, askOf([deployment, new SmallDeployment('late', { 1: rows }, 'none')])];
  };

  it('says what it is, and whether it lives and is ready', async () => {
    const [, ask] = both();
    expect((await ask('GET /v2')).body).toEqual({ name: 'modelkeep', version: '2', extensions: ['binary_tensor_data', 'model_repository', 'statistics'] });
    expect(await ask('GET /v2/health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await ask('GET /v2/health/ready')).toMatchObject({ status: 503, body: { ready: false } });
    expect(await ask('GET /v2/models/add/ready')).toMatchObject({ status: 200, body: { name: 'add', ready: true } });
    expect(await ask('GET /v2/models/add/versions/2/ready')).toMatchObject({ status: 503, body: { name: 'add', ready: false } });
    expect(await ask('GET /v2/models/late/ready')).toMatchObject({ status: 503 });
    expect(await ask('GET /v2/models/none/ready')).toMatchObject({ status: 404 });
    expect(await ask('HEAD /v2/health/live')).toMatchObject({ status: 200, text: '' });
    expect(await ask('POST /v2/models/late/infer', { inputs: [] })).toMatchObject({ status: 503 });
  });

  it('says what a model takes and gives', async () => {
    const [, ask] = both();
    const x2 = { datatype: 'FP32', shape: [-1, 2] };
    expect((await ask('GET /v2/models/add')).body).toEqual({ name: 'add', versions: ['1'], platform: 'modelkeep', inputs: [{ name: 'x', ...x2 }], outputs: [{ name: 'y', ...x2 }] });
    expect((await ask('GET /v2/models/add/versions/1')).body).toMatchObject({ versions: ['1'] });
    expect((await ask('GET /v2/models/add/versions/2')).status).toBe(404);
    const rowsAsk = askOf([new SmallDeployment('rows', { 1: rows })]);
    expect((await rowsAsk('GET /v2/models/rows')).body).toMatchObject({
      inputs: [{ name: 'distance', datatype: 'FP64', shape: [-1] }, { name: 'stops', datatype: 'INT64', shape: [-1] }, { name: 'origin', datatype: 'BYTES', shape: [-1] }, { name: 'embedding', datatype: 'FP64', shape: [-1, -1] }],
    });
  });

  it('lists its repository, and loads and unloads', async () => {
    const [, ask] = both();
    const add = (version: string, state: string, reason = '') => ({ name: 'add', version, state, reason });
    expect((await ask('POST /v2/repository/index')).body).toEqual([add('1', 'READY'), add('2', 'UNAVAILABLE', 'unloaded'), { name: 'late', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' }]);
    expect((await ask('POST /v2/repository/models/add/load', { parameters: { version: 2 } })).status).toBe(200);
    expect((await ask('POST /v2/repository/index', { ready: true })).body).toEqual([add('1', 'READY'), add('2', 'READY')]);
    expect((await ask('POST /v2/models/add/versions/2/infer', { inputs: [x] })).body).toMatchObject({ model_version: '2', parameters: { modelkeep_reason: 'override' } });
    expect((await ask('POST /v2/repository/models/add/unload', { parameters: { version: '2' } })).status).toBe(200);
    expect(await ask('POST /v2/repository/models/add/unload')).toMatchObject({ status: 409, body: { error: expect.stringContaining('in use') } });
    expect((await ask('POST /v2/repository/models/late/unload')).status).toBe(404);
    expect((await ask('POST /v2/repository/models/add/load', { parameters: { version: 9 } })).status).toBe(404);
  });

  it('follows the version in use where none is named: it is not kept when another one is', async () => {
    const [add, ask] = both();
    const named: number[] = [];
    add.load = async (version: number) => void named.push(version);
    expect((await ask('POST /v2/repository/models/add/load')).status).toBe(200);
    expect(named).toEqual([]);
    expect((await ask('POST /v2/repository/models/add/load', { parameters: { version: 1 } })).status).toBe(200);
    expect(named).toEqual([1]);
  });

  it('counts', async () => {
    const [, ask] = both();
    for (let i = 0; i < 3; i++) await ask('POST /v2/models/add/infer', { inputs: [x] });
    const { model_stats: [stats] } = (await ask('GET /v2/models/add/stats')).body as { model_stats: Record<string, unknown>[] };
    expect(stats).toMatchObject({ name: 'add', version: '1', inference_count: 3, execution_count: 3, inference_stats: { success: { count: 3, ns: 6_000_000 }, fail: { count: 0 }, compute_infer: { count: 3, ns: 3_000_000 } } });
    expect(((await ask('GET /v2/models/stats')).body as { model_stats: { name: string }[] }).model_stats.map(({ name }) => name)).toEqual(['add', 'add', 'late']);
  });
});
