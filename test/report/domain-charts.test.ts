import { compareData, profileData, ValidationError } from 'modelkeep';
import { distributionChart, effectIntervals, lineageChart, performanceOverTime, pipelineGantt, pipelineGraph, rolloutTimeline, type Chart } from 'modelkeep/report';
import { compile, type TopLevelSpec } from 'vega-lite';
import { beforeAll, describe, expect, it } from 'vitest';
import { abStory, arabic, driftOf, hostile, modelStory, performanceStory, pipelineStory, rolloutStory, wideRun } from './stories.ts';

/** What texts a picture has, unescaped; those that are cut end with an ellipsis. */
function texts(chart: Chart): string[] {
  return [...chart.toSVG().matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text!.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))));
}

/** Holds what is true of all charts. */
function demandChart(chart: Chart): void {
  const svg = chart.toSVG();
  expect(svg).toBe(chart.toSVG());
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  expect(svg).not.toMatch(/<script|<img|NaN|undefined|Infinity/);
  expect(chart.summary.length).toBeGreaterThan(10);
  expect(chart.table.rows.every((row) => row.length === chart.table.columns.length)).toBe(true);
  const problems: string[] = [];
  const logger = { level: () => logger, error: (...told: readonly unknown[]) => (problems.push(told.join(' ')), logger), warn: (...told: readonly unknown[]) => (problems.push(told.join(' ')), logger), info: () => logger, debug: () => logger };
  compile(chart.toVegaLite() as unknown as TopLevelSpec, { logger });
  expect(problems).toEqual([]);
}

describe('the steps of a run', () => {
  let run: Awaited<ReturnType<typeof pipelineStory>>;
  beforeAll(async () => {
    run = await pipelineStory();
  });

  it('as a graph: each state in words, and what each comes after', () => {
    const chart = pipelineGraph(run);
    demandChart(chart);
    expect(texts(chart)).toEqual(expect.arrayContaining(['ingest', 'cached', 'failed · 5 s', 'skipped', 'waiting', 'not run: upstream failed', arabic]));
    expect(chart.summary).toContain('11 steps, 1 cached, 5 succeeded, 1 failed, 1 not run: upstream failed, 1 skipped, 1 waiting, 1 pending. Failed: explain (no memory).');
    const after = Object.fromEntries(chart.table.rows.map((row) => [row[0], row[4]]));
    expect(after).toMatchObject({ ingest: '', train: 'features, settle', publish: 'explain', [hostile]: 'ingest' });
    // Needs are solid, what only comes after is dashed: settle, holiday and the hostile one after ingest, train after settle, the long one after the approval.
    expect(chart.toSVG().match(/stroke-dasharray="5 4"/g)).toHaveLength(5);
  });

  it('in time: attempts, those that failed, pauses, waits and outputs of earlier runs', () => {
    const chart = pipelineGantt(run);
    demandChart(chart);
    const of = (step: string): (string | number | null)[][] => chart.table.rows.filter(([name]) => name === step).map((row) => row.slice(1));
    expect(of('ingest')).toEqual([[expect.stringMatching(/^taken from run /), 0, 0]]);
    expect(of('features')).toEqual([
      ['attempt 1 failed: the store is busy', 0, 15_000],
      ['attempt 2 failed: the store is busy', 15_000, 30_000],
      ['pause before attempt 3', 45_000, 30_000],
      ['attempt 3', 75_000, 15_000],
    ]);
    expect(of('settle').at(-1)).toEqual(['waited for a moment', 0, 90_000]);
    expect(of('train')).toEqual([['attempt 1', 90_000, 60_000]]);
    expect(of('explain')).toEqual([['attempt 1 failed: no memory', 150_000, 5000]]);
    expect(of('release?').at(-1)).toEqual(['waits for approval', 150_000, 10_000]);
    expect(of('publish')).toEqual([['not run: upstream failed', null, null]]);
    expect(chart.summary).toBe('retrain has run for 2 min 40 s. The longest work was features (1 min). Steps waited 1 min 40 s in all. 1 step took more than one attempt. 1 output came from earlier runs.');
  });

  it('of many, as many as a picture holds, those that failed first, and says so', async () => {
    const wide = await wideRun(500);
    const [graph, gantt] = [pipelineGraph(wide), pipelineGantt(wide)];
    for (const chart of [graph, gantt]) {
      demandChart(chart);
      expect(texts(chart)).toContain('step 499');
      expect(chart.toSVG().length).toBeLessThan(250_000);
    }
    expect(graph.table.leftOut).toBe('The picture shows 120 of 500 steps, those that did not succeed first.');
    expect(gantt.table.leftOut).toBe('The picture shows 60 of 500 steps, those that did not succeed and those that took longest.');
    expect(graph.summary).toContain(graph.table.leftOut!);
  });
});

describe('the effects of an experiment', () => {
  it('with intervals, verdicts in words, and the loss that a guardrail allows', () => {
    const analysis = abStory();
    const chart = effectIntervals(analysis);
    demandChart(chart);
    expect(texts(chart)).toEqual(expect.arrayContaining(['spent · B', 'latency · C', 'guardrail, less is better', 'better', 'worse', 'loss that a guardrail allows']));
    const [spent] = analysis.metrics;
    const lift = spent!.comparisons[0]!.lift!;
    expect(chart.table.rows[0]!.slice(6, 9)).toEqual([100 * lift.effect, 100 * lift.low, 100 * lift.high]);
    expect(chart.table.rows.filter(([metric]) => metric === 'refunds').map((row) => row[6])).toEqual([null, null]);
    expect(chart.toSVG().match(/loses at most 2 %/g)).toHaveLength(2);
    expect(chart.summary).toContain('3 metrics of 9,000 units against A, with 95 % intervals (always valid). spent of B is better');
  });

  it('by the difference where the lift does not tell on which side it lies, though the difference does', () => {
    const analysis = abStory();
    const [spent, ...others] = analysis.metrics;
    const [first, ...more] = spent!.comparisons;
    const { difference } = first!;
    expect(Math.sign(difference.low) * Math.sign(difference.high)).toBe(1);
    const unclear = { ...first!, lift: { ...first!.lift!, effect: 1.12, low: -0.56, high: 2.79 } };
    const chart = effectIntervals({ ...analysis, metrics: [{ ...spent!, comparisons: [unclear, ...more] }, ...others] });
    expect(chart.summary).toContain('in its unit)');
    expect(chart.summary).not.toContain('112 %');
    expect(texts(chart).join(' ')).not.toContain('112 %');
    expect(chart.table.rows[0]!.slice(6, 9).map((value) => Math.round(value as number))).toEqual([112, -56, 279]);
    const drawn = (svg: string): number => svg.match(/<circle [^>]*r="4.5"/g)!.length;
    expect(drawn(chart.toSVG())).toBe(drawn(effectIntervals(analysis).toSVG()) - 1);
  });
});

describe('a rollout', () => {
  it('with its weights, events and guardrails; of several the last', async () => {
    const { events } = await rolloutStory();
    const chart = rolloutTimeline(events);
    demandChart(chart);
    expect(chart.summary).toMatch(/^Version 2 was rolled back after \d+ min.*, with weights of 10 %, 40 %, 80 %, 0 %: Guardrail 'error_rate max 0.05' failed/);
    expect(texts(chart)).toEqual(expect.arrayContaining(['error_rate max 0.05', 'sample_ratio', 'guardrail failed', 'guardrail holds']));
    expect(chart.table.rows.map(([, what, weight]) => [what, weight])).toEqual(expect.arrayContaining([['started', 10], ['paused', 40], ['rolled back', 0]]));
    const earlier = events.map((event) => ({ ...event, data: { ...event.data, rollout: 'an earlier one' } }));
    expect(rolloutTimeline([...earlier, ...events]).toSVG()).toBe(chart.toSVG());
    expect(rolloutTimeline([]).summary).toBe('Nothing has happened.');
    expect(rolloutTimeline(events, { timeZone: 'Asia/Tokyo' }).table.rows[0]![0]).toBe('2026-01-01 09:00:00');
    expect(() => rolloutTimeline(events, { timezone: 'UTC' } as object)).toThrow(ValidationError);
  });
});

describe('performance over time', () => {
  it('with its bound, alerts where they began and ended, and the share that has labels', async () => {
    const story = await performanceStory();
    const chart = performanceOverTime(story);
    demandChart(chart);
    expect(chart.table.rows.map((row) => [row[4], row[7]])).toEqual([...['held', 'held', 'held', 'violated', 'violated', 'held', 'held', 'insufficient'].map((verdict) => [verdict, 'yes']), ...['held', 'held'].map((verdict) => [verdict, 'no'])]);
    expect(texts(chart)).toEqual(expect.arrayContaining(['held', 'violated', 'too few labels', 'labels may still come', 'alert begins', 'alert resolved', 'min 0.8']));
    expect(chart.summary).toContain('It must be at least 0.8; 2 final periods violated that.');
    // The alert began with the fourth period and was resolved by the sixth.
    const at = (text: string): number => Number(new RegExp(`<title>[^<]*${text}[^<]*</title><path d="M([\\d.]+)`).exec(chart.toSVG())![1]);
    expect(at('in period 4\\.')).toBeCloseTo(at('03:00:00: accuracy'), 0);
    expect(at('resolved in period 6')).toBeCloseTo(at('03:00:00: accuracy') + 2 * (at('04:00:00: accuracy') - at('03:00:00: accuracy')), 0);
    demandChart(performanceOverTime({ periods: [] }));
    const many = performanceOverTime({ ...story, periods: Array.from({ length: 1000 }, (_, i) => story.periods[i % 8]!) });
    expect(many.table.leftOut).toBe('The picture shows the last 300 of 1000 periods.');
  });
});

describe('two distributions', () => {
  it('of every kind of column, in the same bins', () => {
    const { report, reference, current } = driftOf(4);
    for (const [i, column] of reference.columns.entries()) {
      const chart = distributionChart(column, current.columns[i]!);
      demandChart(chart);
      for (const side of [1, 2]) expect(chart.table.rows.reduce((sum, row) => sum + (row[side] as number), 0)).toBeCloseTo(100, 6);
    }
    expect(report.columns).toHaveLength(5);
    const words = Array.from({ length: 300 }, (_, i) => `the flight to place ${i} was late by ${i % 7} minutes today`);
    const odd = { note: words, at: words.map((_, i) => new Date(1.7e12 + i * 3_600_000)), vector: words.map((_, i) => Float32Array.from({ length: 8 }, (__, j) => i + j)), same: words.map(() => 5), none: words.map(() => null) };
    const profile = profileData(odd, { kinds: { note: 'text', none: 'number' } });
    const later = profileData({ ...odd, same: words.map((_, i) => (i % 2 === 0 ? 5 : 8)) }, { bins: profile });
    const kinds = Object.fromEntries(profile.columns.map((column, i) => [column.name, [column, later.columns[i]!] as const]));
    for (const name of ['note', 'at', 'vector', 'same']) demandChart(distributionChart(...kinds[name]!));
    const same = distributionChart(...kinds['same']!).table.rows;
    expect(same.map((row) => row[1])).toEqual([100, ...same.slice(1).map(() => 0)]);
    // Where above 5 the others lie the profile does not tell, so they are spread up to the greatest.
    expect(same[0]![2]).toBeCloseTo(50 + 50 / same.length, 0);
    expect(() => distributionChart(...kinds['none']!)).toThrow(ValidationError);
    expect(() => distributionChart(kinds['note']![0], kinds['at']![1])).toThrow(ValidationError);
  });

  it('spreads the bins of a profile over the scale as the rows lie, and puts what is far out into the last bin', () => {
    const even = Float64Array.from({ length: 10_000 }, (_, i) => i / 100);
    const reference = profileData({ x: even });
    const moved = profileData({ x: even.map((x, i) => (i === 0 ? 1e9 : x / 2)) }, { bins: reference });
    const chart = distributionChart(reference.columns[0]!, moved.columns[0]!);
    const shares = chart.table.rows.map(([, was]) => was as number);
    for (const share of shares) expect(share).toBeCloseTo(100 / shares.length, 0);
    const half = chart.table.rows.slice(0, shares.length / 2).reduce((sum, row) => sum + (row[2] as number), 0);
    expect(half).toBeGreaterThan(98);
    expect(compareData(reference, moved).drifted).toBe(true);
  });
});

describe('lineage', () => {
  it('with the relation on every arrow', async () => {
    const { lineage } = await modelStory();
    const chart = lineageChart(lineage);
    demandChart(chart);
    expect(chart.title).toBe('Lineage of model-version flight-delay@1');
    expect(texts(chart)).toEqual(expect.arrayContaining(['flight-delay@1', 'flights 2001', 'derived from', 'used']));
    expect(lineageChart({ nodes: [], edges: [] }).summary).toBe('Nothing is recorded of where it came from or what came of it.');
    // Of a damaged record.
    const damaged = lineageChart({ nodes: [{ kind: 'run', id: 'a' }, { kind: 'run', id: 'b' }], edges: [{ from: { kind: 'run', id: 'a' }, relation: 'used', to: { kind: 'run', id: 'b' }, at: 1e300 }] });
    expect(damaged.table.rows[0]!.at(-1)).toBe('1e+300');
    const nodes = Array.from({ length: 1000 }, (_, i) => ({ kind: 'dataset' as const, id: `d${i}` }));
    const large = lineageChart({ nodes, edges: nodes.slice(1).map((to, i) => ({ from: nodes[Math.floor(i / 3)]!, relation: 'used' as const, to, at: 0 })) });
    demandChart(large);
    expect(large.summary).toContain('The picture shows 80 of 1000 things and 79 of 999 relations');
  });
});
