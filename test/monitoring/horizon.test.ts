import { profileData } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { alertSettings } from '../../src/monitoring/alerts/alert-options.ts';
import { windowJudging } from '../../src/monitoring/judging/judge-window.ts';
import { monitorDriftSettings } from '../../src/monitoring/monitor-options.ts';
import type { MonitorContext } from '../../src/monitoring/monitor-state.ts';
import { WindowCounter } from '../../src/monitoring/windows/window-counter.ts';
import { clopperPearsonInterval } from '../../src/stats/tests/clopper-pearson-interval.ts';
import { Sampler } from './samples.ts';

const drawn = {
  normal: (sampler: Sampler): unknown => sampler.normal(),
  heavy: (sampler: Sampler): unknown => sampler.normal() / Math.abs(sampler.normal()),
  ties: (sampler: Sampler): unknown => Math.floor(7 * sampler.random()),
  few: (sampler: Sampler): unknown => `c${Math.floor(5 * sampler.random() ** 1.5)}`,
  many: (sampler: Sampler): unknown => `c${Math.floor(30 * sampler.random() ** 1.5)}`,
  gaps: (sampler: Sampler): unknown => (sampler.random() < 0.1 ? null : sampler.random()),
};
const names = Object.keys(drawn) as (keyof typeof drawn)[];

/** Whether any of `horizon` windows gives a false alarm, with a reference of its own. */
async function alarms(sampler: Sampler, alpha: number, horizon: number, rows: number): Promise<boolean> {
  const columns = Object.fromEntries(names.map((name) => [name, Array.from({ length: 1000 }, () => drawn[name](sampler))]));
  const reference = profileData(columns);
  const settings = monitorDriftSettings({ alpha, minEffect: 0, horizon }, 'drift');
  const context: MonitorContext = { name: 'm', writer: 'w', reference, digest: 'sha256:0', plan: { by: 'rows', rows }, settings, alerting: alertSettings(undefined, 'alerts'), judgements: [] };
  const counter = new WindowCounter(reference, []);
  const { verdictOn } = await windowJudging(context);
  for (let window = 1; window <= horizon; window++) {
    for (let row = 0; row < rows; row++) {
      counter.observe({ features: Object.fromEntries(names.map((name) => [name, drawn[name](sampler)])) }, undefined, 0);
    }
    if (verdictOn(counter.take(0), window, true).drifted) return true;
  }
  return false;
}

describe('a horizon', () => {
  // Without a least effect, so that significance alone decides: the harder case.
  it.each([
    { alpha: 0.05, horizon: 200, rows: 60, runs: 3 },
    { alpha: 0.3, horizon: 20, rows: 100, runs: 15 },
  ])('bounds the false alarms of $horizon windows of $rows rows by $alpha', async ({ alpha, horizon, rows, runs }) => {
    let falseOnes = 0;
    for (let seed = 1; seed <= runs; seed++) if (await alarms(new Sampler(1000 + seed), alpha, horizon, rows)) falseOnes++;
    expect(clopperPearsonInterval(falseOnes, runs, 0.01).low).toBeLessThanOrEqual(alpha);
  });

  it('judges each window by its share of alpha', () => {
    expect(monitorDriftSettings({ alpha: 0.05, horizon: 200 }, 'drift')).toEqual({ alpha: 0.00025, minEffect: 0.1, minRows: 30 });
    expect(monitorDriftSettings(undefined, 'drift').alpha).toBe(0.05);
    expect(() => monitorDriftSettings({ horizon: 0 }, 'options.drift')).toThrow(/options\.drift\.horizon must be at least 1/);
  });
});
