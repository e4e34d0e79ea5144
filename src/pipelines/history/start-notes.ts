import type { Clock } from '../../core/clock.ts';
import { encode } from '../../core/codec.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { listAll, readValue } from '../../storage/records.ts';
import type { RunStore } from '../run-store.ts';
import { notedStart, startNotes, startTime } from '../start-note.ts';
import { idOf, readRunsOf, type ReadRun } from './read-runs.ts';
import type { DamagedPipelineRun } from './run-summary.ts';

/** A run that a note tells of, with the millisecond in which it began. */
export interface NotedRun {
  readonly at: number;
  readonly run: ReadRun | DamagedPipelineRun;
}

/** A run whose start is to be noted. */
export interface StartedRun {
  readonly id: string;
  readonly startedAt: number;
}

const mostAtOnce = 100;
const listSize = 10_000;
const writeSize = 500;

/** Whether every run has a note. Runs that were begun by releases before the notes have one only when they were given it. */
export async function areStartsNoted(store: RunStore, options: OperationOptions): Promise<boolean> {
  return (await readValue(store.storage, markOf(store), options)) !== undefined;
}

/**
 * Runs in the order of their starts, the newest first, as many at once as are read together.
 *
 * @param from - Those that began in this millisecond or before it.
 * @param count - So many are likely to be asked for.
 */
export async function* readNewestRuns(store: RunStore, clock: Clock, from: number | undefined, count: number, options: OperationOptions): AsyncGenerator<NotedRun[], void, undefined> {
  const prefix = prefixOf(store);
  let after: Key | undefined = from === undefined ? undefined : prefix + startTime(from);
  let limit = Math.min(count, mostAtOnce);
  do {
    const { entries, next } = await store.storage.list({ prefix, after, limit }, options);
    const notes = entries.map(({ key }) => ({ key, ...notedStart(key.slice(prefix.length)) }));
    const runs = new Map<string, ReadRun | DamagedPipelineRun>();
    for await (const batch of readRunsOf(store, clock, [...new Set(notes.map(({ run }) => run))], options)) for (const run of batch) runs.set(idOf(run), run);
    yield notes.flatMap(({ key, at, run: id }) => {
      const run = runs.get(id);
      // A beginning that was cut off left a note, and the run was begun at another time.
      return run && ('error' in run || store.startKey(run.head) === key) ? [{ at, run }] : [];
    });
    after = next;
    limit = Math.min(2 * limit, mostAtOnce);
  } while (after !== undefined);
}

/** Gives each of all runs that there were its note, and then marks that every run has one: those that begin have it before they are there. Runs that cannot be read must have theirs already, or nothing is marked. */
export async function completeStartNotes(store: RunStore, runs: readonly StartedRun[], damaged: readonly string[], options: OperationOptions): Promise<void> {
  const prefix = prefixOf(store);
  const noted = new Set<Key>();
  for await (const { key } of listAll(store.storage, { prefix, limit: listSize }, options)) noted.add(key);
  const missing = runs.map((run) => store.startKey(run)).filter((key) => !noted.has(key));
  for (let at = 0; at < missing.length; at += writeSize) {
    await store.storage.write(missing.slice(at, at + writeSize).map((key) => ({ kind: 'put', key, bytes: encode(null) })), options);
  }
  const told = new Set([...noted].map((key) => notedStart(key.slice(prefix.length)).run));
  if (damaged.every((id) => told.has(id))) await store.storage.write([{ kind: 'put', key: markOf(store), bytes: encode(null) }], options);
}

function prefixOf({ root }: RunStore): string {
  return `${root}/${startNotes}`;
}

/** Where it is marked that every run has a note. */
function markOf({ root }: RunStore): Key {
  return `${root}/complete/started`;
}
