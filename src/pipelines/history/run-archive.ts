import type { AuditEvent } from '../../core/audit.ts';
import type { Clock } from '../../core/clock.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { operationOptionsSchema } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { LineageEdge, RecordRef } from '../../core/record-ref.ts';
import { check } from '../../core/schema.ts';
import { readLineage } from '../../storage/lineage.ts';
import type { ExplainOptions, StepExplanation } from '../caching/explain.ts';
import { cachedStep } from '../caching/refresh.ts';
import type { ListLogsOptions, LogsOptions, StepLogLine, StepLogPage } from '../logs/read-step-logs.ts';
import { explainOptionsSchema } from '../pipeline-options.ts';
import type { RunStore } from '../run-store.ts';
import type { StepDefinition, StepHandle } from '../step.ts';
import { readRun, type PipelineRun } from './read-run.ts';
import { readRuns } from './read-runs.ts';
import type { PipelineRunPage, PipelineRunSummary } from './run-summary.ts';
import type { SearchPipelineRunsOptions } from './search-runs.ts';

/** What the runs of a pipeline are looked back on with. */
export interface ArchiveHost {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly steps: ReadonlyMap<string, StepDefinition>;
  readonly onError: ErrorListener;
}

/** The runs of a pipeline as they are recorded; what searches and explains is loaded when it is asked for. */
export class RunArchive {
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #steps: ReadonlyMap<string, StepDefinition>;
  readonly #onError: ErrorListener;

  constructor({ store, clock, steps, onError }: ArchiveHost) {
    this.#store = store;
    this.#clock = clock;
    this.#steps = steps;
    this.#onError = onError;
  }

  async run(id: string, options: OperationOptions): Promise<PipelineRun> {
    check(operationOptionsSchema, options, 'options');
    return readRun(this.#store, await this.#store.presentHead(id, options), this.#clock, options);
  }

  async *runs(options: OperationOptions): AsyncGenerator<PipelineRunSummary, void, undefined> {
    check(operationOptionsSchema, options, 'options');
    for await (const run of readRuns(this.#store, this.#clock, options)) {
      if (!('error' in run)) yield run.summary;
      else this.#onError(new IntegrityError(`Run ${run.id} of pipeline '${this.#store.pipeline}' is left out, for it cannot be read: ${run.error.message}`, { key: run.id }));
    }
  }

  async search(options: SearchPipelineRunsOptions): Promise<PipelineRunPage> {
    const { searchRunPage } = await import('./search-runs.ts');
    return searchRunPage({ store: this.#store, clock: this.#clock, onError: this.#onError }, options);
  }

  async history(id: string, options: OperationOptions): Promise<readonly AuditEvent[]> {
    check(operationOptionsSchema, options, 'options');
    await this.#store.presentHead(id, options);
    return this.#store.history(id, options);
  }

  async *logs(id: string, options: LogsOptions): AsyncGenerator<StepLogLine, void, undefined> {
    const { streamStepLogs } = await import('../logs/read-step-logs.ts');
    yield* streamStepLogs(this.#store, await this.#store.presentHead(id, options), this.#clock, options);
  }

  async listLogs(id: string, options: ListLogsOptions): Promise<StepLogPage> {
    const { listStepLogs } = await import('../logs/read-step-logs.ts');
    return listStepLogs(this.#store, await this.#store.presentHead(id, options), options);
  }

  async explain(step: StepHandle | string, options: ExplainOptions): Promise<StepExplanation> {
    const { run, signal } = check(explainOptionsSchema, options, 'options');
    const name = cachedStep(step, this.#steps, 'step');
    if (run !== undefined) await this.#store.presentHead(run, { signal });
    if (this.#steps.get(name)!.items) {
      const { explainItems } = await import('../caching/explain-items.ts');
      return explainItems(this.#store, name, { run, signal });
    }
    const { explainStep } = await import('../caching/explain.ts');
    return explainStep(this.#store, name, { run, signal });
  }

  async lineage(id: string, options: OperationOptions): Promise<LineageEdge[]> {
    check(operationOptionsSchema, options, 'options');
    const ref: RecordRef = { kind: 'pipeline-run', id: (await this.#store.presentHead(id, options)).id };
    const ends = await Promise.all((['from', 'to'] as const).map((end) => readLineage(this.#store.storage, end, ref, options)));
    return ends.flat().sort((a, b) => a.at - b.at);
  }
}
