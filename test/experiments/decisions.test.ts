import { analyzeUnits, type AbAnalysis, type AnalyzeOptions, type MetricOptions, type UnitTable } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { column, Draws, tableOf } from './unit-tables.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 12);
const draws = new Draws(seed);

interface Wanted {
  readonly units?: number;
  readonly variants?: number;
  /** What a variant has more of the primary metric and of the guardrail, which are 10 with a spread of 3. */
  readonly primary?: readonly number[];
  readonly guardrail?: readonly number[];
  readonly margin?: number;
  readonly goal?: 'increase' | 'decrease';
  readonly table?: Partial<UnitTable>;
  readonly options?: AnalyzeOptions;
}

function decided({ units = 6000, variants = 2, primary = [], guardrail, margin, goal, table, options }: Wanted): AbAnalysis {
  const of = (shifts: readonly number[]): Float64Array => column(units, (i) => 10 + 3 * draws.bell() + (shifts[i % variants] ?? 0));
  const metrics: MetricOptions[] = [{ name: 'spent', kind: 'mean', role: 'primary', goal }];
  if (guardrail !== undefined) metrics.push({ name: 'latency', kind: 'mean', role: 'guardrail', goal: 'decrease', margin });
  const columns = { spent: { kind: 'mean' as const, value: of(primary) }, ...(guardrail && { latency: { kind: 'mean' as const, value: of(guardrail) } }) };
  return analyzeUnits({ variants: 'ABCDE'.slice(0, variants).split('').map((name) => ({ name })), metrics }, tableOf(units, columns, { variants, ...table }), options);
}

describe('a treatment is shipped', () => {
  it('when a primary metric is surely better, and says by how much', () => {
    const { decision } = decided({ primary: [0, 1] });
    expect(decision).toMatchObject({ action: 'ship', variant: 'B', standings: [{ variant: 'B', standing: 'better' }] });
    expect(decision.reasons.join(' ')).toMatch(/^spent of B: \+\d+(\.\d+)? % \(95 % interval \+\d.* to \+\d.*\), p below 0\.0001: surely better$/);
    expect(decision.remaining).toBeUndefined();
    expect(decided({ primary: [0, -1], goal: 'decrease' }).decision).toMatchObject({ action: 'ship', variant: 'B' });
  });

  it('with its difference, where the measure of the control may be 0 and a lift would say nothing', () => {
    // Around 0, so that a difference of 1 is many times what the control has, and of unknown sign.
    const own = new Draws(seed);
    const value = column(6000, (i) => 3 * own.bell() + (i % 2));
    const { decision, metrics } = analyzeUnits({ variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'spent', kind: 'mean', role: 'primary' }] }, tableOf(6000, { spent: { kind: 'mean', value } }));
    const { difference, lift } = metrics[0]!.comparisons[0]!;
    expect(lift!.low).toBeLessThan(0);
    expect(lift!.high).toBeGreaterThan(0);
    expect(difference.low).toBeGreaterThan(0);
    expect(decision.action).toBe('ship');
    expect(decision.reasons[0]).toMatch(/^spent of B: \+[01](\.\d+)? \(95 % interval \+0\.\d+ to \+1\.\d+\), p below 0\.0001: surely better$/);
  });

  it('of several the one with the largest effect', () => {
    const { decision } = decided({ units: 9000, variants: 4, primary: [0, 1, 2, -1] });
    expect(decision).toMatchObject({ action: 'ship', variant: 'C' });
    expect(decision.standings.map(({ standing }) => standing)).toEqual(['better', 'better', 'worse']);
    expect(decision.reasons.at(-1)).toBe('C has the largest effect of B, C');
  });

  it('with a guardrail that is not harmed; one with a margin must surely hold', () => {
    expect(decided({ primary: [0, 1], guardrail: [0, 0] }).decision.action).toBe('ship');
    expect(decided({ primary: [0, 1], guardrail: [0, 0], margin: 0.1 }).decision.action).toBe('ship');
    const waiting = decided({ primary: [0, 1], guardrail: [0, 0.25], margin: 0.03 });
    expect(waiting.metrics[1]!.comparisons[0]!.guardrail!.status).toBe('unclear');
    expect(waiting.decision).toMatchObject({ action: 'keep running', standings: [{ standing: 'waiting' }] });
    expect(waiting.decision.reasons.join(' ')).toContain('not surely held yet');
  });
});

describe('an experiment is stopped', () => {
  it('when the treatment is surely worse, in a primary metric or a guardrail', () => {
    expect(decided({ primary: [0, -1] }).decision.action).toBe('stop');
    const harmed = decided({ primary: [0, 1], guardrail: [0, 1] });
    expect(harmed.decision).toMatchObject({ action: 'stop', standings: [{ standing: 'worse' }] });
    expect(harmed.decision.reasons.join(' ')).toMatch(/guardrail latency of B: .*harmed, surely worse by at least [\d.]+ than the control/);
    // 10 % more than 10 is what a margin of 20 % allows.
    expect(decided({ primary: [0, 1], guardrail: [0, 1], margin: 0.2 }).decision.action).toBe('ship');
  });

  it('not while another treatment may still be better', () => {
    expect(decided({ variants: 3, primary: [0, -1, 0] }).decision.action).toBe('keep running');
  });

  it('at the end of its plan, when nothing is shown', () => {
    const { decision } = decided({ options: { plannedUnits: 6000 } });
    expect(decision.action).toBe('stop');
    expect(decision.reasons.at(-1)).toMatch(/planned end of 6000 units.* power of 80 %: spent of B [\d.]+ %/);
    expect(decided({ options: { method: 'fixed' } }).decision.action).toBe('stop');
  });
});

describe('an experiment goes on', () => {
  it('while nothing is shown, and says for how long at the rate at which units come', () => {
    const { decision } = decided({ primary: [0, 0.1], options: { worthwhile: 0.02 } });
    expect(decision.action).toBe('keep running');
    // One unit a minute.
    expect(decision.remaining!.units / decision.remaining!.days!).toBeCloseTo(1440, -1);
    expect(decision.reasons.at(-1)).toMatch(/^An effect of 2 % takes about \d+ more units .* that is [\d.]+ days more\.$/);
  });

  it('to the units that one look was planned for, whatever is seen before', () => {
    const { decision } = decided({ primary: [0, 1], options: { method: 'fixed', plannedUnits: 10_000 } });
    expect(decision).toMatchObject({ action: 'keep running', remaining: { units: 4000 } });
    expect(decision.reasons.at(-1)).toContain('6000 of 10000 planned units are there.');
  });

  it('as long as it takes: the units told find the effect with the power promised', () => {
    const { decision, metrics } = decided({ primary: [0, 0], options: { worthwhile: 0.03, method: 'sequential' } });
    const units = 6000 + decision.remaining!.units;
    const { minimumDetectable } = decided({ units, options: { method: 'sequential' } }).metrics[0]!.comparisons[0]!;
    expect(minimumDetectable!.lift! / 0.03).toBeCloseTo(1, 1);
    expect(metrics[0]!.comparisons[0]!.minimumDetectable!.lift).toBeGreaterThan(0.03);
  });
});

describe('an experiment is invalid', () => {
  it('when units are missing from a variant, whatever the metrics say', () => {
    const variant = Uint16Array.from({ length: 6000 }, (_, i) => (i % 20 < 11 ? 0 : 1));
    const { decision, sampleRatio } = decided({ primary: [0, 5], table: { variant } });
    expect(sampleRatio.status).toBe('mismatch');
    expect(decision.action).toBe('invalid');
    expect(decision.reasons.join(' ')).toContain('A has 3300 units instead of 3000, B has 2700 units instead of 3000 (p below 0.0001)');
    const weighted = decided({ table: { variant }, options: { weights: [0.55, 0.45] } });
    expect(weighted.sampleRatio.status).toBe('held');
    expect(weighted.decision.action).not.toBe('invalid');
  });

  it('when too many units saw several variants', () => {
    expect(decided({ table: { crossed: 50 } }).decision.action).not.toBe('invalid');
    const { decision } = decided({ table: { crossed: 100 } });
    expect(decision.action).toBe('invalid');
    expect(decision.reasons[0]).toBe('100 units, 1.64 %, were exposed to several variants; at most 1 % may be');
    expect(decided({ table: { crossed: 100 }, options: { maxCrossed: 0.05 } }).decision.action).not.toBe('invalid');
  });
});
