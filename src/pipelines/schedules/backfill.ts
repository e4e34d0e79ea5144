import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import { sleep } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import { describeFailure, type FailureRecord } from '../../core/failure.ts';
import { callable, progressOption, signalOption } from '../../core/option-schemas.ts';
import type { LongOperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { PipelineListener } from '../pipeline-event.ts';
import type { LaunchOptions } from '../launching/launch.ts';
import { hasEnded, type RunOutcome } from '../run-state.ts';
import { type DataInterval } from './data-interval.ts';
import { intervalsBetween } from './intervals.ts';
import type { Schedule } from './schedule.ts';
import { momentOf } from './schedule-options.ts';

/** Which intervals are run for afterwards, and how. */
export interface BackfillOptions extends LongOperationOptions {
  /** No interval begins before it: a date, epoch milliseconds, or ISO 8601 text. */
  readonly from: Date | number | string;
  /** No interval ends after it; it must not be in the future. */
  readonly to: Date | number | string;
  /** Whether runs that failed or were cancelled before are tried again, where what had succeeded in them is kept. @default false */
  readonly retry?: boolean | undefined;
  /** How many runs may go on at once; they begin in the order of their intervals. @default 1 */
  readonly concurrency?: number | undefined;
  /** Is told of each event of the runs. */
  readonly onEvent?: PipelineListener | undefined;
}

/** What became of an interval. `refused`: its params were not to be had, and it has no run. `waiting`: its run waits for somebody. */
export type BackfillStatus = RunOutcome | 'refused' | 'waiting';

/** An interval and its run. */
export interface BackfilledRun {
  /** The time whose data the run is about. */
  readonly interval: DataInterval;
  /** Id of the run. */
  readonly run: string;
  /** How the run ended, here or in another process, now or before. */
  readonly status: BackfillStatus;
  /** Whether the run had ended before the backfill. */
  readonly before: boolean;
  /** Why it was refused. */
  readonly failure?: FailureRecord | undefined;
}

/** What a backfill came to. */
export interface BackfillResult {
  /** All intervals, in order. */
  readonly runs: readonly BackfilledRun[];
  /** Whether each of them has a run that succeeded. */
  readonly succeeded: boolean;
}

const schema = z.strictObject({
  from: z.unknown(),
  to: z.unknown(),
  concurrency: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
  retry: z.optional(z.boolean()),
  onEvent: z.optional(callable<PipelineListener>()),
  onProgress: progressOption,
  signal: signalOption,
});
const mostIntervals = 100_000;
// How soon runs are looked at again that other processes work on.
const pauses = { firstMs: 50, mostMs: 1_000 };

/** How one look at the intervals is taken. */
interface Pass extends LaunchOptions {
  /** Whether what has ended by then had ended before the backfill. */
  readonly first: boolean;
}

/**
 * Runs a pipeline for all intervals between two moments, those that have a run which ended left out. Runs that other processes work on are waited for, when all else is done, and gone on with should their process die. When the signal fires, the
 * runs that go on here are cancelled and it throws `AbortedError`; called again with `retry`, it goes on.
 */
export async function backfill(schedule: Schedule, options: BackfillOptions): Promise<BackfillResult> {
  const { concurrency = 1, retry = false, onEvent, onProgress, signal, ...range } = check(schema, options, 'options');
  const intervals = intervalsOf(schedule, range);
  const runs: BackfilledRun[] = [];
  let done = 0;
  const tell = (): void => onProgress?.({ phase: 'running', done, total: intervals.length });
  const runEach = async (indices: readonly number[], pass: Pass): Promise<readonly number[]> => {
    const elsewhere: number[] = [];
    await inOrder(indices, concurrency, async (i) => {
      throwIfAborted(signal, 'The backfill');
      const run = await runFor(schedule, intervals[i]!, pass);
      if (run === undefined) {
        elsewhere.push(i);
        return;
      }
      runs[i] = run;
      done++;
      tell();
    });
    throwIfAborted(signal, 'The backfill');
    return elsewhere;
  };
  tell();
  let left = await runEach([...intervals.keys()], { signal, onEvent, retry, first: true });
  for (let pauseMs = pauses.firstMs; left.length > 0; pauseMs = Math.min(2 * pauseMs, pauses.mostMs)) {
    await sleep(schedule.host.clock, pauseMs, signal).catch(() => throwIfAborted(signal, 'The backfill'));
    // What failed meanwhile was tried by the other.
    left = await runEach(left, { signal, onEvent, retry: false, first: false });
  }
  return { runs, succeeded: runs.every(({ status }) => status === 'succeeded') };
}

/** Does work for each index, so many at once, and throws what the first of them threw when all that had begun is over. */
async function inOrder(indices: readonly number[], concurrency: number, work: (index: number) => Promise<void>): Promise<void> {
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < indices.length) await work(indices[begun++]!);
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(concurrency, indices.length) }, lane));
  for (const each of lanes) if (each.status === 'rejected') throw each.reason as Error;
}

/** Runs for an interval, or finds its run ended; `undefined` while another process works on that. */
async function runFor(schedule: Schedule, interval: DataInterval, { first, ...options }: Pass): Promise<BackfilledRun | undefined> {
  const { host } = schedule;
  const run = schedule.runOf(interval);
  const head = await host.store.head(run, { signal: options.signal });
  if (head && hasEnded(head.status) && (head.status === 'succeeded' || !options.retry)) return { interval, run, status: head.status, before: first };
  try {
    // A run that was begun has its params.
    const launch = head ? { run, interval, triggeredBy: head.triggeredBy ?? { kind: 'backfill' as const, name: schedule.name }, claimedAt: head.startedAt } : await schedule.launch(interval, 'backfill').catch((error: unknown) => new Refusal(error));
    if (launch instanceof Refusal) return { interval, run, status: 'refused', before: false, failure: describeFailure(launch.error) };
    const status = await host.carryOut(launch, options);
    return status && { interval, run, status, before: false };
  } catch (error) {
    throwIfAborted(options.signal, 'The backfill');
    throw error;
  }
}

/** Why an interval has no params. */
class Refusal {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

function intervalsOf({ timetable, host, name }: Schedule, range: { readonly from?: unknown; readonly to?: unknown }): readonly DataInterval[] {
  const from = momentOf(range.from, 'options.from');
  const to = momentOf(range.to, 'options.to');
  if (from === undefined || to === undefined) throw new ValidationError('A backfill has a beginning and an end; give options.from and options.to.', { path: from === undefined ? 'options.from' : 'options.to' });
  if (to < from) throw new ValidationError('options.to is before options.from.', { path: 'options.to' });
  if (to > host.clock.now()) throw new ValidationError('options.to is in the future; an interval is run for when it is over.', { path: 'options.to' });
  const intervals: DataInterval[] = [];
  for (const interval of intervalsBetween(timetable, from, to)) {
    intervals.push(interval);
    if (intervals.length > mostIntervals) throw new ValidationError(`Schedule '${name}' has more than ${mostIntervals} intervals there; give a shorter time.`, { path: 'options.from' });
  }
  return intervals;
}
