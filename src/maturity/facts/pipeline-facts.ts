import { canonicalJson } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { isId } from '../../core/ids.ts';
import { eachItem } from '../../core/page.ts';
import { readNewestRuns } from '../../pipelines/history/start-notes.ts';
import { readRun, type PipelineRun } from '../../pipelines/history/read-run.ts';
import type { PipelineRunSummary } from '../../pipelines/history/run-summary.ts';
import { listPipelines } from '../../pipelines/history/list-pipelines.ts';
import { RunStore, type RunHead } from '../../pipelines/run-store.ts';
import type { RunCause } from '../../pipelines/launching/run-cause.ts';
import type { Assessment } from './assessment.ts';

/** A run of a pipeline as its head tells it; of one that is a step of another, `triggeredBy` is what started the outermost. */
export interface PipelineRunFacts extends Omit<PipelineRunSummary, 'params'> {
  /** Of the graph that it was started with. */
  readonly definition: Digest;
}

/** A pipeline that makes a model, with its runs in the window, the newest first. */
export interface PipelineFacts {
  readonly name: string;
  readonly runs: readonly PipelineRunFacts[];
}

/** So many of the runs that made versions or are trained in are looked for. */
const mostSought = 40;

/** The names of the pipelines that the store knows. */
export async function pipelineNames(assessment: Assessment): Promise<string[]> {
  const { storage, options: { signal } } = assessment;
  const names: string[] = [];
  for await (const { name } of eachItem((after) => listPipelines({ storage, limit: 1000, after, signal }))) names.push(name);
  return names;
}

/** Of pipelines, those that have some of these runs. */
export async function pipelinesWith(assessment: Assessment, names: readonly string[], runs: Iterable<string>): Promise<string[]> {
  const ids = [...new Set(runs)].filter(isId).slice(0, mostSought);
  const found: string[] = [];
  for (const name of names) {
    const store = new RunStore(assessment.storage, name, assessment.clock);
    if ((await store.eachHead(ids, assessment.options)).some((head) => head !== undefined)) found.push(name);
  }
  return found;
}

/** A pipeline with its newest runs in the window. */
export async function readPipeline(assessment: Assessment, name: string): Promise<PipelineFacts> {
  const { storage, clock, policy, from, now, options } = assessment;
  const store = new RunStore(storage, name, clock);
  const causes = new CauseReader(assessment);
  const runs: PipelineRunFacts[] = [];
  for await (const batch of readNewestRuns(store, clock, now, policy.maxPipelineRuns, options)) {
    for (const { at, run } of batch) {
      if (at < from || runs.length === policy.maxPipelineRuns) return { name, runs };
      if ('error' in run) {
        assessment.noteMessage(`run ${run.id} of pipeline '${name}'`, run.error.message);
        continue;
      }
      const { params: _, ...summary } = run.summary;
      runs.push({ ...summary, triggeredBy: await causes.first(summary.triggeredBy), definition: digestOf(canonicalJson(run.head.definition)) });
    }
  }
  return { name, runs };
}

const deepest = 10;

/** Finds what started the outermost of runs within runs, and reads each of these once. */
class CauseReader {
  readonly #assessment: Assessment;
  readonly #known = new Map<string, RunCause | undefined>();

  constructor(assessment: Assessment) {
    this.#assessment = assessment;
  }

  async first(cause: RunCause | undefined, depth = 0): Promise<RunCause | undefined> {
    if (cause?.kind !== 'pipeline' || depth === deepest) return cause;
    const { pipeline, run } = cause;
    if (!this.#known.has(run)) this.#known.set(run, (await this.#causeOf(pipeline, run)) ?? cause);
    return this.first(this.#known.get(run), depth + 1);
  }

  async #causeOf(pipeline: string, run: string): Promise<RunCause | undefined> {
    const { storage, clock, options } = this.#assessment;
    const [head] = await new RunStore(storage, pipeline, clock).eachHead([run], options);
    if (head && 'error' in head) this.#assessment.note(`run ${run} of pipeline '${pipeline}'`, head.error);
    return head && 'state' in head ? head.state.triggeredBy : undefined;
  }
}

/** A run with its steps, and with what is stored of each. `undefined` when there is none, or it cannot be read. */
export async function readSteps(assessment: Assessment, pipeline: string, id: string): Promise<{ readonly run: PipelineRun; readonly head: RunHead } | undefined> {
  const { storage, clock, options } = assessment;
  const store = new RunStore(storage, pipeline, clock);
  try {
    const head = await store.head(id, options);
    return head && { head, run: await readRun(store, head, clock, options) };
  } catch (error) {
    assessment.note(`run ${id} of pipeline '${pipeline}'`, error);
    return undefined;
  }
}

/** Whether a run failed since a gate refused to go on; tells the step. */
export function failedGate({ steps }: PipelineRun): string | undefined {
  return Object.values(steps).find(({ failure }) => failure?.code === 'gate-failed')?.name;
}
