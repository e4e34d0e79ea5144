import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../../src/stats/multivariate/symmetric-eigen.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { expectClose } from '../golden/golden-file.ts';

function symmetric(size: number, entry: (i: number, j: number) => number): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) matrix[i * size + j] = matrix[j * size + i] = entry(i, j);
  return matrix;
}

function expectDecomposed(matrix: Float64Array, size: number): void {
  const { values, vectors } = symmetricEigen(matrix, size);
  const scale = matrix.reduce((most, value) => Math.max(most, Math.abs(value)), 0) * size;
  for (let a = 0; a < size; a++) {
    if (a > 0) expect(values[a]).toBeLessThanOrEqual(values[a - 1]!);
    for (let i = 0; i < size; i++) {
      let image = 0;
      for (let k = 0; k < size; k++) image += matrix[i * size + k]! * vectors[a * size + k]!;
      expect(Math.abs(image - values[a]! * vectors[a * size + i]!)).toBeLessThanOrEqual(1e-14 * scale);
    }
    for (let b = 0; b <= a; b++) {
      let product = 0;
      for (let k = 0; k < size; k++) product += vectors[a * size + k]! * vectors[b * size + k]!;
      expectClose(product, a === b ? 1 : 0, { rtol: 1e-13, atol: 1e-13 });
    }
  }
}

describe('symmetricEigen', () => {
  it('takes any symmetric matrix apart into directions that it only stretches', () => {
    const generator = new SeededGenerator(4);
    for (const size of [1, 2, 3, 4, 7, 20, 60]) expectDecomposed(symmetric(size, () => generator.uniform() * 2 - 1), size);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 21, maxLength: 21 }), (size, entries) => {
        expectDecomposed(
          symmetric(size, (i, j) => entries[(i * (i + 1)) / 2 + j]!),
          size,
        );
      }),
    );
  });

  it('knows the matrices whose values are known', () => {
    // Second differences: 2 - 2 cos(kπ / (size + 1)).
    const size = 12;
    const { values } = symmetricEigen(
      symmetric(size, (i, j) => (i === j ? 2 : i - j === 1 ? -1 : 0)),
      size,
    );
    for (let k = 1; k <= size; k++) expectClose(values[size - k]!, 2 - 2 * Math.cos((k * Math.PI) / (size + 1)), { rtol: 1e-12 });
    expect([...symmetricEigen(Float64Array.of(2, 0, 0, 5), 2).values]).toEqual([5, 2]);
  });

  it('stands what is degenerate, zero, tiny, huge and empty', () => {
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
    expect(symmetricEigen(new Float64Array(0), 0).values).toHaveLength(0);
    expectDecomposed(
      symmetric(5, () => 1),
      5,
    );
    const generator = new SeededGenerator(9);
    for (const scale of [1e-300, 1e300]) expectDecomposed(symmetric(5, () => scale * (generator.uniform() - 0.5)), 5);
    expectDecomposed(symmetric(6, (i, j) => 10 ** (-40 * (i + j))), 6);
  });
});
