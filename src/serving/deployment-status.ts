import type { ServedOutcome } from './prediction.ts';
import type { RolloutEvent } from './rollout/rollout-event.ts';
import type { Traffic } from './rollout/rollout-state.ts';
import type { VersionState, VersionStatus } from './version-status.ts';

/** How a deployment stands in one process. */
export interface DeploymentStatus {
  /** Name of the model. */
  readonly model: string;
  /** The version in use; absent before the first is ready. */
  readonly stable?: number | undefined;
  /** Every version that is in memory, on its way there or back, or has failed, in the order of their numbers. */
  readonly versions: readonly VersionStatus[];
  /** How requests are shared between versions. */
  readonly traffic: Traffic;
  /** Predictors that `load` made so far. */
  readonly loaded: number;
  /** Predictors that were disposed of: all that were made, once the deployment is closed. */
  readonly disposed: number;
  /** Copies of requests that were dropped for want of room, in place of being given to a candidate. */
  readonly shadowsDropped: number;
}

/** A version that came to another state. */
export interface VersionChange {
  /** Its number. */
  readonly version: number;
  /** Where it stands now. */
  readonly state: VersionState;
  /** What it failed of, for people; absent unless it failed. */
  readonly error?: string | undefined;
}

/** What a deployment tells of. */
export interface DeploymentEvents {
  /** A request came to an end: it was answered, or failed. */
  readonly served: ServedOutcome;
  /** This process has changed a rollout; what others change is in `rolloutHistory()`. */
  readonly rollout: RolloutEvent;
  /** A version came to another state in this process. */
  readonly version: VersionChange;
}

/** Names a version: by its number, by a stage or an alias, or, with neither, the version in use. */
export interface VersionSelector {
  /** Its number. */
  readonly version?: number | undefined;
  /** A stage or an alias. */
  readonly label?: string | undefined;
}
