import type { Clock, Undo } from '../core/clock.ts';
import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { SystemMetrics, SystemMetricsReader } from '../core/system-metrics.ts';
import { checkName } from './metric-name.ts';

/** What TensorFlow.js tells of its memory, recognised by its shape. */
export interface TfjsMemorySource {
  /** As `tf.memory()`. */
  memory(): {
    /** Tensors that are not disposed of. */
    readonly numTensors: number;
    /** Bytes that they take. */
    readonly numBytes: number;
    /** Bytes on the GPU; absent for backends without one. */
    readonly numBytesInGPU?: number | undefined;
  };
}

/** What a sampler works with. */
export interface SampleSystemMetricsOptions {
  readonly source: SystemMetrics;
  readonly clock: Clock;
  /** Milliseconds between two samples. */
  readonly intervalMs: number;
  /** Takes the values of one sample, as `run.logMetrics` does. */
  readonly log: (values: Readonly<Record<string, number>>, at: { step: number; timestamp: number }) => void;
  /** The step of the first sample. @default 0 */
  readonly firstStep?: number | undefined;
  /** Is told once why sampling has stopped by itself. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A source that failed so often, one time after the other, is not asked any more. */
const maxFailures = 3;

/**
 * Samples the load of the host until it is stopped, as metrics under `system/`. Nothing it does throws: a source or a log that fails at three samples in a row ends the sampling and is told to `onError`. Its timer keeps no
 * process alive. Undoing it takes a last sample, so that a short run has one too.
 */
export function sampleSystemMetrics(options: SampleSystemMetricsOptions): Undo {
  const { source, clock, intervalMs, log, onError } = options;
  if (!(intervalMs > 0)) throw new ValidationError(`intervalMs is ${shown(intervalMs, 80)}; give milliseconds above 0.`, { path: 'intervalMs' });
  let step = options.firstStep ?? 0;
  let failures = 0;
  let reader: SystemMetricsReader | undefined;
  let undoTimer: Undo | undefined;
  const tell = (error: unknown): void => {
    try {
      onError?.(error);
    } catch {
      // A listener that fails must not reach whoever trains.
    }
  };
  const close = (): void => {
    undoTimer?.();
    const closing = reader;
    reader = undefined;
    try {
      closing?.close();
    } catch (error) {
      tell(error);
    }
  };
  const sample = (): void => {
    if (reader === undefined) return;
    try {
      const values: Record<string, number> = {};
      for (const [name, value] of Object.entries(reader.read())) if (Number.isFinite(value)) values[checkName(`system/${name}`, 'A system metric')] = value;
      if (Object.keys(values).length > 0) log(values, { step: step++, timestamp: clock.now() });
      failures = 0;
    } catch (error) {
      if (++failures < maxFailures) return;
      close();
      tell(error);
    }
  };
  const arm = (): void => {
    undoTimer = clock.setTimer(() => {
      sample();
      if (reader !== undefined) arm();
    }, intervalMs);
  };
  try {
    reader = source.open();
    arm();
  } catch (error) {
    tell(error);
  }
  return () => {
    sample();
    close();
  };
}

/** The memory of TensorFlow.js as system metrics; none when it cannot be told. */
export function tfjsMemoryValues(tf: TfjsMemorySource | undefined): Record<string, number> {
  try {
    const memory = tf?.memory();
    if (memory === undefined) return {};
    const { numTensors, numBytes, numBytesInGPU } = memory;
    return { 'tfjs.numTensors': numTensors, 'tfjs.numBytes': numBytes, ...(numBytesInGPU === undefined ? {} : { 'tfjs.numBytesInGPU': numBytesInGPU }) };
  } catch {
    return {};
  }
}
