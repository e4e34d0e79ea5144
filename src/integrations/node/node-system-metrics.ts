import { availableParallelism, loadavg, totalmem } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { SystemMetrics } from '../../core/system-metrics.ts';
import { tfjsMemoryValues, type TfjsMemorySource } from '../../tracking/system-metrics.ts';

/** What {@link nodeSystemMetrics} looks at besides the process. */
export interface NodeSystemMetricsOptions {
  /** TensorFlow.js, to record its tensors and bytes. @default none */
  tf?: TfjsMemorySource | undefined;
}

/** How finely the delay of the event loop is watched, in milliseconds. */
const resolution = 20;

/**
 * The load of a Node process: `cpu.utilization` (share of all cores, 0 to 1), `memory.rss`, `.heapUsed`, `.heapTotal`, `.external` (bytes), `memory.limit` and `memory.limitUtilization` where a cgroup sets a limit,
 * `eventLoop.delay` and `.delayMax` (milliseconds that timers were late, mean and greatest), `eventLoop.utilization` (0 to 1), `load.average1` except on Windows, and `tfjs.*`. Spans are those since the last sample. Reading
 * costs a fraction of a millisecond.
 *
 * @example
 * ```ts
 * import { nodeSystemMetrics } from 'modelkeep/node';
 *
 * const reader = nodeSystemMetrics().open();
 * console.log(reader.read()['memory.rss']! > 0); // true
 * reader.close();
 * ```
 */
export function nodeSystemMetrics(options: NodeSystemMetricsOptions = {}): SystemMetrics {
  return {
    open() {
      const cores = availableParallelism();
      const delays = monitorEventLoopDelay({ resolution });
      delays.enable();
      let cpu = process.cpuUsage();
      let loop = performance.eventLoopUtilization();
      let at = performance.now();
      return {
        read() {
          const now = performance.now();
          const used = process.cpuUsage(cpu);
          const elapsed = now - at;
          const { utilization } = performance.eventLoopUtilization(loop);
          // Node records the whole time between two ticks of its timer, of which the resolution is no delay.
          const late = (ns: number): number => Math.max(0, ns / 1e6 - resolution);
          const values = {
            'cpu.utilization': elapsed > 0 ? Math.min(1, (used.user + used.system) / 1000 / elapsed / cores) : NaN,
            ...memoryValues(),
            'eventLoop.delay': late(delays.mean),
            'eventLoop.delayMax': delays.count > 0 ? late(delays.max) : NaN,
            'eventLoop.utilization': utilization,
            ...(process.platform === 'win32' ? {} : { 'load.average1': loadavg()[0] ?? NaN }),
            ...tfjsMemoryValues(options.tf),
          };
          [cpu, loop, at] = [process.cpuUsage(), performance.eventLoopUtilization(), now];
          delays.reset();
          return values;
        },
        close: () => void delays.disable(),
      };
    },
  };
}

function memoryValues(): Record<string, number> {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  // Node says 0, or more than there is, where nothing sets a limit.
  const limit = process.constrainedMemory() ?? 0;
  const limited = limit > 0 && limit < totalmem() ? { 'memory.limit': limit, 'memory.limitUtilization': rss / limit } : {};
  return { 'memory.rss': rss, 'memory.heapUsed': heapUsed, 'memory.heapTotal': heapTotal, 'memory.external': external, ...limited };
}
