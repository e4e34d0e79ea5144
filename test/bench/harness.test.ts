import { describe, expect, test } from 'vitest';
import { compare, measure, meetsTarget } from './harness.ts';

describe('bench harness', () => {
  test('measures as often as asked, warm-up apart, with the state of setup', async () => {
    const calls: string[] = [];
    const benchmark = measure('calls', (state: string[]) => state.push('run'), {
      setup: () => calls,
      before: (state) => state.push('before'),
      teardown: (state) => state.push('teardown'),
      runs: 2,
      warmup: 1,
    });
    const result = await benchmark.run();
    expect(calls).toEqual(['before', 'run', 'before', 'run', 'before', 'run', 'teardown']);
    expect(result).toMatchObject({ unit: 'ms', runs: 2 });
  });

  test('compares turn by turn', async () => {
    const turns: string[] = [];
    const benchmark = compare('turns', () => turns.push('own'), () => turns.push('other'), { runs: 2, warmup: 0 });
    const { value, baseline, ratio } = await benchmark.run();
    expect(turns).toEqual(['own', 'other', 'own', 'other']);
    expect(ratio).toBe(value / (baseline ?? 0));
  });

  test('tears down when a run throws', async () => {
    let down = false;
    const benchmark = measure('throws', () => Promise.reject(new Error('no')), { teardown: () => (down = true) });
    await expect(benchmark.run()).rejects.toThrow('no');
    expect(down).toBe(true);
  });

  test.each([
    [{ value: 2, unit: 'ms' }, undefined],
    [{ value: 2, unit: 'ms', target: { atMost: 2 } }, true],
    [{ value: 2.1, unit: 'ms', target: { atMost: 2 } }, false],
    [{ value: 2, unit: 'operations/s', target: { atLeast: 3 } }, false],
    [{ value: 9, unit: 'ms', ratio: 0.9, target: { ratioAtMost: 1 } }, true],
    [{ value: 9, unit: 'ms', ratio: 1.1, target: { ratioAtMost: 1 } }, false],
    [{ value: 9, unit: 'ms', target: { ratioAtMost: 1 } }, false],
  ])('%o meets its target: %s', (result, met) => {
    expect(meetsTarget(result)).toBe(met);
  });
});
