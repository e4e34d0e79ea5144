/** What is known of a unit, by name, for targeting and for segments. What is `null` or `undefined` is missing. */
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Why a unit has its variant:
 *
 * - `assigned`: its hash falls into the share of the variant.
 * - `override`: the test was told its variant by name. It takes no part in the analysis.
 * - `sticky`: it was stored, and the first assignment counts.
 * - `shipped`: the test was stopped, and this variant is for everybody.
 */
export type AssignedReason = 'assigned' | 'override' | 'sticky' | 'shipped';

/**
 * Why a unit has no variant:
 *
 * - `holdout`: it belongs to the share that takes part in no test.
 * - `not-targeted`: its attributes are not those that the test is for.
 * - `layer`: its hash falls into another slice of the layer, where other tests may be.
 * - `not-covered`: the test does not cover it yet.
 * - `stopped`: the test was stopped, and no variant was shipped.
 */
export type UnassignedReason = 'holdout' | 'not-targeted' | 'layer' | 'not-covered' | 'stopped';

/** A unit takes part. */
export interface Assigned {
  /** The name of its variant. */
  readonly variant: string;
  /** The version of a model that the variant names; absent where it names none. */
  readonly version?: number | undefined;
  /** Why it is this variant. */
  readonly reason: AssignedReason;
}

/** A unit takes no part. */
export interface Unassigned {
  /** Absent: that is how it is told from a unit that takes part. */
  readonly variant?: undefined;
  /** Absent. */
  readonly version?: undefined;
  /** Why it takes no part. */
  readonly reason: UnassignedReason;
}

/** Which variant a unit has, and why; or why it has none. */
export type Assignment = Assigned | Unassigned;
