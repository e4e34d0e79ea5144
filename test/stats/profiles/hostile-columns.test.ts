import { compareData, isModelkeepError, profileData, type DataDrift, type TableInput } from 'modelkeep';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const seed = 20010203;

/** What a column can hold, and much that nobody would put into one. */
const value = fc.oneof(
  fc.constantFrom(null, undefined, NaN, Infinity, -Infinity, 0, -0, 1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, 2 ** 53 + 2, 1e21, true, false),
  fc.constantFrom('', 'a', 'b', '__proto__', '1', 'x'.repeat(300)),
  fc.constantFrom(0n, -1n, 2n ** 62n, -(2n ** 63n), new Date(0), new Date(8.64e15), {}, [], { a: { b: [null, 1] } }, [1, 'a']),
  fc.double(),
  fc.string({ unit: 'grapheme' }),
);

/** Many rows of few different values, so that constant, nearly constant and tied columns come up as often as mixed ones. */
const column = fc.tuple(fc.array(value, { minLength: 1, maxLength: 6 }), fc.nat({ max: 130 }), fc.nat()).map(([values, rows, step]) => Array.from({ length: rows }, (_, i) => values[(i * (step + 1)) % values.length]));

const kind = fc.constantFrom(undefined, 'number' as const, 'category' as const, 'text' as const, 'timestamp' as const, 'embedding' as const);

function notFinite(inside: unknown, path = 'report'): string[] {
  if (typeof inside === 'number') return Number.isFinite(inside) ? [] : [path];
  if (typeof inside !== 'object' || inside === null) return [];
  return Object.entries(inside).flatMap(([key, next]) => notFinite(next, `${path}.${key}`));
}

/** A verdict that holds whatever was compared: plain, finite, with probabilities that are some and counts that add up. */
function expectSound(report: DataDrift, rows: readonly [number, number], minRows: number): void {
  expect(notFinite(report)).toEqual([]);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  const [x] = report.columns;
  if (x === undefined) throw new Error('The report has no column.');
  if (Math.min(...rows) < minRows) expect(x.status).toBe('insufficient');
  if (x.status !== 'insufficient') expect(x.tests.length).toBeGreaterThan(0);
  for (const { pValue, referenceRows, currentRows } of x.tests) {
    expect(pValue).toBeGreaterThanOrEqual(0);
    expect(pValue).toBeLessThanOrEqual(1);
    expect([0 < referenceRows && referenceRows <= rows[0], 0 < currentRows && currentRows <= rows[1]]).toEqual([true, true]);
  }
  if (x.effect) expect(x.effect.low).toBeLessThanOrEqual(x.effect.high);
}

describe('columns that nobody would hope for', () => {
  it('get a verdict that is sound, from rows and from profiles', () => {
    fc.assert(
      fc.property(column, column, kind, fc.constantFrom(1, 30), (reference, current, kindOfX, minRows) => {
        const kinds = kindOfX === undefined ? {} : { x: kindOfX };
        const profile = profileData({ x: reference }, { kinds });
        const reports = [
          compareData({ x: reference }, { x: current }, { kinds, minRows }),
          compareData(JSON.parse(JSON.stringify(profile)), { x: current }, { minRows }),
          compareData(profile, profileData({ x: current }, { bins: profile }), { minRows }),
        ];
        for (const report of reports) expectSound(report, [reference.length, current.length], minRows);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('are compared with themselves without drift', () => {
    fc.assert(
      fc.property(column, kind, (both, kindOfX) => {
        const report = compareData({ x: both }, { x: [...both].reverse() }, { kinds: kindOfX === undefined ? {} : { x: kindOfX }, minRows: 1 });
        expect(report.drifted).toBe(false);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('are refused with the name of the column where they hold what is no data', () => {
    for (const odd of [Symbol('s'), () => 1, new Map(), new Date(NaN), '\ud800']) {
      const data: TableInput = { x: [odd, 1, 'a'] as never };
      let thrown: unknown;
      try {
        compareData(data, data);
      } catch (error) {
        thrown = error;
      }
      expect(isModelkeepError(thrown, 'validation'), String(thrown)).toBe(true);
      expect((thrown as Error).message).toContain('x');
    }
  });
});
