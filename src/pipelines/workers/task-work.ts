import type { Digest } from '../../core/digest.ts';
import { describeFailure } from '../../core/failure.ts';
import { isDamage } from '../../storage/read-each.ts';
import { AttemptStop } from '../attempt-stop.ts';
import type { StepCache } from '../caching/step-cache.ts';
import type { Definition } from '../definition.ts';
import type { RunHost } from '../run-host.ts';
import { hasEnded } from '../run-state.ts';
import type { StepDefinition } from '../step.ts';
import { Trial, type TrialEnd } from '../trial.ts';
import { trialTools } from '../trial-tools.ts';
import { HeldTask, type HoldTerms } from './held-task.ts';
import { TaskInputs } from './task-inputs.ts';
import type { TaskEnd, TaskRecord } from './task-record.ts';
import { TaskStore, type FoundTask } from './task-store.ts';

/** What the attempts that a process makes for others are made with. */
export interface WorkParts {
  readonly host: RunHost;
  readonly definition: Definition;
  readonly digest: Digest;
  readonly owner: string;
}

/** Makes the attempt of a task that is held, and records what it came to. When `closing` fires first, the task is given back. */
export type MakeAttempt = (closing: AbortSignal) => Promise<void>;

interface ClaimedTask {
  readonly held: HeldTask;
  readonly inputs: TaskInputs;
  readonly step: StepDefinition;
}

// A process works on few runs at a time; what it has read of one may be large.
const runsKept = 4;

/** Claims tasks and makes their attempts. */
export class TaskWork {
  readonly tasks: TaskStore;
  /** What tasks must be of, for this process to make them. */
  readonly digest: Digest;
  readonly #parts: WorkParts;
  readonly #terms: HoldTerms;
  /** By the key of the run and its round, the last used at the end. */
  readonly #inputs = new Map<string, TaskInputs>();

  constructor(parts: WorkParts) {
    const { host, digest, owner } = parts;
    const { store, leaseMs: ttlMs, clock, onError } = host;
    this.#parts = parts;
    this.tasks = new TaskStore(store);
    this.digest = digest;
    this.#terms = { tasks: this.tasks, owner, ttlMs, clock, onError };
  }

  /** Claims an open task of this definition, and gives what makes its attempt; `undefined` when somebody else was first, or its run does not want it any more. */
  async claim(found: FoundTask): Promise<MakeAttempt | undefined> {
    const { value: task, key, version } = found;
    const inputs = await this.#inputsOf(task);
    if (inputs === 'gone') await this.tasks.delete([{ key, version }]);
    if (typeof inputs === 'string') return undefined;
    const step = this.#parts.definition.steps.get(task.step)!;
    // What asks nothing before it begins has begun with its claim, which saves a write.
    const held = await HeldTask.claim(this.#terms, found, !(task.index === undefined ? step.when || (step.cache && !step.items) : step.cache));
    return held && ((closing) => this.#make({ held, inputs, step }, closing));
  }

  async #make(claimed: ClaimedTask, closing: AbortSignal): Promise<void> {
    const { held } = claimed;
    const stop = new AttemptStop();
    const close = (): void => stop.abort(closing.reason);
    if (closing.aborted) close();
    else closing.addEventListener('abort', close, { once: true });
    held.watch((reason) => stop.abort(reason));
    let end: TrialEnd | undefined;
    try {
      end = await this.#attempt(claimed, stop);
    } catch (error) {
      if (!isDamage(error)) {
        // Another process may have more luck with the store.
        await held.release().catch(this.#terms.onError);
        throw error;
      }
      await held.end({ fault: describeFailure(error) }, closing);
      return;
    } finally {
      closing.removeEventListener('abort', close);
    }
    if (closing.aborted && end.event.type === 'attempt-failed') await held.release();
    else await held.end({ end: stored(end) }, closing);
  }

  async #attempt({ held, inputs, step }: ClaimedTask, stop: AttemptStop): Promise<TrialEnd> {
    const { host } = this.#parts;
    const { head, outputs } = inputs;
    const cache = step.cache && (await this.#cacheFor(held, inputs));
    const onWork = (): void => {
      if (!held.task.claim?.working) void held.working().catch(host.onError);
    };
    const trial = new Trial({ ...trialTools(host, head, held.fence), outputs, cache, onWork }, await inputs.subject(step, held.task, stop));
    try {
      return await trial.make();
    } finally {
      await cache?.settle();
    }
  }

  async #cacheFor({ task, fence }: HeldTask, { head }: TaskInputs): Promise<StepCache> {
    const { store, leaseMs, clock, onError } = this.#parts.host;
    const { StepCache } = await import('../caching/step-cache.ts');
    return new StepCache(store, { run: head.id, params: head.params, refresh: head.refresh ?? [], holder: `${task.fence}-${fence}`, leaseMs, clock, onError });
  }

  /** What is known of the run of a task: `gone` when it has ended, and `taken` when another owner goes on with it, who has its own tasks. */
  async #inputsOf(task: TaskRecord): Promise<TaskInputs | 'gone' | 'taken'> {
    const { store } = this.#parts.host;
    const head = await store.head(task.run);
    if (head === undefined || hasEnded(head.status) || head.round !== task.round) return 'gone';
    if (head.fence > task.fence) return 'taken';
    const name = `${head.id}/${head.round}`;
    const inputs = this.#inputs.get(name) ?? new TaskInputs(store, head);
    this.#inputs.delete(name);
    this.#inputs.set(name, inputs);
    if (this.#inputs.size > runsKept) this.#inputs.delete(this.#inputs.keys().next().value!);
    return inputs;
  }
}

/** An end as it goes into the record of its task. */
function stored({ event, facts, output }: TrialEnd): TaskEnd {
  const saved = output && { output: { stored: output.stored } };
  if (event.type !== 'items-listed') return { event, facts, ...saved };
  const { known: _, ...listed } = event;
  return { event: listed, facts };
}
