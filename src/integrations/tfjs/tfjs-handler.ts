import { fromUtf8 } from '../../core/bytes.ts';
import { IntegrityError, ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { LoadedModel } from '../../registry/loaded-model.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { RegisterVersionOptions } from '../../registry/registry-options.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Framework } from '../../core/framework.ts';
import { modelFile, readModelJson, writeModelJson, type WeightGroup } from './model-json.ts';
import { bytesOfSpecs, weightsOf } from './model-weights.ts';
import type { TfjsArtifacts, TfjsHandler, TfjsSaveResult } from './tfjs-artifacts.ts';

/** What a model of TensorFlow.js is saved with, beside its files, and how it is loaded. */
export interface TfjsHandlerOptions extends Omit<RegisterVersionOptions, 'files' | 'flavor' | 'flavorData'> {
  /** Weights are cut into files of this many bytes; more, when there would be over a thousand files. @default 4 MiB, as the converters of TensorFlow.js do */
  readonly shardBytes?: number | undefined;
  /** Loads weights as a stream of verified pieces of one file each, for `tf.loadGraphModel(handler, { streamWeights: true })`; layers models need them whole. @default false */
  readonly streamWeights?: boolean | undefined;
}

const defaultShardBytes = 4 * 1024 * 1024;
const mostShards = 1000;
const readsAtOnce = 4;

/**
 * A `tf.io.IOHandler` over a registry: `model.save(tfjsHandler(registry, 'flight-delay', { run }))` registers the next version of a model, and
 * `tf.loadLayersModel(tfjsHandler(registry, 'flight-delay@production'))`, or `tf.loadGraphModel`, loads one, in Node and in pages, over any storage.
 *
 * A version is what TensorFlow.js itself writes, `model.json` and shards of weights, so its files also load by `http(s)://` from a directory. Topology, weights, optimizer (with
 * `includeOptimizer`), training configuration, metadata and signature come back as they were. Each file is checked against its digest before TensorFlow.js sees its bytes: what
 * was changed is an `IntegrityError` that names the file, where TensorFlow.js alone would load other weights without a word.
 *
 * The version's `flavor` is `tfjs-layers` or `tfjs-graph`; its `flavorData` has `weightsDigest` over the bytes of all weights and `topologyDigest`. Two models with the same weights have the same
 * `weightsDigest`; their topologies differ all the same when TensorFlow.js gave their layers other names. Weights are read twice, to learn their digest first, and not copied whole: of
 * a stream there is one chunk in memory.
 *
 * @param registry - Where versions are kept.
 * @param target - The name of a model to save to, or a reference to a version to load.
 * @throws {ValidationError} when weights do not have the size that their specification takes, and for numbers in `model.json` that JSON cannot hold.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-layers';
 * import { MemoryStorage, Registry } from 'modelkeep';
 * import { tfjsHandler } from 'modelkeep/tfjs';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('lines');
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] });
 *
 * await model.save(tfjsHandler(registry, 'lines', { metrics: { loss: 0.1 }, createdBy: 'training@ci' }));
 * const loaded = await tf.loadLayersModel(tfjsHandler(registry, 'lines@latest'));
 * console.log(loaded.countParams()); // 2
 * ```
 */
export function tfjsHandler(registry: Registry, target: string, options: TfjsHandlerOptions = {}): TfjsHandler {
  const { shardBytes = defaultShardBytes, streamWeights = false, ...facts } = options;
  if (!(Number.isSafeInteger(shardBytes) && shardBytes > 0)) throw new ValidationError(`options.shardBytes is ${shown(shardBytes, 80)}; give a whole number of at least 1.`, { path: 'options.shardBytes' });
  if (typeof streamWeights !== 'boolean') throw new ValidationError(`options.streamWeights is ${shown(streamWeights, 80)}; give true or false.`, { path: 'options.streamWeights' });
  let version: ModelVersion | undefined;
  return {
    get version() {
      return version;
    },
    async save(artifacts) {
      const [saved, result] = await saveArtifacts(registry, target, artifacts, { ...facts, shardBytes });
      version = saved;
      return result;
    },
    async load() {
      const loaded = await registry.load(target, { signal: facts.signal });
      const artifacts = await loadArtifacts(loaded, { streamWeights, signal: facts.signal, onProgress: facts.onProgress });
      version = loaded.version;
      return artifacts;
    },
  };
}

async function saveArtifacts(registry: Registry, name: string, artifacts: TfjsArtifacts, { shardBytes, ...facts }: TfjsHandlerOptions & { shardBytes: number }): Promise<[ModelVersion, TfjsSaveResult]> {
  const weights = await weightsOf(artifacts, facts.signal);
  const shards = weights?.shards(Math.max(shardBytes, Math.ceil(weights.bytes / mostShards)));
  const { text, topologyDigest, topologyBytes, specsBytes } = writeModelJson(artifacts, shards?.map(([path]) => path));
  const version = await registry.registerVersion(name, {
    ...facts,
    framework: facts.framework ?? frameworkOf(artifacts.generatedBy),
    files: { [modelFile]: text, ...Object.fromEntries(shards ?? []) },
    flavor: artifacts.format === 'graph-model' ? 'tfjs-graph' : 'tfjs-layers',
    flavorData: { ...(topologyDigest && { topologyDigest }), ...(weights && { weightsDigest: weights.digest, weightsBytes: weights.bytes }) },
  });
  const sizes = { modelTopologyBytes: topologyBytes, weightSpecsBytes: specsBytes, weightDataBytes: weights?.bytes ?? 0 };
  return [version, { modelArtifactsInfo: { dateSaved: new Date(version.createdAt), modelTopologyType: 'JSON', ...sizes } }];
}

async function loadArtifacts(loaded: LoadedModel, options: Pick<TfjsHandlerOptions, 'streamWeights' | 'signal' | 'onProgress'>): Promise<TfjsArtifacts> {
  const { model, version } = loaded.version;
  const { fields, groups } = readModelJson(fromUtf8(await loaded.file(modelFile, options)), `The file ${modelFile} of ${model}@${version}`);
  if (groups === undefined) return fields;
  const weightSpecs = groups.flatMap(({ weights }) => weights);
  const paths = pathsOf(groups);
  checkSize(loaded, paths, bytesOfSpecs(weightSpecs));
  if (options.streamWeights) return { ...fields, weightSpecs, getWeightStream: () => streamFiles(loaded, paths, options.signal) };
  return { ...fields, weightSpecs, weightData: await readFiles(loaded, paths, options) };
}

/** Manifests of TensorFlow.js' own may say `./model.weights.bin`. */
function pathsOf(groups: readonly WeightGroup[]): string[] {
  return groups.flatMap(({ paths }) => paths.map((path) => path.replace(/^(\.\/)+/, '')));
}

function checkSize(loaded: LoadedModel, paths: readonly string[], expected: number | undefined): void {
  const sizes = new Map(loaded.files().map(({ path, size }) => [path, size]));
  // A file that is not there is told of by the read of it.
  if (expected === undefined || paths.some((path) => !sizes.has(path))) return;
  const bytes = paths.reduce((sum, path) => sum + sizes.get(path)!, 0);
  if (bytes === expected) return;
  const { model, version } = loaded.version;
  throw new IntegrityError(`The weights of ${model}@${version} have ${bytes} bytes where ${modelFile} says ${expected}; they were registered so. Save the model anew.`, { model, version, path: modelFile });
}

async function readFiles(loaded: LoadedModel, paths: readonly string[], { signal, onProgress }: Pick<TfjsHandlerOptions, 'signal' | 'onProgress'>): Promise<ArrayBuffer[]> {
  const buffers: ArrayBuffer[] = [];
  const queue = paths.entries();
  let done = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    for (const [i, path] of queue) {
      if (failed) return;
      buffers[i] = await wholeFile(loaded, path, signal).catch((error: unknown) => {
        failed = true;
        throw error;
      });
      onProgress?.({ phase: 'loading weights', done: ++done, total: paths.length });
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, work));
  return buffers;
}

/** Only whole files are handed on, since a file is verified at its end. */
function streamFiles(loaded: LoadedModel, paths: readonly string[], signal: AbortSignal | undefined): ReadableStream<ArrayBuffer> {
  const queue = paths.values();
  return new ReadableStream<ArrayBuffer>(
    {
      async pull(controller) {
        const next = queue.next();
        if (next.done) controller.close();
        else controller.enqueue(await wholeFile(loaded, next.value, signal));
      },
    },
    { highWaterMark: 0 },
  );
}

async function wholeFile(loaded: LoadedModel, path: string, signal: AbortSignal | undefined): Promise<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = await loaded.file(path, { signal });
  return (byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}

/** `TensorFlow.js tfjs-layers v4.22.0` is what its layers say. */
function frameworkOf(generatedBy: string | undefined): Framework | undefined {
  const [, name, version] = /^TensorFlow\.js (tfjs-\w+) v(\S+)$/.exec(generatedBy ?? '') ?? [];
  return name === undefined ? undefined : { name: `@tensorflow/${name}`, version };
}
