import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertKey } from '../../src/core/key.ts';
import { planSteps, type Plan } from '../../src/pipelines/plan.ts';
import { retryPolicy } from '../../src/pipelines/retry.ts';
import { untouched, type StepState } from '../../src/pipelines/run-state.ts';
import { unitKey, Units, unitSegments, type UnitName } from '../../src/pipelines/units.ts';

const names: fc.Arbitrary<UnitName> = fc.record({
  step: fc.oneof(fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }), fc.stringMatching(/^[0-9:/A-Za-z]{1,6}$/), fc.constantFrom('a', 'A', '0', '0:a', ':a', 'a/000000', '000000')),
  index: fc.option(fc.nat(99_999), { nil: undefined }),
});

function planOf(count: number): Plan {
  return planSteps(Array.from({ length: count }, (_, i) => ({ name: `s${i}`, upstream: [], retry: retryPolicy(undefined, 'r'), trigger: 'all_success', final: false, allowFailure: false })));
}

const numbered = (attempts: number): StepState => ({ ...untouched, attempts });

describe('the name of a unit', () => {
  it('has a text and a place in a key that no other name has', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        const same = a.step === b.step && a.index === b.index;
        expect([unitKey(a) === unitKey(b), unitSegments(a) === unitSegments(b), assertKey(unitSegments(a))]).toEqual([same, same, unitSegments(a)]);
      }),
      { numRuns: 500 },
    );
  });

  it('puts items in the order of their numbers', () => {
    fc.assert(
      fc.property(fc.nat(99_999), fc.nat(99_999), (a, b) => {
        const [first, second] = [a, b].map((index) => unitSegments({ step: 'train', index }));
        expect(Math.sign(Number(first! > second!) - Number(first! < second!))).toBe(Math.sign(a - b));
      }),
    );
  });
});

describe('Units', () => {
  it('finds every unit by the name it gives it, in whatever order steps come to know their items, and no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.tuple(fc.nat(), fc.nat(40)), { maxLength: 5 }), (steps, lists) => {
        let units = Units.of(planOf(steps), Array.from({ length: steps }, (_, i) => numbered(i)));
        const counts = new Map<number, number>();
        for (const [chosen, count] of lists) {
          const step = chosen % steps;
          if (counts.has(step)) continue;
          counts.set(step, count);
          units = units.appended(step, Array.from({ length: count }, (_, i) => numbered(1_000 * (step + 1) + i)));
        }
        expect(units.length).toBe(steps + [...counts.values()].reduce((sum, count) => sum + count, 0));
        const all = Array.from({ length: units.length }, (_, unit) => unit);
        expect(all.map((unit) => units.numberOf(units.nameOf(unit)))).toEqual(all);
        expect(all.map((unit) => units.named(units.nameOf(unit)).attempts)).toEqual(all.map((unit) => {
          const { index } = units.nameOf(unit);
          return index === undefined ? units.stepOf(unit) : 1_000 * (units.stepOf(unit) + 1) + index;
        }));
        const beside = Array.from({ length: steps }, (_, step) => [-1, counts.get(step) ?? 0, (counts.get(step) ?? 0) + 1].map((index) => units.numberOf({ step: `s${step}`, index }))).flat();
        expect(new Set(beside)).toEqual(new Set([undefined]));
        expect(units.numberOf({ step: 's99' })).toBeUndefined();
        expect(() => units.named({ step: 's0', index: 99_999 })).toThrow(RangeError);
      }),
    );
  });

  it('stays as it was when another is made of it', () => {
    const before = Units.of(planOf(2), [numbered(1), numbered(2)]);
    const listed = before.appended(1, [numbered(3)]);
    const after = listed.with(2, numbered(9)).with(0, numbered(8));
    expect([before, listed, after].map((units) => [...units].map(({ attempts }) => attempts))).toEqual([[1, 2], [1, 2, 3], [8, 2, 9]]);
  });
});
