import { backoffMs } from '../../core/backoff.ts';
import { sleep, type Clock, type Undo } from '../../core/clock.ts';
import type { Digest } from '../../core/digest.ts';
import { ModelkeepError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { LookLoop, type Look } from '../../core/look-loop.ts';
import { systemRandom } from '../../core/random.ts';
import type { Version } from '../../storage/contract.ts';
import type { AttemptMaker, WorkListener } from '../attempt-maker.ts';
import { recordedItems } from '../item-list.ts';
import type { Lease } from '../../storage/lease.ts';
import { packOutput } from '../output-codec.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import { describeStepFailure } from '../step-failure.ts';
import { storeOutput } from '../stored-output.ts';
import type { TrialEnd, TrialSubject } from '../trial.ts';
import { unitName, type UnitName } from '../units.ts';
import { Pace } from './pace.ts';
import type { StepExecutor, StepTask } from './step-executor.ts';
import { isClaimed, isOf, isOver, stopOf, type TaskEnd, type TaskRecord } from './task-record.ts';
import { TaskStore, type FoundTask } from './task-store.ts';

/** What the tasks of a run are offered with. */
export interface BoardParts {
  readonly head: RunHead;
  readonly store: RunStore;
  readonly lease: Lease;
  /** Of the definition of the pipeline. */
  readonly definition: Digest;
  readonly clock: Clock;
  /** Brings tasks to others; absent when they look for them in the store. */
  readonly executor: StepExecutor | undefined;
  readonly onError: ErrorListener;
  readonly onWork: WorkListener;
}

/** A task that the run waits for. */
interface Awaited {
  readonly task: StepTask;
  readonly subject: TrialSubject;
  readonly resolve: (end: TrialEnd) => void;
  readonly reject: (error: unknown) => void;
  /** Fires when it is waited for no longer. */
  readonly over: AbortController;
  /** Whether it was told that its work has begun. */
  working: boolean;
}

const backoff = { initialMs: 1_000, maxMs: 60_000 };
const longestPauseMs = 1_000;
const idleMs = 60_000;

/** Has the attempts of a run made by other processes: offers each as a task in the store, and looks there for what it came to. Claims and ends go by compare-and-swap of that one record, so that of several who make it only one is heard. */
export class TaskBoard implements AttemptMaker {
  readonly #parts: BoardParts;
  readonly #tasks: TaskStore;
  readonly #awaited = new Map<Key, Awaited>();
  /** Tasks whose end was told, at the version that had it. */
  readonly #told = new Map<Key, Version>();
  readonly #deleting = new Set<Promise<void>>();
  readonly #loop: LookLoop;
  readonly #pace: Pace;
  #unhook: Undo | undefined;
  #stopped = false;

  constructor(parts: BoardParts) {
    const { clock, onError, store } = parts;
    this.#parts = parts;
    this.#tasks = new TaskStore(store);
    this.#pace = new Pace(longestPauseMs, systemRandom);
    this.#loop = new LookLoop({ clock, random: systemRandom, look: () => this.#look(), onError, backoff, keepAlive: true, closed });
  }

  async make(subject: TrialSubject): Promise<TrialEnd> {
    const { stop } = subject;
    if (stop.stopped) return this.#stoppedEnd(subject);
    const task = this.#taskOf(subject);
    const key = this.#tasks.key(task.run, task);
    await this.#offer(key, task, subject);
    if (this.#stopped) throw closed();
    return new Promise((resolve, reject) => {
      const awaited: Awaited = { task, subject, resolve, reject, over: new AbortController(), working: false };
      this.#awaited.set(key, awaited);
      stop.onStop(() => this.#loop.wakeNow());
      this.#begin();
      void this.#bring(awaited);
    });
  }

  recorded(unit: UnitName): void {
    const key = this.#tasks.key(this.#parts.head.id, unit);
    const version = this.#told.get(key);
    if (version === undefined) return;
    this.#told.delete(key);
    const deleting: Promise<void> = this.#tasks.delete([{ key, version }]).catch(this.#parts.onError).finally(() => this.#deleting.delete(deleting));
    this.#deleting.add(deleting);
  }

  /** @param over - Whether nobody will want to know of the tasks of the run; else whoever goes on with it takes them up. */
  async stop(over: boolean): Promise<void> {
    this.#stopped = true;
    this.#unhook?.();
    await this.#loop.stop();
    for (const [key, { reject }] of this.#awaited) {
      this.#forget(key);
      reject(closed());
    }
    await Promise.all(this.#deleting);
    if (!over) return;
    try {
      const keys = await this.#tasks.keys(this.#parts.head.id);
      await this.#tasks.delete(keys.map((key) => ({ key })));
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  #begin(): void {
    this.#pace.quicken();
    if (this.#unhook) return this.#loop.wake();
    this.#unhook = this.#parts.store.storage.onChange?.(() => this.#loop.wake()) ?? ((): void => undefined);
    this.#loop.start();
  }

  /** Puts a task up, or takes up what an earlier owner of the run had put up for the same attempt: whoever makes it goes on. */
  async #offer(key: Key, task: StepTask, { definition: { priority }, states }: TrialSubject): Promise<void> {
    const { lease, definition, clock, store } = this.#parts;
    const packed = await storeOutput(store.storage, packOutput(states));
    const { pipeline: _, ...names } = task;
    for (;;) {
      const found = await this.#tasks.read(key);
      if (found && found.value.fence > lease.fence) throw await lease.loss();
      const isSame = found !== undefined && isOf(found.value, task) && found.value.definition === definition && found.value.stop === undefined && found.value.fault === undefined;
      const offered: TaskRecord = isSame
        ? { ...found.value, fence: lease.fence }
        : { ...names, definition, fence: lease.fence, offeredAt: clock.now(), priority, states: packed, claims: found?.value.claims ?? 0 };
      if (await this.#tasks.put(key, offered, found?.version)) return;
    }
  }

  /** Has the executor bring a task until it is over. */
  async #bring({ task, over: { signal } }: Awaited): Promise<void> {
    const { executor, clock, onError } = this.#parts;
    if (executor === undefined) return;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        await executor.execute(task, signal);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
      if (signal.aborted) return;
      this.#loop.wakeNow();
      await sleep(clock, backoffMs(tries, backoff, systemRandom), signal).catch(() => undefined);
    }
  }

  async #look(): Promise<Look> {
    const keys = [...this.#awaited.keys()];
    const found = await this.#tasks.readAll(keys);
    let changed = false;
    for (const [i, key] of keys.entries()) {
      const awaited = this.#awaited.get(key);
      if (awaited && (await this.#follow(key, awaited, found[i]))) changed = true;
    }
    if (this.#awaited.size === 0) return { waitMs: idleMs, settled: true };
    if (changed) this.#pace.quicken();
    return { waitMs: this.#pace.next(), settled: false };
  }

  /** Does what one task's record asks for, and tells whether it had come further. */
  async #follow(key: Key, awaited: Awaited, found: FoundTask | undefined): Promise<boolean> {
    const { lease, onWork } = this.#parts;
    const { task, subject } = awaited;
    if (found === undefined || !isOf(found.value, task) || found.value.fence > lease.fence) return this.#replace(key, awaited);
    const begins = !awaited.working && (found.value.claim?.working ?? false);
    if (begins) {
      awaited.working = true;
      onWork(unitName(task), task.attempt);
    }
    if (isOver(found.value)) return this.#tell(key, awaited, found);
    if (subject.stop.stopped) return this.#callOff(key, awaited, found);
    return begins;
  }

  /** Puts a task up again that is not there, as in a store that was set back; unless it is a later owner of the run who has taken it away. */
  async #replace(key: Key, { task, subject, reject }: Awaited): Promise<boolean> {
    const { store, lease } = this.#parts;
    const head = await store.head(task.run);
    if (head !== undefined && head.fence <= lease.fence) {
      await this.#offer(key, task, subject);
      return true;
    }
    this.#forget(key);
    reject(await lease.loss());
    return true;
  }

  async #tell(key: Key, { subject, resolve, reject }: Awaited, { value: { end, fault }, version }: FoundTask): Promise<boolean> {
    try {
      if (fault) throw new ModelkeepError('integrity', fault.message, { key });
      const trialEnd = await this.#endOf(end!, subject);
      this.#told.set(key, version);
      resolve(trialEnd);
    } catch (error) {
      reject(error);
    }
    this.#forget(key);
    return true;
  }

  /** Has whoever makes an attempt stop it; one that nobody makes, or whose maker is gone, is over. */
  async #callOff(key: Key, { subject, resolve }: Awaited, { value, version }: FoundTask): Promise<boolean> {
    const stop = stopOf(subject.stop.reason);
    if (isClaimed(value, this.#parts.clock.now())) {
      if (value.stop) return false;
      await this.#tasks.put(key, { ...value, stop }, version);
      return true;
    }
    const end = this.#stoppedEnd(subject);
    const ended = await this.#tasks.put(key, { ...value, stop, claim: undefined, end: { event: end.event, facts: end.facts } }, version);
    if (ended === undefined) return true;
    this.#told.set(key, ended);
    this.#forget(key);
    resolve(end);
    return true;
  }

  /** The end as the run takes it: by its own clock, and with what it knows of items. */
  async #endOf({ event, facts, output }: TaskEnd, { definition: { handle: { name } }, restored }: TrialSubject): Promise<TrialEnd> {
    const { clock, store } = this.#parts;
    const at = clock.now();
    if (event.type !== 'items-listed') return { event: { ...event, at }, facts, output: output && { stored: output.stored } };
    return { event: { ...event, at, known: restored?.states }, facts, items: await recordedItems(store.storage, name, facts.list!) };
  }

  #stoppedEnd({ definition: { handle: { name: step } }, item, attempt, stop }: TrialSubject): TrialEnd {
    const failure = describeStepFailure(stop.reason);
    return { event: { type: 'attempt-failed', at: this.#parts.clock.now(), ...unitName({ step, index: item?.index }), attempt, durationMs: 0, failure, retryable: false, chance: 0 }, facts: {} };
  }

  #taskOf({ definition: { handle }, item, attempt }: TrialSubject): StepTask {
    const { head } = this.#parts;
    return { pipeline: handle.pipeline, run: head.id, round: head.round, ...unitName({ step: handle.name, index: item?.index }), attempt };
  }

  #forget(key: Key): void {
    this.#awaited.get(key)?.over.abort();
    this.#awaited.delete(key);
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The run is not worked on here any more.', {});
}
