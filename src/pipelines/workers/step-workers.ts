import type { Digest } from '../../core/digest.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Definition } from '../definition.ts';
import { Keeper } from '../launching/keeper.ts';
import type { RunHost } from '../run-host.ts';
import type { StepTask } from './step-executor.ts';
import { workTerms, type StepWorker, type WorkOptions } from './step-worker.ts';
import type { TaskWork } from './task-work.ts';

/** What a pipeline does in this process for the runs of others; loaded when it is asked for. */
export class StepWorkers {
  readonly #pipeline: string;
  readonly #owner: string;
  readonly #host: RunHost;
  #work: { readonly digest: Digest; readonly made: Promise<TaskWork> } | undefined;

  constructor(pipeline: string, owner: string, host: RunHost) {
    this.#pipeline = pipeline;
    this.#owner = owner;
    this.#host = host;
  }

  work(definition: Definition, options: WorkOptions): StepWorker {
    const { most, interval } = workTerms(options);
    const host = this.#host;
    const keeper = new Keeper({ interval }, host.onError, () => undefined);
    keeper.add(async (_, intervalMs) => {
      const { TaskWorker } = await import('./task-worker.ts');
      return new TaskWorker({ host, work: await this.#workOf(definition), intervalMs, most });
    });
    return keeper;
  }

  async perform(definition: Definition, task: StepTask, options: OperationOptions): Promise<void> {
    const { performTask } = await import('./perform.ts');
    await performTask(this.#pipeline, await this.#workOf(definition), this.#host.clock, task, options);
  }

  /** The same for the same definition, so that what one attempt has read is there for the next. */
  #workOf(definition: Definition): Promise<TaskWork> {
    const { digest } = definition;
    if (this.#work?.digest !== digest) {
      const made = import('./task-work.ts').then(({ TaskWork: Work }) => new Work({ host: this.#host, definition, digest, owner: this.#owner }));
      this.#work = { digest, made };
    }
    return this.#work.made;
  }
}
