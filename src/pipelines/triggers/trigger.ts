import type { AuditEvent } from '../../core/audit.ts';
import { untilAborted } from '../../core/abort.ts';
import { ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { TriggerEvent } from '../../core/trigger-source.ts';
import { LaunchBook, type BookEvent, type BookState, type PauseOptions } from '../launching/launch-book.ts';
import type { LaunchDecider, LaunchDecision } from '../launching/launch-worker.ts';
import { runIdFor, type Launch, type LaunchHost } from '../launching/launch.ts';
import type { TriggerCause } from '../launching/run-cause.ts';
import { checkTriggerOptions, type TriggerSettings, type TriggerTiming } from './trigger-options.ts';

/** Where a trigger stands. */
export interface TriggerStatus {
  /** Whether it begins no runs for now. */
  readonly paused: boolean;
  /** How many runs wait to begin: for further events, or for room. What was not read from the source yet is not counted. */
  readonly waiting: number;
  /** Ids of its runs that are not known to have ended, oldest first. */
  readonly open: readonly string[];
}

/** A trigger of a pipeline. What it says of itself is stored, and the same in all processes that define it. */
export interface PipelineTrigger {
  /** Its name. */
  readonly name: string;
  /** Where it stands. */
  status(options?: OperationOptions): Promise<TriggerStatus>;
  /** Reads no events and begins no runs until `resume`, in no process. Runs that go on are not touched. */
  pause(options?: PauseOptions): Promise<void>;
  /** Goes on where it was, with what happened meanwhile. */
  resume(options?: PauseOptions): Promise<void>;
  /** When it was made, paused and resumed, which runs it claimed, and for which events there were no params (`run-refused`); oldest first. */
  history(options?: OperationOptions): Promise<readonly AuditEvent[]>;
}

/** A run that waits to begin. */
interface WaitingLaunch {
  readonly launch: Launch & { readonly triggeredBy: TriggerCause };
  /** When the first of its events was read. */
  readonly first: number;
  /** When it may begin. */
  readonly due: number;
}

/** What is stored of a trigger. */
export interface TriggerState extends BookState {
  readonly cursor?: string | undefined;
  readonly waiting: readonly WaitingLaunch[];
  /** Events that were taken together with a later one, the last of them. */
  readonly merged: readonly string[];
}

const mostRead = 100;
const mostMerged = 256;

/** A trigger that was checked. */
export class Trigger implements PipelineTrigger {
  readonly name: string;
  readonly book: LaunchBook<TriggerState>;
  readonly #host: LaunchHost;
  readonly #settings: TriggerSettings;

  /** Throws `ValidationError` when an option is not what it must be. */
  constructor(host: LaunchHost, source: unknown, options: TriggerTiming) {
    this.#settings = checkTriggerOptions(source, options);
    this.#host = host;
    this.name = this.#settings.name;
    const { pipeline, clock, store } = host;
    const place = { storage: store.storage, clock, pipeline, kind: 'trigger', name: this.name } as const;
    this.book = new LaunchBook(place, async ({ signal }) => ({ cursor: await this.#beginning(signal), waiting: [], merged: [] }));
  }

  async status(options: OperationOptions = {}): Promise<TriggerStatus> {
    const state = await this.book.read(options);
    return { paused: state?.paused ?? false, waiting: state?.waiting.length ?? 0, open: state?.open.map(({ run }) => run) ?? [] };
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

  /** Begins what waits, else reads on: the cursor moves in the write that claims the runs of what was read. */
  readonly decide: LaunchDecider<TriggerState> = async (state, now, signal): Promise<LaunchDecision<TriggerState>> => {
    const { debounceMs, maxActiveRuns, source } = this.#settings;
    const room = maxActiveRuns - state.open.length;
    const begun = this.#begin(state.waiting, room, now);
    if (begun.launches.length > 0) return { change: { waiting: begun.waiting }, launches: begun.launches };
    if (debounceMs === 0 && room <= state.waiting.length) return {};
    const { events, next } = await untilAborted(source.poll(state.cursor, { limit: debounceMs === 0 ? room : mostRead, signal }), signal, 'The trigger');
    if (events.length === 0 && next === state.cursor) return { wakeAt: state.waiting[0]?.due };
    const read = await this.#read(state, events, now, signal);
    const { launches, waiting } = this.#begin(read.waiting, room, now);
    return { change: { cursor: next, waiting, merged: read.merged }, launches, events: read.refused };
  };

  #begin(waiting: readonly WaitingLaunch[], room: number, now: number): { launches: Launch[]; waiting: WaitingLaunch[] } {
    // What was read by a clock that was ahead does not wait for it.
    const due = waiting.filter(({ due: at, first }) => at <= now || first > now).slice(0, Math.max(0, room));
    return { launches: due.map(({ launch }) => ({ ...launch, claimedAt: now })), waiting: waiting.filter((each) => !due.includes(each)) };
  }

  /** What waits once events were read, and those that have no params. */
  async #read(state: TriggerState, events: readonly TriggerEvent<unknown>[], now: number, signal: AbortSignal): Promise<{ waiting: readonly WaitingLaunch[]; merged: readonly string[]; refused: readonly BookEvent[] }> {
    const { debounceMs, maxWaitMs } = this.#settings;
    const refused: BookEvent[] = [];
    let waiting = state.waiting;
    let merged = state.merged;
    for (const event of events) {
      const run = runIdFor(event.at, 'trigger', this.#host.pipeline, this.name, event.id);
      const known = merged.includes(event.id) || [...state.open, ...waiting.map(({ launch }) => launch)].some((launch) => launch.run === run);
      if (known || (await this.#host.store.head(run, { signal })) !== undefined) continue;
      const launch = await this.#launch(run, event, now).catch((error: unknown) => void refused.push(this.#refusal(event, error)));
      if (!launch) continue;
      const before = debounceMs > 0 ? waiting.at(-1) : undefined;
      if (before === undefined) waiting = [...waiting, { launch, first: now, due: now + debounceMs }];
      else {
        const triggeredBy = { ...launch.triggeredBy, events: before.launch.triggeredBy.events + 1 };
        merged = [...merged, before.launch.triggeredBy.event].slice(-mostMerged);
        waiting = [...waiting.slice(0, -1), { launch: { ...launch, triggeredBy }, first: before.first, due: Math.min(now + debounceMs, before.first + maxWaitMs) }];
      }
    }
    return { waiting, merged, refused };
  }

  async #launch(run: string, event: TriggerEvent<unknown>, now: number): Promise<WaitingLaunch['launch']> {
    const { params, source } = this.#settings;
    const { id, at, ref } = event;
    const triggeredBy: TriggerCause = { kind: 'trigger', name: this.name, source: source.id, event: id, at, ref, events: 1 };
    return { run, params: await this.#host.validated(await params?.(event)), triggeredBy, claimedAt: now };
  }

  #refusal({ id, at, ref }: TriggerEvent<unknown>, error: unknown): BookEvent {
    const failure = describeFailure(error);
    this.#host.onError(new ValidationError(`Trigger '${this.name}' has no params for event ${id}, which is passed over: ${failure.message}`, { path: 'params', event: id, cause: error }));
    return { type: 'run-refused', data: { event: id, at, ref, failure } };
  }

  /** The cursor that a new trigger begins with. */
  async #beginning(signal: AbortSignal | undefined): Promise<string | undefined> {
    const { source, from } = this.#settings;
    if (from === 'beginning') return undefined;
    if (source.now) return source.now({ signal });
    for (let cursor: string | undefined; ; ) {
      const { events, next } = await source.poll(cursor, { signal });
      if (events.length === 0 && next === cursor) return cursor;
      cursor = next;
    }
  }
}
