/** As which version a request is served, and counted: `stable` is what is in use, `candidate` what a rollout or an experiment tries, `control` the share of the stable version that a candidate is compared with. */
export type Arm = 'stable' | 'control' | 'candidate';

/**
 * Why a version served a request:
 *
 * - `stable`: it is the version in use, and nothing else was to be decided.
 * - `override`: the caller named the version.
 * - `sticky`: the key had this variant of an experiment before, which was stored, and stays there (`sticky` of the deployment).
 * - `canary`, `control`: the key falls into the share of the candidate, or into the equal share of the stable version that it is compared with.
 * - `experiment`: the key's variant of an experiment names the version.
 * - `fallback`: the version that should have answered failed, timed out, or was known to fail, and the fallback answered in its place.
 */
export type ServedReason = 'stable' | 'override' | 'sticky' | 'canary' | 'control' | 'experiment' | 'fallback';

/** An answer, and where it comes from. */
export interface Prediction<Output = unknown> {
  /** Names the prediction; feedback refers to it. */
  readonly id: string;
  /** What the model said. */
  readonly output: Output;
  /** The version that said it. */
  readonly version: number;
  /** Why it was this version. */
  readonly reason: ServedReason;
  /** The variant of the experiment; absent where there is none. */
  readonly variant?: string | undefined;
  /** Whether it was answered from the cache of answers. */
  readonly cached: boolean;
  /** From the call to the answer, in milliseconds. */
  readonly latencyMs: number;
  /** How long the model itself took, in milliseconds, its batch shared by all in it; 0 when the answer was cached. */
  readonly computeMs: number;
  /** How many requests the model answered at once with this one; 1 without batching, 0 when the answer was cached. */
  readonly batchSize: number;
}

/** What one request came to, as it is counted: of a served request and of one that failed, and of a shadow of it. */
export interface ServedOutcome {
  /** Id of the prediction. */
  readonly id: string;
  /** Epoch milliseconds when it was asked. */
  readonly at: number;
  /** The version that served, or failed to. */
  readonly version: number;
  /** As what it is counted. */
  readonly arm: Arm;
  /** Why it was this version. */
  readonly reason: ServedReason;
  /** The variant of the experiment; absent where there is none. */
  readonly variant?: string | undefined;
  /** The key that it was routed by; absent where the caller gave none. */
  readonly key?: string | undefined;
  /** Whether it is a copy of a request that another version answered: nobody saw the answer. */
  readonly shadow: boolean;
  /** What was asked. */
  readonly input: unknown;
  /** What was answered; absent when it failed. */
  readonly output?: unknown;
  /** What it failed of; absent when it was answered. A request that its caller gave up, or that was invalid, is no failure of a version and is not counted. */
  readonly error?: unknown;
  /** Whether it was answered from the cache of answers. */
  readonly cached: boolean;
  /** From the call to the answer, in milliseconds. */
  readonly latencyMs: number;
  /** How long it waited for its turn, in milliseconds. */
  readonly queueMs: number;
  /** How long the model itself took, in milliseconds, its batch shared by all in it. */
  readonly computeMs: number;
  /** How many requests the model answered at once with this one. */
  readonly batchSize: number;
}
