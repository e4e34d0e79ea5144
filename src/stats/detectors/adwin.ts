import { demandLevel, demandOptions, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { AdwinMemory } from './adwin-window.ts';
import { StreamDetector } from './stream-detector.ts';

/** How sensitive an {@link Adwin} is, and how often it looks. */
export interface AdwinOptions {
  /** Bound on the chance that a cut of a stable window is taken for a drift. @default 0.002 */
  delta?: number | undefined;
  /** Observations between two looks at the window; 1 sees a drift soonest and costs most. @default 32 */
  clock?: number | undefined;
  /** Buckets of one size before the two oldest become one of double size. @default 5 */
  maxBuckets?: number | undefined;
  /** Observations that either side of a cut must have. @default 5 */
  minWindow?: number | undefined;
  /** Observations before the first look. @default 10 */
  gracePeriod?: number | undefined;
}

/**
 * Adaptive windowing (Bifet & Gavaldà 2007): keeps a window of the latest values as long as its mean is one, and calls drift when two parts of it have means that differ by more than
 * ε = √(2m σ² ln(2 ln(w)/δ)) + ⅔ m ln(2 ln(w)/δ), where 1/m is about the harmonic mean of the parts' sizes. Decisions are those of River, whose window begins anew after a drift.
 *
 * Memory grows with the logarithm of the window, time per observation is constant on average. NaN, ±Infinity and values beyond ±1e150 are ignored and counted. Throws `ValidationError` for wrong options.
 *
 * @example
 * ```ts
 * import { Adwin } from 'modelkeep/stats';
 *
 * const adwin = new Adwin({ delta: 0.002 });
 * for (let i = 0; i < 2000; i++) {
 *   const error = i % (i < 1000 ? 10 : 2) === 0 ? 1 : 0;
 *   if (adwin.update(error) === 'drift') console.log(`the error rate changed before ${i}; it was ${adwin.mean}`);
 * }
 * ```
 */
export class Adwin extends StreamDetector {
  readonly #window: AdwinMemory;

  constructor(options?: AdwinOptions);
  /** @internal */
  constructor(options: AdwinOptions, state: StateReader);
  constructor(options: AdwinOptions = {}, state?: StateReader) {
    const { delta = 0.002, clock = 32, maxBuckets = 5, minWindow = 5, gracePeriod = 10 } = demandOptions(options);
    demandLevel('delta', delta);
    demandWhole('clock', clock, 1);
    demandWhole('maxBuckets', maxBuckets, 2, 1000);
    demandWhole('minWindow', minWindow, 1);
    demandWhole('gracePeriod', gracePeriod, 1);
    const settings = { delta, clock, maxBuckets, minWindow, gracePeriod };
    const window = new AdwinMemory(settings);
    super('adwin', settings, window, state);
    this.#window = window;
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): Adwin {
    const reader = new StateReader(state, 'adwin');
    const options = reader.part('options');
    const sizes = { clock: options.number('clock'), maxBuckets: options.number('maxBuckets'), minWindow: options.number('minWindow') };
    return new Adwin({ delta: options.number('delta'), ...sizes, gracePeriod: options.number('gracePeriod') }, reader);
  }

  /** How many values the window holds. */
  get width(): number {
    return this.#window.width;
  }

  /** The mean of the window; NaN while it is empty. */
  get mean(): number {
    return this.#window.width === 0 ? NaN : this.#window.total / this.#window.width;
  }
}
