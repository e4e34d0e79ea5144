import { demandOptions, demandPositive, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { StreamDetector, isErrorRate, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** How sensitive a {@link Ddm} is. */
export interface DdmOptions {
  /** Observations before it says anything. @default 30 */
  warmUp?: number | undefined;
  /** Standard deviations above the best error rate at which it warns. @default 2 */
  warning?: number | undefined;
  /** Standard deviations above the best error rate that are a drift. @default 3 */
  drift?: number | undefined;
}

/**
 * Drift detection method (Gama, Medas, Castillo & Rodrigues 2004) for the errors of a model, 0 for right and 1 for wrong: with the error rate p and its standard
 * deviation s = √(p(1-p)/n), it remembers where p + s was smallest and warns when p + s is above p_min + 2 s_min, and calls drift above p_min + 3 s_min. Decisions are those of River.
 *
 * It sees rising error rates only, best sudden ones. Constant memory and time. NaN and values outside of [0, 1] are ignored and counted. Throws `ValidationError` for options that are not positive.
 *
 * @example
 * ```ts
 * import { Ddm } from 'modelkeep/stats';
 *
 * const detector = new Ddm();
 * for (let i = 0; i < 1000; i++) detector.update(i % 10 === 0 ? 1 : 0); // one in ten is wrong
 * let i = 0;
 * while (detector.update(i % 2) !== 'drift') i++; // now one in two
 * console.log(`seen after ${i} more observations`);
 * ```
 */
export class Ddm extends StreamDetector {
  constructor(options?: DdmOptions);
  /** @internal */
  constructor(options: DdmOptions, state: StateReader);
  constructor(options: DdmOptions = {}, state?: StateReader) {
    const { warmUp = 30, warning = 2, drift = 3 } = demandOptions(options);
    demandWhole('warmUp', warmUp, 1);
    demandPositive('warning', warning);
    demandPositive('drift', drift);
    super('ddm', { warmUp, warning, drift }, new DdmMemory(warmUp, warning, drift), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): Ddm {
    const reader = new StateReader(state, 'ddm');
    const options = reader.part('options');
    return new Ddm({ warmUp: options.number('warmUp'), warning: options.number('warning'), drift: options.number('drift') }, reader);
  }
}

class DdmMemory implements DetectorMemory {
  readonly #warmUp: number;
  readonly #warning: number;
  readonly #drift: number;
  #n = 0;
  #p = 0;
  #pMin = Infinity;
  #sMin = Infinity;

  constructor(warmUp: number, warning: number, drift: number) {
    this.#warmUp = warmUp;
    this.#warning = warning;
    this.#drift = drift;
  }

  accepts(value: number): boolean {
    return isErrorRate(value);
  }

  observe(value: number, before: DetectorStatus): DetectorStatus {
    this.#n++;
    this.#p += (value - this.#p) / this.#n;
    if (this.#n <= this.#warmUp) return before;
    const s = Math.sqrt(Math.max(0, this.#p * (1 - this.#p)) / this.#n);
    const level = this.#p + s;
    if (level <= this.#pMin + this.#sMin) {
      this.#pMin = this.#p;
      this.#sMin = s;
    }
    if (level > this.#pMin + this.#drift * this.#sMin) return 'drift';
    return level > this.#pMin + this.#warning * this.#sMin ? 'warning' : 'stable';
  }

  clear(): void {
    this.#n = 0;
    this.#p = 0;
    this.#pMin = Infinity;
    this.#sMin = Infinity;
  }

  toJSON(): DetectorState['memory'] {
    const unset = this.#pMin === Infinity;
    return { n: this.#n, p: this.#p, pMin: unset ? null : this.#pMin, sMin: unset ? null : this.#sMin };
  }

  restore(state: StateReader): void {
    this.#n = state.whole('n');
    this.#p = state.number('p', 0, 1);
    this.#pMin = state.optional('pMin', 0, 1) ?? Infinity;
    this.#sMin = state.optional('sMin', 0, 1) ?? Infinity;
  }
}
