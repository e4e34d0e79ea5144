import { ValidationError } from '../../core/errors.ts';
import { sampleRatioTest } from '../../stats/experiments/sample-ratio-test.ts';
import type { SampleRatioCheck, VariantCount } from './ab-analysis.ts';
import type { AnalyzedDefinition, AnalyzeSettings } from './analyze-options.ts';

/** The units of each variant, and how many there should be. */
export function countVariants({ variants }: AnalyzedDefinition, of: Int32Array, { weights }: AnalyzeSettings): readonly VariantCount[] {
  const shares = weights ?? variants.map(({ weight = 1 }) => weight);
  if (shares.length !== variants.length) throw new ValidationError(`options.weights has ${shares.length} elements for ${variants.length} variants.`, { path: 'options.weights' });
  const counts = new Float64Array(variants.length);
  for (let i = 0; i < of.length; i++) counts[of[i]!]!++;
  const all = shares.reduce((sum, share) => sum + share, 0);
  return variants.map(({ name }, v) => ({ variant: name, units: counts[v]!, expected: all > 0 ? (of.length * shares[v]!) / all : 0 }));
}

/** Whether units came in the shares that they were assigned by. */
export function checkSampleRatio(counts: readonly VariantCount[], { sampleRatioAlpha }: AnalyzeSettings): SampleRatioCheck {
  const { status, pValue, unexpected } = sampleRatioTest(counts.map(({ units }) => units), counts.map(({ expected }) => expected), { alpha: sampleRatioAlpha });
  // A variant of weight 0 gets nobody.
  return unexpected > 0 && counts.some(({ expected }) => expected > 0) ? { status: 'mismatch', pValue: 0 } : { status, pValue };
}
