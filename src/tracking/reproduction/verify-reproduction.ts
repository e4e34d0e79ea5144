import { canonicalJson } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { comparedItems, type ComparedItem } from '../../core/compared-item.ts';
import { artifactsByName, byRole, codeFields, codeOf, digestsOf, environmentFields, fingerprintsOf, modelsByName } from '../comparison/compare-runs.ts';
import type { RunDetails } from '../comparison/run-details.ts';
import type { ArtifactRecord } from '../artifacts/artifact-record.ts';
import { isWithin, type MetricTolerance } from './metric-tolerance.ts';

/** What is compared of two runs. */
export type ReproductionPart = 'status' | 'metrics' | 'params' | 'datasets' | 'models' | 'artifacts' | 'code' | 'environment';

/** Something in which a repeated run differs from the original. */
export interface ReproductionDifference {
  /** What kind of thing it is. */
  readonly part: ReproductionPart;
  /** Its name, such as that of a metric, or the role of a dataset. */
  readonly name: string;
  /** The value in the original run; absent where it has none. Datasets are told by their fingerprints, models and artifacts by their digests. */
  readonly original?: unknown;
  /** The value in the repeated run; absent where it has none. */
  readonly repeated?: unknown;
  /** Whether the run is not reproduced because of it; the others are for information. */
  readonly decisive: boolean;
}

/** Whether a run came out the same again. */
export interface ReproductionCheck {
  /** Whether something could be compared, and no difference is decisive. */
  readonly reproduced: boolean;
  /** How many metrics both runs have and were compared. */
  readonly comparedMetrics: number;
  /** All differences, the decisive ones first. */
  readonly differences: readonly ReproductionDifference[];
}

/** What counts as the same. */
export interface VerifyReproductionOptions {
  /** How far the latest value of a metric may be off. @default 1e-6, relative */
  tolerance?: MetricTolerance | undefined;
  /** The same by metric. @default `tolerance` for all */
  metrics?: Readonly<Record<string, MetricTolerance>> | undefined;
  /** Metrics that need not be the same, by name, or by a name that ends with `/`, which stands for all in that folder. @default ['system/'] */
  ignore?: readonly string[] | undefined;
  /** The parts of which a difference is decisive; the status always is. @default ['metrics', 'params', 'datasets'] */
  demand?: readonly ReproductionPart[] | undefined;
}

const parts: readonly ReproductionPart[] = ['status', 'metrics', 'params', 'datasets', 'models', 'artifacts', 'code', 'environment'];

const names: OptionNames<VerifyReproductionOptions & OperationOptions> = { tolerance: true, metrics: true, ignore: true, demand: true, signal: true };

/** Checks the options of a verification, before anything is read. Throws `ValidationError`. */
export function checkVerification(options: VerifyReproductionOptions & OperationOptions): void {
  checkOptionNames(options, names, 'verifyReproduction');
}

/**
 * Compares a repeated run with the original: the latest values of metrics within a tolerance (NaN is the same as NaN), status, params, datasets by role and
 * fingerprint, models and artifacts by digest, code and environment. Where both have no metric in common, and no model or artifact where those are demanded, nothing is reproduced.
 *
 * Throws `ValidationError` for a tolerance or part that is none.
 */
export function verifyReproductionOf(original: RunDetails, repeated: RunDetails, options: VerifyReproductionOptions = {}): ReproductionCheck {
  const { tolerance = 1e-6, metrics = {}, ignore = ['system/'], demand = ['metrics', 'params', 'datasets'] } = options;
  const stray = demand.find((part) => !parts.includes(part));
  if (stray !== undefined) throw new ValidationError(`demand names ${shown(stray, 80)}; give some of ${parts.join(', ')}.`, { path: 'demand' });
  isWithin(0, 0, tolerance, 'tolerance');
  for (const [name, each] of Object.entries(metrics)) isWithin(0, 0, each, `metrics.${name}`);

  const both = [original, repeated];
  const numbers = comparedItems(both.map(({ run }) => new Map(Object.entries(run.metrics))), ({ value }) => String(value)).filter(({ name }) => !isIgnored(name, ignore));
  const off = numbers.filter(({ name, values: [before, after] }) => {
    const allowed = (Object.hasOwn(metrics, name) ? metrics[name] : undefined) ?? tolerance;
    return before === undefined || after === undefined || !isWithin(before.value, after.value, allowed, `metrics.${name}`);
  });
  const artifacts = comparedItems<ArtifactRecord>(both.map(artifactsByName), ({ digest }) => digest);
  const models = comparedItems(both.map((each) => modelsByName(each.models)), digestsOf);
  const differing: readonly (readonly [ReproductionPart, readonly ComparedItem<unknown>[]])[] = [
    ['status', changed(comparedItems(both.map(({ run }) => new Map([['status', run.status]])), String))],
    ['metrics', off.map((item) => told(item, ({ value }) => value))],
    ['params', changed(comparedItems(both.map(({ run }) => new Map(Object.entries(run.params))), canonicalJson))],
    ['datasets', changed(comparedItems(both.map(({ datasets }) => byRole(datasets)), fingerprintsOf)).map((item) => told(item, (all) => all.map(({ fingerprint }) => fingerprint)))],
    ['models', changed(models).map((item) => told(item, (all) => all.map(({ digest }) => digest)))],
    ['artifacts', changed(artifacts).map((item) => told(item, ({ digest }) => digest))],
    ['code', changed(comparedItems(both.map((each) => fieldsOf(codeFields(codeOf(each)))), canonicalJson))],
    ['environment', changed(comparedItems(both.map(({ environment }) => fieldsOf({ ...environmentFields(environment), packages: environment?.packages })), canonicalJson))],
  ];
  const differences = differing.flatMap(([part, items]) => items.map((item) => differenceOf(part, item, part === 'status' || demand.includes(part))));
  differences.sort((a, b) => Number(b.decisive) - Number(a.decisive));
  const comparedMetrics = numbers.filter(({ verdict }) => verdict !== 'missing').length;
  const inCommon = (part: ReproductionPart, items: readonly ComparedItem<unknown>[]): boolean => demand.includes(part) && items.some(({ verdict }) => verdict !== 'missing');
  const compared = (demand.includes('metrics') && comparedMetrics > 0) || inCommon('models', models) || inCommon('artifacts', artifacts);
  return { reproduced: compared && !differences.some(({ decisive }) => decisive), comparedMetrics, differences };
}

function changed<T>(items: readonly ComparedItem<T>[]): ComparedItem<T>[] {
  return items.filter(({ verdict }) => verdict !== 'same');
}

function told<T>({ name, verdict, values }: ComparedItem<T>, tell: (value: T) => unknown): ComparedItem<unknown> {
  return { name, verdict, values: values.map((value) => (value === undefined ? undefined : tell(value))) };
}

function differenceOf(part: ReproductionPart, { name, values: [original, repeated] }: ComparedItem<unknown>, decisive: boolean): ReproductionDifference {
  return { part, name, ...(original === undefined ? {} : { original }), ...(repeated === undefined ? {} : { repeated }), decisive };
}

function fieldsOf(fields: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return new Map(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isIgnored(name: string, ignore: readonly string[]): boolean {
  return ignore.some((each) => (each.endsWith('/') ? name.startsWith(each) : name === each));
}
