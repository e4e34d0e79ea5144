import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { cramersV } from '../../../src/stats/distances/cramers-v.ts';
import { expectClose } from '../golden/golden-file.ts';

const tables = fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), { maxLength: 5 });

describe('cramersV', () => {
  it('lies from 0 to 1, does not ask which side is which, and is no larger with the correction', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const plain = cramersV(table);
        const turned = [0, 1, 2].map((j) => table.map((row) => row[j]!));
        if (Number.isNaN(plain)) {
          expect(cramersV(table, { correction: 'bergsma' })).toBeNaN();
          expect(cramersV(turned)).toBeNaN();
          return;
        }
        expect(plain >= 0 && plain <= 1).toBe(true);
        for (const correction of ['none', 'bergsma'] as const) {
          const found = cramersV(table, { correction });
          expect(found >= 0 && found <= 1).toBe(true);
          expectClose(cramersV(turned, { correction }), found, { rtol: 1e-9, atol: 1e-7 });
        }
        expectClose(cramersV(table.map((row) => row.map((count) => count * 4))), plain, { rtol: 1e-12, atol: 1e-15 });
      }),
      { seed: 91 },
    );
  });

  it('is the correlation of two yes/no answers', () => {
    const [a, b, c, d] = [12, 5, 3, 14];
    expectClose(cramersV([[a, b], [c, d]]), (a * d - b * c) / Math.sqrt((a + b) * (c + d) * (a + c) * (b + d)), { rtol: 1e-12 });
  });

  it('is 1 when one follows from the other, and 0 when nothing does', () => {
    for (const correction of ['none', 'bergsma'] as const) {
      expectClose(cramersV([[9, 0, 0], [0, 4, 0], [0, 0, 7]], { correction }), 1, { rtol: 1e-12 });
      expect(cramersV([[2, 4, 6], [1, 2, 3]], { correction })).toBe(0);
      expect(cramersV([[9, 0, 4], [0, 0, 0], [0, 0, 0]], { correction })).toBeNaN();
      expect(cramersV([], { correction })).toBeNaN();
    }
    expect(cramersV([[1, 0], [0, 1]], { correction: 'bergsma' })).toBe(0);
  });

  it('with the correction is near 0 on chance alone, where it is far from it without', () => {
    const random = seededRandom(23);
    let [plain, corrected] = [0, 0];
    for (let trial = 0; trial < 200; trial++) {
      const table = [0, 1].map(() => {
        const counts = new Array<number>(20).fill(0);
        for (let i = 0; i < 100; i++) counts[Math.floor(random() * 20)]!++;
        return counts;
      });
      plain += cramersV(table) / 200;
      corrected += cramersV(table, { correction: 'bergsma' }) / 200;
    }
    expect(plain).toBeGreaterThan(0.28);
    expect(corrected).toBeLessThan(0.08);
  });

  it('refuses what are no counts', () => {
    expect(() => cramersV([[1, -1]])).toThrow(/table\[0\]\[1\] is -1/);
    expect(() => cramersV([[1, 2], [3, 4]], { correction: 'yates' as never })).toThrow(/correction is "yates"/);
  });
});
