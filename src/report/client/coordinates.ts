/** An axis of a picture, as the picture tells it. */
export type PlotAxis = readonly [kind: 'linear' | 'log' | 'time' | 'band', low: number, high: number, start: number, end: number];

/** The value at a coordinate. */
export function valueAt([kind, low, high, start, end]: PlotAxis, at: number): number {
  const share = (at - start) / (end - start);
  return kind === 'log' ? low * (high / low) ** share : low * (1 - share) + high * share;
}

/** The vertices of path data of M, l, h and v, as pictures of ours have it; NaN where it is parted. */
export function vertices(data: string): [number, number][] {
  const points: [number, number][] = [];
  let x = 0;
  let y = 0;
  for (const [, command, rest] of data.matchAll(/([Mlhv])([^Mlhv]*)/g)) {
    const [first = 0, second = 0] = (rest!.match(/-?(\d+\.?\d*|\.\d+)/g) ?? []).map(Number);
    if (command === 'M') {
      if (points.length > 0) points.push([NaN, NaN]);
      [x, y] = [first, second];
    } else if (command === 'l') [x, y] = [x + first, y + second];
    else if (command === 'h') x += first;
    else y += first;
    points.push([x, y]);
  }
  return points;
}
