/** A point of a line, whose height may be told on several scales. */
type Point = readonly [x: number, ...heights: number[]];

/**
 * The points of a line without those that it passes anyway, no farther than `tolerance` above or below on any scale: what is left looks the same and is shorter to write. The ends of upright
 * strokes, and points beside a gap, stay. One pass, by the sheaf of straight lines that still pass all points left out (Williams 1978). O(n).
 */
export function straightened<P extends Point>(points: readonly P[], tolerance: number): P[] {
  const kept: P[] = [];
  let anchor: P | undefined;
  let last: P | undefined;
  let sheaf = new Sheaf(0);
  for (const point of points) {
    const isGap = point.some(Number.isNaN);
    if (anchor === undefined || isGap) {
      if (last !== undefined) kept.push(last);
      kept.push(point);
      [anchor, last] = [isGap ? undefined : point, undefined];
      sheaf = new Sheaf(point.length - 1);
      continue;
    }
    if (last !== undefined && !sheaf.passes(anchor, point)) {
      kept.push(last);
      [anchor, last] = [last, undefined];
      sheaf = new Sheaf(point.length - 1);
    }
    if (sheaf.take(anchor, point, tolerance)) {
      last = point;
      continue;
    }
    // An upright line has no slope; it begins anew where it ends.
    kept.push(point);
    [anchor, last] = [point, undefined];
    sheaf = new Sheaf(point.length - 1);
  }
  if (last !== undefined) kept.push(last);
  return kept;
}

/** The slopes of the straight lines from a point that pass all others taken, on each scale. */
class Sheaf {
  readonly #low: number[];
  readonly #high: number[];

  constructor(scales: number) {
    this.#low = new Array<number>(scales).fill(-Infinity);
    this.#high = new Array<number>(scales).fill(Infinity);
  }

  passes(from: Point, to: Point): boolean {
    const run = to[0] - from[0];
    return run > 0 && this.#low.every((low, i) => {
      const slope = (to[i + 1]! - from[i + 1]!) / run;
      return slope >= low && slope <= this.#high[i]!;
    });
  }

  /** Narrows it to what passes another point; false where none can, since the point is above or below the first. */
  take(from: Point, to: Point, tolerance: number): boolean {
    const run = to[0] - from[0];
    if (run <= 0) return run === 0 && this.#low.every((_, i) => Math.abs(to[i + 1]! - from[i + 1]!) <= tolerance);
    for (let i = 0; i < this.#low.length; i++) {
      const rise = to[i + 1]! - from[i + 1]!;
      this.#low[i] = Math.max(this.#low[i]!, (rise - tolerance) / run);
      this.#high[i] = Math.min(this.#high[i]!, (rise + tolerance) / run);
    }
    return true;
  }
}
