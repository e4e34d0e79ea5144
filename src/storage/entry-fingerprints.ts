import { crc32 } from '../core/crc32.ts';
import type { LogEntry } from './contract.ts';

/** What the entries of a log are, each writer's in order, in eight bytes for each: enough to see whether other entries are the same. */
export class EntryFingerprints {
  readonly #writers = new Map<string, Writer>();

  /** How many entries of a writer it has taken. */
  count(writer: string): number {
    return this.#writers.get(writer)?.count ?? 0;
  }

  /** Takes the next entry of a writer. */
  add({ writer, bytes }: Pick<LogEntry, 'writer' | 'bytes'>): void {
    const own = this.#writers.get(writer) ?? { count: 0, words: new Uint32Array(16) };
    if (own.count * 2 === own.words.length) {
      const grown = new Uint32Array(own.words.length * 2);
      grown.set(own.words);
      own.words = grown;
    }
    own.words[own.count * 2] = crc32(bytes);
    own.words[own.count * 2 + 1] = fnv1a(bytes);
    own.count++;
    this.#writers.set(writer, own);
  }

  /** Whether the entry of a writer at a place from 1 is this one. */
  isSame({ writer, sequence, bytes }: Pick<LogEntry, 'writer' | 'sequence' | 'bytes'>): boolean {
    const own = this.#writers.get(writer);
    if (own === undefined || sequence > own.count) return false;
    const at = (sequence - 1) * 2;
    return own.words[at] === crc32(bytes) && own.words[at + 1] === fnv1a(bytes);
  }
}

interface Writer {
  count: number;
  words: Uint32Array;
}

/** FNV-1a, 32 bits (Fowler, Noll and Vo), with the length mixed in. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
