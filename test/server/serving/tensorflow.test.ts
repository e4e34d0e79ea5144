import { UnsupportedError, ModelkeepError, NotFoundError, TimeoutError, ValidationError } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../src/core/tensors/tensor.ts';
import { askOf, type Ask } from './ask.ts';
import { SmallDeployment, type SmallVersion } from './small-deployment.ts';

const tensor = (name: string, dtype: string, shape: (number | null)[]) => ({ name, dtype, shape });
const tensors = (...list: object[]) => ({ type: 'tensors', by: 'name', tensors: list }) as never;

/** x / 2 + 2, as in the examples of TensorFlow Serving, on tensors. */
const half: SmallVersion = {
  signature: { input: tensors(tensor('x', 'float32', [null])), output: tensors(tensor('y', 'float32', [null])) },
  predict: ({ x }: { x: Tensor }) => ({ y: { dtype: 'float32', shape: x.shape, data: (x.data as Float32Array).map((value) => value / 2 + 2) } }),
};

const twoHeads: SmallVersion = {
  signature: { input: tensors(tensor('a', 'int64', [null, 2]), tensor('b', 'string', [null])), output: tensors(tensor('sum', 'int64', [null]), tensor('raw_bytes', 'string', [null])) },
  predict: ({ a, b }: { a: Tensor; b: Tensor }) => ({
    sum: { type: 'int64', dims: [b.shape[0]], data: BigInt64Array.from([...(b.data as string[]).keys()], (i) => (a.data as BigInt64Array)[2 * i]! + (a.data as BigInt64Array)[2 * i + 1]!) },
    raw_bytes: { type: 'string', dims: b.shape, data: b.data },
  }),
};

const rows: SmallVersion = {
  signature: {
    input: { type: 'row', columns: [{ name: 'distance', type: 'float64' }, { name: 'origin', type: 'string', required: false }] },
    output: { type: 'row', columns: [{ name: 'score', type: 'float64' }, { name: 'label', type: 'string' }] },
  },
  predict: ({ distance, origin = 'none' }: { distance: number; origin?: string }) => ({ score: distance / 1000, label: origin }),
};

function served(version: SmallVersion, name = 'half'): { ask: Ask; deployment: SmallDeployment } {
  const deployment = new SmallDeployment(name, { 1: version, 2: version });
  return { deployment, ask: askOf([deployment]) };
}

describe('predict of TensorFlow Serving', () => {
  it('answers instances and inputs of a model of tensors in one call', async () => {
    const { ask, deployment } = served(half);
    expect(await ask('POST /v1/models/half:predict', { instances: [1, 2, 5] })).toMatchObject({ status: 200, body: { predictions: [2.5, 3, 4.5] } });
    expect(await ask('POST /v1/models/half:predict', { instances: [{ x: 1 }, { x: 2 }] })).toMatchObject({ status: 200, body: { predictions: [2.5, 3] } });
    expect(await ask('POST /v1/models/half:predict', { inputs: [1, 2] })).toMatchObject({ status: 200, body: { outputs: [2.5, 3] } });
    expect(await ask('POST /v1/models/half:predict', { inputs: { x: [1, 2] }, signature_name: 'serving_default', ignored: true })).toMatchObject({ status: 200, body: { outputs: [2.5, 3] } });
    expect(deployment.inputs[0]).toEqual({ x: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 5) } });
    expect(deployment.inputs).toHaveLength(4);
  });

  it('writes floats of 32 bits with as few digits as they need', async () => {
    const { ask } = served(half);
    expect((await ask('POST /v1/models/half:predict', { instances: [0.4, -3.8] })).text).toBe('{"predictions":[2.2,0.100000024]}');
    expect((await ask('POST /v1/models/half:predict', { instances: [-2.661851882] })).text).toBe('{"predictions":[0.669074059]}');
  });

  it('takes and gives NaN and infinities as bare tokens', async () => {
    const { ask } = served(half);
    const answer = await ask('POST /v1/models/half:predict', '{"instances": [NaN, Infinity, -Infinity]}');
    expect([answer.status, answer.text]).toEqual([200, '{"predictions":[NaN,Infinity,-Infinity]}']);
  });

  it('keeps integers of 64 bits, texts and bytes, and names several outputs', async () => {
    const { ask } = served(twoHeads, 'heads');
    const big = await ask('POST /v1/models/heads:predict', '{"instances":[{"a":[9223372036854775800,7],"b":"héllo"},{"a":[-9007199254740993,0],"b":{"b64":"AQL/"}}]}');
    expect([big.status, big.text]).toEqual([200, '{"predictions":[{"sum":9223372036854775807,"raw_bytes":{"b64":"aMOpbGxv"}},{"sum":-9007199254740993,"raw_bytes":{"b64":"AQL/"}}]}']);
    const columns = await ask('POST /v1/models/heads:predict', { inputs: { a: [[1, 2]], b: ['x'] } });
    expect([columns.status, columns.text]).toEqual([200, '{"outputs":{"sum":[3],"raw_bytes":[{"b64":"eA=="}]}}']);
  });

  it('asks a model of rows once for each, and puts the answers together as they were asked', async () => {
    const { ask, deployment } = served(rows);
    const answer = await ask('POST /v1/models/half:predict', { instances: [{ distance: 500 }, { distance: 1000, origin: 'ATL' }] }, { 'x-modelkeep-id': 'mine', 'x-modelkeep-key': 'user-1' });
    expect(answer).toMatchObject({ status: 200, body: { predictions: [{ score: 0.5, label: 'none' }, { score: 1, label: 'ATL' }] } });
    expect([...answer.headers].filter(([name]) => name.startsWith('x-modelkeep'))).toEqual([['x-modelkeep-id', 'mine.0,mine.1'], ['x-modelkeep-reason', 'stable'], ['x-modelkeep-version', '1']]);
    expect(deployment.options).toEqual([{ id: 'mine.0', key: 'user-1', signal: expect.any(AbortSignal) }, { id: 'mine.1', key: 'user-1', signal: expect.any(AbortSignal) }]);
    const columns = await ask('POST /v1/models/half:predict', { inputs: { distance: [500, 1000], origin: ['SFO', 'ATL'] } });
    expect(columns.body).toEqual({ outputs: { score: [0.5, 1], label: ['SFO', 'ATL'] } });
  });

  it('tells a single output by its values alone', async () => {
    const { ask } = served({ predict: ({ x }: { x: number }) => ({ score: x }) });
    expect((await ask('POST /v1/models/half:predict', { instances: [{ x: 1 }, { x: 2 }] })).body).toEqual({ predictions: [1, 2] });
    expect((await ask('POST /v1/models/half:predict', { inputs: { x: [1, 2] } })).body).toEqual({ outputs: [1, 2] });
  });

  it('takes any case of the path, escapes, versions and labels', async () => {
    const deployment = new SmallDeployment('Größe/1', { 1: half, 2: half });
    const ask = askOf([deployment]);
    const name = encodeURIComponent('Größe/1');
    await deployment.load(2);
    for (const path of [`/V1/Models/${name}:Predict`, `/v1/models/${name}/versions/2:predict`, `/v1/models/${name}/labels/production:predict`]) {
      expect(await ask(`POST ${path}`, { instances: [1] }), path).toMatchObject({ status: 200, body: { predictions: [2.5] } });
    }
    expect(deployment.options.map((options) => (options as { version?: number }).version)).toEqual([undefined, 2, 1]);
  });

  it.each<[string, object | string, number, string | RegExp]>([
    ['POST /v1/models/other:predict', { instances: [1] }, 404, 'Servable not found for request: Latest(other)'],
    ['POST /v1/models/half/versions/2:predict', { instances: [1] }, 404, 'Servable not found for request: Specific(half, 2)'],
    ['POST /v1/models/half/versions/99999999999999999999:predict', { instances: [1] }, 400, 'Failed to convert version: 99999999999999999999 to numeric.'],
    ['POST /v1/models/half/labels/canary:predict', { instances: [1] }, 400, 'Unrecognized servable version label: canary'],
    ['POST /v1/models/half:explain', {}, 400, 'Malformed request: POST /v1/models/half:explain'],
    ['PUT /v1/models/half:predict', {}, 400, 'Malformed request: PUT /v1/models/half:predict'],
    ['POST /v1/models/half:predict', '', 400, 'JSON Parse error: The document is empty'],
    ['POST /v1/models/half:predict', '{', 400, /^JSON Parse error: /],
    ['POST /v1/models/half:predict', '[1]', 400, 'JSON Value: Is not object'],
    ['POST /v1/models/half:predict', {}, 400, "Missing 'inputs' or 'instances' key"],
    ['POST /v1/models/half:predict', { instances: [1], inputs: [1] }, 400, /expecting only one of 'inputs' or 'instances' keys to exist/],
    ['POST /v1/models/half:predict', { instances: 1 }, 400, /Excepting 'instances' to be an list/],
    ['POST /v1/models/half:predict', { instances: [] }, 400, /No values in 'instances' array/],
    ['POST /v1/models/half:predict', { instances: [1], signature_name: 5 }, 400, /'signature_name' key must be a string value/],
    ['POST /v1/models/half:predict', { instances: [1], signature_name: 'x' }, 400, 'Serving signature name: "x" not found in signature def'],
    ['POST /v1/models/half:predict', { instances: [1, [2]] }, 400, /Expecting shape \[\] but got: \[1\]/],
    ['POST /v1/models/half:predict', { instances: [{ x: 1 }, 2] }, 400, 'Expecting object but got list at item 1 of input list'],
    ['POST /v1/models/half:predict', { instances: [{ z: 1 }] }, 400, /does not have named input: z/],
    ['POST /v1/models/half:predict', { inputs: { z: [1] } }, 400, "Missing named input: x in 'inputs' object."],
    ['POST /v1/models/half:predict', { instances: ['1'] }, 400, /"1", which is not of FP32/],
  ])('refuses %s %j', async (line, body, status, error) => {
    const answer = await served(half).ask(line, body);
    expect(answer).toMatchObject({ status, body: { error: typeof error === 'string' ? error : expect.stringMatching(error) } });
    expect(Object.keys(answer.body as object)).toEqual(['error']);
  });

  it.each<[Error, number, string | undefined]>([
    [new ValidationError('input.x is wrong.'), 400, undefined],
    [new NotFoundError('gone'), 404, undefined],
    [new ModelkeepError('overloaded', 'Too many wait.', { retryAfterMs: 1_200 }), 429, '2'],
    [new ModelkeepError('model-failed', 'secret'), 500, undefined],
    [new Error('secret'), 500, undefined],
    [new UnsupportedError('No.'), 501, undefined],
    [new ModelkeepError('unavailable', 'secret'), 503, '1'],
    [new TimeoutError('Too late.'), 504, undefined],
  ])('tells %s by its status', async (error, status, retryAfter) => {
    const failures: unknown[] = [];
    const deployment = new SmallDeployment('half', { 1: { predict: () => Promise.reject(error) } });
    const answer = await askOf([deployment], { onError: (failure) => failures.push(failure) })('POST /v1/models/half:predict', { instances: [1] });
    expect([answer.status, answer.headers.get('retry-after') ?? undefined]).toEqual([status, retryAfter]);
    expect(answer.text).not.toContain('secret');
    expect(failures).toEqual([500, 503].includes(status) ? [error] : []);
  });

  it('throws the error of the first row that failed, and begins no more', async () => {
    const deployment = new SmallDeployment('half', { 1: { predict: ({ x }: { x: number }) => new Promise((resolve, reject) => (x < 2 ? setImmediate(() => reject(new ValidationError(`row ${x}`))) : reject(new ValidationError(`row ${x}`)))) } });
    const answer = await askOf([deployment], { limits: { rowsAtOnce: 4 } })('POST /v1/models/half:predict', { instances: Array.from({ length: 100 }, (_, x) => ({ x })) });
    expect(answer).toMatchObject({ status: 400, body: { error: 'row 0' } });
    expect(deployment.inputs).toHaveLength(4);
  });

  it('has at most so many rows of one request with the model, and takes at most so many', async () => {
    let running = 0;
    let most = 0;
    const predict = async ({ x }: { x: number }): Promise<number> => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return x;
    };
    const ask = askOf([new SmallDeployment('half', { 1: { predict } })], { limits: { rowsAtOnce: 3, rows: 20 } });
    const instances = Array.from({ length: 20 }, (_, x) => ({ x }));
    expect((await ask('POST /v1/models/half:predict', { instances })).body).toEqual({ predictions: instances.map(({ x }) => x) });
    expect(most).toBe(3);
    expect((await ask('POST /v1/models/half:predict', { instances: [...instances, { x: 1 }] })).status).toBe(413);
  });
});

describe('classify and regress of TensorFlow Serving', () => {
  const classes: SmallVersion = { ...rows, predict: ({ distance, origin }: { distance: number; origin: string }) => ({ classes: [origin, 'other'], scores: [distance / 1000, 0.5] }) };

  it('tells classes with their scores, of examples with a context', async () => {
    const { ask } = served(classes);
    const answer = await ask('POST /v1/models/half:classify', { context: { origin: ['ATL'] }, examples: [{ distance: [250] }, { distance: 500, origin: 'SFO' }] });
    expect(answer).toMatchObject({ status: 200, body: { results: [[['ATL', 0.25], ['other', 0.5]], [['SFO', 0.5], ['other', 0.5]]] } });
  });

  it.each<[unknown, unknown]>([
    [{ setosa: 0.9, virginica: 0.1 }, [['setosa', 0.9], ['virginica', 0.1]]],
    [{ label: 'late', score: 0.7 }, [['late', 0.7]]],
    [{ class: 'late', probability: 0.7 }, [['late', 0.7]]],
    [[0.2, 0.8], [['', 0.2], ['', 0.8]]],
    [[['a', 0.2], ['b', 0.8]], [['a', 0.2], ['b', 0.8]]],
    [{ scores: Float32Array.of(0.1) }, [['', 0.1]]],
    [{ classes: ['a'] }, [['a', 0]]],
  ])('reads the classes of %j', async (output, expected) => {
    const { ask } = served({ predict: () => output });
    expect((await ask('POST /v1/models/half:classify', { examples: [{ x: 1 }] })).body).toEqual({ results: [expected] });
  });

  it.each<[unknown, unknown]>([[0.5, 0.5], [{ value: 0.5, more: 1 }, 0.5], [{ score: [0.5] }, 0.5]])('reads the number of %j', async (output, expected) => {
    const { ask } = served({ predict: () => output });
    expect((await ask('POST /v1/models/half:regress', { examples: [{ x: 1 }] })).body).toEqual({ results: [expected] });
  });

  it('asks a model of tensors once for all examples', async () => {
    const { ask, deployment } = served(half);
    expect((await ask('POST /v1/models/half:regress', { examples: [{ x: 1 }, { x: 2 }] })).body).toEqual({ results: [2.5, 3] });
    expect(deployment.inputs).toHaveLength(1);
  });

  it.each<[object, RegExp]>([
    [{}, /key 'examples' is expected and was not found/],
    [{ examples: {} }, /Expecting 'examples' value to be an list/],
    [{ examples: [] }, /is an empty array/],
    [{ examples: [[1]] }, /Example must be JSON object but got JSON Array/],
    [{ examples: [{ x: null }] }, /Feature: x has element with unexpected JSON type: Null/],
  ])('refuses %j', async (body, error) => {
    expect(await served(rows).ask('POST /v1/models/half:classify', body)).toMatchObject({ status: 400, body: { error: expect.stringMatching(error) } });
  });

  it('refuses a model that gives no classes, or no number', async () => {
    expect((await served({ predict: () => 'text' }).ask('POST /v1/models/half:classify', { examples: [{ x: 1 }] })).status).toBe(400);
    expect((await served({ predict: () => 'text' }).ask('POST /v1/models/half:regress', { examples: [{ x: 1 }] })).status).toBe(400);
  });
});

describe('status and metadata of TensorFlow Serving', () => {
  it('tells versions and their states', async () => {
    const { ask } = served(half);
    const ok = { error_code: 'OK', error_message: '' };
    expect((await ask('GET /v1/models/half')).body).toEqual({ model_version_status: [{ version: '2', state: 'END', status: ok }, { version: '1', state: 'AVAILABLE', status: ok }] });
    expect((await ask('GET /v1/models/half/versions/1')).body).toEqual({ model_version_status: [{ version: '1', state: 'AVAILABLE', status: ok }] });
    expect((await ask('GET /v1/models/half/labels/production')).body).toEqual({ model_version_status: [{ version: '1', state: 'AVAILABLE', status: ok }] });
    expect(await ask('GET /v1/models/none')).toMatchObject({ status: 404, body: { error: 'Could not find any versions of model none' } });
    expect(await ask('GET /v1/models/half/versions/7')).toMatchObject({ status: 404, body: { error: 'Could not find version 7 of model half' } });
    expect(await ask('GET /v1/models')).toMatchObject({ status: 400, body: { error: 'Missing model name in request.' } });
  });

  it('tells the signature', async () => {
    const { ask } = served(half);
    expect((await ask('GET /v1/models/half/metadata')).body).toEqual({
      model_spec: { name: 'half', signature_name: '', version: '1' },
      metadata: {
        signature_def: {
          signature_def: {
            serving_default: {
              inputs: { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1', name: '' }], unknown_rank: false }, name: 'x' } },
              outputs: { y: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1', name: '' }], unknown_rank: false }, name: 'y' } },
              method_name: 'tensorflow/serving/predict',
            },
          },
        },
      },
    });
    const { inputs } = ((await served(rows).ask('GET /v1/models/half/metadata')).body as { metadata: { signature_def: { signature_def: { serving_default: { inputs: Record<string, { dtype: string }> } } } } }).metadata.signature_def.signature_def.serving_default;
    expect(Object.entries(inputs).map(([name, { dtype }]) => [name, dtype])).toEqual([['distance', 'DT_DOUBLE'], ['origin', 'DT_STRING']]);
    expect((await ask('GET /v1/models/half/versions/2/metadata')).status).toBe(404);
  });
});
