import { systemClock, type Clock, type Undo } from '../../core/clock.ts';
import type { SystemMetrics } from '../../core/system-metrics.ts';
import { tfjsMemoryValues, type TfjsMemorySource } from '../../tracking/system-metrics.ts';

/** What {@link browserSystemMetrics} looks at besides the page. */
export interface BrowserSystemMetricsOptions {
  /** TensorFlow.js, to record its tensors and bytes. @default none */
  tf?: TfjsMemorySource | undefined;
  /** @default the host's */
  clock?: Clock | undefined;
}

interface PageGlobals {
  readonly document?: { readonly hidden?: boolean };
  readonly performance?: { readonly memory?: { readonly usedJSHeapSize: number; readonly totalJSHeapSize: number; readonly jsHeapSizeLimit: number } };
}

/** Milliseconds between two looks at how late timers are. */
const tickMs = 250;

/**
 * The load of a page or worker: `memory.heapUsed`, `.heapTotal` and `.limit` (bytes; Chromium only), `eventLoop.delay` and `.delayMax` (milliseconds that timers were late since the last sample, mean and greatest; not while the
 * page is hidden, when browsers hold timers back), and `tfjs.*`.
 *
 * @example
 * ```ts
 * import { browserSystemMetrics } from 'modelkeep/browser';
 *
 * const reader = browserSystemMetrics().open();
 * console.log(reader.read());
 * reader.close();
 * ```
 */
export function browserSystemMetrics(options: BrowserSystemMetricsOptions = {}): SystemMetrics {
  const { clock = systemClock, tf } = options;
  return {
    open() {
      let delays: number[] = [];
      let undo: Undo;
      const arm = (): void => {
        const due = clock.monotonic() + tickMs;
        const wasHidden = isHidden();
        undo = clock.setTimer(() => {
          if (!wasHidden && !isHidden()) delays.push(Math.max(0, clock.monotonic() - due));
          arm();
        }, tickMs);
      };
      arm();
      return {
        read() {
          const seen = delays;
          delays = [];
          return {
            ...heapValues(),
            ...(seen.length === 0 ? {} : { 'eventLoop.delay': seen.reduce((sum, delay) => sum + delay, 0) / seen.length, 'eventLoop.delayMax': seen.reduce((a, b) => Math.max(a, b)) }),
            ...tfjsMemoryValues(tf),
          };
        },
        close: () => undo(),
      };
    },
  };
}

function isHidden(): boolean {
  return (globalThis as PageGlobals).document?.hidden === true;
}

function heapValues(): Record<string, number> {
  const memory = (globalThis as PageGlobals).performance?.memory;
  return memory === undefined ? {} : { 'memory.heapUsed': memory.usedJSHeapSize, 'memory.heapTotal': memory.totalJSHeapSize, 'memory.limit': memory.jsHeapSizeLimit };
}
