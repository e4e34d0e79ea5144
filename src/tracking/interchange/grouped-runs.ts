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
  let damaged = false;
  for (const [run, known] of facts ?? []) runs.set(run, newRun(known));
  for await (const rows of read({ signal })) {
    for (const row of rows) {
      if ('message' in row) {
        damaged = true;
        yield { source: `${kind}:${name}`, where: name, offset: row.offset, message: row.message };
        continue;
      }
      let run = runs.get(row.run);
      if (run === undefined) runs.set(row.run, (run = newRun({}, row.offset)));
      if ('facts' in row) run.facts = { ...run.facts, ...row.facts };
      else {
        see(run, row);
        points.see(row);
      }
    }
  }
  // Where the file tells it of other runs, or has lost lines, a run of which it does not is damage, and hides no other.
  const tells = damaged || [...runs.values()].some((run) => run.facts.experiment !== undefined);
  for (const [id, run] of runs) {
    const belongsTo = run.facts.experiment ?? experiment;
    const own = isId(id);
    const start = run.facts.startedAt ?? startedAt ?? (own ? idTime(id) : run.since);
    if (belongsTo === undefined || !Number.isFinite(start)) {
      const fault = belongsTo === undefined ? experimentUnsaid(name, id) : startUnsaid(name, id);
      if (!tells) throw fault;
      yield { source: `${kind}:${name}`, where: name, offset: run.at, message: `${fault.message} It is left out, with ${run.points} points.` };
      continue;
    }
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

function experimentUnsaid(name: string, run: string): ValidationError {
  return new ValidationError(`${name} does not say which experiment run '${run}' belongs to; give { experiment }.`, { path: 'experiment' });
}

function startUnsaid(name: string, run: string): ValidationError {
  return new ValidationError(`${name} does not say when run '${run}' started; give { startedAt } in epoch milliseconds.`, { path: 'startedAt' });
}

function newRun(facts: RunFacts, at?: number): FoundRun {
  return { at, first: Infinity, last: -1, since: Infinity, until: -Infinity, points: 0, facts };
}

function see(run: FoundRun, { offset, timestamp, names }: PointsRow): void {
  run.first = Math.min(run.first, offset);
  run.last = offset;
  run.points += names.length;
  if (timestamp === undefined) return;
  run.since = Math.min(run.since, timestamp);
  run.until = Math.max(run.until, timestamp);
}
