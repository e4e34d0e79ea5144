import { ValidationError } from '../../core/errors.ts';
import { sampleRatioTest } from '../../stats/experiments/sample-ratio-test.ts';
import type { AllocationColumn } from '../unit-table.ts';
import type { SampleRatioCheck, VariantCount } from './ab-analysis.ts';
import type { AnalyzedDefinition, AnalyzeSettings } from './analyze-options.ts';

/** The units of each variant, and how many there should be. */
export function countVariants(definition: AnalyzedDefinition, epochs: readonly EpochCount[]): readonly VariantCount[] {
  return definition.variants.map(({ name }, v) => ({ variant: name, units: sumOver(epochs, ({ units }) => units[v]!), expected: sumOver(epochs, ({ expected }) => expected[v]!) }));
}

/** The units of each variant that came by the same weights, and how many there should be. */
export interface EpochCount {
  readonly units: Float64Array;
  readonly expected: readonly number[];
}

/** Counts units by the weights that they came by: those of the table, unless others are given. */
export function countEpochs({ variants }: AnalyzedDefinition, of: Int32Array, allocation: AllocationColumn | undefined, { weights }: AnalyzeSettings): readonly EpochCount[] {
  if (weights !== undefined && weights.length !== variants.length) throw new ValidationError(`options.weights has ${weights.length} elements for ${variants.length} variants.`, { path: 'options.weights' });
  const shares = weights === undefined && allocation !== undefined ? allocation.weights : [weights ?? variants.map(({ weight = 1 }) => weight)];
  const counts = shares.map(() => new Float64Array(variants.length));
  for (let i = 0; i < of.length; i++) counts[shares.length > 1 ? allocation!.epoch[i]! : 0]![of[i]!]!++;
  return shares.map((row, e) => {
    const [all, came] = [sumOver(row, (share) => share), sumOver(counts[e]!, (units) => units)];
    return { units: counts[e]!, expected: row.map((share) => (all > 0 ? (came * share) / all : 0)) };
  });
}

function sumOver<T>(list: Iterable<T>, of: (each: T) => number): number {
  let sum = 0;
  for (const each of list) sum += of(each);
  return sum;
}

/** Whether units came in the shares that they were assigned by. */
export function checkSampleRatio(counts: readonly VariantCount[], { sampleRatioAlpha }: AnalyzeSettings): SampleRatioCheck {
  const { status, pValue, unexpected } = sampleRatioTest(counts.map(({ units }) => units), counts.map(({ expected }) => expected), { alpha: sampleRatioAlpha });
  // A variant of weight 0 gets nobody.
  return unexpected > 0 && counts.some(({ expected }) => expected > 0) ? { status: 'mismatch', pValue: 0 } : { status, pValue };
}
