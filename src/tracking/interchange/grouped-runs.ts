import { ValidationError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { idTime, ownSource } from './imported-id.ts';
import type { ImportDamage, ImportedPoints, ImportedRun } from './imported-run.ts';
import { PointColumns } from './point-columns.ts';
import type { OpenSourceOptions } from './source-directory.ts';

/** What a line of a file says of a run, beside its points. */
export type RunFacts = Partial<Omit<ImportedRun, 'source' | 'metrics' | 'artifacts'>>;

/** What one line of a file says: values of metrics, or facts of a run, or what is wrong with it. */
export type SourceRow =
  | { readonly offset: number; readonly run: string; readonly step: number; readonly timestamp: number | undefined; readonly names: readonly string[]; readonly values: readonly number[] }
  | { readonly offset: number; readonly run: string; readonly facts: RunFacts }
  | { readonly offset: number; readonly message: string };

/** How the lines of a file are read, from its beginning or from one of them on; some at once. */
export type RowReader = (options: OpenSourceOptions) => AsyncIterable<SourceRow[]>;

interface FoundRun {
  first: number;
  last: number;
  since: number;
  until: number;
  facts: RunFacts;
}

/** What is the same for all runs of a file, and what is said of them elsewhere. */
export interface GroupedRunsOptions extends OperationOptions {
  readonly experiment?: string | undefined;
  readonly startedAt?: number | undefined;
  readonly facts?: ReadonlyMap<string, RunFacts> | undefined;
}

/**
 * The runs whose lines are in a file, in whatever order. It is read once to find the runs, and then once more for each run, from its first line to its last: where the lines of each run stand together, that is twice in all. Nothing is held but
 * what is known of each run.
 */
export async function* groupedRuns(kind: 'csv' | 'jsonl', name: string, read: RowReader, options: GroupedRunsOptions): AsyncGenerator<ImportedRun | ImportDamage> {
  const { experiment, startedAt, facts, signal } = options;
  const runs = new Map<string, FoundRun>();
  for (const [run, known] of facts ?? []) runs.set(run, { first: Infinity, last: -1, since: Infinity, until: -Infinity, facts: known });
  for await (const rows of read({ signal })) {
    for (const row of rows) {
      if ('message' in row) {
        yield { source: `${kind}:${name}`, where: name, offset: row.offset, message: row.message };
        continue;
      }
      let run = runs.get(row.run);
      if (run === undefined) runs.set(row.run, (run = { first: row.offset, last: row.offset, since: Infinity, until: -Infinity, facts: {} }));
      if ('facts' in row) run.facts = { ...run.facts, ...row.facts };
      else {
        run.first = Math.min(run.first, row.offset);
        run.last = row.offset;
        if (row.timestamp !== undefined) {
          run.since = Math.min(run.since, row.timestamp);
          run.until = Math.max(run.until, row.timestamp);
        }
      }
    }
  }
  for (const [id, run] of runs) {
    const belongsTo = run.facts.experiment ?? experiment;
    if (belongsTo === undefined) {
      throw new ValidationError(`${name} does not say which experiment run '${id}' belongs to; give { experiment }.`, { path: 'experiment' });
    }
    const own = isId(id);
    const start = run.facts.startedAt ?? startedAt ?? (own ? idTime(id) : run.since);
    if (!Number.isFinite(start)) throw new ValidationError(`${name} does not say when run '${id}' started; give { startedAt } in epoch milliseconds.`, { path: 'startedAt' });
    yield {
      status: 'finished',
      ...(run.until >= start && run.facts.status === undefined ? { endedAt: run.until } : {}),
      params: {},
      tags: {},
      datasets: [],
      ...(own ? {} : { name: id }),
      ...run.facts,
      experiment: belongsTo,
      startedAt: start,
      source: own ? `${ownSource}${id}` : `${kind}:${belongsTo}/${id}`,
      metrics: (reading) => points(read, id, run, start, reading),
      async *artifacts() {},
    };
  }
}

/** A line that is left out. */
export function faultyRow(offset: number, what: string): SourceRow {
  return { offset, message: `The line at byte ${offset} ${what}, and is left out.` };
}

async function* points(read: RowReader, id: string, { first, last }: FoundRun, start: number, { signal }: OperationOptions = {}): AsyncGenerator<ImportedPoints> {
  if (last < 0) return;
  const columns = new PointColumns();
  reading: for await (const rows of read({ start: first, signal })) {
    for (const row of rows) {
      if (row.offset > last) break reading;
      if (!('names' in row) || row.run !== id) continue;
      for (let i = 0; i < row.names.length; i++) {
        if (columns.full) yield columns.take();
        columns.add(row.names[i]!, row.step, row.timestamp ?? start, row.values[i]!);
      }
    }
  }
  if (columns.count > 0) yield columns.take();
}
