import { ValidationError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { idTime, ownSource } from './imported-id.ts';
import { GatheredPoints, type FoundRun } from './gathered-points.ts';
import type { ImportDamage, ImportedRun } from './imported-run.ts';
import type { PointsRow, RowReader, RunFacts } from './source-row.ts';

/** What is the same for all runs of a file, and what is said of them elsewhere. */
export interface GroupedRunsOptions extends OperationOptions {
  readonly experiment?: string | undefined;
  readonly startedAt?: number | undefined;
  readonly facts?: ReadonlyMap<string, RunFacts> | undefined;
}

/** The runs whose lines are in a file, in whatever order. It is read once to find the runs, and again for their points where these are too many to be held. */
export async function* groupedRuns(kind: 'csv' | 'jsonl', name: string, read: RowReader, options: GroupedRunsOptions): AsyncGenerator<ImportedRun | ImportDamage> {
  const { experiment, startedAt, facts, signal } = options;
  const runs = new Map<string, FoundRun>();
  const points = new GatheredPoints(read, runs);
  for (const [run, known] of facts ?? []) runs.set(run, newRun(known));
  for await (const rows of read({ signal })) {
    for (const row of rows) {
      if ('message' in row) {
        yield { source: `${kind}:${name}`, where: name, offset: row.offset, message: row.message };
        continue;
      }
      let run = runs.get(row.run);
      if (run === undefined) runs.set(row.run, (run = newRun({})));
      if ('facts' in row) run.facts = { ...run.facts, ...row.facts };
      else {
        see(run, row);
        points.see(row);
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
      metrics: (reading = {}) => points.of(id, start, reading),
      async *artifacts() {},
    };
  }
}

function newRun(facts: RunFacts): FoundRun {
  return { first: Infinity, last: -1, since: Infinity, until: -Infinity, points: 0, facts };
}

function see(run: FoundRun, { offset, timestamp, names }: PointsRow): void {
  run.first = Math.min(run.first, offset);
  run.last = offset;
  run.points += names.length;
  if (timestamp === undefined) return;
  run.since = Math.min(run.since, timestamp);
  run.until = Math.max(run.until, timestamp);
}
