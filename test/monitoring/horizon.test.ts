import { profileData } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { alertSettings } from '../../src/monitoring/alerts/alert-options.ts';
import { windowJudging } from '../../src/monitoring/judging/judge-window.ts';
import { monitorDriftSettings } from '../../src/monitoring/monitor-options.ts';
import type { MonitorContext } from '../../src/monitoring/monitor-state.ts';
import { noPanes } from '../../src/monitoring/windows/pane-state.ts';
import { addToPanes, closePane, windowAt, type Panes } from '../../src/monitoring/windows/panes.ts';
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

/** Whether any of `horizon` windows of so many panes gives a false alarm, with a reference of its own. */
async function alarms(sampler: Sampler, alpha: number, horizon: number, rows: number, panes: number): Promise<boolean> {
  const columns = Object.fromEntries(names.map((name) => [name, Array.from({ length: 1000 }, () => drawn[name](sampler))]));
  const reference = profileData(columns);
  const settings = monitorDriftSettings({ alpha, minEffect: 0, horizon }, 'drift');
  const plan = { by: 'rows', rows, panes } as const;
  const context: MonitorContext = { name: 'm', writer: 'w', reference, digest: 'sha256:0', plan, settings, alerting: alertSettings(undefined, 'alerts'), judgements: [] };
  const counter = new WindowCounter(reference, []);
  const { verdictOn } = await windowJudging(context);
  let stored: Panes = noPanes();
  for (let window = 1; window <= horizon; window++) {
    for (let row = 0; row < rows / panes; row++) {
      counter.observe({ features: Object.fromEntries(names.map((name) => [name, drawn[name](sampler)])) }, undefined, 0);
    }
    stored = addToPanes(stored, counter.take(0), plan, 0);
    const whole = windowAt(stored, 0, plan, reference);
    expect(whole).toMatchObject({ rows: (rows / panes) * Math.min(window, panes) });
    if (whole === 'unread' || verdictOn(whole, window, true).drifted) return true;
    stored = closePane(stored, 0, true, String(window), plan);
  }
  return false;
}

describe('a horizon', () => {
  // Without a least effect, so that significance alone decides: the harder case.
  it.each([
    { alpha: 0.05, horizon: 200, rows: 60, panes: 1, runs: 3 },
    { alpha: 0.3, horizon: 20, rows: 100, panes: 1, runs: 15 },
    { alpha: 0.3, horizon: 20, rows: 100, panes: 4, runs: 15 },
  ])('bounds the false alarms of $horizon windows of $rows rows in $panes panes by $alpha', async ({ alpha, horizon, rows, panes, runs }) => {
    let falseOnes = 0;
    for (let seed = 1; seed <= runs; seed++) if (await alarms(new Sampler(1000 + seed), alpha, horizon, rows, panes)) falseOnes++;
    expect(clopperPearsonInterval(falseOnes, runs, 0.01).low).toBeLessThanOrEqual(alpha);
  });

  it('judges each window by its share of alpha', () => {
    expect(monitorDriftSettings({ alpha: 0.05, horizon: 200 }, 'drift')).toEqual({ alpha: 0.00025, minEffect: 0.1, minRows: 30 });
    expect(monitorDriftSettings(undefined, 'drift').alpha).toBe(0.05);
    expect(() => monitorDriftSettings({ horizon: 0 }, 'options.drift')).toThrow(/options\.drift\.horizon must be at least 1/);
  });
});
