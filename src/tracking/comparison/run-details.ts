import type { EnvironmentRecord } from '../../core/environment.ts';
import type { BestMetrics } from '../extreme-metric.ts';
import type { ArtifactRecord } from '../artifacts/artifact-record.ts';
import type { LoggedModel } from '../models/logged-model.ts';
import type { DatasetRecord } from '../run-datasets.ts';
import type { RunRecord } from '../run-record.ts';

/** All that a store knows of a run, but the points of its metrics and the bytes of its artifacts. */
export interface RunDetails {
  /** The run itself, with its params and latest metrics. */
  readonly run: RunRecord;
  /** The data it used. */
  readonly datasets: readonly DatasetRecord[];
  /** The files it produced, those of its models too. */
  readonly artifacts: readonly ArtifactRecord[];
  /** The models it logged. */
  readonly models: readonly LoggedModel[];
  /** Where it took place; absent where it was started without an environment. */
  readonly environment?: EnvironmentRecord | undefined;
  /** The least and the greatest value of each metric; absent where they are not known. */
  readonly best?: BestMetrics | undefined;
}
