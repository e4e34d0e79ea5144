import { encode } from '../core/codec.ts';
import { newId } from '../core/ids.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LogPosition, ReadOptions, StorageAdapter, Version } from '../storage/contract.ts';
import { readValue } from '../storage/records.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import type { LoggedBatch } from './log-chunks.ts';

/** A batch with rows that were not due when it was read. */
export interface HeldBatch {
  /** Reading on from here meets it; absent at the beginning of the log. */
  readonly after?: LogPosition | undefined;
  /** Which it is; absent for all that come from there on. */
  readonly id?: string | undefined;
  /** The earliest event time that was not due. */
  readonly from: number;
}

/** How far the records of a view are made anew after a change of its layout. */
export interface RebuildState {
  readonly layout: string;
  /** How many versions of the view the layout serves. */
  readonly versions: number;
  /** That of the records which are made. */
  readonly generation: number;
  /** Event time up to which rows are wanted online. */
  readonly end: number;
  /** Entities whose hashes lie below it are done, of 2^32. */
  readonly done: number;
  /** The end of the log when it was first read; absent before. What lies behind it is read again afterwards, so all who make these records must have read as far. */
  readonly position?: LogPosition | undefined;
  readonly held?: readonly HeldBatch[] | undefined;
}

/** How far a view's log is online. */
export interface MaterializedState {
  readonly layout: string;
  /** How many versions of the view the layout serves: who knows of fewer works by definitions that are no longer in force. */
  readonly versions?: number | undefined;
  /** How often records were made anew: one of an earlier generation may lack rows, and one of a later is not to be touched. */
  readonly generation?: number | undefined;
  /** What lies before it in the log is online, up to `end`, but for what is held; absent while nothing is. */
  readonly position?: LogPosition | undefined;
  /** Event time up to which rows were wanted online; absent before the first materialization. */
  readonly end?: number | undefined;
  readonly held?: readonly HeldBatch[] | undefined;
  /** When a materialization was done last. */
  readonly at?: number | undefined;
  /** Whether calls have begun that have not ended. */
  readonly begun?: true | undefined;
  /** The call that wrote this. */
  readonly call?: string | undefined;
  readonly rebuild?: RebuildState | undefined;
}

const maxHeld = 100;

/** Where the state of a view is stored. */
function stateKey(current: CurrentView): Key {
  return `features/materialized/${escapeSegment(current.view.name)}/${current.epoch}`;
}

/** A state with the version at which it is stored. */
export interface StoredState {
  readonly value: MaterializedState | undefined;
  readonly version: Version | undefined;
}

/** The state as it is stored. */
export async function readState(storage: StorageAdapter, current: CurrentView, { signal, fresh }: ReadOptions): Promise<StoredState> {
  const found = await readValue<MaterializedState>(storage, stateKey(current), { signal, fresh });
  return { value: found?.value, version: found?.version };
}

/** Writes the next state unless someone else has written meanwhile, whose word is as good; resolves to what is stored then. */
export async function noteState(storage: StorageAdapter, current: CurrentView, before: StoredState, next: MaterializedState, options: OperationOptions): Promise<StoredState> {
  const key = stateKey(current);
  const condition = before.version === undefined ? 'absent' : { match: before.version };
  const [result] = await storage.write([{ kind: 'put', key, bytes: encode(next, key), condition, operationId: newId() }], { signal: options.signal });
  if (result?.ok) return { value: next, version: result.version };
  const found = await readValue<MaterializedState>(storage, key, { signal: options.signal, fresh: true });
  return { value: found?.value, version: found?.version };
}

/** Notes that the records of a view are to be made anew from its log, by whoever materializes next. */
export async function noteRebuild(storage: StorageAdapter, current: CurrentView, options: OperationOptions): Promise<void> {
  for (let state = await readState(storage, current, options); state.value !== undefined; ) {
    const next: MaterializedState = { ...state.value, layout: 'to be made anew', generation: latestGeneration(state.value), rebuild: undefined };
    state = await noteState(storage, current, state, next, options);
    if (state.value === next) return;
  }
}

/** The latest generation of which records may be. */
export function latestGeneration({ generation = 0, rebuild }: MaterializedState): number {
  return Math.max(generation, rebuild?.generation ?? 0);
}

/** Those of the batches that have rows later than `end`. */
export function heldOf(batches: readonly LoggedBatch[], end: number): HeldBatch[] {
  const held: HeldBatch[] = [];
  for (const { after, id, times } of batches) {
    let from = Infinity;
    for (const time of times) if (time > end && time < from) from = time;
    if (from < Infinity) held.push({ after, id, from });
  }
  return held;
}

/** Held batches one after the other; when they are many, the last stand for all that comes from there on. */
export function joinHeld(held: readonly HeldBatch[], more: readonly HeldBatch[]): readonly HeldBatch[] | undefined {
  const all = [...held, ...more];
  const open = all.findIndex(({ id }) => id === undefined);
  const last = open >= 0 ? open : maxHeld - 1;
  if (all.length === 0) return undefined;
  if (open < 0 && all.length <= maxHeld) return all;
  return [...all.slice(0, last), { after: all[last]!.after, from: all.slice(last).reduce((least, { from }) => Math.min(least, from), Infinity) }];
}
