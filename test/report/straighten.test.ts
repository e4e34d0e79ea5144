import fc from 'fast-check';
import { expect, test } from 'vitest';
import { straightened } from '../../src/report/svg/straighten.ts';

type Point = readonly [number, number];

/** How far a line is above or below a point of its own span. */
function distance(line: readonly Point[], [x, y]: Point): number {
  const between = line.slice(1).map((to, i) => [line[i]!, to] as const).filter(([from, to]) => from[0] <= x && x <= to[0]);
  return Math.min(...between.map(([[x0, y0], [x1, y1]]) => (x1 === x0 ? Math.max(0, Math.min(y0, y1) - y, y - Math.max(y0, y1)) : Math.abs(y0 + ((y1 - y0) * (x - x0)) / (x1 - x0) - y))));
}

test('no point is farther from the line than allowed, the ends stay, and upright strokes keep their ends', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.double({ min: -5, max: 5, noNaN: true })), { minLength: 2, maxLength: 200 });
  fc.assert(
    fc.property(steps, fc.constantFrom(0.1, 0.75, 3), (moves, tolerance) => {
      let [x, y] = [0, 0];
      const points = moves.map(([dx, dy]): Point => [(x += dx), (y += dy)]);
      const kept = straightened(points, tolerance);
      expect([kept[0], kept.at(-1)]).toEqual([points[0], points.at(-1)]);
      for (const point of points) expect(distance(kept, point)).toBeLessThanOrEqual(tolerance + 1e-9);
    }),
  );
});

test('what goes straight is written as its ends, and a gap stays between the points beside it', () => {
  const straight = Array.from({ length: 1_000 }, (_, i): Point => [i, 3 * i + (i % 2) / 10]);
  expect(straightened(straight, 0.2)).toEqual([straight[0], straight.at(-1)]);
  expect(straightened([[0, 0], [1, 1], [2, 2], [NaN, NaN], [4, 0], [5, 0], [6, 0]], 0.5)).toEqual([[0, 0], [2, 2], [NaN, NaN], [4, 0], [6, 0]]);
});
