import { ValidationError } from '../../core/errors.ts';
import type { TfjsMemorySource } from '../../tracking/system-metrics.ts';

/** What is asked of TensorFlow.js: `import * as tf from '@tensorflow/tfjs'`, or `'@tensorflow/tfjs-core'`. */
export interface TfjsBackendSource extends TfjsMemorySource {
  /** As `tf.getBackend()`. */
  getBackend(): string;
  /** As `tf.version_core`. */
  readonly version_core?: string | undefined;
}

/** What computes for TensorFlow.js; plain data, so that it may be logged as a param. */
export type TfjsBackend = {
  /** Such as `webgl`, `webgpu`, `wasm` or `cpu`. */
  readonly backend: string;
  /** The version of TensorFlow.js; absent where it does not tell. */
  readonly version?: string;
  /** Tensors that are not disposed of. */
  readonly tensors: number;
  /** Bytes that they take. */
  readonly bytes: number;
  /** Bytes on the GPU; absent for backends without one. */
  readonly bytesOnGpu?: number;
};

/**
 * What computes for TensorFlow.js, and what it holds at the moment. Record it with a run: the same training on another backend gives other numbers, and takes another time.
 *
 * @throws {ValidationError} when TensorFlow.js has no backend that is ready.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { tfjsBackend } from 'modelkeep/tfjs';
 *
 * await tf.ready();
 * const { backend, version } = tfjsBackend(tf);
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const run = await tracker.startRun({ experiment: 'demo', params: { 'tfjs/backend': backend, 'tfjs/version': version ?? 'unknown' } });
 * console.log((await run.end()).params); // { 'tfjs/backend': 'cpu', 'tfjs/version': '4.22.0' }
 * ```
 */
export function tfjsBackend(tf: TfjsBackendSource): TfjsBackend {
  let memory: ReturnType<TfjsBackendSource['memory']>;
  try {
    memory = tf.memory();
  } catch (cause) {
    throw new ValidationError('TensorFlow.js has no backend that is ready; import one, such as @tensorflow/tfjs-backend-cpu, and await tf.ready() before.', { path: 'tf', cause });
  }
  const { numTensors: tensors, numBytes: bytes, numBytesInGPU: bytesOnGpu } = memory;
  return {
    backend: tf.getBackend(),
    ...(tf.version_core === undefined ? {} : { version: tf.version_core }),
    tensors,
    bytes,
    ...(bytesOnGpu === undefined ? {} : { bytesOnGpu }),
  };
}
