import * as z from 'zod/mini';
import { ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { AbAnalysis } from '../experiments/analysis/ab-analysis.ts';
import type { MaturityReport } from '../maturity/maturity-report.ts';
import type { DriftVerdict } from '../monitoring/monitor-state.ts';
import type { PipelineRun } from '../pipelines/history/read-run.ts';
import type { PipelineResult } from '../pipelines/run-result.ts';
import type { DataDrift } from '../stats/profiles/data-drift.ts';
import type { LineageGraph } from '../storage/lineage-graph.ts';
import { html } from './markup/html.ts';
import { demandPart, refusing } from './part-shape.ts';
import { reportContext, type ReportContext } from './page/context.ts';
import type { Section } from './page/section.ts';
import { page, type PageAssets } from './page/shell.ts';
import type { RunComparison } from '../tracking/comparison/compare-runs.ts';
import { chartsSection } from './sections/charts.ts';
import { comparisonSection } from './sections/comparison.ts';
import { curvesSection, type CurvesPart } from './sections/curves.ts';
import type { Chart } from './charts/chart.ts';
import { abTestSection, type AbTestPart } from './sections/ab-test.ts';
import { driftSection, type DriftReportPart } from './sections/drift.ts';
import { lineageSection } from './sections/lineage.ts';
import { maturitySection } from './sections/maturity.ts';
import { modelSection, type ModelPart } from './sections/model.ts';
import { performanceSection, type PerformancePart } from './sections/performance.ts';
import { pipelineSection } from './sections/pipeline.ts';
import { rolloutSection, type RolloutPart } from './sections/rollout.ts';
import { runsSection, type RunsPart } from './sections/runs.ts';
import { severally, type OneOrMore } from './sections/severally.ts';

/** What a report shows: any of these, in this order. */
export interface ReportParts {
  /** Runs in a table that sorts and filters. */
  readonly runs?: RunsPart | undefined;
  /** Runs side by side, as `tracker.compareRuns` gives them. */
  readonly comparison?: RunComparison | undefined;
  /** Metrics over the course of runs. */
  readonly curves?: CurvesPart | undefined;
  /** Charts of any kind. */
  readonly charts?: readonly Chart[] | undefined;
  /** What became of data: what `compareData` gives, or a verdict of a monitor, alone or with the profiles that its distributions are drawn from; one or several. */
  readonly drift?: OneOrMore<DataDrift | DriftVerdict | DriftReportPart> | undefined;
  /** The performance of models in time; one or several. */
  readonly performance?: OneOrMore<PerformancePart> | undefined;
  /** A/B tests: what `test.analyze()` gives, alone or with the name of the test; one or several. */
  readonly abTest?: OneOrMore<AbAnalysis | AbTestPart> | undefined;
  /** Rollouts of versions; one or several. */
  readonly rollout?: OneOrMore<RolloutPart> | undefined;
  /** Runs of pipelines: what `getRun` gives, or, without the graph of their steps, what `run` returns; one or several. */
  readonly pipeline?: OneOrMore<PipelineRun | PipelineResult> | undefined;
  /** Models of a registry, with their versions and history; one or several. */
  readonly model?: OneOrMore<ModelPart> | undefined;
  /** What something came from, or what came of it: what `registry.lineage` and `registry.impact` give; one or several. */
  readonly lineage?: OneOrMore<LineageGraph> | undefined;
  /** How mature models are kept, as `assessMaturity` gives it; one or several. */
  readonly maturity?: OneOrMore<MaturityReport> | undefined;
}

/** How a report is made. */
export interface ReportOptions {
  /** Its heading. @default 'Report' */
  readonly title?: string | undefined;
  /** When it was made, epoch milliseconds; written under the heading. @default not said, so that equal parts give equal bytes */
  readonly createdAt?: number | undefined;
  /** The time zone of all times, as IANA has it. @default 'UTC' */
  readonly timeZone?: string | undefined;
  /** Where style and script come from: in the file, or from URLs for hosts that forbid inline ones (`reportStyle` and `reportScript` are what to serve there). @default 'inline' */
  readonly assets?: PageAssets | undefined;
}

const optionsSchema = z.strictObject({
  title: z.optional(z.string()),
  createdAt: z.optional(z.number()),
  timeZone: z.optional(z.string()),
  assets: z.optional(z.union([z.literal('inline'), z.strictObject({ style: z.string(), script: z.string() })])),
});

type SectionMaker<Part extends keyof ReportParts> = (part: NonNullable<ReportParts[Part]>, context: ReportContext) => Section | readonly Section[];

/** What makes a section of each part, in the order of the page. */
const sectionOf: { readonly [Part in keyof ReportParts]-?: SectionMaker<Part> } = {
  runs: runsSection,
  comparison: comparisonSection,
  curves: curvesSection,
  charts: chartsSection,
  drift: severally('drift', driftSection),
  performance: severally('performance', performanceSection),
  abTest: severally('ab-test', abTestSection),
  rollout: severally('rollout', rolloutSection),
  pipeline: severally('pipeline', pipelineSection),
  model: severally('model', modelSection),
  lineage: severally('lineage', lineageSection),
  maturity: severally('maturity', maturitySection),
};

/**
 * A report as one HTML file that loads nothing: tables and pictures, for light and dark, for paper, for keyboards and screen readers. It can be read without its script, which
 * sorts, filters, tells values and draws lines in other ways. Equal parts and options give equal bytes on every host.
 *
 * All texts are escaped: names of runs may be anybody's.
 *
 * Throws `ValidationError` for parts and options that are none.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { renderReport } from 'modelkeep/report';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.withRun({ experiment: 'demo', params: { lr: 0.1 } }, (run) => run.logMetrics({ loss: 0.25 }));
 * const { items: runs } = await tracker.listRuns();
 * const page = renderReport({ runs: { runs } }, { title: 'Demo' });
 * console.log(page.startsWith('<!doctype html>')); // true
 * ```
 */
export function renderReport(parts: ReportParts, options: ReportOptions = {}): string {
  const { title = 'Report', createdAt, timeZone, assets } = check(optionsSchema, options, 'options');
  const known = Object.keys(sectionOf) as (keyof ReportParts)[];
  if (typeof parts !== 'object' || parts === null || Array.isArray(parts)) throw new ValidationError(`parts is ${shown(parts, 80)}, but must be an object; a report has ${known.join(', ')}.`, { path: 'parts' });
  const unknown = Object.keys(parts).filter((name) => !(known as string[]).includes(name));
  if (unknown.length > 0) throw new ValidationError(`parts has unknown parts: ${unknown.join(', ')}; a report has ${known.join(', ')}.`, { path: `parts.${unknown[0]}` });
  const context = reportContext(timeZone);
  const sections = known.flatMap((name) => made(name, parts, context));
  return page({
    title,
    lead: createdAt === undefined ? undefined : html`<p class="muted">${context.timeElement(createdAt)} ${context.timeZone}</p>`,
    sections,
    timeZone: context.timeZone,
    assets,
  });
}

function made<Part extends keyof ReportParts>(name: Part, parts: ReportParts, context: ReportContext): readonly Section[] {
  const part = parts[name];
  if (part === undefined) return [];
  // A part and what makes its sections have one name.
  demandPart(name, part);
  return refusing(name, () => [sectionOf[name](part as never, context)].flat());
}
