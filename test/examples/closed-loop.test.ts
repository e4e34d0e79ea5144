import { assessMaturity, DriftMonitor, MemoryStorage, type RolloutEvent } from 'modelkeep';
import { beforeAll, describe, expect, it } from 'vitest';
import { chronicle, readHistory, type LoopHistory } from '../../examples/closed-loop/history.ts';
import { ClosedLoop } from '../../examples/closed-loop/loop.ts';
import { reportOf } from '../../examples/closed-loop/report.ts';
import { day, shortPlan } from '../../examples/closed-loop/plan.ts';

const storage = new MemoryStorage();
const failures: string[] = [];
const loop = new ClosedLoop({ storage, plan: shortPlan, tell: (_, what) => void (what.startsWith('!') && failures.push(what)) });
let history!: LoopHistory;

beforeAll(async () => {
  await loop.live();
  history = await readHistory(storage, loop.retraining);
}, 120_000);

const dateOf = (at: number): string => new Date(at).toISOString().slice(5, 10);
const rolloutOf = (candidate: number): RolloutEvent[] => history.rollouts.filter(({ data }) => data.candidate === candidate);

describe('the closed loop, within four weeks', () => {
  it('comes to the same each time, in the time of the story, and nothing of it fails unseen', () => {
    expect(failures).toEqual([]);
    const told = chronicle(history).map(({ at, who, what }) => `${dateOf(at)} ${who}: ${what.split(/[.:(]/)[0]!.trim()}`);
    expect(told).toEqual([
      '01-08 ann: has a model trained',
      '01-08 retraining: registers version 1',
      '01-08 retraining: moves version 1 to production',
      '01-11 the monitor: data-drift firing',
      '01-11 the monitor: prediction-drift firing',
      '01-11 the alert: has a model trained',
      '01-11 retraining: registers version 2',
      '01-11 version 2: started',
      '01-12 version 2: stage-entered',
      '01-15 someone in a hurry: has a model trained',
      '01-15 retraining: moves version 2 to production',
      '01-15 retraining: registers version 3',
      '01-15 version 2: promoted',
      '01-15 version 3: started',
      '01-16 version 3: stage-entered',
      '01-17 the monitor: prediction-drift resolved',
      '01-17 version 3: rolled-back',
      '01-19 the monitor: data-drift resolved',
      '01-19 ann: has a model trained',
      '01-19 retraining: registers version 4',
      '01-19 the test: created',
      '01-25 ann: moves version 4 to production',
      '01-25 the test: stopped',
    ]);
  });

  it('retrains because of the alert that fired, on flights that had departed by then, and rolls the version out by a canary', async () => {
    const fired = history.alerts.find(({ data }) => data.kind === 'data-drift' && data.status === 'firing')!;
    expect(history.retrainings.filter(({ triggeredBy }) => triggeredBy?.kind === 'trigger')).toMatchObject([
      { status: 'succeeded', triggeredBy: { event: fired.id, ref: { kind: 'monitor', id: 'flight-delay' } }, params: { until: fired.at, kind: 'daily', join: 'departure' } },
    ]);
    expect(rolloutOf(2).map(({ type }) => type).filter((type) => type !== 'judged')).toEqual(['started', 'stage-entered', 'promoting', 'promoted']);
    // Of the first day's requests a fifth went to the candidate, and then a half.
    const share = ({ versions, rows }: { versions: Readonly<Record<string, number>>; rows: number }): number => (versions['2'] ?? 0) / rows;
    const shares = history.verdicts.slice(0, 3).map(({ window }) => share(window));
    expect(shares[0]).toBe(0);
    expect(shares[1]).toBeGreaterThan(0.08);
    expect(shares[1]).toBeLessThan(0.12);
    expect(shares[2]).toBeGreaterThan(0.46);
    expect(shares[2]).toBeLessThan(0.54);
    const { nodes } = await loop.registry.lineage('flight-delay@2');
    expect(nodes.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['pipeline-run', 'run', 'dataset', 'monitor']));
  });

  it('passes the gates with a model that knew the future, and takes it back for what comes true', async () => {
    const [leaked] = await loop.registry.evaluations('flight-delay@3');
    const [honest] = await loop.registry.evaluations('flight-delay@2');
    expect(leaked!.metrics['auc']! - honest!.metrics['auc']!).toBeGreaterThan(0.1);
    const end = rolloutOf(3).at(-1)!;
    expect(end).toMatchObject({ type: 'rolled-back', data: { outcome: 'rolled-back', stable: 2, why: expect.stringContaining("Guardrail 'false_alarm max 0.015' failed") } });
    const evidence = (end.data.input as unknown as { verdicts: { guardrail: string; status: string; candidate?: number; limit?: number; samples: { candidate: number } }[] }).verdicts;
    const failed = evidence.filter(({ status }) => status === 'failed');
    expect(failed).toMatchObject([{ limit: 0.015 }]);
    expect(failed[0]!.candidate).toBeGreaterThan(0.015);
    expect(failed[0]!.samples.candidate).toBeGreaterThan(500);
    expect(history.versions[2]).toMatchObject({ version: 3, stage: 'none', tags: { join: 'landing' } });
    // From the day after on nobody was answered by it.
    expect(history.verdicts.filter(({ window }) => window.start! >= end.at).flatMap(({ window }) => Object.keys(window.versions))).not.toContain('3');
  });

  it('lets a test decide between two versions, and ships what it says', async () => {
    const { decision, units, crossed, sampleRatio, metrics } = history.analysis!;
    expect(decision).toMatchObject({ action: 'ship', variant: 'recent' });
    expect([crossed, sampleRatio.status]).toEqual([0, 'held']);
    expect(units).toBeGreaterThan(10_000);
    expect(metrics[0]!.comparisons[0]!.difference.effect).toBeGreaterThan(0);
    expect(history.test.at(-1)).toMatchObject({ type: 'stopped', by: 'ann' });
    const shipped = history.registry.filter((event) => event.type === 'stage-changed').at(-1)!;
    expect(shipped).toMatchObject({ by: 'ann', reason: decision.reasons[0], data: { version: 4, to: 'production', forced: false, gates: { passed: true } } });
    expect((await loop.registry.getModel('flight-delay')).production).toBe(4);
  });

  it('has it all in one report', () => {
    const page = reportOf(history);
    expect(page.length).toBeLessThan(1_000_000);
    const headings = [...page.matchAll(/<h2[^>]*>(.*?)<\/h2>/gs)].map(([, title]) => title!.replace(/<[^>]*>/g, '').trim());
    expect(headings.length).toBeGreaterThanOrEqual(9);
    for (const told of ['the last hours as well', 'false_alarm max 0.015', 'someone in a hurry', 'delay_mean_1d', 'retrain flight-delay', 'rolled back']) expect(page).toContain(told);
  });

  it('is assessed by its records', async () => {
    const { models } = await assessMaturity({ storage, clock: loop.clock, store: false });
    expect(models.map(({ model }) => model)).toEqual(['flight-delay']);
    expect(models[0]!.checks.filter(({ status }) => status === 'pass').length).toBeGreaterThan(5);
  });

  it('watches each version against what that one was trained on, and hears what came true of every flight', async () => {
    expect(new Set(history.verdicts.map(({ reference }) => reference)).size).toBe(3);
    const { maxLabelDelay, window } = { maxLabelDelay: '1d', window: { every: shortPlan.window } } as const;
    await using monitor = await DriftMonitor.open({ storage, name: 'flight-delay', window, performance: { metric: 'auc', min: 0.55, maxLabelDelay } });
    const periods = (await monitor.performances()).items;
    expect(periods.length).toBeGreaterThanOrEqual((shortPlan.end - shortPlan.serviceFrom) / (2 * day) - 2);
    expect(periods.every(({ coverage, status }) => coverage === 1 && status === 'held')).toBe(true);
    const labelled = periods.reduce((sum, period) => sum + period.labelled, 0);
    expect(labelled / periods.length).toBeGreaterThan(3_500);
  });
});
