import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { Deployment, MemoryStorage, Registry } from 'modelkeep';
import { loadOnnx, saveOnnx } from 'modelkeep/onnx';
import { createServingHandler, toNodeHandler, type ServedTensor } from 'modelkeep/server';
import { addModel } from '../../integrations/onnx-fixture.ts';
import { listen, type Listening } from '../listening.ts';
import { serveTfjs, tensorCount } from './served-models.ts';

ort.env.wasm.numThreads = 1;

/** An ONNX model, y = x + [10, 20], in production in a registry and served. */
async function serveOnnx(): Promise<Deployment<{ x: ServedTensor }, ort.InferenceSession.OnnxValueMapType>> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage });
  await registry.createModel('add');
  await saveOnnx(registry, 'add', addModel(), { ort });
  await registry.promote('add@1', 'production', { by: 'test', reason: 'known' });
  return new Deployment({
    storage, registry, model: 'add',
    async load({ version }) {
      const { session } = await loadOnnx(registry, `add@${version.version}`, { ort });
      return {
        predict: ({ x }: { x: ServedTensor }) => session.run({ x: new ort.Tensor(x.dtype as 'float32', x.data as Float32Array, x.shape) }),
        dispose: () => session.release(),
      };
    },
  });
}

const json = { 'content-type': 'application/json' };

async function asked(server: Listening, path: string, body: object): Promise<unknown> {
  const response = await fetch(server.url + path, { method: 'POST', headers: json, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

describe('real models over real HTTP', () => {
  it('of ONNX Runtime answer by all protocols, as JSON and as bytes', async () => {
    await using deployment = await serveOnnx();
    await using server = await listen(toNodeHandler(createServingHandler([deployment], { authorize: 'public' })));
    expect(await asked(server, '/v1/models/add:predict', { instances: [[1, 2], [3, 4.5]] })).toEqual({ predictions: [[11, 22], [13, 24.5]] });
    expect(await asked(server, '/v1/models/add:predict', { inputs: { x: [[1, 2]] } })).toEqual({ outputs: [[11, 22]] });
    expect(await asked(server, '/predictions/add', { x: [[1, 2]] })).toMatchObject({ y: [[11, 22]] });
    expect(await asked(server, '/v2/models/add/infer', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] })).toMatchObject({ model_name: 'add', outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [11, 22] }] });
    const head = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } }], parameters: { binary_data_output: true } });
    const body = new Blob([head, Float32Array.of(1, 2, 3, 4)]);
    const response = await fetch(`${server.url}/v2/models/add/infer`, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) } });
    const bytes = await response.arrayBuffer();
    expect([...new Float32Array(bytes.slice(Number(response.headers.get('inference-header-content-length'))))]).toEqual([11, 22, 13, 24]);
    expect(await (await fetch(`${server.url}/v2/models/add`)).json()).toMatchObject({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y' }] });
    const wrong = await fetch(`${server.url}/v1/models/add:predict`, { method: 'POST', headers: json, body: '{"instances":[[1,2,3]]}' });
    expect([wrong.status, await wrong.json()]).toEqual([400, { error: expect.stringContaining('it must have [null,2]') as string }]);
  });

  it('of TensorFlow.js answer by all protocols, leave no tensor behind, and say which version it was', async () => {
    await using deployment = await serveTfjs();
    await using server = await listen(toNodeHandler(createServingHandler([deployment], { authorize: 'public' })));
    await deployment.ready();
    const before = tensorCount();
    expect(await asked(server, '/v1/models/line:predict', { instances: [[1, 1, 1], [0, 0, 2]] })).toEqual({ predictions: [[6.5, 59.5], [6.5, 59.5]] });
    expect(await asked(server, '/v2/models/line/infer', { id: 'a', inputs: [{ name: (deployment.signature()!.input as unknown as { tensors: [{ name: string }] }).tensors[0].name, datatype: 'FP32', shape: [1, 3], data: [1, 0, 0] }] })).toMatchObject({
      id: 'a', model_version: '1', parameters: { modelkeep_reason: 'stable' }, outputs: [{ shape: [1, 2], data: [1.5, 9.5] }],
    });
    expect(await asked(server, '/v1/models/line/versions/1:regress', { examples: [{ [(deployment.signature()!.input as unknown as { tensors: [{ name: string }] }).tensors[0].name]: [1, 0, 0] }] }).catch((error: Error) => error.message)).toMatch(/400 .*does not do regression/);
    expect(tensorCount()).toBe(before);
    expect(await (await fetch(`${server.url}/v1/models/line`)).json()).toMatchObject({ model_version_status: [{ version: '1', state: 'AVAILABLE' }] });
  });
});
