import type { Caller } from '../../core/abort.ts';
import type { Duration } from '../../core/duration.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';
import type { MetricFamily } from '../../serving/metrics/metric-family.ts';
import type { Prediction } from '../../serving/prediction.ts';
import type { RolloutEvent } from '../../serving/rollout/rollout-event.ts';
import type { RolloutActor, RolloutOptions } from '../../serving/rollout/rollout-options.ts';
import type { RolloutStatus } from '../../serving/rollout/rollout-status.ts';
import type { VersionStatus } from '../../serving/version-status.ts';

/** What a serving handler asks of rollouts; a `Deployment` has it. */
export interface ServedRollouts {
  /** Begins to bring a version into production. */
  readonly startRollout: (options: RolloutOptions) => Promise<RolloutStatus>;
  /** Where the last one stands. */
  readonly rollout: () => Promise<RolloutStatus | undefined>;
  /** Holds it. */
  readonly pauseRollout: (actor?: RolloutActor) => Promise<RolloutStatus>;
  /** Goes on with it. */
  readonly resumeRollout: (actor?: RolloutActor) => Promise<RolloutStatus>;
  /** Ends it with its version in production. */
  readonly promoteRollout: (actor?: RolloutActor) => Promise<RolloutStatus>;
  /** Ends it with the version before. */
  readonly abortRollout: (actor?: RolloutActor) => Promise<RolloutStatus>;
  /** What has happened in all of them. */
  readonly rolloutHistory: () => Promise<readonly RolloutEvent[]>;
}

/** What a serving handler asks of a deployment; a `Deployment` has it. Without rollouts, what is asked of them is answered by 501. */
export interface ServedDeployment extends Partial<ServedRollouts> {
  /** The model's name, by which requests ask for it. */
  readonly model: string;
  /** Answers one input. */
  predict(input: unknown, options?: ServedPredictOptions): Promise<Prediction>;
  /** Takes what became known of a prediction. */
  feedback(feedback: ServedFeedback | readonly ServedFeedback[]): void;
  /** Resolves when the version in use can answer; says why it cannot. */
  ready(options?: OperationOptions): Promise<void>;
  /** What is in memory, and what is in use. */
  status(): ServedStatus;
  /** What a version in memory takes and gives; of the version in use where none is named. */
  signature(version?: number): ModelSignature | undefined;
  /** The version that a number or a label means. */
  resolve(selector: ServedSelector, options?: OperationOptions): Promise<number>;
  /** Brings a version into memory and keeps it there. */
  load(version: number, options?: OperationOptions): Promise<void>;
  /** Lets go of a version that was loaded. */
  unload(version: number): Promise<void>;
  /** What it counted, for Prometheus. @default nothing */
  metricFamilies?(): readonly MetricFamily[];
}

/** A deployment that can also be asked without a signal being made for each request. */
export interface DirectDeployment extends ServedDeployment {
  /** Answers one input to a caller whose signal is asked for only if there is something to wait for. */
  predictFor(caller: Caller, input: unknown, options: Omit<ServedPredictOptions, 'signal'>): Promise<Prediction>;
  /** Whether a version can answer at once; without one, that in use. */
  isReady(version?: number): boolean;
}

/** Whether a deployment can be asked without a signal. */
export function isDirect(deployment: ServedDeployment): deployment is DirectDeployment {
  return (deployment as Partial<DirectDeployment>).predictFor !== undefined;
}

/** How a prediction is asked for over HTTP. */
export interface ServedPredictOptions {
  /** What the request is routed by. */
  readonly key?: string | undefined;
  /** The version that must answer. */
  readonly version?: number | undefined;
  /** The id that the prediction is to have. */
  readonly id?: string | undefined;
  /** Fires when the client leaves. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take. */
  readonly timeout?: Duration | undefined;
}

/** What became known of a prediction. */
export interface ServedFeedback {
  /** The id of the prediction. */
  readonly id: string;
  /** What was true. */
  readonly label?: string | number | boolean | undefined;
  /** What it was worth, by metric. */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

/** What a deployment has in memory. */
export interface ServedStatus {
  /** The version in use; absent before the first is ready. */
  readonly stable?: number | undefined;
  /** Every version that this process has, or has had lately. */
  readonly versions: readonly VersionStatus[];
}

/** Says which version is meant: by its number, or by a label such as a stage or an alias. */
export interface ServedSelector {
  /** Its number. */
  readonly version?: number | undefined;
  /** Its label. */
  readonly label?: string | undefined;
}
