import { digestOf, type Digest } from '../core/digest.ts';
import { canonicalJson } from '../core/codec.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import { newestFirst } from '../core/newest-first.ts';

/** What tells the datasets of a run apart. */
export interface DatasetIdentity {
  readonly name: string;
  readonly role: string;
  readonly fingerprint: string;
}

function digestOfDataset({ name, role, fingerprint }: DatasetIdentity): string {
  return digestOf(canonicalJson([name, role, fingerprint])).slice('sha256:'.length);
}

/** Where everything about runs is kept. */
export const keys = {
  experiments: 'tracking/experiments/',
  experiment: (name: string): Key => `tracking/experiments/${escapeSegment(name)}`,
  runs: 'tracking/runs/',
  run: (id: string): Key => `tracking/runs/${newestFirst(id)}`,
  experimentRuns: (experiment: string): string => `tracking/experiment-runs/${escapeSegment(experiment)}/`,
  experimentRun: (experiment: string, id: string): Key => `${keys.experimentRuns(experiment)}${newestFirst(id)}`,
  heartbeats: 'tracking/heartbeats/',
  heartbeat: (heart: string): Key => `${keys.heartbeats}${heart}`,
  extremes: (id: string): string => `tracking/extremes/${id}/`,
  sessionExtremes: (id: string, session: string): Key => `${keys.extremes(id)}${session}`,
  metrics: (id: string): Key => `tracking/metrics/${id}`,
  importTurn: (id: string): Key => `tracking/imports/${id}`,
  artifacts: (id: string): string => `tracking/artifacts/${id}/`,
  artifact: (id: string, name: string): Key => `${keys.artifacts(id)}${escapeSegment(name)}`,
  models: (id: string): string => `tracking/models/${id}/`,
  model: (id: string, { name, digest }: { readonly name: string; readonly digest: Digest }): Key => `${keys.models(id)}${digestOf(canonicalJson([name, digest])).slice('sha256:'.length)}`,
  allDatasets: 'tracking/datasets/',
  datasets: (id: string): string => `tracking/datasets/${id}/`,
  dataset: (id: string, dataset: DatasetIdentity): Key => `${keys.datasets(id)}${digestOfDataset(dataset)}`,
  datasetProfiles: (id: string): string => `tracking/dataset-profiles/${id}/`,
  datasetProfile: (id: string, dataset: DatasetIdentity): Key => `${keys.datasetProfiles(id)}${digestOfDataset(dataset)}`,
} as const;
