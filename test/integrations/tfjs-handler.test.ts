import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as core from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { registerTfjsScheme, tfjsHandler, type TfjsArtifacts } from 'modelkeep/tfjs';
import { fitLine, lineModel, tf } from './tfjs-fit.ts';

async function newRegistry(storage: StorageAdapter = new MemoryStorage()): Promise<Registry> {
  const registry = new Registry({ storage });
  await registry.createModel('line');
  return registry;
}

function twoLayers(): tfl.LayersModel {
  const kernel = tfl.initializers.glorotUniform({ seed: 7 });
  const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [3], units: 5, activation: 'relu', kernelInitializer: kernel }), tfl.layers.dense({ units: 2, kernelInitializer: kernel })] });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mse'] });
  return model;
}

function valuesOf(model: tfl.LayersModel): number[][] {
  return model.getWeights().map((weight) => [...weight.dataSync()]);
}

describe('tfjsHandler', () => {
  it('brings a model back to the bit, with optimizer, metadata and training configuration', async () => {
    const registry = await newRegistry();
    const model = twoLayers();
    const [x, y] = [core.randomNormal([16, 3], 0, 1, 'float32', 1), core.randomNormal([16, 2], 0, 1, 'float32', 2)];
    await model.fit(x, y, { epochs: 2, shuffle: false, verbose: 0 });
    model.setUserDefinedMetadata({ runId: 'r1', classes: ['a', 'b'] });
    const handler = tfjsHandler(registry, 'line', { metrics: { loss: 0.5 }, createdBy: 'ci', tags: { a: 'b' }, run: 'r1' });
    const { modelArtifactsInfo } = await model.save(handler, { includeOptimizer: true });
    expect(modelArtifactsInfo).toMatchObject({ modelTopologyType: 'JSON', weightDataBytes: 4 * (3 * 5 + 5 + 5 * 2 + 2) * 3 + 4 });
    expect(handler.version).toMatchObject({
      version: 1, run: 'r1', createdBy: 'ci', tags: { a: 'b' }, metrics: { loss: 0.5 },
      flavor: 'tfjs-layers', framework: { name: '@tensorflow/tfjs-layers', version: tfl.version_layers },
      flavorData: { weightsDigest: expect.stringMatching(/^sha256:/) as string, topologyDigest: expect.stringMatching(/^sha256:/) as string, weightsBytes: modelArtifactsInfo.weightDataBytes },
    });
    expect(handler.version!.files.map(({ path }) => path)).toEqual(['group1-shard1of1.bin', 'model.json']);

    const before = core.memory().numTensors;
    const loaded = await tfl.loadLayersModel(tfjsHandler(registry, 'line@1'));
    expect(valuesOf(loaded)).toEqual(valuesOf(model));
    expect(loaded.getUserDefinedMetadata()).toEqual({ runId: 'r1', classes: ['a', 'b'] });
    // It goes on training as the one that was saved does.
    const [on, again] = await Promise.all([model, loaded].map((each) => each.fit(x, y, { epochs: 1, shuffle: false, verbose: 0 })));
    expect(again!.history).toEqual(on!.history);
    loaded.dispose();
    loaded.optimizer.dispose();
    expect(core.memory().numTensors - before).toBeLessThanOrEqual(1);
    core.dispose([x, y]);
  });

  it('tells weights and topology apart', async () => {
    const registry = await newRegistry();
    const facts: Record<string, unknown>[] = [];
    for (const model of [twoLayers(), twoLayers()]) {
      const handler = tfjsHandler(registry, 'line');
      await model.save(handler);
      facts.push(handler.version!.flavorData!);
    }
    expect(facts[0]!['weightsDigest']).toBe(facts[1]!['weightsDigest']);
    expect(facts[0]!['topologyDigest']).not.toBe(facts[1]!['topologyDigest']);
  });

  it('cuts weights into the files that the loader of TensorFlow.js itself reads over HTTP', async () => {
    const registry = await newRegistry();
    const model = twoLayers();
    await model.save(tfjsHandler(registry, 'line', { shardBytes: 50 }));
    const loaded = await registry.load('line@1');
    const paths = loaded.files().map(({ path }) => path);
    expect(paths).toEqual(['group1-shard1of3.bin', 'group1-shard2of3.bin', 'group1-shard3of3.bin', 'model.json']);
    const server = createServer((request, response) => {
      void loaded.file(request.url!.slice(1)).then((bytes) => response.end(bytes), () => response.writeHead(404).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const handler = core.io.http(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`);
      expect(valuesOf(await tfl.loadLayersModel(handler))).toEqual(valuesOf(model));
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect(valuesOf(await tfl.loadLayersModel(tfjsHandler(registry, 'line@latest')))).toEqual(valuesOf(model));
  });

  it('gives weights back however they come and wherever they are cut', async () => {
    const registry = await newRegistry();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.array(fc.nat(40), { maxLength: 8 }), fc.integer({ min: 1, max: 70 }), fc.constantFrom('whole', 'pieces', 'stream', 'pooled'), async (bytes, cuts, shardBytes, form) => {
        const pieces = cutAt(bytes, cuts);
        const weightSpecs: TfjsArtifacts['weightSpecs'] = [{ name: 'w', shape: [bytes.length], dtype: 'bool' }];
        const pool = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]);
        const weights: TfjsArtifacts =
          form === 'stream' ? { getWeightStream: () => streamOf(pieces) }
          : form === 'pieces' ? { weightData: pieces }
          : form === 'pooled' ? { weightData: pool.subarray(6, 6 + bytes.length) as unknown as ArrayBuffer }
          : { weightData: bytes.slice().buffer };
        const handler = tfjsHandler(registry, 'line', { shardBytes });
        await handler.save({ modelTopology: { class_name: 'Model' }, weightSpecs, format: 'graph-model', ...weights });
        expect(handler.version!.flavor).toBe('tfjs-graph');
        const loaded = await tfjsHandler(registry, `line@${handler.version!.version}`).load();
        expect(Buffer.concat((loaded.weightData as ArrayBuffer[]).map((each) => Buffer.from(each)))).toEqual(Buffer.from(bytes));
        const streamed = await tfjsHandler(registry, `line@${handler.version!.version}`, { streamWeights: true }).load();
        expect(streamed.weightData).toBeUndefined();
        for (let time = 0; time < 2; time++) expect(Buffer.from(await new Response(streamed.getWeightStream!().pipeThrough(asViews())).arrayBuffer())).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  it('keeps all that artifacts say besides weights', async () => {
    const registry = await newRegistry();
    const artifacts: TfjsArtifacts = {
      modelTopology: { node: [{ name: 'x' }] }, format: 'graph-model', generatedBy: '2.11.0', convertedBy: 'TensorFlow.js Converter v4', signature: { inputs: { x: { name: 'x:0' } } },
      userDefinedMetadata: { signature: { a: 1 } }, modelInitializer: { node: [] }, initializerSignature: { outputs: {} }, trainingConfig: { optimizer_config: {}, loss: 'mse' },
    };
    await tfjsHandler(registry, 'line').save(artifacts);
    expect(await tfjsHandler(registry, 'line@1').load()).toEqual(artifacts);
    await tfjsHandler(registry, 'line').save({ ...artifacts, convertedBy: null });
    expect((await tfjsHandler(registry, 'line@2').load()).convertedBy).toBeNull();
  });

  it('refuses what would come back as something else', async () => {
    const registry = await newRegistry();
    const weightSpecs: TfjsArtifacts['weightSpecs'] = [{ name: 'w', shape: [2], dtype: 'float32' }];
    const save = (artifacts: TfjsArtifacts): Promise<unknown> => tfjsHandler(registry, 'line').save({ modelTopology: {}, ...artifacts });
    const pool = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]);
    await expect(save({ weightSpecs, weightData: pool.buffer })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('take 8') as string });
    await expect(save({ weightData: new ArrayBuffer(8) })).rejects.toMatchObject({ code: 'validation' });
    await expect(save({ userDefinedMetadata: { best: { loss: NaN } } })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining("'loss'") as string });
    await expect(save({ modelTopology: new ArrayBuffer(8) })).rejects.toMatchObject({ code: 'unsupported' });
    const streams = (...contents: number[][]): TfjsArtifacts => ({ weightSpecs, getWeightStream: () => streamOf([Uint8Array.from(contents.shift()!).buffer]) });
    await expect(save(streams([0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1]))).rejects.toMatchObject({ code: 'integrity' });
    await expect(save(streams([0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]))).rejects.toMatchObject({ code: 'integrity' });
    await expect(save(streams([0, 0, 0, 0, 0, 0, 0]))).rejects.toMatchObject({ code: 'validation' });
    await expect(registry.getVersion('line@latest')).rejects.toMatchObject({ code: 'not-found' });
    expect(() => tfjsHandler(registry, 'line', { shardBytes: 0 })).toThrow(expect.objectContaining({ code: 'validation' }));
    await expect(tfjsHandler(registry, 'line', { madeUp: 1 } as never).save({ modelTopology: {} })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('madeUp') as string });
  });

  it('says what is wrong with a version that no model of TensorFlow.js is in', async () => {
    const registry = await newRegistry();
    const files = [{ 'other.json': '{}' }, { 'model.json': 'none' }, { 'model.json': '{}' }, { 'model.json': '{"weightsManifest":[{}]}' }, { 'model.json': '{"weightsManifest":[{"paths":["./w.bin"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]}', 'w.bin': 'short' }];
    for (const each of files) await registry.registerVersion('line', { files: each });
    const codes: string[] = [];
    for (let i = 1; i <= files.length; i++) codes.push(await tfjsHandler(registry, `line@${i}`).load().then(() => '', (error: { code: string }) => error.code));
    expect(codes).toEqual(['not-found', 'validation', 'validation', 'validation', 'integrity']);
  });

  it.each([
    [{ paths: [1], weights: [] }, 'a path that is no text'],
    [{ paths: ['w.bin'], weights: [{ name: 'w', dtype: 'float32' }] }, 'weight 0 lacks'],
    [{ paths: ['w.bin'], weights: [{ name: 'w', dtype: 'float32', shape: [1] }, null] }, 'weight 1 lacks'],
    [{ paths: ['w.bin'], weights: [{ name: 'w', dtype: 'float32', shape: ['1'] }] }, 'weight 0 lacks'],
    [{ paths: ['w.bin'], weights: [{ name: 'w', dtype: 'float32', shape: [-1, -1] }] }, 'weight 0 lacks'],
    [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [1] }] }, 'weight 0 lacks'],
    [null, 'without paths or weights'],
  ])('says what is wrong with the manifest %j', async (group, why) => {
    const registry = await newRegistry();
    await registry.registerVersion('line', { files: { 'model.json': JSON.stringify({ weightsManifest: [group] }), 'w.bin': 'four' } });
    await expect(tfjsHandler(registry, 'line@1').load()).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(why) as string });
  });

  it('takes a dtype that it does not know for one whose size nothing tells, whatever it is called', async () => {
    const registry = await newRegistry();
    const weights = ['constructor', '__proto__', 'string'].map((dtype, i) => ({ name: `w${i}`, dtype, shape: [1] }));
    await registry.registerVersion('line', { files: { 'model.json': JSON.stringify({ weightsManifest: [{ paths: ['./w.bin'], weights }] }), 'w.bin': 'four' } });
    expect(await tfjsHandler(registry, 'line@1').load()).toMatchObject({ weightSpecs: weights });
    await registry.registerVersion('line', { files: { 'model.json': JSON.stringify({ weightsManifest: [{ paths: ['../w.bin', 'gone.bin'], weights }] }), 'w.bin': 'four' } });
    await expect(tfjsHandler(registry, 'line@2').load()).rejects.toMatchObject({ code: 'not-found' });
  });

  it('loads a version any number of times at once', async () => {
    const registry = await newRegistry();
    await twoLayers().save(tfjsHandler(registry, 'line', { shardBytes: 10 }));
    const handler = tfjsHandler(registry, 'line@1');
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => handler.load()));
    for (const each of others) expect(each).toEqual(first);
  });

  it('ends with its signal, and tells how far it has come', async () => {
    const registry = await newRegistry();
    await twoLayers().save(tfjsHandler(registry, 'line', { shardBytes: 50 }));
    const told: unknown[] = [];
    await tfjsHandler(registry, 'line@1', { onProgress: (progress) => told.push(progress) }).load();
    expect(told).toEqual([1, 2, 3].map((done) => ({ phase: 'loading weights', done, total: 3 })));
    const signal = AbortSignal.abort();
    await expect(tfjsHandler(registry, 'line@1', { signal }).load()).rejects.toMatchObject({ code: 'aborted' });
    await expect(twoLayers().save(tfjsHandler(registry, 'line', { signal }))).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a model on a disk', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'modelkeep-tfjs-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is not loaded with a flipped bit, where TensorFlow.js alone loads it', async () => {
    const registry = await newRegistry(new FilesystemStorage(directory));
    const model = lineModel();
    await fitLine([], {}, model);
    const handler = tfjsHandler(registry, 'line');
    await model.save(handler);
    const shard = handler.version!.files.find(({ path }) => path.endsWith('.bin'))!;
    const name = shard.digest.slice('sha256:'.length);
    const file = (await readdir(directory, { recursive: true })).find((path) => path.endsWith(name))!;
    const bytes = await readFile(join(directory, file));
    bytes[2]! ^= 1;
    await chmod(join(directory, file), 0o600);
    await writeFile(join(directory, file), bytes);

    const manifest = JSON.parse(Buffer.from(await (await registry.load('line@1')).file('model.json')).toString()) as { modelTopology: object; weightsManifest: { weights: never[] }[] };
    const alone = await tfl.loadLayersModel(core.io.fromMemory({ modelTopology: manifest.modelTopology, weightSpecs: manifest.weightsManifest[0]!.weights, weightData: new Uint8Array(bytes).buffer }));
    expect(valuesOf(alone)).not.toEqual(valuesOf(model));
    for (const streamWeights of [false, true]) {
      const damaged = tfjsHandler(registry, 'line@1', { streamWeights });
      const load = async (): Promise<unknown> => (streamWeights ? (await damaged.load()).getWeightStream!().getReader().read() : tfl.loadLayersModel(damaged));
      await expect(load()).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining('"group1-shard1of1.bin" of line@1') as string });
    }
  });
});

describe('registerTfjsScheme', () => {
  it('gives TensorFlow.js addresses of the registry that was registered last, and leaves it others', async () => {
    const [first, second] = [await newRegistry(), await newRegistry()];
    await second.createModel('a team/100 % lines');
    registerTfjsScheme(core, first);
    registerTfjsScheme(tf, second, { tags: { by: 'scheme' } });
    const model = lineModel();
    await model.save('modelkeep://line');
    expect(valuesOf(await tfl.loadLayersModel('modelkeep://line@latest'))).toEqual(valuesOf(model));
    await expect(first.getVersion('line@1')).rejects.toMatchObject({ code: 'not-found' });
    expect((await second.getVersion('line@1')).tags).toEqual({ by: 'scheme' });
    await model.save(`modelkeep://${encodeURIComponent('a team/100 % lines')}`);
    expect((await second.getVersion('a team/100 % lines@1')).version).toBe(1);
    const fractions: number[] = [];
    await tfl.loadLayersModel('modelkeep://line@1', { onProgress: (fraction) => fractions.push(fraction) });
    expect(fractions).toEqual([1]);
    expect(core.io.getLoadHandlers('other://line')).toEqual([]);
    expect(core.io.getSaveHandlers(['modelkeep://line'] as never)).toEqual([]);
    await expect(model.save('modelkeep://100%')).rejects.toMatchObject({ code: 'validation' });
    await expect(model.save('modelkeep://line@1')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses what takes no routers', async () => {
    expect(() => registerTfjsScheme({} as never, undefined as never)).toThrow(expect.objectContaining({ code: 'validation' }));
    const registry = await newRegistry();
    expect(() => registerTfjsScheme(core, registry, { shardBytes: -1 })).toThrow(expect.objectContaining({ code: 'validation' }));
  });
});

function cutAt(bytes: Uint8Array, cuts: readonly number[]): ArrayBuffer[] {
  const pieces: ArrayBuffer[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    pieces.push(bytes.slice(at, at + cut).buffer);
    at = Math.min(at + cut, bytes.length);
  }
  return pieces;
}

function streamOf(pieces: readonly ArrayBuffer[]): ReadableStream<ArrayBuffer> {
  const queue = pieces.values();
  return new ReadableStream({
    pull(controller) {
      const next = queue.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

function asViews(): TransformStream<ArrayBuffer, Uint8Array<ArrayBuffer>> {
  return new TransformStream({ transform: (buffer, controller) => controller.enqueue(new Uint8Array(buffer)) });
}
