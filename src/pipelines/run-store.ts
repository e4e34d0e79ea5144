import type { AuditEvent, NewAuditEvent } from '../core/audit.ts';
import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import type { FailureRecord } from '../core/failure.ts';
import { isId, newId } from '../core/ids.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import { shown } from '../core/shown.ts';
import type { PutOperation, StorageAdapter, Version } from '../storage/contract.ts';
import { changeHead, readEachHead, readHead, readHeads, readHeadUnless, readHistory, type HeadChange, type HeadLocation, type HeadState } from '../storage/head-record.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { readEach } from '../storage/read-each.ts';
import { listAll, readValue, readValues, writeValue, type ValueRecord } from '../storage/records.ts';
import { cancellationOf, type CancelCause, type CancellableRun, type RunCancellation } from './cancelling/cancellation.ts';
import type { StepShape } from './definition.ts';
import type { RunCause } from './launching/run-cause.ts';
import type { LeaseRecord } from '../storage/lease.ts';
import { hasEnded, type RunStatus, type StepState } from './run-state.ts';
import type { DataInterval } from './schedules/data-interval.ts';
import { startNote, startNotes } from './start-note.ts';
import { blobsOf, contentsOf, type StoredOutput } from './stored-output.ts';
import type { AttemptFacts } from './trial.ts';
import { unitSegments, type UnitName } from './units.ts';
import { decidedBefore, decisionOf, type DecidedRun, type Decision } from './waiting/decision.ts';

/** What a run waits for in which nothing goes on. */
export interface ParkedRun {
  /** The steps that are to be decided about. */
  readonly steps: readonly string[];
  /** When it goes on though nobody has decided, epoch milliseconds; absent when it does not. */
  readonly until?: number | undefined;
}

/** The head record of a run. */
export interface RunHead extends DecidedRun, CancellableRun {
  readonly id: string;
  readonly pipeline: string;
  readonly status: RunStatus;
  /** What nothing goes on without, while the status is `waiting`. */
  readonly parked?: ParkedRun | undefined;
  /** The graph that the run was started with. */
  readonly definition: readonly StepShape[];
  /** What the schema made of the params; absent when there are none. */
  readonly params?: unknown;
  /** Absent in runs of before it was recorded. */
  readonly triggeredBy?: RunCause | undefined;
  /** The time whose data a scheduled run is about. */
  readonly interval?: DataInterval | undefined;
  /** The steps, or all, that make their outputs anew though the cache may have them; absent for none. */
  readonly refresh?: true | readonly string[] | undefined;
  /** The fence of the last owner. */
  readonly fence: number;
  /** Counted from 1; each resumption of a finished run begins another, in which what failed in an earlier one is tried again. */
  readonly round: number;
  readonly startedAt: number;
  /** When the round began; absent in the first, which the run began with. */
  readonly roundStartedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  /** Why the run as a whole failed, if that is no step's failure. */
  readonly failure?: FailureRecord | undefined;
}

/** What became of a step: written once per committed attempt, under the step's name, and when a step begins whose time is bounded as a whole. */
export interface StepRecord extends StepState, AttemptFacts {
  readonly step: string;
  readonly round: number;
  readonly fence: number;
  readonly output?: StoredOutput | undefined;
  /** The number of the item that it is of; absent for a step itself. */
  readonly index?: number | undefined;
}

/** The record of a unit. Each field by itself and in the order in which they are written: it is made for every step, and neither spread nor sorted. */
export function stepRecord(
  { attempts, because, cache, durationMs, endedAt, failure, failures, items, retryAt, startedAt, status, wait }: StepState,
  { step, index }: UnitName,
  { fence, output, round }: Pick<StepRecord, 'fence' | 'output' | 'round'>,
  { held, list, lookup, without }: AttemptFacts = {},
): StepRecord {
  const record: { [Field in keyof Required<StepRecord>]: StepRecord[Field] } = {
    attempts, because, cache, durationMs, endedAt, failure, failures, fence, held, index, items, list, lookup, output, retryAt, round, startedAt, status, step, wait, without,
  };
  return record;
}

/** Where the runs of one pipeline are: heads with their history, step records, and leases, each under a prefix of its own. */
export class RunStore {
  readonly storage: StorageAdapter;
  readonly pipeline: string;
  /** All keys of the pipeline begin with it and a slash. */
  readonly root: Key;
  readonly #clock: Clock;
  readonly #writer: string = newId();
  #commits = 0;

  constructor(storage: StorageAdapter, pipeline: string, clock: Clock) {
    this.storage = storage;
    this.pipeline = pipeline;
    this.root = `pipelines/${escapeSegment(pipeline)}`;
    this.#clock = clock;
  }

  leaseKey(run: string): Key {
    return `${this.root}/leases/${run}`;
  }

  /** The record of a step of a run, or of an item of one. */
  stepKey(run: string, unit: UnitName): Key {
    return `${this.root}/steps/${run}/${unitSegments(unit)}`;
  }

  /** The log of what a step of a run said, or an item of one. */
  logKey(run: string, unit: UnitName): Key {
    return `${this.root}/logs/${run}/${unitSegments(unit)}`;
  }

  /** What a step of a run, or an item of one, last said of how far it is. */
  heartbeatKey(run: string, unit: UnitName): Key {
    return `${this.root}/heartbeats/${run}/${unitSegments(unit)}`;
  }

  /** Where an attempt at a step of a run, or at an item of one, waits for who makes it. */
  taskKey(run: string, unit: UnitName): Key {
    return `${this.root}/tasks/${run}/${unitSegments(unit)}`;
  }

  /** Where it is noted when a run began, without which there is no run. */
  startKey(run: { readonly id: string; readonly startedAt: number }): Key {
    return `${this.root}/${startNotes}${startNote(run)}`;
  }

  /** Records a run; throws `ConflictError` when there is one of that id. */
  async create(head: RunHead, event: NewAuditEvent): Promise<void> {
    const { id, triggeredBy, startedAt: at } = head;
    // Before the run: where it is cut off, the run is begun anew under the same id, the edge is the same, and a note of another time is passed over.
    const edges: LineageEdge[] = triggeredBy?.kind === 'trigger' ? [{ from: { kind: 'pipeline-run', id }, relation: 'triggeredBy', to: triggeredBy.ref, at }] : [];
    await this.storage.write([{ kind: 'put', key: this.startKey(head), bytes: encode(null) }, ...lineageOperations(edges)]);
    await changeHead<RunHead>(this.#head(head.id), (present) => {
      if (present) throw new ConflictError(`Run ${head.id} was begun by another process.`, { key: this.#head(head.id).key });
      return { state: head, events: [event] };
    });
  }

  async head(run: string, options?: OperationOptions): Promise<RunHead | undefined> {
    return isId(run) ? readHead<RunHead>(this.#head(run), options) : undefined;
  }

  /** The head of a run that there must be. */
  async presentHead(run: string, options?: OperationOptions): Promise<RunHead> {
    const head = await this.head(run, options);
    if (head) return head;
    throw new NotFoundError(`Pipeline '${this.pipeline}' has no run ${shown(run)}; runs() lists those that there are.`, { key: String(run) });
  }

  async heads(runs: readonly string[], options?: OperationOptions): Promise<(RunHead | undefined)[]> {
    return readHeads<RunHead>(this.storage, runs.map((run) => this.#head(run).key), options);
  }

  /** The heads of runs, in that order, or why one cannot be read; `undefined` where there is none. */
  async eachHead(runs: readonly string[], options?: OperationOptions): Promise<(HeadState<RunHead> | { readonly error: unknown } | undefined)[]> {
    return readEachHead<RunHead>(this.storage, runs.map((run) => this.#head(run).key), options);
  }

  /** The head with its version, or the version alone when it still is the one that is `known`. */
  async headSince(run: string, known: Version | undefined, options?: OperationOptions): Promise<{ readonly version: Version; readonly head?: RunHead | undefined } | undefined> {
    const found = await readHeadUnless<RunHead>(this.#head(run), known, options);
    return found && { version: found.version, head: found.state };
  }

  /** Changes a head, unless it has succeeded or `change` has nothing to change, on behalf of the owner with `fence`; throws `ConflictError` when an owner with a larger one was there. */
  async change(run: string, fence: number, change: (head: RunHead) => RunHead | undefined, event: NewAuditEvent): Promise<RunHead> {
    const { state } = await changeHead<RunHead>(this.#head(run), (head) => {
      if (head === undefined || head.fence > fence) {
        throw new ConflictError(`Run ${run} was taken over by another process; what was committed stays.`, { key: this.#head(run).key });
      }
      const changed = head.status === 'succeeded' ? undefined : change(head);
      return changed && { state: changed, events: [event] };
    });
    return state!;
  }

  /** Records what was decided about a step; throws `ConflictError`, naming who, when that was decided before, or the run is another by now. */
  async decide(run: string, step: string, decision: Decision, options?: OperationOptions): Promise<RunHead> {
    const { verdict: type, by, comment: reason, output } = decision;
    const subject = { kind: 'pipeline-run' as const, id: run };
    const change = (head: RunHead | undefined): HeadChange<RunHead> => {
      const before = head && decisionOf(head, step);
      if (before) throw decidedBefore(run, step, before);
      if (head === undefined || head.round !== decision.round || hasEnded(head.status)) throw new ConflictError(`Step '${step}' of run ${run} does not wait any more: the run is ${head?.status ?? 'gone'}.`, { key: run, step, status: head?.status });
      return { state: { ...head, decisions: { ...head.decisions, [step]: decision } }, events: [{ type, by, reason, subject, data: { step, pipeline: head.pipeline, ...(output && { output: contentsOf(output) }) } }] };
    };
    return (await changeHead<RunHead>(this.#head(run), change, options)).state!;
  }

  /** Records that the present round of a run is to be cancelled, unless that is recorded; throws `ConflictError` when it has ended otherwise. */
  async requestCancel(run: string, cause: CancelCause, options?: OperationOptions): Promise<RunHead> {
    const change = (head: RunHead | undefined): HeadChange<RunHead> | undefined => {
      if (head === undefined) throw new ConflictError(`Run ${run} of pipeline '${this.pipeline}' is gone; there is nothing to cancel.`, { key: run });
      const { pipeline, round, status } = head;
      if (cancellationOf(head) && (status === 'cancelled' || !hasEnded(status))) return undefined;
      if (hasEnded(status)) throw new ConflictError(`Run ${run} of pipeline '${pipeline}' cannot be cancelled, for it has ended: it is ${status}. What it has put out stays.`, { key: run, status });
      const cancellation: RunCancellation = { ...cause, at: this.#clock.now(), round };
      return { state: { ...head, cancellation }, events: [{ type: 'cancel-requested', ...cause, subject: { kind: 'pipeline-run', id: run }, data: { pipeline, round } }] };
    };
    return (await changeHead<RunHead>(this.#head(run), change, options)).state!;
  }

  /** Where it is noted that a run waits for somebody, or is to be cancelled: it then is for whoever keeps the pipeline to go on with. */
  waitingKey(run: string): Key {
    return `${this.root}/waiting/${run}`;
  }

  async noteWaiting({ id, round }: Pick<RunHead, 'id' | 'round'>): Promise<void> {
    await writeValue(this.storage, this.waitingKey(id), { round });
  }

  /** Of which round that note is, if there is one. */
  async waitingNote(run: string): Promise<number | undefined> {
    return (await readValue<{ readonly round: number }>(this.storage, this.waitingKey(run)))?.value.round;
  }

  /** Takes the note of a round away that has ended, or of one before it: whoever resumes the run may have left another. */
  async forgetRound({ id, round }: Pick<RunHead, 'id' | 'round'>): Promise<void> {
    const note = await readValue<{ readonly round: number }>(this.storage, this.waitingKey(id));
    if (note && note.value.round <= round) await this.forgetWaiting(id, note.version);
  }

  /** Takes the note away, unless it is another by now. */
  async forgetWaiting(run: string, version: Version): Promise<void> {
    await this.storage.write([{ kind: 'delete', key: this.waitingKey(run), condition: { match: version }, operationId: newId() }]);
  }

  /** The runs of which it is noted that they wait, oldest first. */
  async *waitingRuns(after: string | undefined, options?: OperationOptions): AsyncGenerator<{ readonly run: string; readonly version: Version }> {
    const prefix = `${this.root}/waiting/`;
    for await (const { key, version } of listAll(this.storage, { prefix, after: after === undefined ? undefined : prefix + after }, options)) yield { run: key.slice(prefix.length), version };
  }

  /** Notes that a run is about to end. Before it has, so that no end is without a note; who reads it looks whether it came to that. */
  async noteEnd({ id, round }: Pick<RunHead, 'id' | 'round'>): Promise<void> {
    await this.storage.append(this.endsKey, [encode({ run: id, round })]);
  }

  get endsKey(): Key {
    return `${this.root}/ends`;
  }

  async history(run: string, options?: OperationOptions): Promise<AuditEvent[]> {
    return readHistory(this.#head(run), options);
  }

  /** The records of the steps of a run, by name; steps without one are left out. */
  async steps(run: string, names: readonly string[], options?: OperationOptions): Promise<Map<string, ValueRecord<StepRecord>>> {
    const records = await readValues<StepRecord>(this.storage, names.map((step) => this.stepKey(run, { step })), options);
    return new Map(names.flatMap((name, i) => (records[i] ? [[name, records[i]] as const] : [])));
  }

  /** The record of a step, or of an item of one. */
  async step(run: string, unit: UnitName): Promise<ValueRecord<StepRecord> | undefined> {
    return readValue<StepRecord>(this.storage, this.stepKey(run, unit));
  }

  /** The records of the items of a step, by index; items without one are left out. */
  async items(run: string, step: string, count: number, options?: OperationOptions): Promise<Map<number, ValueRecord<StepRecord>>> {
    const found = new Map<number, ValueRecord<StepRecord>>();
    for (let from = 0; from < count; from += itemsAtOnce) {
      const keys = Array.from({ length: Math.min(itemsAtOnce, count - from) }, (_, i) => this.stepKey(run, { step, index: from + i }));
      const records = await readValues<StepRecord>(this.storage, keys, options);
      for (const [i, record] of records.entries()) if (record) found.set(from + i, record);
    }
    return found;
  }

  /** The write that commits a step, over the version that is known of its record. */
  commit(run: string, record: StepRecord, version: Version | undefined): PutOperation {
    const key = this.stepKey(run, record);
    const blobs = blobsOf([record.output, record.list, record.held]);
    return { kind: 'put', key, bytes: encode(record, key), blobs, condition: version === undefined ? 'absent' : { match: version }, operationId: `${this.#writer}.${this.#commits++}` };
  }

  async leases(runs: readonly string[], options?: OperationOptions): Promise<(LeaseRecord | undefined)[]> {
    const leases = await readValues<LeaseRecord>(this.storage, runs.map((run) => this.leaseKey(run)), options);
    return leases.map((lease) => lease?.value);
  }

  /** The leases of runs, in that order; one that cannot be read is nobody's. */
  async eachLease(runs: readonly string[], options: OperationOptions = {}): Promise<(LeaseRecord | undefined)[]> {
    const leases = await readEach<LeaseRecord>(this.storage, runs.map((run) => this.leaseKey(run)), options);
    return leases.map((lease) => (lease && 'value' in lease ? lease.value : undefined));
  }

  /** Ids of all runs, oldest first. */
  async runIds(options?: OperationOptions): Promise<string[]> {
    const prefix = `${this.root}/runs/`;
    const ids: string[] = [];
    for await (const { key } of listAll(this.storage, { prefix }, options)) ids.push(key.slice(prefix.length));
    return ids;
  }

  #head(run: string): HeadLocation & { key: Key } {
    return { storage: this.storage, key: `${this.root}/runs/${run}`, clock: this.#clock, blobs: ({ decisions = {} }: RunHead) => blobsOf(Object.values(decisions).map(({ output }) => output)) };
  }
}

// What one answer of a store can hold.
const itemsAtOnce = 1000;
