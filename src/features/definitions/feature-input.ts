import * as z from 'zod/mini';
import { featureTypeSchema, type FeatureType } from './feature-type.ts';

/** Points at a feature of a view, with its type: what on-demand views take, and services and queries may ask for. */
export interface FeatureInput<Type extends FeatureType = FeatureType> {
  /** Tells it from other things. */
  readonly kind: 'feature';
  /** Name of the feature view or on-demand view. */
  readonly view: string;
  /** Name of the feature in it. */
  readonly feature: string;
  /** The type of its values. */
  readonly type: Type;
}

/** Schema of {@link FeatureInput}. */
export const featureInputSchema: z.ZodMiniType = /* @__PURE__ */ z.strictObject({ kind: z.literal('feature'), view: z.string(), feature: z.string(), type: featureTypeSchema });
