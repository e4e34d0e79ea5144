import type { OperationOptions } from '../core/progress.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { LoadedRows, refreshRows } from './loaded-rows.ts';
import { logKeyOf, type OfflineLogs } from './offline-log.ts';

/** Decoded rows of views, the most recently used kept up to a bound of bytes. */
export class RowCache {
  readonly #logs: OfflineLogs;
  readonly #maxBytes: number;
  /** Rows by log, least recently used first. */
  readonly #rows = new Map<string, { loaded: LoadedRows; reading: Promise<void> }>();

  constructor(logs: OfflineLogs, maxBytes: number) {
    this.#logs = logs;
    this.#maxBytes = maxBytes;
  }

  /** All rows of a view, those included that others have ingested by now. */
  async load(current: CurrentView, options: OperationOptions): Promise<LoadedRows> {
    const key = logKeyOf(current);
    const id = `${key} ${current.digest}`;
    const entry = this.#rows.get(id) ?? { loaded: new LoadedRows(current), reading: Promise.resolve() };
    this.#rows.delete(id);
    this.#rows.set(id, entry);
    // One reader at a time; whoever comes second continues where the first ended, or failed.
    const refresh = async (): Promise<void> => {
      entry.loaded = await refreshRows(entry.loaded, current, this.#logs.of(current), options);
    };
    entry.reading = entry.reading.then(refresh, refresh);
    await entry.reading;
    return entry.loaded;
  }

  /** Lets go of the least recently used rows beyond the bound. */
  trim(): void {
    let held = [...this.#rows.values()].reduce((sum, { loaded }) => sum + loaded.byteLength, 0);
    for (const [id, { loaded }] of this.#rows) {
      if (held <= this.#maxBytes) return;
      this.#rows.delete(id);
      held -= loaded.byteLength;
    }
  }
}
