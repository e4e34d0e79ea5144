import { ValidationError } from '../../core/errors.ts';
import type { UnitTable } from '../unit-table.ts';
import type { SegmentAnalysis } from './ab-analysis.ts';
import type { AnalyzeSettings } from './analyze-options.ts';
import { compareMetric, type RawComparison } from './compare-metric.ts';
import { correct } from './correct.ts';
import type { Judge } from './judge.ts';
import type { MetricArm, ReadyMetric } from './metric-arms.ts';
import type { Grouping } from './unit-sums.ts';

/** A metric as segments see it. */
export interface SegmentedMetric {
  readonly name: string;
  readonly goal: 'increase' | 'decrease';
  readonly ready: ReadyMetric;
}

/** What segments are analysed from. */
export interface SegmentParts {
  readonly table: UnitTable;
  readonly byVariant: Grouping;
  readonly variants: readonly string[];
  readonly control: number;
  readonly metrics: readonly SegmentedMetric[];
  readonly judge: Judge;
  readonly settings: AnalyzeSettings;
}

// So many values of an attribute can be read; more are an id rather than an attribute.
const mostValues = 1000;

/** Compares treatments with the control by the values of attributes, corrected over all of them. */
export function analyzeSegments(parts: SegmentParts): readonly SegmentAnalysis[] {
  const { settings } = parts;
  const found = settings.segments.flatMap((attribute) => segmentsOf(attribute, parts));
  const compared = found.filter(({ status }) => status === 'compared');
  const { pValues } = correct(compared.map(({ pValue }) => pValue), settings.correction, settings.confidence);
  const adjusted = new Map(compared.map((segment, i) => [segment, pValues[i]!]));
  return found.map(({ goal, ...segment }, i) => {
    const p = adjusted.get(found[i]!) ?? 1;
    const gain = goal === 'increase' ? segment.difference.effect : -segment.difference.effect;
    return { ...segment, adjustedPValue: p, verdict: p > 1 - settings.confidence ? 'unclear' : gain > 0 ? 'better' : 'worse' };
  });
}

type Found = Omit<SegmentAnalysis, 'adjustedPValue' | 'verdict'> & { readonly goal: 'increase' | 'decrease' };

function segmentsOf(attribute: string, { table, byVariant, variants, control, metrics, judge, settings }: SegmentParts): readonly Found[] {
  const segment = Object.hasOwn(table.segments, attribute) ? table.segments[attribute] : undefined;
  const path = 'options.segments';
  if (segment === undefined) throw new ValidationError(`${path} has '${attribute}', which is no attribute of the units; there are: ${Object.keys(table.segments).join(', ') || 'none'}.`, { path });
  const { values, codes } = segment;
  if (values.length > mostValues) throw new ValidationError(`${path} has '${attribute}' of ${values.length} values; an attribute of at most ${mostValues} can be analysed by.`, { path });
  const of = byVariant.of.map((variant, i) => (codes[i]! < 0 ? -1 : codes[i]! * variants.length + variant));
  const units = new Float64Array(values.length);
  for (const code of codes) if (code >= 0) units[code]!++;
  return metrics.flatMap(({ name, goal, ready }) => {
    const arms = ready.armsBy({ of, groups: values.length * variants.length, family: variants.length });
    return values.flatMap((value, code) =>
      variants.flatMap((variant, v): Found[] => {
        if (v === control) return [];
        const at = (index: number): MetricArm => arms[code * variants.length + index]!;
        const { status, difference, lift, pValue } = withEnough(compareMetric(at(control), at(v), judge, settings), Math.min(at(control).units, at(v).units) < settings.minPerArm);
        return [{ attribute, value, units: units[code]!, metric: name, variant, status, difference, lift, pValue, goal }];
      }),
    );
  });
}

function withEnough(compared: RawComparison, few: boolean): Pick<SegmentAnalysis, 'status' | 'difference' | 'lift' | 'pValue'> {
  return few ? { status: 'insufficient', difference: { effect: 0, low: 0, high: 0 }, pValue: 1 } : compared;
}
