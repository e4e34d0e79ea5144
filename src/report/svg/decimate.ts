/** Up to so many points, divided by the width of columns, a line is drawn through all of them. */
const drawnWhole = 400;

/** Values of one column that are closer than this, in pixels, are one point. */
const together = 0.75;

/**
 * The indices of the points of a line that can be seen: of all that fall into one column of pixels the lowest and the highest, in the order in which they come. A point whose coordinates
 * are NaN parts the line: -1 stands there. O(n).
 */
export function visiblePoints(length: number, xAt: (i: number) => number, yAt: (i: number) => number, columnWidth = 1): number[] {
  const whole = !isThinned(length, columnWidth);
  const kept: number[] = [];
  let column = NaN;
  let low = -1;
  let high = -1;
  let lowest = NaN;
  let highest = NaN;
  const flush = (): void => {
    if (low < 0) return;
    kept.push(Math.min(low, high));
    if (low !== high && (whole || highest - lowest > together)) kept.push(Math.max(low, high));
    low = -1;
  };
  for (let i = 0; i < length; i++) {
    const x = xAt(i);
    const y = yAt(i);
    if (x !== x || y !== y) {
      flush();
      if (kept.length > 0 && kept[kept.length - 1] !== -1) kept.push(-1);
      continue;
    }
    const place = whole ? i : Math.floor(x / columnWidth);
    if (low < 0 || place !== column) {
      flush();
      column = place;
      low = high = i;
      lowest = highest = y;
    } else if (y < lowest) {
      low = i;
      lowest = y;
    } else if (y > highest) {
      high = i;
      highest = y;
    }
  }
  flush();
  if (kept[kept.length - 1] === -1) kept.pop();
  return kept;
}

/** Whether a line of so many points is thinned. */
export function isThinned(length: number, columnWidth: number): boolean {
  return length * columnWidth > drawnWhole;
}
