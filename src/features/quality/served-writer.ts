import type { Clock } from '../../core/clock.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll } from '../../storage/records.ts';
import { ForgottenKeys } from '../forgotten-keys.ts';
import { keyTexts } from '../key-dictionary.ts';
import { entityPath } from '../online-store.ts';
import { encodeServed, partKey, placeOf, servedPrefix } from './served-format.ts';
import { dropServed } from './forget-served.ts';
import type { PendingPart, ServedRecord } from './serving-log.ts';

/** A record of the log on its way into the storage. */
interface SealedPart {
  readonly key: Key;
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** The earliest moment in it. */
  readonly since: number;
  readonly views: readonly string[];
  readonly operationId: string;
}

/** Is told how many rows were written, and how many let go. */
export type SettleRows = (written: number, dropped: number) => void;

const day = 86_400_000;
const partsPerWrite = 64;
const msBetweenCleanings = 3_600_000;

/** Writes what was served, and lets go of what is older than it is kept. What could not be written is still there at the next call. */
export class ServedWriter {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  readonly #forgotten: ForgottenKeys;
  #queue: SealedPart[] = [];
  #cleanedAt = -Infinity;

  constructor(storage: StorageAdapter, clock: Clock, retentionMs: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#retentionMs = retentionMs;
    this.#forgotten = new ForgottenKeys(storage);
  }

  /** Writes these parts and those that an earlier call could not. */
  async write(parts: readonly PendingPart[], settle: SettleRows, onFailure: (error: unknown) => void): Promise<void> {
    for (const part of parts) {
      try {
        this.#seal(part, part.rows);
      } catch (error) {
        settle(0, part.rows.length);
        onFailure(error);
      }
    }
    while (this.#queue.length > 0) {
      const some = this.#queue.slice(0, partsPerWrite);
      // Refused is what an earlier attempt wrote whose answer was lost.
      await this.#storage.write(some.map(({ key, bytes, operationId }) => ({ kind: 'put', key, bytes, condition: 'absent', operationId })));
      await this.#recheck(some);
      this.#queue = this.#queue.slice(some.length);
      settle(some.reduce((sum, { rows }) => sum + rows, 0), 0);
    }
    await this.#clean();
  }

  /** A part that is too large for one record becomes two, and so on. */
  #seal(part: PendingPart, rows: readonly ServedRecord[]): void {
    const bytes = encodeServed(part.shape, rows);
    if (bytes.length > this.#storage.supports.maxRecordBytes && rows.length > 1) {
      this.#seal(part, rows.slice(0, rows.length >>> 1));
      this.#seal(part, rows.slice(rows.length >>> 1));
      return;
    }
    const views = [...new Set(part.shape.views.map(({ name }) => name))];
    const since = rows.reduce((least, { at }) => Math.min(least, at), Infinity);
    this.#queue.push({ key: partKey({ ...part, rows: [...rows] }), bytes, rows: rows.length, since, views, operationId: newId() });
  }

  /** Takes out what was served of entities that were forgotten while it waited here: the note of that comes before the log is searched, so one of both sees it. */
  async #recheck(parts: readonly SealedPart[]): Promise<void> {
    for (const view of new Set(parts.flatMap(({ views }) => views))) {
      const concerned = parts.filter(({ views }) => views.includes(view));
      const since = Math.min(...concerned.map((part) => part.since));
      const forgottenAt = await this.#forgotten.since(view, Math.floor(since), {});
      if (forgottenAt === undefined) continue;
      for (const { key } of concerned) {
        await dropServed(this.#storage, key, view, (values, at) => (forgottenAt(entityPath(keyTexts([...values.values()]) ?? [])) ?? -Infinity) >= Math.floor(at), {});
      }
    }
  }

  async #clean(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#cleanedAt < msBetweenCleanings) return;
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#storage, { prefix: servedPrefix })) if (Date.parse(placeOf(key).day) + day <= now - this.#retentionMs) keys.push(key);
    for (let i = 0; i < keys.length; i += partsPerWrite) await this.#storage.write(keys.slice(i, i + partsPerWrite).map((key) => ({ kind: 'delete', key })));
    this.#cleanedAt = now;
  }
}
