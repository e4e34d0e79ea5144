import type { Undo } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import type { Look } from '../../core/look-loop.ts';
import { systemRandom } from '../../core/random.ts';
import { KeptRuns } from '../launching/kept-runs.ts';
import type { KeptWorker } from '../launching/launch-worker.ts';
import type { RunHost } from '../run-host.ts';
import { Pace } from './pace.ts';
import { isOpen } from './task-record.ts';
import type { FoundTask } from './task-store.ts';
import type { TaskWork } from './task-work.ts';

/** How a worker looks for attempts. */
export interface TaskWorkerTerms {
  readonly host: RunHost;
  readonly work: TaskWork;
  readonly intervalMs: number;
  /** How many attempts go on here at once. */
  readonly most: number;
}

/** Looks for attempts that wait to be made, in all runs of a pipeline, claims as many as there is room for and makes them: those of a higher priority first, then those that have waited longer. */
export class TaskWorker implements KeptWorker {
  readonly #terms: TaskWorkerTerms;
  readonly #attempts: KeptRuns;
  readonly #pace: Pace;
  /** Runs whose tasks are of another definition, as far as that was told. */
  readonly #strange = new Set<string>();
  /** How many attempts went on at the last look. */
  #before = 0;
  #unhook: Undo = () => undefined;

  constructor(terms: TaskWorkerTerms) {
    const { host, intervalMs } = terms;
    this.#terms = terms;
    this.#pace = new Pace(intervalMs, systemRandom);
    this.#attempts = new KeptRuns(host, (signal) => this.#look(signal));
  }

  get running(): number {
    return this.#attempts.running;
  }

  start(): void {
    this.#unhook = this.#terms.host.store.storage.onChange?.(() => this.wake()) ?? this.#unhook;
    this.#attempts.loop.start();
  }

  wake(): void {
    this.#attempts.loop.wake();
  }

  idle(): Promise<void> {
    return this.#attempts.loop.idle();
  }

  async close(signal: AbortSignal | undefined): Promise<void> {
    this.#unhook();
    await this.#attempts.close(signal);
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const { work, most } = this.#terms;
    const open = this.running < most ? await this.#openTasks(signal) : [];
    for (const task of open) {
      if (this.running >= most || signal.aborted) break;
      const make = await work.claim(task);
      if (make) this.#attempts.carryOut(task.key, make);
    }
    if (this.running !== this.#before) this.#pace.quicken();
    this.#before = this.running;
    return { waitMs: this.#pace.next(), settled: this.running === 0 };
  }

  async #openTasks(signal: AbortSignal): Promise<FoundTask[]> {
    const { work: { tasks, digest }, host } = this.#terms;
    const keys = (await tasks.keys(undefined, { signal })).filter((key) => !this.#attempts.has(key));
    const now = host.clock.now();
    const open = (await tasks.readAll(keys, { signal })).filter((task) => task !== undefined).filter(({ value }) => isOpen(value, now));
    for (const { value } of open) if (value.definition !== digest) this.#passOver(value.run);
    const own = open.filter(({ value }) => value.definition === digest);
    return own.sort((a, b) => b.value.priority - a.value.priority || a.value.offeredAt - b.value.offeredAt);
  }

  #passOver(run: string): void {
    if (this.#strange.has(run)) return;
    this.#strange.add(run);
    this.#terms.host.onError(strangeTask(run));
  }
}

/** For a task that this process must not make. */
export function strangeTask(run: string): ValidationError {
  return new ValidationError(
    `Run ${run} waits for attempts at its steps that this process does not make, for its definition of the pipeline is another: the graph or the cache version of a step differs. Let processes with the same definition work for it.`,
    { path: run },
  );
}
