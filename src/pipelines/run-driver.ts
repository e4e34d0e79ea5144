import type { FailureRecord } from '../core/failure.ts';
import type { Version } from '../storage/contract.ts';
import { attemptsHere, type AttemptMaker, type WorkListener } from './attempt-maker.ts';
import type { StepCache } from './caching/step-cache.ts';
import { cancellationOf, causeIn } from './cancelling/cancellation.ts';
import { RunStop } from './cancelling/run-stop.ts';
import type { Definition } from './definition.ts';
import type { Lease } from '../storage/lease.ts';
import { Outputs } from './outputs.ts';
import { tell, type PipelineEvent, type PipelineListener } from './pipeline-event.ts';
import { initialState, isAsking, isFinal, unbegun, type RunOutcome, type RunState, type StepState } from './run-state.ts';
import { RunExecutor, type ExecutorParts } from './run-executor.ts';
import type { RunHost } from './run-host.ts';
import { pipelineResult, type PipelineResult } from './run-result.ts';
import type { ParkedRun, RunHead, RunStore, StepRecord } from './run-store.ts';
import { stepResult } from './step-result.ts';
import { endLeftRuns } from './step-tracking.ts';
import type { AttemptFacts, RestoredItems } from './trial.ts';
import { trialTools } from './trial-tools.ts';
import { unitKey, type UnitName } from './units.ts';

/** Records of steps by name. */
export type StepRecords = ReadonlyMap<string, { readonly value: StepRecord; readonly version: Version }>;

/** A run that this process holds the lease of. */
export interface HeldRun {
  readonly head: RunHead;
  readonly definition: Definition;
  readonly lease: Lease;
  /** What earlier owners have recorded. */
  readonly records: StepRecords;
  readonly resumed: boolean;
}

/** How it is carried out. */
export interface DriveOptions {
  readonly signal?: AbortSignal | undefined;
  readonly concurrency?: number | undefined;
  readonly onEvent?: PipelineListener | undefined;
  /** Whether the run is let go of when nothing in it goes on until somebody has decided. @default true */
  readonly parks?: boolean | undefined;
}

/** Carries a run out and records its end, or that it waits for somebody. */
export async function driveRun(host: RunHost, run: HeldRun, options: DriveOptions): Promise<PipelineResult> {
  const stop = new RunStop(host, run.head, options.signal);
  try {
    return await driveUntil(stop.signal, host, run, options);
  } finally {
    await stop.end();
  }
}

async function driveUntil(stop: AbortSignal, host: RunHost, run: HeldRun, options: DriveOptions): Promise<PipelineResult> {
  const { head, definition, lease } = run;
  const { store, clock, onError } = host;
  const { onEvent } = options;
  const notify = onEvent && ((event: PipelineEvent): void => tell(onEvent, event, onError));
  const base = { run: head.id, pipeline: head.pipeline };
  await followedByChildren(host, run, stop);
  const outputs = new Outputs(store.storage);
  const restored = restore(run.records, run, outputs, wasDecided);
  const items = await restoreItems(store, run, outputs);
  const succeeded = [...restored.values()].filter(({ status }) => status === 'succeeded').length;
  notify?.({ ...base, type: 'run-started', at: clock.now(), resumed: run.resumed, steps: { total: definition.steps.size, succeeded } });
  const cache = await cacheFor(host, run);
  const watch = await watchFor(host, run);
  const board = host.executor && (await boardFor(host, host.executor, run));
  const { concurrency = 8, parks = true } = options;
  const state = await executorOf(host, run, { restored, items, outputs, cache, watch, board, concurrency, parks, notify }).execute(stop);
  const states = new Map(definition.plan.steps.map(({ name }, i) => [name, state.units.at(i)]));
  if (state.status === 'waiting') {
    const parked = await park(host, run, state, notify);
    if (parked.status === 'waiting') return resultOf(host, parked, definition, states, outputs);
    return driveRun(host, { ...run, head: parked, records: await store.steps(head.id, [...definition.steps.keys()]), resumed: true }, options);
  }
  const { tracker } = host;
  if (tracker && run.resumed) {
    const before = (unit: UnitName): boolean => (unit.index === undefined ? restored.get(unit.step) : items.get(unit.step)?.states.get(unit.index))?.status === 'succeeded';
    await endLeftRuns(tracker, head, state, before, onError);
  }
  const status = state.status as RunOutcome;
  const { failure } = state;
  const endedAt = clock.now();
  await store.noteEnd(head);
  const cause = status === 'cancelled' ? causeIn(stop.reason) : undefined;
  const cancelled = cause && { cancellation: { ...cause, at: endedAt, round: head.round } };
  const end = { ...host.event(head, status, { fence: lease.fence, ...(status === 'failed' && { failure: failure ?? culprit(definition, state) }) }), ...cause };
  // Who asked for it first is in the head already.
  const finished = await store.change(head.id, lease.fence, (present) => ({ ...present, ...(cancellationOf(present) ? {} : cancelled), status, endedAt, failure }), end);
  if (watch || cancellationOf(finished)) await store.forgetRound(head);
  notify?.({ ...base, type: 'run-finished', at: endedAt, status, durationMs: Math.max(0, endedAt - head.startedAt), failure });
  return resultOf(host, finished, definition, states, outputs);
}

/** Why a run failed that did not fail as a whole: the first of its steps that was not allowed to. The history keeps it when the step is tried again. */
function culprit({ plan }: Definition, { units }: RunState): FailureRecord | undefined {
  for (const [i, { name, allowFailure }] of plan.steps.entries()) {
    const { failure } = stepResult(name, units.at(i));
    if (failure && !allowFailure) return { ...failure, message: `Step '${name}' failed: ${failure.message}` };
  }
  return undefined;
}

/** Has the runs that steps of a run are cancelled with it. Those that are there before this process begins with it end first: nobody else would hear of what a process left that has died. */
async function followedByChildren({ store, onError }: RunHost, { head, definition, lease }: HeldRun, stop: AbortSignal): Promise<void> {
  if (definition.children.length === 0) return;
  const cancellation = cancellationOf(head);
  if (cancellation) {
    lease.startHeartbeat(onError);
    const { endChildren } = await import('./cancelling/child-runs.ts');
    return endChildren(store, head, definition, cancellation);
  }
  const cancel = async (): Promise<void> => {
    const cause = causeIn(stop.reason);
    // What only a signal has cancelled goes on when this process dies, and so must what it needs.
    if (cause === undefined) return;
    const { cancelChildren } = await import('./cancelling/child-runs.ts');
    await cancelChildren(store, head, definition, cause);
  };
  stop.addEventListener('abort', () => void cancel().catch(onError), { once: true });
}

/** Records that nothing in a run goes on until somebody has decided, or the time has; unless it is to be cancelled. */
async function park(host: RunHost, { head, definition, lease }: HeldRun, { units, timeout }: RunState, notify: ExecutorParts['notify']): Promise<RunHead> {
  const waits = definition.plan.steps.flatMap(({ name }, i) => (isAsking(units.at(i)) ? [{ name, until: units.at(i).wait!.until }] : []));
  const steps = waits.map(({ name }) => name);
  const ends = [...waits.map(({ until }) => until), timeout && timeout.since + timeout.limitMs].filter((at) => at !== undefined);
  const parked: ParkedRun = { steps, ...(ends.length > 0 && { until: Math.min(...ends) }) };
  const waiting = await host.store.change(head.id, lease.fence, (present) => (cancellationOf(present) ? undefined : { ...present, status: 'waiting', parked }), host.event(head, 'waiting', { fence: lease.fence, steps }));
  if (waiting.status === 'waiting') notify?.({ run: head.id, pipeline: head.pipeline, type: 'run-waiting', at: host.clock.now(), steps });
  return waiting;
}

/** Loads what watches the waits of a run in which a step may wait. */
async function watchFor({ store, clock, onError }: RunHost, { head, definition }: HeldRun): Promise<ExecutorParts['watch']> {
  if (![...definition.steps.values()].some(({ waits }) => waits)) return undefined;
  const { WaitWatch } = await import('./waiting/wait-watch.ts');
  return (over) => new WaitWatch({ run: head.id, round: head.round, store, clock, onError, over });
}

/** The result of a run that has succeeded before. */
export async function finishedRun(host: RunHost, head: RunHead, definition: Definition): Promise<PipelineResult> {
  const outputs = new Outputs(host.store.storage);
  const records = await host.store.steps(head.id, [...definition.steps.keys()]);
  const states = restore(records, { head, definition }, outputs, isFinal);
  await restoreItems(host.store, { head, records }, outputs);
  return resultOf(host, head, definition, states, outputs);
}

/** Loads the cache for a run in which a step asks for it. */
async function cacheFor({ store, clock, leaseMs, onError }: RunHost, { head, definition, lease }: HeldRun): Promise<StepCache | undefined> {
  if (![...definition.steps.values()].some(({ cache }) => cache)) return undefined;
  const { StepCache } = await import('./caching/step-cache.ts');
  return new StepCache(store, { run: head.id, params: head.params, refresh: head.refresh ?? [], holder: lease.fence, leaseMs, clock, onError });
}

/** Loads what has attempts made by other processes. */
async function boardFor({ store, clock, onError }: RunHost, executor: NonNullable<RunHost['executor']>, { head, definition, lease }: HeldRun): Promise<Begun['board']> {
  const { TaskBoard } = await import('./workers/task-board.ts');
  return (onWork) => new TaskBoard({ head, store, lease, definition: definition.digest, clock, executor: executor === 'workers' ? undefined : executor, onError, onWork });
}

/** What a run begins with in this process. */
interface Begun extends Pick<ExecutorParts, 'outputs' | 'cache' | 'watch' | 'notify'> {
  readonly parks: boolean;
  /** Given when attempts are made elsewhere. */
  readonly board: ((onWork: WorkListener) => AttemptMaker) | undefined;
  readonly restored: ReadonlyMap<string, StepState>;
  readonly items: ReadonlyMap<string, RestoredItems>;
  readonly concurrency: number;
}

function executorOf(
  host: RunHost,
  { head, definition, lease, records }: HeldRun,
  { restored, items, concurrency, parks, outputs, cache, watch, board, notify }: Begun,
): RunExecutor {
  const { store, clock, runTimeoutMs, slots } = host;
  // Filled one by one: a run may have ten thousand steps, and as many items.
  const versions = new Map<string, Version>();
  const facts = new Map<string, AttemptFacts>();
  for (const [step, { value, version }] of records) {
    const key = unitKey({ step });
    versions.set(key, version);
    facts.set(key, factsOf(value, head.round));
  }
  for (const each of items.values()) for (const [unit, version] of each.versions) versions.set(unit, version);
  const timeout = runTimeoutMs === undefined ? undefined : { limitMs: runTimeoutMs, since: head.roundStartedAt ?? head.startedAt };
  return new RunExecutor({
    head,
    definition,
    state: initialState(definition.plan, concurrency, restored, timeout, parks),
    versions,
    items,
    facts,
    store,
    lease,
    outputs,
    cache,
    watch,
    clock,
    attempts: board ?? ((onWork) => attemptsHere({ ...trialTools(host, head), outputs, cache, onWork })),
    slots,
    notify,
  });
}

function resultOf({ isOwn }: RunHost, head: RunHead, definition: Definition, states: ReadonlyMap<string, StepState>, outputs: Outputs): Promise<PipelineResult> {
  const steps = Object.fromEntries([...definition.steps.keys()].map((name) => [name, stepResult(name, states.get(name)!)]));
  return pipelineResult({ head, status: head.status as RunOutcome | 'waiting', steps, outputs, isOwn });
}

/** What of a record of the present round still holds when the run goes on: all else follows from that. */
function wasDecided(status: StepState['status']): boolean {
  return status === 'failed' || status === 'retrying' || status === 'skipped' || status === 'running' || status === 'waiting';
}

/** What records say: a success counts for ever, but that of a step that ends each round, and the rest only in the round that it happened in. */
function restore(records: StepRecords, { head, definition }: Pick<HeldRun, 'head' | 'definition'>, outputs: Outputs, holds: (status: StepState['status']) => boolean): Map<string, StepState> {
  const states = new Map<string, StepState>();
  for (const [name, { value }] of records) {
    const { status } = value;
    const lasting = status === 'succeeded' && !definition.steps.get(name)?.final;
    if (!lasting && (value.round !== head.round || !(status === 'succeeded' || holds(status)))) continue;
    states.set(name, stateOf(value));
    outputs.keep({ step: name }, value.output);
  }
  return states;
}

/** What records say of the items of steps; the outputs of those that count are kept. A step that goes on with its items looks at them anew when its turn comes. */
async function restoreItems(store: RunStore, { head, records }: Pick<HeldRun, 'head' | 'records'>, outputs: Outputs): Promise<Map<string, RestoredItems>> {
  const restored = new Map<string, RestoredItems>();
  for (const [step, { value: { list, items } }] of records) {
    if (list === undefined || items === undefined) continue;
    const states = new Map<number, StepState>();
    const versions = new Map<string, Version>();
    for (const [index, { value, version }] of await store.items(head.id, step, items.total)) {
      versions.set(unitKey({ step, index }), version);
      if (value.status !== 'succeeded' && !(value.round === head.round && wasDecided(value.status))) continue;
      states.set(index, stateOf(value));
      outputs.keep({ step, index }, value.output);
    }
    restored.set(step, { list, states, versions });
  }
  return restored;
}

/** What of a record goes into the next of its step: which items it has is recorded for ever. */
function factsOf({ round, without, lookup, list, held }: StepRecord, present: number): AttemptFacts {
  return round === present ? { without, lookup, list, held } : { list };
}

/** The state in a record, as it is gone on with. Which items a step has that has not ended is for its next attempt to tell. */
function stateOf({ status, attempts, failures, startedAt, endedAt, retryAt, wait, durationMs, failure, because, items, cache }: StepRecord): StepState {
  return unbegun({ status, attempts, failures, startedAt, endedAt, retryAt, wait, durationMs, failure, because, ...(items && isFinal(status) && { items }), cache });
}
