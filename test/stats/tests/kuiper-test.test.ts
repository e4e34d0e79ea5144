import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { kuiperTest } from '../../../src/stats/tests/kuiper-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const hours = fc.array(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 40 });
const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i);

describe('kuiperTest', () => {
  it('is the sum of the largest differences of the distribution functions either way', () => {
    const share = (values: readonly number[], at: number): number => values.filter((value) => value <= at).length / values.length;
    fc.assert(
      fc.property(hours, hours, (x, y) => {
        const differences = [0, ...x, ...y].map((at) => share(x, at) - share(y, at));
        expectClose(kuiperTest(x, y).statistic, Math.max(0, ...differences) - Math.min(0, ...differences), { rtol: 1e-12, atol: 1e-15 });
      }),
    );
  });

  it('does not depend on where the circle is cut, nor on which sample came first', () => {
    fc.assert(
      fc.property(hours, hours, fc.integer({ min: 0, max: 23 }), (x, y, shift) => {
        const turned = (values: number[]): number[] => values.map((value) => (value + shift) % 24);
        expectClose(kuiperTest(turned(x), turned(y)).statistic, kuiperTest(x, y).statistic, { rtol: 1e-12 });
        expect(kuiperTest(y, x).pValue).toBe(kuiperTest(x, y).pValue);
      }),
    );
  });

  it('has a p-value that falls as the statistic grows, and keeps its digits in the tail', () => {
    let previous = 1;
    for (let shift = 0; shift <= 400; shift++) {
      const { pValue } = kuiperTest(range(0, 400), range(shift, 400).map((value) => value + 0.5));
      expect(pValue).toBeLessThanOrEqual(previous);
      expect(pValue).toBeGreaterThan(0);
      previous = pValue;
    }
    expect(previous).toBeLessThan(1e-150);
  });

  it('has the published critical values for large samples', () => {
    // Stephens (1970): V* of 1.620, 1.747 and 2.001 at 0.1, 0.05 and 0.01.
    for (const [critical, level] of [[1.62, 0.1], [1.747, 0.05], [2.001, 0.01]] as const) {
      const size = 20_000;
      const root = Math.sqrt(size / 2);
      const shift = Math.round((critical / (root + 0.155 + 0.24 / root)) * size) - 1;
      const { pValue } = kuiperTest(range(0, size), range(shift, size).map((value) => value + 0.5));
      expectClose(pValue, level, { rtol: 0.02 });
    }
  });

  it('takes infinities and prepared samples, leaves out what is no number, and answers for what is empty or constant', () => {
    const found = kuiperTest([-Infinity, 1, NaN, Infinity], [null as never, 0, 2]);
    expect(found).toMatchObject({ n: 3, m: 2, dropped: [1, 1], method: 'asymptotic' });
    expect(kuiperTest(SortedSample.of([-Infinity, 1, NaN, Infinity]), SortedSample.of([NaN, 0, 2]))).toEqual(found);
    expect(kuiperTest([], [1])).toMatchObject({ statistic: 0, pValue: 1 });
    expect(kuiperTest([], [])).toMatchObject({ statistic: 0, pValue: 1 });
    expect(kuiperTest([4, 4], [4, 4, 4])).toMatchObject({ statistic: 0, pValue: 1 });
  });
});
