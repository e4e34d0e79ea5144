import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Random } from '../core/random.ts';
import type { StorageAdapter, Version, WriteCondition } from './contract.ts';
import { readValue, type ValueRecord } from './records.ts';

/** A rewritable log, and what its users are given. */
export interface LogPlace {
  readonly storage: StorageAdapter;
  readonly key: Key;
  readonly clock: Clock;
  readonly random: Random;
}

/** How many entries of each writer a rewriting has seen. */
export type Seen = Readonly<Record<string, number>>;

/** A log that another one has taken the place of. */
export interface SupersededGeneration {
  readonly generation: string;
  /** The entries up to here were carried over, or left out on purpose. */
  readonly seen: Seen;
}

/** A rewriting under way. */
export interface Rewriting {
  /** The generation that it makes. */
  readonly generation: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Another number from time to time, as a sign of life. */
  readonly beat: number;
  /** Whether the last entries are being carried over: nothing that is appended now is sure of being seen. */
  readonly sealed: boolean;
}

/** Which log holds the entries of a log that was ever rewritten. */
export interface GenerationPointer {
  /** The generation that holds the entries; empty for the log of the key itself. */
  readonly current: string;
  /** How many entries the current generation began with. */
  readonly carried: number;
  /** The generations before, the latest first; those of long ago are left out. */
  readonly superseded: readonly SupersededGeneration[];
  readonly rewriting?: Rewriting | undefined;
}

/** The pointer of a log that was never rewritten. */
export const firstGeneration: GenerationPointer = { current: '', carried: 0, superseded: [] };

// Below the log itself, so that what concerns its prefix concerns these too; no name of a caller's can become a segment like this one.
const suffix = '/_generations';

/** Key of the record that says which generation of a log is the current one. */
export function pointerKey(log: Key): Key {
  return log + suffix;
}

/** Key of the log that holds a generation. */
export function generationKey(log: Key, generation: string): Key {
  return generation === '' ? log : `${log}${suffix}/${generation}`;
}

/** The log that a pointer belongs to, or `undefined` when the key is no pointer's. */
export function logOfPointer(key: Key): Key | undefined {
  return key.length > suffix.length && key.endsWith(suffix) ? key.slice(0, -suffix.length) : undefined;
}

/** What log and generation a key of a log stands for. */
export function generationOf(key: Key): { readonly log: Key; readonly generation: string } {
  const at = key.lastIndexOf(`${suffix}/`);
  const generation = key.slice(at + suffix.length + 1);
  return at <= 0 || generation.includes('/') ? { log: key, generation: '' } : { log: key.slice(0, at), generation };
}

/** The pointer of a log as it is stored, or `undefined` when it was never rewritten. */
export function readPointer(storage: StorageAdapter, log: Key, options: OperationOptions): Promise<ValueRecord<GenerationPointer> | undefined> {
  return readValue<GenerationPointer>(storage, pointerKey(log), { ...options, fresh: true });
}

/** Writes a pointer if nobody has changed it since; `undefined` when somebody has. */
export async function writePointer(
  storage: StorageAdapter,
  log: Key,
  pointer: GenerationPointer,
  before: Version | undefined,
  options: OperationOptions,
): Promise<Version | undefined> {
  const condition: WriteCondition = before === undefined ? 'absent' : { match: before };
  const key = pointerKey(log);
  const [result] = await storage.write([{ kind: 'put', key, bytes: encode(pointer, key), condition, operationId: newId() }], options);
  return result?.ok ? result.version : undefined;
}
