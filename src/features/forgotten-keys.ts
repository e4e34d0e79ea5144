import { utf8 } from '../core/bytes.ts';
import { digestOf } from '../core/digest.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readValue } from '../storage/records.ts';
import { update } from '../storage/update.ts';

/** What is noted of an entity that was forgotten. */
interface ForgottenKey {
  /** The number of the note with which it was forgotten last. */
  readonly forgotten: number;
  /** The number of the last note that tells of it: with that one, or after its rows were taken out somewhere. */
  readonly noted: number;
  /** The moment of that, epoch milliseconds. */
  readonly at: number;
}

interface ForgottenState {
  /** How many notes there were. */
  readonly count: number;
  /** By a digest of the key. */
  readonly keys: Readonly<Record<string, ForgottenKey>>;
}

/** Before notes were numbered, the moments alone were stored. */
type StoredState = ForgottenState | Readonly<Record<string, number>>;

/** Whether an entity is among those that are asked for. */
export type HasKey = (key: string) => boolean;

const none: ForgottenState = { count: 0, keys: {} };

/**
 * Which entities of a view were forgotten, by a digest of their keys. Notes are numbered, and who keeps to two rules needs no clock to keep forgotten rows from coming back:
 *
 * - Whoever forgets notes it *before* and *after* he takes rows out of the log, and takes them out of what is made of the log after that second note.
 * - Whoever writes rows hears the number of the last note *before* he reads them, from the log or from a caller, and asks *after* his last write which notes have come since; of these entities he takes out what he wrote.
 *
 * So either the writer asks after the note, and takes out; or he wrote before the note, and who made it takes out. And who hears the second note before he reads the log finds nothing of them there.
 */
export class ForgottenKeys {
  readonly #storage: StorageAdapter;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  /** Notes that entities are forgotten: of batches from before, nothing of them counts. */
  async forget(view: string, keys: readonly string[], at: number, options: OperationOptions): Promise<void> {
    await this.#note(view, keys, (noted) => ({ forgotten: noted, noted, at }), options);
  }

  /** Notes that rows of entities were taken out: what others still hold or make of them must be looked at again. */
  async takenOut(view: string, keys: readonly string[], at: number, options: OperationOptions): Promise<void> {
    await this.#note(view, keys, (noted, before) => ({ forgotten: before?.forgotten ?? 0, noted, at }), options);
  }

  /** The number of the last note. */
  async heard(view: string, options: OperationOptions): Promise<number> {
    return (await this.#read(view, options)).count;
  }

  /** Which entities were forgotten after a note, and the number of the last; `undefined` when there are none. */
  async forgottenAfter(view: string, heard: number, options: OperationOptions): Promise<{ readonly heard: number; readonly has: HasKey | undefined }> {
    const state = await this.#read(view, options);
    return { heard: state.count, has: among(view, state, ({ forgotten }) => forgotten > heard) };
  }

  /** Of which entities notes tell that came after one; `undefined` when there are none. */
  async notedAfter(view: string, heard: number, options: OperationOptions): Promise<HasKey | undefined> {
    return among(view, await this.#read(view, options), ({ noted }) => noted > heard);
  }

  /** Which entities were forgotten at `since` or later, and when rows of them were taken out last; `undefined` when there are none. */
  async since(view: string, since: number, options: OperationOptions): Promise<((key: string) => number | undefined) | undefined> {
    const { keys } = await this.#read(view, options);
    if (!Object.values(keys).some(({ at }) => at >= since)) return undefined;
    return (key) => {
      const at = keys[nameOf(view, key)]?.at;
      return at !== undefined && at >= since ? at : undefined;
    };
  }

  async #note(view: string, keys: readonly string[], next: (noted: number, before: ForgottenKey | undefined) => ForgottenKey, options: OperationOptions): Promise<void> {
    const names = keys.map((key) => nameOf(view, key));
    const noted = ({ count, keys: present }: ForgottenState): ForgottenState => ({ count: count + 1, keys: { ...present, ...Object.fromEntries(names.map((name) => [name, next(count + 1, present[name])])) } });
    await update<StoredState>(this.#storage, recordKey(view), (present) => noted(stateOf(present)), options);
  }

  async #read(view: string, options: OperationOptions): Promise<ForgottenState> {
    return stateOf((await readValue<StoredState>(this.#storage, recordKey(view), { ...options, fresh: true }))?.value);
  }
}

function among(view: string, { keys }: ForgottenState, isDue: (key: ForgottenKey) => boolean): HasKey | undefined {
  const due = new Set(Object.entries(keys).flatMap(([name, key]) => (isDue(key) ? [name] : [])));
  return due.size === 0 ? undefined : (key) => due.has(nameOf(view, key));
}

/** What is stored; of a store from before notes were numbered, their keys came as if before the first. */
function stateOf(stored: StoredState | undefined): ForgottenState {
  if (stored === undefined) return none;
  if (isNumbered(stored)) return stored;
  return { count: 0, keys: Object.fromEntries(Object.entries(stored).map(([name, at]) => [name, { forgotten: 0, noted: 0, at }])) };
}

function isNumbered(stored: StoredState): stored is ForgottenState {
  return typeof stored['keys'] === 'object';
}

function recordKey(view: string): Key {
  return `features/forgotten/${escapeSegment(view)}`;
}

function nameOf(view: string, key: string): string {
  return digestOf(utf8(`${view}/${key}`)).slice('sha256:'.length);
}
