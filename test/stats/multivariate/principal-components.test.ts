import { describe, expect, it } from 'vitest';
import { PrincipalComponents, principalComponents } from '../../../src/stats/multivariate/principal-components.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { expectClose } from '../golden/golden-file.ts';

/** Rows of five numbers, of which the first three follow one hidden number. */
function reference(n: number, seed = 1): number[][] {
  const generator = new SeededGenerator(seed);
  return Array.from({ length: n }, () => {
    const hidden = generator.uniform();
    const noise = (): number => 0.05 * generator.uniform();
    return [hidden + noise(), 100 - 30 * (hidden + noise()), hidden * 1e-3 + 1e-3 * noise(), generator.uniform(), 5 * generator.uniform()];
  });
}

describe('principalComponents', () => {
  it('reconstructs every row with all components, and the better the more there are', () => {
    const rows = reference(200);
    let previous = Infinity;
    for (let components = 1; components <= 5; components++) {
      const fitted = principalComponents(rows, { components });
      expect(fitted.count).toBe(components);
      const sum = fitted.reconstructionErrors(rows).reduce((total, error) => total + error ** 2, 0);
      // What the components leave of the variance is what the reconstruction misses.
      expectClose(sum / (200 * 5), 1 - fitted.explained, { rtol: 1e-9, atol: 1e-12 });
      expect(sum).toBeLessThan(previous);
      previous = sum;
    }
    expect(previous).toBeLessThan(1e-20);
  });

  it('keeps the fewest components that explain more than what is asked', () => {
    const rows = reference(300);
    for (const explained of [0.2, 0.5, 0.65, 0.9, 0.99]) {
      const { count, explained: share } = principalComponents(rows, { explained });
      expect(share).toBeGreaterThan(explained);
      if (count > 1) expect(principalComponents(rows, { components: count - 1 }).explained).toBeLessThanOrEqual(explained);
    }
    expect(principalComponents(rows, { explained: 1 }).count).toBe(5);
    expect(principalComponents(rows).count).toBe(2);
    expect(principalComponents(rows, { components: 50 }).count).toBe(5);
  });

  it('sees a broken correlation that no single column shows', () => {
    const fitted = principalComponents(reference(500), { explained: 0.9 });
    const fresh = reference(100, 2);
    const broken = fresh.map((row, i) => [row[0]!, fresh[(i + 1) % 100]![1]!, ...row.slice(2)]);
    const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(fitted.reconstructionErrors(broken))).toBeGreaterThan(3 * mean(fitted.reconstructionErrors(fresh)));
  });

  it('does not ask for the units of the columns, nor for the form of the rows', () => {
    const rows = reference(80);
    const errors = principalComponents(rows).reconstructionErrors(rows);
    const rescaled = rows.map((row) => row.map((value, k) => value * 10 ** (3 * k - 6) + k));
    const found = principalComponents(rescaled).reconstructionErrors(rescaled);
    for (const [i, error] of errors.entries()) expectClose(found[i]!, error, { rtol: 1e-6 });
    expect(principalComponents({ values: rows.flat(), width: 5 }).toJSON()).toEqual(principalComponents(rows).toJSON());
    expect(principalComponents({ columns: [0, 1, 2, 3, 4].map((k) => rows.map((row) => row[k]!)) }).toJSON()).toEqual(principalComponents(rows).toJSON());
  });

  it('has scores whose squares and the error make up the row', () => {
    const rows = reference(50);
    const fitted = principalComponents(rows, { components: 2 });
    const whole = principalComponents(rows, { components: 5 });
    const scores = fitted.scores(rows);
    const all = whole.scores(rows);
    const errors = fitted.reconstructionErrors(rows);
    expect(scores).toHaveLength(100);
    for (let r = 0; r < 50; r++) {
      const length = all.subarray(5 * r, 5 * r + 5).reduce((sum, score) => sum + score ** 2, 0);
      expectClose(scores[2 * r]! ** 2 + scores[2 * r + 1]! ** 2 + errors[r]! ** 2, length, { rtol: 1e-10 });
    }
  });

  it('counts any change of a constant column', () => {
    const rows = reference(60).map((row) => [...row, 0.1]);
    const fitted = principalComponents(rows);
    const usual = fitted.reconstructionErrors([rows[0]!])[0]!;
    expectClose(fitted.reconstructionErrors([[...rows[0]!.slice(0, 5), 2.1]])[0]!, Math.hypot(usual, 2), { rtol: 1e-9 });
  });

  it('leaves out rows that are not all finite, and answers for what is empty or constant', () => {
    const rows = reference(40);
    const fitted = principalComponents([...rows, [1, 2, NaN, 4, 5], [1, 2, 3, Infinity, 5]]);
    expect([fitted.n, fitted.dropped, fitted.width]).toEqual([40, 2, 5]);
    expect(fitted.reconstructionErrors([rows[0]!, [1, 2, NaN, 4, 5], [null as never, 1, 1, 1, 1]])).toEqual(
      Float64Array.of(fitted.reconstructionErrors([rows[0]!])[0]!, NaN, NaN),
    );
    const empty = principalComponents([]);
    expect([empty.n, empty.count, empty.explained]).toEqual([0, 0, 0]);
    expect(empty.reconstructionErrors([])).toHaveLength(0);
    const constant = principalComponents([[3, 4], [3, 4]]);
    expect([constant.count, constant.explained]).toEqual([0, 0]);
    expect([...constant.reconstructionErrors([[3, 4], [6, 8]])]).toEqual([0, 5]);
    expect([...principalComponents([[3, 4]]).reconstructionErrors([[6, 8]])]).toEqual([5]);
    expect(principalComponents([[NaN, 1]]).toJSON()).toMatchObject({ n: 0, dropped: 1, components: [] });
  });

  it('stands numbers whose squares are out of range', () => {
    const rows = reference(30);
    const usual = principalComponents(rows).reconstructionErrors(rows);
    for (const scale of [1e-250, 1e250]) {
      const scaled = rows.map((row) => row.map((value) => value * scale));
      const found = principalComponents(scaled).reconstructionErrors(scaled);
      for (const [i, error] of usual.entries()) expectClose(found[i]!, error, { rtol: 1e-8 });
    }
    const extreme = principalComponents([[1.7e308, 1], [-1.7e308, 2], [0, 4]], { components: 1 });
    expect(extreme.reconstructionErrors([[1.7e308, 1], [0, 3]]).every((error) => error >= 0)).toBe(true);
  });

  it('goes on as if it had never been stored', () => {
    const rows = reference(90);
    const fitted = principalComponents(rows);
    const restored = PrincipalComponents.fromJSON(JSON.parse(JSON.stringify(fitted)));
    expect(restored.toJSON()).toEqual(fitted.toJSON());
    expect(restored.reconstructionErrors(rows)).toEqual(fitted.reconstructionErrors(rows));
    (restored.toJSON().means as number[])[0] = 1e9;
    expect(restored.toJSON()).toEqual(fitted.toJSON());
  });

  it('makes nothing of a state that is none, and names the field', () => {
    const state = principalComponents(reference(20)).toJSON();
    const broken: [string, unknown][] = [
      ['kind', 'psi'],
      ['version', 2],
      ['n', -1],
      ['dropped', 1.5],
      ['means', [1, 2, 'x', 4, 5]],
      ['scales', [1, 1, 1, 1]],
      ['scales', [1, 1, 1, 1, 0]],
      ['variances', [1, 1, 1, 1, NaN]],
      ['components', {}],
      ['components', [[1, 2]]],
      ['components', [[1, 2, 3, 4, null]]],
      ['components', Array.from({ length: 6 }, () => [1, 0, 0, 0, 0])],
    ];
    for (const [field, value] of broken) expect(() => PrincipalComponents.fromJSON({ ...state, [field]: value })).toThrow(new RegExp(`^state.${field}`));
    for (const rubbish of [null, undefined, 7, 'x', [], {}]) expect(() => PrincipalComponents.fromJSON(rubbish)).toThrow(/^state/);
  });

  it('refuses rows of another width and options out of range', () => {
    const fitted = principalComponents(reference(10));
    expect(() => fitted.reconstructionErrors([[1, 2]])).toThrow(/fitted on 5/);
    expect(() => principalComponents([[1]], { explained: 0 })).toThrow(/explained is 0/);
    expect(() => principalComponents([[1]], { components: 0 })).toThrow(/components is 0/);
    expect(() => principalComponents([[1]], { components: 1, explained: 0.5 })).toThrow(/Both/);
  });
});
