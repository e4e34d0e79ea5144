import type { EnvironmentRecord } from '../core/environment.ts';
import { newId } from '../core/ids.ts';
import { writeEnvironment } from './run-environment.ts';
import type { ParamValues, StoredRun, TagValues } from './run-record.ts';
import { readParentId } from './run-start.ts';
import type { NewRunOptions, TrackerSettings } from './tracker-options.ts';

/** The record of a run that is about to start, its environment already stored. */
export async function newRun(
  settings: TrackerSettings,
  { id = newId(), experiment, name, parent, pipelineRun, group, notes, seed, signal }: NewRunOptions,
  { params, tags, session }: { params: ParamValues; tags: TagValues; session: string },
  report: (error: unknown) => void,
): Promise<StoredRun> {
  const { storage, clock } = settings;
  const [environment, parentId] = await Promise.all([describe(settings, report), parent === undefined ? undefined : readParentId(storage, parent, { signal })]);
  return {
    id,
    experiment,
    ...(name === undefined ? {} : { name }),
    ...(group === undefined ? {} : { group }),
    ...(notes === undefined ? {} : { notes }),
    ...(seed === undefined ? {} : { seed }),
    status: 'running',
    startedAt: clock.now(),
    ...(parentId === undefined ? {} : { parent: parentId }),
    ...(pipelineRun === undefined ? {} : { pipelineRun }),
    params,
    tags,
    metrics: {},
    droppedPoints: 0,
    openSessions: [session],
    ...environment,
  };
}

/** That the environment cannot be told is no reason not to run. */
async function describe({ storage, environment }: TrackerSettings, report: (error: unknown) => void): Promise<Pick<StoredRun, 'environment' | 'code'>> {
  let record: EnvironmentRecord | undefined;
  try {
    record = await environment?.describe();
  } catch (error) {
    report(error);
  }
  return record === undefined ? {} : writeEnvironment(storage, record);
}
