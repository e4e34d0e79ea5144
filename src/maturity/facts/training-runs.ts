import { compileFilter } from '../../core/search/compile-filter.ts';
import { readFilter } from '../../core/search/read-filter.ts';
import type { RunRecord } from '../../tracking/run-record.ts';
import { runVocabulary } from '../../tracking/search/run-vocabulary.ts';
import { Tracker } from '../../tracking/tracker.ts';
import type { Assessment } from './assessment.ts';
import { sourceOf, type TrainingSource } from './version-facts.ts';

/** The training runs of a model. */
export interface TrainingRuns {
  /** Those that began in the window, the newest first, and not more than are to be looked at. */
  readonly runs: readonly RunRecord[];
  /** Whether there are more in the window. */
  readonly more: boolean;
  /** Where they were looked for. */
  readonly sources: readonly TrainingSource[];
}

const runsAtOnce = 200;

/** Reads the newest training runs of a model. */
export async function readTrainingRuns(assessment: Assessment, sources: readonly TrainingSource[]): Promise<TrainingRuns> {
  const { storage, clock, policy, options, from, now } = assessment;
  if (sources.length === 0) return { runs: [], more: false, sources };
  const tracker = new Tracker({ storage, clock });
  const passes = compileFilter(runVocabulary, readFilter(runVocabulary, policy.trainingRuns));
  const wanted = (run: RunRecord): boolean => run.startedAt >= from && run.startedAt <= now && isOf(run, sources) && passes(run);
  const experiments = [...new Set(sources.map(({ experiment }) => experiment))];
  const runs: RunRecord[] = [];
  let after: string | undefined;
  do {
    const { items, damaged, next } = await tracker.listRuns({ experiments, limit: runsAtOnce, after, ...options });
    for (const { id, error } of damaged) assessment.noteMessage(`run ${id}`, error.message);
    for (const run of items) {
      if (!wanted(run)) continue;
      if (runs.length === policy.maxRuns) return { runs, more: true, sources };
      runs.push(run);
    }
    // Ids tell the time, those of imported runs too: behind a whole page of what is too old nothing is younger.
    after = items.length > 0 && items.every(({ startedAt }) => startedAt < from) ? undefined : next;
  } while (after !== undefined);
  return { runs, more: false, sources };
}

function isOf(run: RunRecord, sources: readonly TrainingSource[]): boolean {
  const { experiment, step } = sourceOf(run);
  return sources.some((source) => source.experiment === experiment && (source.step === undefined || source.step === step));
}
