import type { ServedOutcome } from '../prediction.ts';

/** What a deployment asks of a monitor; a `DriftMonitor` is one. */
export interface MonitorOfPredictions {
  /** Is told of one request and its answer. */
  observe(observation: MonitorObservation): void;
  /** Is told what the right answer would have been. */
  feedback(feedback: { readonly id: string; readonly label: string | number | boolean }): void;
}

/** What a monitor is told of a prediction. */
export interface ObservedPrediction {
  /** Values by column. */
  readonly features: Readonly<Record<string, unknown>>;
  /** What was predicted. @default nothing */
  readonly prediction?: unknown;
  /** What the model thought, where the monitor estimates its performance: a score, or one per class. @default the prediction */
  readonly scores?: number | ArrayLike<number> | undefined;
}

/** What a monitor is told, and of which prediction. */
export interface MonitorObservation extends Partial<ObservedPrediction> {
  /** The id of the prediction. */
  readonly id: string;
  /** The version that answered. */
  readonly version: number;
  /** How long it took, in milliseconds. */
  readonly latencyMs: number;
  /** What it failed of; absent when it was answered. */
  readonly error?: unknown;
}

/** What is told of a prediction: the columns of what was asked, features that were looked up included, and the answer. */
export type ObservePrediction<Input, Output> = (prediction: { readonly input: Input; readonly output: Output; readonly version: number }) => ObservedPrediction;

/** Tells a monitor of an outcome. Shadows, which nobody saw, it is not told of; of a failure it is told that it was one. */
export function feedMonitor<Input, Output>(monitor: MonitorOfPredictions, observe: ObservePrediction<Input, Output>, outcome: ServedOutcome): void {
  if (outcome.shadow) return;
  const { id, version, latencyMs, error } = outcome;
  if (error !== undefined) return monitor.observe({ id, version, latencyMs, error });
  const { features, prediction, scores } = observe({ input: outcome.input as Input, output: outcome.output as Output, version });
  monitor.observe({ id, version, latencyMs, features, ...(prediction !== undefined && { prediction }), ...(scores !== undefined && { scores }) });
}
