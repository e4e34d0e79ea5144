import type { Targeting } from '../assignment/targeting.ts';
import type { ExperimentHash, Holdout, LayerSlice, MetricOptions, VariantOptions } from '../experiment-definition.ts';

/** What a test is. */
export interface DefinitionOptions {
  /** The variants, two or more, in an order that does not change. */
  readonly variants: readonly VariantOptions[];
  /** The name of the variant that the others are compared with. @default the first */
  readonly control?: string | undefined;
  /** What is measured. @default nothing */
  readonly metrics?: readonly MetricOptions[] | undefined;
  /** What its hash is salted with; tests with the same salt give alike variants to the same units. @default the name of the test */
  readonly salt?: string | undefined;
  /** Which hash divides the units. @default 'murmur3' */
  readonly hash?: ExperimentHash | undefined;
  /** Which share of the units that could take part does at first, from 0 to 1; more is never less: where the stored test covers more already, that counts. @default 1 */
  readonly coverage?: number | undefined;
  /** Its slice of a layer, for tests that must not share units. @default none */
  readonly layer?: LayerSlice | undefined;
  /** The units that take part in no test. @default none */
  readonly holdout?: Holdout | undefined;
  /** Which units it is for, by their attributes. @default all */
  readonly targeting?: Targeting | undefined;
  /** The attributes that are kept of each exposed unit, to analyse by them. @default none */
  readonly segments?: readonly string[] | undefined;
  /** Allows `setWeights` while the test runs, as for a bandit. A unit may then meet another variant later, unless it is assigned by `assignSticky`. @default false */
  readonly adaptive?: boolean | undefined;
}
