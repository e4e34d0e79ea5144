import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry } from 'modelkeep';
import { loadOnnx, saveOnnx } from 'modelkeep/onnx';
import { addModel, weights } from './onnx-fixture.ts';

ort.env.wasm.numThreads = 1;

async function newRegistry(storage = new MemoryStorage()): Promise<Registry> {
  const registry = new Registry({ storage });
  await registry.createModel('add');
  return registry;
}

async function runOf(session: ort.InferenceSession): Promise<number[]> {
  const { y } = await session.run({ x: new ort.Tensor('float32', [1, 2, 3, 4], [2, 2]) });
  return [...(y!.data as Float32Array)];
}

const signature = {
  input: { type: 'tensors', by: 'name', tensors: [{ name: 'x', dtype: 'float32', shape: [null, 2] }] },
  output: { type: 'tensors', by: 'name', tensors: [{ name: 'y', dtype: 'float32', shape: [null, 2] }] },
};

describe('an ONNX model', () => {
  it('is registered with what its session tells, and runs when it is loaded', async () => {
    const registry = await newRegistry();
    const version = await saveOnnx(registry, 'add', addModel(), { ort, metrics: { auc: 0.8 }, createdBy: 'ci' });
    expect(version).toMatchObject({ flavor: 'onnx', metrics: { auc: 0.8 }, createdBy: 'ci', signature });
    const { session, version: loaded } = await loadOnnx(registry, 'add@latest', { ort, sessionOptions: { executionProviders: ['wasm'] } });
    expect(loaded.version).toBe(1);
    expect(await runOf(session)).toEqual([11, 22, 13, 24]);
    await session.release();
  });

  it('keeps tensors that lie outside of it', async () => {
    const registry = await newRegistry();
    const version = await saveOnnx(registry, 'add', addModel('w.bin'), { ort, externalData: { 'w.bin': weights() } });
    expect(version).toMatchObject({ signature, flavorData: { externalData: ['w.bin'] } });
    const { session } = await loadOnnx(registry, 'add@1', { ort });
    expect(await runOf(session)).toEqual([11, 22, 13, 24]);
    await session.release();
  });

  it('is not registered when ONNX Runtime cannot load it, and streamed when it is not asked', async () => {
    const registry = await newRegistry();
    await expect(saveOnnx(registry, 'add', Uint8Array.of(1, 2, 3), { ort })).rejects.toThrow();
    await expect(registry.getVersion('add@latest')).rejects.toMatchObject({ code: 'not-found' });
    const version = await saveOnnx(registry, 'add', new Blob([addModel() as Uint8Array<ArrayBuffer>]));
    expect(version.signature).toBeUndefined();
    await expect(saveOnnx(registry, 'add', addModel(), { externalData: { 'model.onnx': weights() } })).rejects.toMatchObject({ code: 'validation' });
    await expect(loadOnnx(registry, 'add@1', { ort: {} as typeof ort })).rejects.toMatchObject({ code: 'validation' });
    await expect(loadOnnx(registry, 'add@1', { ort, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('is not loaded with a changed byte', async () => {
    const storage = new MemoryStorage();
    const registry = await newRegistry(storage);
    await saveOnnx(registry, 'add', addModel('w.bin'), { externalData: { 'w.bin': weights() } });
    const readBlob = storage.readBlob.bind(storage);
    storage.readBlob = async (digest, options) => {
      const chunks = await readBlob(digest, options);
      return chunks && (async function* () {
        for await (const chunk of chunks) yield chunk.length === 8 ? chunk.subarray(1) : chunk;
      })();
    };
    await expect(loadOnnx(registry, 'add@1', { ort })).rejects.toMatchObject({ code: 'integrity', details: { path: 'w.bin' } });
  });
});
