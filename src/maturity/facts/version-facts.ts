import type { RecordRef } from '../../core/record-ref.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import { readEach } from '../../storage/read-each.ts';
import type { StoredRun } from '../../tracking/run-record.ts';
import { keys } from '../../tracking/tracking-keys.ts';
import type { Assessment } from './assessment.ts';

/** Whose runs train a model: an experiment, or one step of a pipeline whose runs are in it. */
export interface TrainingSource {
  readonly experiment: string;
  /** Absent when they are runs of no step. */
  readonly step?: string | undefined;
}

/** What the versions of a model say together. */
export interface VersionsFacts {
  readonly total: number;
  /** How many say which run made them, and that run is there. */
  readonly linked: number;
  /** Those that do not. */
  readonly unlinked: readonly RecordRef[];
  /** Of the newest. */
  readonly sources: readonly TrainingSource[];
  /** Ids of the pipeline runs that made versions, the newest first, each with the versions that it made. */
  readonly pipelineRuns: ReadonlyMap<string, readonly number[]>;
}

const versionsAtOnce = 200;
const mostSources = 50;
// Of those before them, nobody asks any more which version a run has made.
const mostPipelineRuns = 5_000;

/** Reads all versions of a model, newest first. */
export async function readVersions(assessment: Assessment, registry: Registry, model: string): Promise<VersionsFacts> {
  const { options, policy } = assessment;
  let [total, linked, after]: [number, number, string | undefined] = [0, 0, undefined];
  const unlinked: RecordRef[] = [];
  const sources = new Map<string, TrainingSource>();
  const pipelineRuns = new Map<string, number[]>();
  do {
    const page: Awaited<ReturnType<Registry['listVersions']>> = await registry.listVersions(model, { limit: versionsAtOnce, after, ...options });
    for (const { version, error } of page.damaged) assessment.noteMessage(`version ${version} of model '${model}'`, error.message);
    const runs = await runsOf(assessment, page.items);
    for (const [i, { version, digest, pipelineRun }] of page.items.entries()) {
      const run = runs[i];
      if (run === 'damaged') continue;
      total++;
      if (run !== undefined) linked++;
      else if (unlinked.length < policy.maxEvidence) unlinked.push({ kind: 'model-version', id: model, version, digest });
      if (run !== undefined) {
        const source = sourceOf(run);
        if (sources.size < mostSources) sources.set(`${source.experiment} ${source.step ?? ''}`, source);
      }
      const made = pipelineRun ?? run?.pipelineRun;
      if (made !== undefined && (pipelineRuns.has(made) || pipelineRuns.size < mostPipelineRuns)) pipelineRuns.set(made, [...(pipelineRuns.get(made) ?? []), version]);
    }
    after = page.next;
  } while (after !== undefined);
  return { total, linked, unlinked, sources: [...sources.values()], pipelineRuns };
}

/** The run of each version, `damaged` where it cannot be read, nothing where there is none. */
async function runsOf(assessment: Assessment, versions: readonly ModelVersion[]): Promise<(StoredRun | 'damaged' | undefined)[]> {
  const { storage, options } = assessment;
  const ids = [...new Set(versions.flatMap(({ run }) => (run === undefined ? [] : [run])))];
  const found = await readEach<StoredRun>(storage, ids.map(runKey), options);
  const byId = new Map<string, StoredRun | 'damaged' | undefined>();
  for (const [i, record] of found.entries()) {
    if (record && 'error' in record) assessment.note(`run ${ids[i]!}`, record.error);
    byId.set(ids[i]!, record && ('error' in record ? 'damaged' : record.value));
  }
  return versions.map(({ run }) => (run === undefined ? undefined : byId.get(run)));
}

/** Where a run would be, also one of an id that no tracker gave. */
export function runKey(id: string): string {
  return /^[a-z0-9_-]{1,100}$/.test(id) ? keys.run(id) : keys.run('none');
}

/** Whose run it is. */
export function sourceOf({ experiment, tags }: Pick<StoredRun, 'experiment' | 'tags'>): TrainingSource {
  const step = tags['modelkeep.step'];
  return step === undefined ? { experiment } : { experiment, step };
}
