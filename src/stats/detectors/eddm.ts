import { ValidationError } from '../../core/errors.ts';
import { demandLevel, demandOptions, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { StreamDetector, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** How sensitive an {@link Eddm} is. */
export interface EddmOptions {
  /** Errors before it says anything. @default 30 */
  warmUp?: number | undefined;
  /** Share of the widest spacing of errors below which it warns. @default 0.95 */
  alpha?: number | undefined;
  /** Share of the widest spacing of errors below which it is a drift; at most `alpha`. @default 0.9 */
  beta?: number | undefined;
}

/**
 * Early drift detection method (Baena-García et al. 2006) for the errors of a model, 0 for right and 1 for wrong: it follows the distance between errors, mean plus
 * two standard deviations, and compares it with the widest it has been. It sees slow drifts earlier than {@link Ddm} and has more false alarms. Decisions are those of River.
 *
 * Constant memory and time. What is neither 0 nor 1 is ignored and counted. Throws `ValidationError` for options outside of (0, 1) or `beta` above `alpha`.
 *
 * @example
 * ```ts
 * import { Eddm } from 'modelkeep/stats';
 *
 * const detector = new Eddm({ alpha: 0.9, beta: 0.8 });
 * const statuses = Array.from({ length: 4000 }, (_, i) => detector.update(i % (i < 3000 ? 20 : 4) === 0 ? 1 : 0));
 * console.log(statuses.indexOf('drift') >= 3000);
 * ```
 */
export class Eddm extends StreamDetector {
  constructor(options?: EddmOptions);
  /** @internal */
  constructor(options: EddmOptions, state: StateReader);
  constructor(options: EddmOptions = {}, state?: StateReader) {
    const { warmUp = 30, alpha = 0.95, beta = 0.9 } = demandOptions(options);
    demandWhole('warmUp', warmUp, 1);
    demandLevel('alpha', alpha);
    demandLevel('beta', beta);
    if (beta > alpha) throw new ValidationError(`beta is ${beta} and alpha is ${alpha}; a drift needs errors closer together than a warning, so beta is at most alpha.`, { path: 'beta' });
    super('eddm', { warmUp, alpha, beta }, new EddmMemory(warmUp, alpha, beta), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): Eddm {
    const reader = new StateReader(state, 'eddm');
    const options = reader.part('options');
    return new Eddm({ warmUp: options.number('warmUp'), alpha: options.number('alpha'), beta: options.number('beta') }, reader);
  }
}

class EddmMemory implements DetectorMemory {
  readonly #warmUp: number;
  readonly #alpha: number;
  readonly #beta: number;
  #n = 0;
  #errors = 0;
  #lastError = 0;
  #mean = 0;
  #squares = 0;
  #widest = -1;

  constructor(warmUp: number, alpha: number, beta: number) {
    this.#warmUp = warmUp;
    this.#alpha = alpha;
    this.#beta = beta;
  }

  accepts(value: number): boolean {
    return value === 0 || value === 1;
  }

  observe(value: number, before: DetectorStatus): DetectorStatus {
    this.#n++;
    if (value === 0) return before;
    this.#errors++;
    const distance = this.#n - this.#lastError;
    this.#lastError = this.#n;
    const deviation = distance - this.#mean;
    this.#mean += deviation / this.#errors;
    this.#squares += deviation * (distance - this.#mean);
    return this.#n > this.#warmUp ? this.#judge(before) : before;
  }

  #judge(before: DetectorStatus): DetectorStatus {
    const spacing = this.#mean + 2 * Math.sqrt(this.#errors > 1 ? this.#squares / (this.#errors - 1) : 0);
    if (spacing > this.#widest) {
      this.#widest = spacing;
      return before;
    }
    if (this.#errors <= this.#warmUp) return before;
    const level = spacing / this.#widest;
    if (level < this.#beta) return 'drift';
    return level < this.#alpha ? 'warning' : 'stable';
  }

  clear(): void {
    this.#n = 0;
    this.#errors = 0;
    this.#lastError = 0;
    this.#mean = 0;
    this.#squares = 0;
    this.#widest = -1;
  }

  toJSON(): DetectorState['memory'] {
    return { n: this.#n, errors: this.#errors, lastError: this.#lastError, mean: this.#mean, squares: this.#squares, widest: this.#widest };
  }

  restore(state: StateReader): void {
    this.#n = state.whole('n');
    this.#errors = state.whole('errors', 0, this.#n);
    this.#lastError = state.whole('lastError', 0, this.#n);
    this.#mean = state.number('mean', 0);
    this.#squares = state.number('squares', 0);
    this.#widest = state.number('widest', -1);
  }
}
