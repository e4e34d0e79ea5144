import { assessMaturity, DriftMonitor, MemoryStorage, profileData, ValidationError, type MaturityReport } from 'modelkeep';
import { renderReport, type ReportParts } from 'modelkeep/report';
import { describe, expect, it, vi } from 'vitest';
import { day, model, trackedStory } from '../maturity/story.ts';
import { abStory, arabic, driftOf, hostile, modelStory, performanceStory, pipelineStory, rolloutStory, wideRun } from './stories.ts';

/** The text of a section as it is read, without what pictures say. */
function read(html: string, id: string): string {
  const start = html.indexOf(`<section id="${id}"`);
  expect(start).toBeGreaterThan(0);
  return html
    .slice(start, html.indexOf('</section>', start))
    .replace(/<svg[^]*?<\/svg>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, ' ');
}

/** Holds what is true of all reports. */
function rendered(parts: ReportParts): string {
  const html = renderReport(parts);
  expect(html).toBe(renderReport(parts));
  const body = html.slice(html.indexOf('<body>'), html.lastIndexOf('<script>'));
  expect(body).not.toMatch(/<script|<img|>undefined<|NaN/);
  const ids = [...body.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, labels] of body.matchAll(/aria-labelledby="([^"]*)"/g)) for (const label of labels!.split(' ')) expect(ids).toContain(label);
  return html;
}

describe('a report of drift', () => {
  it('has the verdict on top and a row per column, what drifted first', () => {
    expect([...rendered({ drift: [driftOf(1), driftOf(1).report] }).matchAll(/<h2[^>]*><bdi>([^<]*)/g)].map(([, title]) => title)).toEqual(['Drift', 'Drift (2)']);
    const html = rendered({ drift: driftOf(8) });
    const text = read(html, 'drift');
    expect(text).toMatch(/^ Drift ✕ drifted \d of 9 columns drifted/);
    const verdicts = [...html.matchAll(/<tbody id="drift-column-\d+">[^]*?<span class="badge (\w+)">/g)].map(([, tone]) => tone);
    expect(verdicts).toHaveLength(9);
    expect(verdicts.lastIndexOf('bad')).toBeLessThan(verdicts.indexOf('good'));
    expect(text).toContain('More of feature 0');
    expect(text).toContain('ks-binned');
  });

  it('draws what a verdict alone tells, of a monitor with its window', async () => {
    const { reference } = driftOf(3);
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: hostile, reference, window: { rows: 100 } });
    for (let i = 0; i < 100; i++) monitor.observe({ version: 3, features: { 'feature 0': 30 + i / 100, 'category 1': hostile, 'feature 2': 10 }, prediction: 0.5 });
    const text = read(rendered({ drift: await monitor.check() }), 'drift');
    await monitor.close();
    expect(text).toContain(`Drift seen by ${hostile}`);
    expect(text).toContain('versions @3 (100 rows)');
    expect(text).toContain(`100 rows in 1 category that the reference does not have, such as ${hostile}`);
    expect(text).toContain('all others');
  });

  it('of 300 columns shows 60 and says what became of the others, and of none says so', () => {
    const text = read(rendered({ drift: driftOf(300, 300) }), 'drift');
    expect(text).toMatch(/Showing 60 of 301 columns\. Of the others (\d+ drifted, )?\d+ were stable\./);
    const nothing = profileData({ x: [] as number[] });
    expect(read(rendered({ drift: { report: driftOf(1).report, reference: nothing, current: nothing } }), 'drift')).toContain('More of');
  });
});

describe('a report of the other domains', () => {
  it('tells of an A/B test what to do and why, and whether its figures can be trusted', () => {
    const html = rendered({ abTest: [{ analysis: abStory(), name: hostile }, abStory('lost')] });
    const text = read(html, 'ab-test');
    expect(text).toContain(`A/B test ${hostile}`);
    expect(text).toMatch(/Keep running spent of B: \+\d/);
    expect(text).toContain('always valid: looking at any time');
    expect(text).toContain('12 units (0.133 %) saw several variants and are left out.');
    expect(read(html, 'ab-test-2')).toMatch(/Invalid: the test says nothing .* sample ratio mismatch Units did not come in the shares/);
  });

  it('tells of a rollout where it stands, by which guardrail and whose hand', async () => {
    const text = read(rendered({ rollout: await rolloutStory() }), 'rollout');
    expect(text).toMatch(/rolled back Guardrail 'error_rate max 0\.05' failed/);
    expect(text).toMatch(/paused 40 % bob a look at the logs/);
    expect(text).toMatch(/error_rate max 0\.05 ✕ failed 0\.\d+ 0\.05/);
    expect(read(rendered({ rollout: { events: [] } }), 'rollout')).toContain('There was no rollout.');
  });

  it('tells of performance with its alerts', async () => {
    const text = read(rendered({ performance: await performanceStory() }), 'performance');
    expect(text).toContain('Performance: accuracy');
    expect(text).toMatch(/✓ resolved warning performance Monitor 'flights': resolved in period 6/);
    expect(read(rendered({ performance: { periods: [] } }), 'performance')).toContain('No period was judged.');
  });

  it('tells of a run of a pipeline how it stands and why, with a graph where that is known', async () => {
    const run = await pipelineStory();
    const html = rendered({ pipeline: run });
    const text = read(html, 'pipeline');
    expect(text).toMatch(/Pipeline retrain ! waiting 1 step failed; explain: no memory\. run [\da-f-]{36} began [\d :-]+ started by a call by ann \(weekly\)/);
    expect(text).toContain(`${hostile} ✓ succeeded`);
    expect(html).toContain('id="pipeline-graph"');
    const wide = await wideRun(500);
    expect(read(rendered({ pipeline: wide }), 'pipeline')).toContain('Showing 200 of 500 steps, those that did not succeed first.');
    const { needs: _, ...bare } = run.steps['train']!;
    expect(rendered({ pipeline: { ...run, steps: { train: bare } } as never })).not.toContain('id="pipeline-graph"');
  });

  it('tells of a model its stages, gates, versions and who did what, why and on what evidence', async () => {
    const text = read(rendered({ model: await modelStory() }), 'model');
    expect(text).toContain('in production @1 in staging @3');
    expect(text).toContain('production metric goal maximize, metric auc, min 0.7');
    expect(text).toMatch(/@2 moved from none to production, in place of @1, over failed gates bob "><script>.*1 gate, 1 failed ✕ failed metric auc/);
    expect(text).toMatch(/rolled back to @1, in place of @2 bob it was worse/);
    expect(text).toContain('champion → @1');
  });

  it('of 1,000 versions shows the newest and those that stand somewhere', async () => {
    const text = read(rendered({ model: await modelStory(1000) }), 'model');
    expect(text).toContain('Showing 100 of 1000 versions: the newest, and those with a stage or an alias.');
    expect(text).toContain('Showing the last 200 of 1007 events.');
    expect(text).toMatch(/@1000 no stage/);
    expect(text).toMatch(/@3 ! staging/);
    expect(text).toMatch(/@1 ✓ production champion/);
  });

  it('tells of maturity the level, what keeps it down and what to do first, and declarations apart', async () => {
    const { storage, clock } = await trackedStory('T3');
    const expiresAt = clock.now() + day;
    const assess = (): Promise<MaturityReport> => assessMaturity({ storage, clock, attestations: [{ statement: `on call ${hostile}`, author: arabic, expiresAt }] });
    const first = await assess();
    clock.jump(2 * day);
    const report = await assess();
    expect(first.trend).toEqual([]);
    const html = rendered({ maturity: [first, report] });
    expect(read(html, 'maturity')).not.toContain('Level over time');
    const text = read(html, 'maturity-2');
    expect(text).toMatch(/^ Maturity \(2\) ✕ Level 0 of 3: kept by hand /);
    expect(text).toContain('Level over time');
    const { check, fix, level } = report.project.nextFix!;
    expect(check).toBe('T3');
    expect(text).toContain(`To do next , for level ${level} (T3 of ${model}): ${fix}`);
    expect(text).toMatch(new RegExp(`stands measured .* to do T3 1 .* ✕ fails 0 % 90 % `));
    expect(text).toContain('models in production 1 at level 0, 0 at level 1, 0 at level 2, 0 at level 3');
    expect(text.indexOf('✕ fails')).toBeLessThan(text.indexOf('! unknown'));
    expect(text.indexOf('! unknown')).toBeLessThan(text.indexOf('✓ passes'));
    expect(text).toMatch(/Declared, not measured 1 statement of people; no level rests on them\. .* all models [\d :-]+ ! expired $/);
    expect(text).toContain(`on call ${hostile}`);
    expect(text).toContain(arabic);
  });

  it('of 60 models shows the 50 that are kept worst', async () => {
    const { storage, clock } = await trackedStory();
    const report = await assessMaturity({ storage, clock, store: false });
    const models = Array.from({ length: 60 }, (_, i) => ({ ...report.models[0]!, model: `model ${i}`, level: i < 50 ? 0 : 1 }) as const);
    const text = read(rendered({ maturity: { ...report, models } }), 'maturity');
    expect(text).toContain('Showing 50 of 60 models, those of the lowest levels.');
    expect(text).not.toContain('model 55@');
  });

  it('refuses what is no part', () => {
    expect(() => renderReport({ drift: 'drifted' } as never)).toThrow(ValidationError);
  });

  it.each([
    [{ drift: 7 }, 'parts.drift'],
    [{ drift: [driftOf(1).report, null] }, 'parts.drift[1]'],
    [{ drift: { report: { columns: 'all' } } }, 'parts.drift.report.columns'],
    [{ drift: { columns: [{}] } }, 'parts.drift'],
    [{ runs: [] }, 'parts.runs'],
    [{ runs: { runs: {} } }, 'parts.runs.runs'],
    [{ comparison: { runs: [], metrics: 1 } }, 'parts.comparison.metrics'],
    [{ curves: {} }, 'parts.curves.metrics'],
    [{ charts: {} }, 'parts.charts'],
    [{ charts: ['<svg>'] }, 'parts.charts[0]'],
    [{ performance: {} }, 'parts.performance.periods'],
    [{ abTest: { analysis: {} } }, 'parts.abTest.analysis.variants'],
    [{ rollout: [{}] }, 'parts.rollout[0].events'],
    [{ pipeline: { steps: [] } }, 'parts.pipeline.steps'],
    [{ model: { versions: [], history: [] } }, 'parts.model.model'],
    [{ lineage: { nodes: [] } }, 'parts.lineage.edges'],
    [{ maturity: { models: [] } }, 'parts.maturity.attestations'],
  ])('names the path of what is wrong: %#', (parts, path) => {
    const refused = vi.fn(() => renderReport(parts as never));
    expect(refused).toThrow(ValidationError);
    expect((refused.mock.results[0]!.value as ValidationError).details['path']).toBe(path);
  });
});
