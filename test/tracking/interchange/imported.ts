import { MemoryStorage, Tracker, type ImportRunsOptions, type ImportRunsReport, type RunRecord, type RunSource } from 'modelkeep';

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export async function textOf(source: AsyncIterable<string>): Promise<string> {
  return (await all(source)).join('');
}

/** A store, a tracker on it, and what importing into it comes to. */
export class Imported {
  readonly storage: MemoryStorage = new MemoryStorage();
  readonly tracker: Tracker = new Tracker({ storage: this.storage });

  add(source: RunSource, options?: ImportRunsOptions): Promise<ImportRunsReport> {
    return this.tracker.importRuns(source, options);
  }

  runs(): Promise<RunRecord[]> {
    return all(this.tracker.runs({ deleted: 'include' }));
  }

  export(): RunSource {
    return this.tracker.exportRuns({ deleted: 'include' });
  }

  /** All points of a metric, as triples. */
  async points(id: string, metric: string): Promise<[step: number, timestamp: number, value: number][]> {
    const { steps, timestamps, values } = await this.tracker.metricHistory(id, metric);
    return Array.from(steps, (step, i) => [step, timestamps[i]!, values[i]!]);
  }

  /** Every byte that a reader could see, by key. */
  async contents(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const { key } of (await this.storage.list({ limit: 100_000 })).entries) found[key] = new TextDecoder().decode((await this.storage.read([key]))[0]!.bytes);
    for (const { key, size } of (await this.storage.list({ kind: 'log', limit: 100_000 })).entries) found[key] = String(size);
    return found;
  }
}
