type Point = readonly [x: number, y: number];

/**
 * The points of a line without those that it passes anyway, no farther than `tolerance` above or below: what is left looks the same and is shorter to write. Points where the line stands
 * upright, and those beside a gap, stay. One pass, by the sheaf of straight lines that still pass all points left out (Williams 1978). O(n).
 */
export function straightened(points: readonly Point[], tolerance: number): Point[] {
  const kept: Point[] = [];
  let anchor: Point | undefined;
  let last: Point | undefined;
  let [low, high] = [-Infinity, Infinity];
  const begin = (point: Point | undefined): void => {
    anchor = point;
    last = undefined;
    [low, high] = [-Infinity, Infinity];
  };
  const end = (): void => {
    if (last !== undefined) kept.push(last);
  };
  for (const point of points) {
    const [x, y] = point;
    if (anchor === undefined || x !== x || y !== y) {
      end();
      kept.push(point);
      begin(x === x && y === y ? point : undefined);
      continue;
    }
    if (last !== undefined && !inSheaf(anchor, point, low, high)) {
      kept.push(last);
      begin(last);
    }
    const run = x - anchor[0];
    // An upright line has no slope; it begins anew where it ends.
    if (run <= 0) {
      kept.push(point);
      begin(point);
      continue;
    }
    low = Math.max(low, (y - tolerance - anchor[1]) / run);
    high = Math.min(high, (y + tolerance - anchor[1]) / run);
    last = point;
  }
  end();
  return kept;
}

/** Whether the straight line from one point to another passes all between. */
function inSheaf([fromX, fromY]: Point, [x, y]: Point, low: number, high: number): boolean {
  const slope = (y - fromY) / (x - fromX);
  return x > fromX && slope >= low && slope <= high;
}
