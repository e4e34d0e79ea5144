import type { Digest } from '../core/digest.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter, Version } from './contract.ts';
import { listAll, readValue } from './records.ts';
import { update } from './update.ts';

/** Under which keys the notes lie. No name of a caller's can become a segment like this one. */
export const garbagePrefix = '_garbage/';

const clockKey: Key = `${garbagePrefix}clock`;

/** That a blob was named by no record. */
export interface GarbageNote {
  /** Its version in the list then: another one since means that it was written anew. */
  readonly version: Version;
  /** When that was known for certain, in epoch milliseconds. */
  readonly at: number;
}

/** Notes by the hexadecimal part of their digests. */
export type NotesPart = Readonly<Record<string, GarbageNote>>;

/** The part of the notes, of 256, that tells of a blob. */
export function partOf(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 2);
}

/** All notes, by their parts. */
export async function readNotes(storage: StorageAdapter, options: OperationOptions): Promise<Map<string, NotesPart>> {
  const notes = new Map<string, NotesPart>();
  for await (const { key } of listAll(storage, { prefix: garbagePrefix }, options)) {
    if (key === clockKey) continue;
    const part = await readValue<NotesPart>(storage, key, options);
    if (part) notes.set(key.slice(garbagePrefix.length), part.value);
  }
  return notes;
}

/** Writes down what is newly noted in a part, and takes out what has become of others, unless someone noted those differently meanwhile. */
export async function changeNotes(
  storage: StorageAdapter,
  part: string,
  added: NotesPart,
  removed: NotesPart,
  options: OperationOptions,
): Promise<void> {
  if (Object.keys(added).length + Object.keys(removed).length === 0) return;
  await update<NotesPart>(
    storage,
    garbagePrefix + part,
    (present = {}) => {
      const next: Record<string, GarbageNote> = { ...present };
      for (const [digest, note] of Object.entries(removed)) if (next[digest]?.version === note.version) delete next[digest];
      for (const [digest, note] of Object.entries(added)) {
        const other = next[digest];
        // Of two that noted the same, the later is believed.
        if (other === undefined || other.version !== note.version || other.at < note.at) next[digest] = note;
      }
      return next;
    },
    options,
  );
}

/** The latest time that a collection ever saw, with `now` taken in: so that a clock that went back does not make notes look old when it is right again. */
export async function latestTime(storage: StorageAdapter, now: number, remember: boolean, options: OperationOptions): Promise<number> {
  const seen = (await readValue<number>(storage, clockKey, options))?.value ?? now;
  if (!remember) return Math.max(seen, now);
  return (await update<number>(storage, clockKey, (present) => (present === undefined || present < now ? now : present), options)).value;
}
