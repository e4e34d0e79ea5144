import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { Schedule } from '../schedules/schedule.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { Keeper, type KeeperOptions, type PipelineKeeper, type WorkerMaker } from './keeper.ts';
import type { LaunchHost } from './launch.ts';

/** The schedules and triggers of a pipeline in this process, and who keeps them and the runs that wait going. */
export class Kept {
  readonly #host: LaunchHost;
  readonly #makers = new Map<string, WorkerMaker>();
  readonly #keepers = new Set<Keeper>();

  constructor(host: LaunchHost) {
    this.#host = host;
  }

  /** Adds a schedule, which is kept from the moment that it is made. */
  addSchedule(name: unknown, made: Promise<Schedule>): Promise<Schedule> {
    const host = this.#host;
    return this.#add('schedule', name, made, async ({ book, decide }, options, intervalMs) => {
      const { LaunchWorker } = await import('./launch-worker.ts');
      return new LaunchWorker({ host, book, decide, intervalMs, options, hints: false });
    });
  }

  /** Adds a trigger, which is kept from the moment that it is made. */
  addTrigger(name: unknown, made: Promise<Trigger>): Promise<Trigger> {
    const host = this.#host;
    return this.#add('trigger', name, made, async ({ book, decide }, options, intervalMs) => {
      const { LaunchWorker } = await import('./launch-worker.ts');
      return new LaunchWorker({ host, book, decide, intervalMs, options, hints: true });
    });
  }

  readonly #waits: WorkerMaker = async (options, intervalMs) => {
    const { WaitWorker } = await import('../waiting/wait-worker.ts');
    return new WaitWorker({ host: this.#host, intervalMs, options });
  };

  start(options: KeeperOptions): PipelineKeeper {
    const keeper = new Keeper(options, this.#host.onError, () => this.#keepers.delete(keeper));
    this.#keepers.add(keeper);
    for (const make of this.#makers.values()) keeper.add(make);
    keeper.add(this.#waits);
    return keeper;
  }

  async #add<T>(kind: string, name: unknown, made: Promise<T>, worker: (of: T, ...terms: Parameters<WorkerMaker>) => ReturnType<WorkerMaker>): Promise<T> {
    // What is no name is refused where the options are looked at.
    const key = `${kind} ${typeof name === 'string' ? name : ''}`;
    if (this.#makers.has(key)) {
      made.catch(() => undefined);
      throw new ValidationError(`Pipeline '${this.#host.pipeline}' has a ${kind} ${shown(name)} already; give each a name of its own.`, { path: 'options.name' });
    }
    const make: WorkerMaker = async (...terms) => worker(await made, ...terms);
    // Before it is made, so that a keeper which is started at once waits for it.
    this.#makers.set(key, make);
    for (const keeper of this.#keepers) keeper.add(make);
    try {
      return await made;
    } catch (error) {
      this.#makers.delete(key);
      throw error;
    }
  }
}
