import { mergeLosses, type LossSums } from './loss-sums.ts';

/** Into so many stretches of time a period is divided. */
const stretches = 128;
/** So many versions of a model are followed. */
export const versionsFollowed = 20;
/** Third powers of larger losses are no numbers any more when many are added. */
const largestLoss = 1e60;

/** The losses of the predictions of a period by version, in the order of time: sums by stretch, in memory that does not grow with the predictions. They may be added in any order. */
export class LossTimeline {
  readonly #start: number;
  readonly #everyMs: number;
  readonly #versions = new Map<string, (LossSums | undefined)[]>();
  #unfollowed = 0;

  /** Of the period that begins at `start` and is `everyMs` long. */
  constructor(start: number, everyMs: number) {
    this.#start = start;
    this.#everyMs = everyMs;
  }

  /** Adds the loss of a prediction that was made at `at`. */
  add(version: string, at: number, loss: number): void {
    if (!(Math.abs(loss) <= largestLoss)) return;
    let sums = this.#versions.get(version);
    if (sums === undefined) {
      if (this.#versions.size >= versionsFollowed) {
        this.#unfollowed++;
        return;
      }
      this.#versions.set(version, (sums = new Array<LossSums | undefined>(stretches).fill(undefined)));
    }
    const place = Math.min(stretches - 1, Math.max(0, Math.floor(((at - this.#start) / this.#everyMs) * stretches)));
    const one: LossSums = [at, 1, loss, 0, 0];
    const before = sums[place];
    sums[place] = before === undefined ? one : mergeLosses(before, one);
  }

  /** Losses of versions that came when as many were followed already as can be. */
  get unfollowed(): number {
    return this.#unfollowed;
  }

  /** The stretches that have losses, by version, in the order of time. */
  get versions(): readonly (readonly [version: string, losses: readonly LossSums[]])[] {
    return [...this.#versions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([version, sums]) => [version, sums.filter((each) => each !== undefined)] as const);
  }
}
