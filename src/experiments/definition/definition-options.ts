import type { Duration } from '../../core/duration.ts';
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
  /**
   * Allows other weights while the test runs, as for a bandit: `true` by `setWeights` alone, and with a plan the test also changes them by itself, by what its first primary metric has come to. Units must then be assigned by `assignSticky`: others may meet several variants, which takes
   * them out of the analysis. @default false
   */
  readonly adaptive?: boolean | AdaptiveOptions | undefined;
}

/** How a test gives more units to the variants that do better. */
export interface AdaptiveOptions {
  /** How long it keeps to its weights before it looks at them again, a minute at least; no shorter than what came of units takes to be known. */
  readonly every: Duration;
  /**
   * `thompson` gives each variant as much as it is probably the best (Thompson 1933); `ucb` all that the others need not have to the variant that may well be the best (Garivier and Cappé 2011 for proportions, Audibert, Munos and Szepesvári 2009 for means, which must
   * then be winsorized between two values). @default 'thompson'
   */
  readonly method?: 'thompson' | 'ucb' | undefined;
  /** The least share of any variant, the control included, above 0 and at most 1 / variants: the higher, the more is lost to the worse ones, and the more is learnt of them. @default 0.1, or half of 1 / variants where that is less */
  readonly floor?: number | undefined;
}
