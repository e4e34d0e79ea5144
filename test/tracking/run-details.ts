import type { Environment, EnvironmentRecord, RunRecord, Tracker } from 'modelkeep';
import type { RunDetails } from '../../src/tracking/comparison/run-details.ts';

/** All that a tracker tells of a run. */
export async function detailsOf(tracker: Tracker, id: string): Promise<RunDetails> {
  const artifacts = [];
  for await (const artifact of tracker.artifacts(id)) artifacts.push(artifact);
  const environment = await tracker.environment(id);
  return { run: await tracker.getRun(id), datasets: await tracker.datasets(id), artifacts, models: await tracker.models(id), ...(environment === undefined ? {} : { environment }) };
}

/** An environment that is what is given. */
export function environmentOf(record: EnvironmentRecord): Environment {
  return { describe: () => Promise.resolve(record), onExit: () => () => undefined };
}

/** A run as it may be in a store. */
export function runWith(id: string, fields: { params?: RunRecord['params']; loss?: number | undefined; tags?: RunRecord['tags'] }): RunRecord {
  const { params = {}, loss, tags = {} } = fields;
  const metrics: RunRecord['metrics'] = loss === undefined ? {} : { loss: { step: 1, timestamp: 1, value: loss } };
  return { id, experiment: 'e', status: 'finished', startedAt: Number(id.replace(/\D/g, '') || 0), params, tags, metrics, droppedPoints: 0 };
}
