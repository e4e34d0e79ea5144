import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { listAll, readValues, writeValue } from '../storage/records.ts';
import type { CurrentView } from './definitions/definition-states.ts';

/** What is noted of one who writes online records. */
interface OpenWriter {
  /** The last note of forgetting that he heard before he read what he writes. */
  readonly heard: number;
  /** When he began, epoch milliseconds. */
  readonly at: number;
}

/** Those who write online records of a view and have not ended. */
export interface UnfinishedWriters {
  /** The least note of forgetting that one of them had heard; `Infinity` when there are none. */
  readonly heard: number;
  /** Drops the notes of those who have been silent for a day: to be called when what they brought was looked at, since nobody asks in their place any more. */
  readonly dropSilent: () => Promise<void>;
}

const dayMs = 86_400_000;

/**
 * Who writes online records of a view and has not ended: one note each, from before his first write until he has asked who was forgotten meanwhile. The note of one who died stays, so that others ask in his place. They
 * cannot know that he is dead, and he may write once more after they asked: so his note is dropped only when he has been silent for a day.
 */
export class OnlineWriters {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Notes one who is about to write, and returns the name of the note. */
  async open(current: CurrentView, heard: number, options: OperationOptions): Promise<Key> {
    const key = prefixOf(current) + newId();
    await writeValue(this.#storage, key, { heard, at: this.#clock.now() } satisfies OpenWriter, options);
    return key;
  }

  /** Drops his note. */
  async close(key: Key, options: OperationOptions): Promise<void> {
    await this.#storage.write([{ kind: 'delete', key }], options);
  }

  /** Those who have not ended. */
  async unfinished(current: CurrentView, options: OperationOptions): Promise<UnfinishedWriters> {
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#storage, { prefix: prefixOf(current) }, options)) keys.push(key);
    const since = this.#clock.now() - dayMs;
    const found = await readValues<OpenWriter>(this.#storage, keys, options);
    const silent = keys.filter((_, i) => (found[i]?.value.at ?? since) < since);
    return {
      heard: found.reduce((least, writer) => Math.min(least, writer?.value.heard ?? Infinity), Infinity),
      dropSilent: async () => {
        if (silent.length > 0) await this.#storage.write(silent.map((key) => ({ kind: 'delete', key })), options);
      },
    };
  }
}

function prefixOf({ view: { name }, epoch }: CurrentView): string {
  return `features/writing/${escapeSegment(name)}/${epoch}/`;
}
