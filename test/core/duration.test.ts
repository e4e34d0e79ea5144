import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, type Duration } from '../../src/core/duration.ts';
import { isModelkeepError } from '../../src/core/errors.ts';

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

describe('durationMs', () => {
  it('has as many milliseconds as the number says of its unit, and the same in every unit that can say it', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])), (count, unit) => {
        const ms = count * units[unit];
        expect(durationMs(`${count}${unit}`)).toBe(ms);
        expect(durationMs(ms)).toBe(ms);
        expect(durationMs(`${ms}ms`)).toBe(ms);
        expect(durationMs(`${count}.0${unit}` as Duration)).toBe(ms);
        expect(durationMs(`00${count}${unit}` as Duration)).toBe(ms);
      }),
    );
  });

  it('takes parts of a unit, down to less than a millisecond', () => {
    fc.assert(
      fc.property(fc.nat(9_999), fc.integer({ min: 0, max: 999_999 }), fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])), (whole, part, unit) => {
        const ms = durationMs(`${whole}.${String(part).padStart(6, '0')}` + unit as Duration);
        expect(Math.abs(ms - (whole + part / 1e6) * units[unit])).toBeLessThanOrEqual(1e-9 * Math.max(1, ms));
      }),
    );
    expect([durationMs(0.5), durationMs('0.5ms'), durationMs('1.5h')]).toEqual([0.5, 0.5, 5_400_000]);
  });

  it('grows with the number', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (a, b, unit) => {
        expect(Math.sign(durationMs(`${a}${unit}` as Duration) - durationMs(`${b}${unit}` as Duration))).toBe(Math.sign(a - b));
      }),
    );
  });

  const rubbish = [
    '', ' ', 's', '5', '5 s', ' 5s', '5s ', '5s\n', '+5s', '-5s', '-0s', '.5s', '5.s', '5..5s', '5e3s', '1e3', '0x5s', '5S', '5sec', '5m30s', '1,5s', '٥s', '５s', 'Infinitys', 'NaNms', '5us', '1_000ms', '5w', '5y', `${'9'.repeat(400)}s`,
    NaN, Infinity, -Infinity, -1, -0.001, null, undefined, true, 5n, {}, [], [5], ['5s'], new Date(5), new String('5s'), Symbol('5s'), () => 5,
  ].map((given) => ({ given }));

  it.each(rubbish)('refuses $given, and names the place', ({ given }) => {
    try {
      expect.unreachable(String(durationMs(given as Duration, 'options.every')));
    } catch (error) {
      expect(isModelkeepError(error, 'validation') && [error.details, error.message.startsWith('options.every is ')]).toEqual([{ path: 'options.every' }, true]);
    }
  });

  it('gives of any text a finite time or a refusal, and takes none that is not written so', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9esmhd ]{0,8}$/)), (text) => {
        let ms: number;
        try {
          ms = durationMs(text as Duration);
        } catch (error) {
          expect(isModelkeepError(error, 'validation')).toBe(true);
          return;
        }
        expect(text).toMatch(/^\d+(\.\d+)?(ms|s|m|h|d)$/);
        expect(ms >= 0 && Number.isFinite(ms)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('names the place, which is at most so long, of what is long itself', () => {
    try {
      expect.unreachable(String(durationMs('x'.repeat(100_000) as Duration, 'options.every')));
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(500);
    }
  });
});
