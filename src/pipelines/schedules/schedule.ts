import * as z from 'zod/mini';
import type { AuditEvent } from '../../core/audit.ts';
import { ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { LaunchBook, type BookState, type PauseOptions } from '../launching/launch-book.ts';
import type { LaunchDecider, LaunchDecision } from '../launching/launch-worker.ts';
import { runIdFor, type Launch, type LaunchHost } from '../launching/launch.ts';
import type { BackfillOptions, BackfillResult } from './backfill.ts';
import { type DataInterval } from './data-interval.ts';
import { jitterOf, nextInterval, type IntervalRules } from './intervals.ts';
import { checkScheduleOptions, timetableOf, type ScheduleSettings, type ScheduleTiming } from './schedule-options.ts';
import type { Timetable } from './timetable.ts';

/** A run that a schedule will begin. */
export interface PlannedRun {
  /** The time whose data it is about. */
  readonly interval: DataInterval;
  /** When it is due: at the end of the interval, or later by its jitter; epoch milliseconds. */
  readonly at: number;
}

/** Where a schedule stands. */
export interface ScheduleStatus {
  /** Whether it begins no runs for now. */
  readonly paused: boolean;
  /** The last interval that it began a run for, or that had one already. */
  readonly last?: DataInterval | undefined;
  /** What is next; absent when nothing is any more. While it is paused, it is what would be. */
  readonly next?: PlannedRun | undefined;
  /** Ids of its runs that are not known to have ended, oldest first. */
  readonly open: readonly string[];
}

/** A schedule of a pipeline. What it says of itself is stored, and the same in all processes that define it. */
export interface PipelineSchedule {
  /** Its name. */
  readonly name: string;
  /** The runs that are next by the clock of now, fewer than `count` when the schedule ends before. */
  nextRuns(count: number, options?: OperationOptions): Promise<readonly PlannedRun[]>;
  /** Where it stands. */
  status(options?: OperationOptions): Promise<ScheduleStatus>;
  /** Begins no runs until `resume`, in no process. Runs that go on are not touched. */
  pause(options?: PauseOptions): Promise<void>;
  /** Begins runs again: of what was missed meanwhile the latest interval, or with `catchup` all. */
  resume(options?: PauseOptions): Promise<void>;
  /** When it was made, paused and resumed, which runs it claimed, and for which intervals there were no params (`run-refused`) or no such definition any more (`run-abandoned`); oldest first. */
  history(options?: OperationOptions): Promise<readonly AuditEvent[]>;
  /** Runs the pipeline for all intervals between two moments that have no run yet, in this process, whatever the catch-up policy; see {@link BackfillOptions}. */
  backfill(options: BackfillOptions): Promise<BackfillResult>;
}

/** What is stored of a schedule. */
export interface ScheduleState extends BookState {
  readonly last?: DataInterval | undefined;
}

const mostNextRuns = 10_000;

/** A schedule that was checked. */
export class Schedule implements PipelineSchedule {
  readonly name: string;
  readonly host: LaunchHost;
  readonly settings: ScheduleSettings;
  readonly timetable: Timetable;
  readonly book: LaunchBook<ScheduleState>;

  private constructor(host: LaunchHost, settings: ScheduleSettings, timetable: Timetable) {
    this.name = settings.name;
    this.host = host;
    this.settings = settings;
    this.timetable = timetable;
    const { pipeline, clock, store } = host;
    this.book = new LaunchBook({ storage: store.storage, clock, pipeline, kind: 'schedule', name: this.name }, async () => ({}));
  }

  /** Throws `ValidationError` when an option is not what it must be, or when no run of it is to come. */
  static async make(host: LaunchHost, options: ScheduleTiming): Promise<Schedule> {
    const settings = checkScheduleOptions(options);
    const schedule = new Schedule(host, settings, await timetableOf(settings));
    await schedule.#assertRuns();
    return schedule;
  }

  /** Refuses what has no interval to come, as a pattern whose years are over; what was kept before, or is over by its end, may have none left. */
  async #assertRuns(): Promise<void> {
    const { cron, end } = this.settings;
    const now = this.host.clock.now();
    if ((end ?? Infinity) <= now || this.#next(undefined, now) !== undefined || (await this.book.read())) return;
    const refused = (path: string, why: string): ValidationError => new ValidationError(`Schedule '${this.name}' never runs: ${why}`, { path });
    if (nextInterval({ ...this.#rules(now), end: undefined }, undefined, now) !== undefined) throw refused('options.end', 'no interval is over between now and its end.');
    const next = this.timetable.next(now);
    if (next !== undefined) throw refused('options.cron', `${shown(cron)} comes once only from now on, at ${shown(new Date(next))}, and a run is about the time from one tick to the next; give a pattern that comes again.`);
    const last = this.timetable.previous(now);
    throw refused('options.cron', `${shown(cron)} came for the last time at ${shown(new Date(last ?? NaN))}; give a pattern that is to come, or options.start for what is over.`);
  }

  async nextRuns(count: number, options: OperationOptions = {}): Promise<readonly PlannedRun[]> {
    check(z.int().check(z.minimum(0), z.maximum(mostNextRuns)), count, 'count');
    const state = await this.book.read(options);
    const runs: PlannedRun[] = [];
    for (let next = this.#next(state, this.host.clock.now()); next !== undefined && runs.length < count; next = this.#after(next)) {
      runs.push({ interval: next, at: this.#due(next) });
    }
    return runs;
  }

  async status(options: OperationOptions = {}): Promise<ScheduleStatus> {
    const state = await this.book.read(options);
    const next = this.#next(state, this.host.clock.now());
    return {
      paused: state?.paused ?? false,
      last: state?.last,
      next: next && { interval: next, at: this.#due(next) },
      open: state?.open.map(({ run }) => run) ?? [],
    };
  }

  pause(options: PauseOptions = {}): Promise<void> {
    return this.book.setPaused(true, options);
  }

  resume(options: PauseOptions = {}): Promise<void> {
    return this.book.setPaused(false, options);
  }

  history(options: OperationOptions = {}): Promise<readonly AuditEvent[]> {
    return this.book.history(options);
  }

  async backfill(options: BackfillOptions): Promise<BackfillResult> {
    const { backfill } = await import('./backfill.ts');
    return backfill(this, options);
  }

  /** The run for an interval: one for each end, whoever asks. Throws what the params throw, and `ValidationError` when they do not validate. */
  async launch(interval: DataInterval, kind: 'schedule' | 'backfill'): Promise<Launch> {
    const { params } = this.settings;
    const { validated, clock } = this.host;
    return { run: this.runOf(interval), params: await validated(await params?.({ interval })), interval, triggeredBy: { kind, name: this.name }, claimedAt: clock.now() };
  }

  /** The id of the run for an interval. */
  runOf({ end }: DataInterval): string {
    return runIdFor(end, 'schedule', this.host.pipeline, this.name, end);
  }

  /** Decides about the next interval: at most one at a time, so that the next look begins with what is true then. */
  readonly decide: LaunchDecider<ScheduleState> = async (state, now, signal): Promise<LaunchDecision<ScheduleState>> => {
    const interval = this.#next(state, now);
    if (interval === undefined) return { wakeAt: Infinity };
    const due = this.#due(interval);
    if (due > now) return { wakeAt: due };
    if (state.open.length >= this.settings.maxActiveRuns) return {};
    const run = this.runOf(interval);
    const known = state.open.some((launch) => launch.run === run) || (await this.host.store.head(run, { signal })) !== undefined;
    if (known) return { change: { last: interval } };
    try {
      return { change: { last: interval }, launches: [await this.launch(interval, 'schedule')] };
    } catch (error) {
      const failure = describeFailure(error);
      this.host.onError(new ValidationError(`Schedule '${this.name}' has no params for the interval ${shown(new Date(interval.start))} to ${shown(new Date(interval.end))}, which is passed over: ${failure.message}`, { path: 'params', cause: error }));
      return { change: { last: interval }, events: [{ type: 'run-refused', data: { interval, failure } }] };
    }
  };

  #due(interval: DataInterval): number {
    return interval.end + jitterOf(`${this.host.pipeline}/${this.name}`, interval.end, this.settings.jitterMs);
  }

  #next(state: ScheduleState | undefined, now: number): DataInterval | undefined {
    return nextInterval(this.#rules(state?.since ?? now), state?.last, now);
  }

  #rules(since: number): IntervalRules {
    const { start, end, catchup, jitterMs } = this.settings;
    return { timetable: this.timetable, start, since, end, catchup, jitterMs };
  }

  #after({ end: start }: DataInterval): DataInterval | undefined {
    const end = this.timetable.next(start);
    return end === undefined || end > (this.settings.end ?? Infinity) ? undefined : { start, end };
  }
}
