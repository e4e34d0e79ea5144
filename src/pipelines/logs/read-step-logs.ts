import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { sleep } from '../../core/clock.ts';
import { decode } from '../../core/codec.ts';
import { isModelkeepError, ValidationError } from '../../core/errors.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { LogPosition } from '../../storage/contract.ts';
import { hasEnded, isFinal } from '../run-state.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import type { UnitName } from '../units.ts';
import { stepLogLevels, type StepLogEntry, type StepLogLevel } from './step-log-lines.ts';

/** A line that a step logged. */
export interface StepLogLine {
  /** Epoch milliseconds. */
  readonly at: number;
  /** How much it matters. */
  readonly level: StepLogLevel;
  /** What was said; it may have several lines. One that was longer than 16,384 characters is cut. */
  readonly text: string;
  /** The attempt that said it, counted from 1. */
  readonly attempt: number;
  /** How many lines were left out before this one, because the attempt said more than is kept. */
  readonly dropped?: number | undefined;
}

/** Which lines of a step are read. */
export interface StepLogQuery extends OperationOptions {
  /** Name of the step. */
  readonly step: string;
  /** The number of an item of the step, counted from 0. @default the lines of the step itself, of which one that has items has those of making the list */
  readonly item?: number | undefined;
  /** The number of one attempt. @default all */
  readonly attempt?: number | undefined;
  /** The least level that is read. @default 'debug': all */
  readonly level?: StepLogLevel | undefined;
}

/** Which part of the lines is listed. */
export interface ListLogsOptions extends StepLogQuery {
  /** At most so many, up to 10,000. @default 1000 */
  readonly limit?: number | undefined;
  /** The `next` of the page before. @default from the first */
  readonly after?: string | undefined;
}

/** How the lines of a step are read one after the other. */
export interface LogsOptions extends StepLogQuery {
  /** Waits for further lines until the step has ended; one that was interrupted has not, for it may be resumed. @default false */
  readonly follow?: boolean | undefined;
}

/** Part of the lines of a step. */
export interface StepLogPage {
  /** In the order in which they were logged; those of several processes one process after the other. */
  readonly items: readonly StepLogLine[];
  /** Give it as `after` for what comes next, also when it is not there yet; absent while the step has logged nothing. */
  readonly next?: string | undefined;
  /** Whether no line is left and, as the step has ended, none will come unless the run is resumed. */
  readonly complete: boolean;
}

/** How far a log was read. */
interface Place {
  readonly position?: LogPosition | undefined;
  /** How many lines were read of entries that the position is not behind, by their writer and number. */
  readonly parts: Readonly<Record<string, number>>;
}

const placeSchema = z.strictObject({ position: z.optional(z.string()), parts: z.record(z.string(), z.int()) });
const beginning: Place = { parts: {} };
const query = {
  step: z.string(),
  item: z.optional(z.int().check(z.minimum(0))),
  attempt: z.optional(z.int().check(z.minimum(1))),
  level: z.optional(z.enum(['debug', 'info', 'warn', 'error'])),
  signal: signalOption,
};
const listSchema = z.strictObject({ ...query, limit: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))), after: z.optional(z.string()) });
const followSchema = z.strictObject({ ...query, follow: z.optional(z.boolean()) });
// However many hints come, a log is not read more often; and without any, as often as this.
const [shortestPauseMs, longestPauseMs] = [50, 1000];

/** One page of the lines of a step. */
export async function listStepLogs(store: RunStore, head: RunHead, options: ListLogsOptions): Promise<StepLogPage> {
  const { limit = 1000, after, ...wanted } = check(listSchema, options, 'options') as ListLogsOptions;
  return readPage(store, head, wanted, limit, after === undefined ? beginning : placeOf(after));
}

/** The lines of a step, and with `follow` those to come. */
export async function* streamStepLogs(store: RunStore, head: RunHead, clock: Clock, options: LogsOptions): AsyncGenerator<StepLogLine, void, undefined> {
  const { follow = false, ...wanted } = check(followSchema, options, 'options') as LogsOptions;
  const hints = new Hints(store, clock, wanted.signal);
  try {
    for (let place = beginning; ; ) {
      hints.forget();
      const page = await readPage(store, head, wanted, 1000, place);
      yield* page.items;
      if (page.next !== undefined) place = placeOf(page.next);
      if (page.items.length === 0 && (page.complete || !follow)) return;
      if (page.items.length === 0) await hints.next();
    }
  } finally {
    hints.close();
  }
}

async function readPage(store: RunStore, head: RunHead, wanted: StepLogQuery, limit: number, from: Place): Promise<StepLogPage> {
  const { step, item: index, signal } = wanted;
  if (!head.definition.some(({ name }) => name === step)) {
    throw new ValidationError(`Run ${head.id} has no step ${shown(step, 80)}; it has ${head.definition.map(({ name }) => `'${name}'`).join(', ')}.`, { path: 'options.step' });
  }
  // Asked before, so that nothing which the step said at its end is missed.
  const ended = await isOver(store, head.id, { step, index }, { signal });
  const items: StepLogLine[] = [];
  const parts = { ...from.parts };
  let { position } = from;
  for await (const entry of store.storage.readLog(store.logKey(head.id, { step, index }), { after: position, signal })) {
    const name = `${entry.writer}:${entry.sequence}`;
    const lines = linesOf(decode(entry.bytes, step) as StepLogEntry);
    for (let i = parts[name] ?? 0; i < lines.length; i++) {
      if (items.length === limit) return { items, next: textOf({ position, parts: { ...parts, [name]: i } }), complete: false };
      if (isWanted(lines[i]!, wanted)) items.push(lines[i]!);
    }
    delete parts[name];
    position = entry.position;
  }
  return { items, ...(position !== undefined && { next: textOf({ position, parts }) }), complete: ended };
}

function linesOf({ attempt, lines, dropped }: StepLogEntry): StepLogLine[] {
  return lines.map(({ at, level, text }, i) => ({ at, level, text, attempt, ...(i === 0 && dropped !== undefined && { dropped }) }));
}

function isWanted(line: StepLogLine, { attempt, level = 'debug' }: StepLogQuery): boolean {
  return (attempt === undefined || line.attempt === attempt) && stepLogLevels.indexOf(line.level) >= stepLogLevels.indexOf(level);
}

async function isOver(store: RunStore, run: string, unit: UnitName, options: OperationOptions): Promise<boolean> {
  const head = await store.head(run, options);
  if (head === undefined || hasEnded(head.status)) return true;
  const record = await store.step(run, unit);
  return record !== undefined && isFinal(record.value.status) && record.value.round === head.round;
}

function textOf(place: Place): string {
  return JSON.stringify(place);
}

function placeOf(text: string): Place {
  try {
    return check(placeSchema, JSON.parse(text), 'after');
  } catch (cause) {
    throw new ValidationError(`after is ${shown(text, 80)}, which no page of these lines gave.`, { path: 'after', cause });
  }
}

/** Waits for what may be new in a store: for its hints, and at an interval. */
class Hints {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #undo: (() => void) | undefined;
  #hinted = false;
  #rouse: AbortController | undefined;

  constructor({ storage }: RunStore, clock: Clock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#signal = signal;
    this.#undo = storage.onChange?.(() => {
      this.#hinted = true;
      this.#rouse?.abort();
    });
  }

  forget(): void {
    this.#hinted = false;
  }

  async next(): Promise<void> {
    await sleep(this.#clock, shortestPauseMs, this.#signal);
    if (this.#hinted) return;
    this.#rouse = new AbortController();
    const signal = this.#signal ? AbortSignal.any([this.#signal, this.#rouse.signal]) : this.#rouse.signal;
    await sleep(this.#clock, longestPauseMs, signal).catch((error: unknown) => {
      if (this.#signal?.aborted || !isModelkeepError(error, 'aborted')) throw error;
    });
  }

  close(): void {
    this.#undo?.();
  }
}
