import type { OperationOptions } from '../../core/progress.ts';
import type { ImportedPoints } from './imported-run.ts';
import { PointColumns } from './point-columns.ts';
import type { PointsRow, RowReader, RunFacts } from './source-row.ts';

/** What is known of a run when all lines of its file have been seen. */
export interface FoundRun {
  /** The byte at which its first line begins; absent where another file tells of it. */
  readonly at: number | undefined;
  /** The byte at which its first line with points begins, and its last one. */
  first: number;
  last: number;
  /** Its least and greatest timestamp. */
  since: number;
  until: number;
  /** How many points it has. */
  points: number;
  facts: RunFacts;
}

/** Points that are held at once, so that a file in which runs take turns is not read once for each of them; some 30 MB. */
const mostHeld = 1 << 20;

/** A point without a timestamp is one of the start, which is known when the file has been read. */
const atStart = -1;

type Held = Map<string, { readonly columns: PointColumns; readonly full: ImportedPoints[] }>;

/**
 * The points of the runs of a file, in bounded memory: held from the first reading when they are few, else read again for as many runs in a row as can be held at once, and for a run that has more by itself.
 */
export class GatheredPoints {
  readonly #read: RowReader;
  readonly #runs: ReadonlyMap<string, FoundRun>;
  #held: Held | undefined = new Map();
  #rest = mostHeld;

  constructor(read: RowReader, runs: ReadonlyMap<string, FoundRun>) {
    this.#read = read;
    this.#runs = runs;
  }

  /** Takes in a row of the first reading. */
  see(row: PointsRow): void {
    if (this.#held === undefined) return;
    this.#rest -= row.names.length;
    if (this.#rest < 0) this.#held = undefined;
    else hold(this.#held, row);
  }

  /** The points of a run, `start` being the time of those that have none. */
  async *of(id: string, start: number, options: OperationOptions): AsyncGenerator<ImportedPoints> {
    const { points } = this.#runs.get(id)!;
    if (points === 0) return;
    if (points > mostHeld) {
      yield* this.#alone(id, start, options);
      return;
    }
    if (this.#held?.has(id) !== true) {
      // What was held may go before more is read.
      this.#held = undefined;
      this.#held = await this.#together(id, options);
    }
    const { columns, full } = this.#held.get(id)!;
    if (columns.count > 0) full.push(columns.take());
    for (const part of full) yield timed(part, start);
  }

  async *#alone(id: string, start: number, { signal }: OperationOptions): AsyncGenerator<ImportedPoints> {
    const { first, last } = this.#runs.get(id)!;
    const columns = new PointColumns();
    for await (const rows of this.#read({ start: first, signal })) {
      for (const row of rows) {
        if (row.offset > last) break;
        if (!('names' in row) || row.run !== id) continue;
        for (let i = 0; i < row.names.length; i++) {
          if (columns.full) yield columns.take();
          columns.add(row.names[i]!, row.step, row.timestamp ?? start, row.values[i]!);
        }
      }
      if (rows.length > 0 && rows.at(-1)!.offset >= last) break;
    }
    if (columns.count > 0) yield columns.take();
  }

  /** The points of a run, and of those behind it that there is room for. */
  async #together(id: string, { signal }: OperationOptions): Promise<Held> {
    const held: Held = new Map();
    let [first, last, room, isBehind] = [Infinity, -1, mostHeld, false];
    for (const [each, run] of this.#runs) {
      isBehind ||= each === id;
      if (!isBehind || run.points === 0) continue;
      if ((room -= run.points) < 0) break;
      held.set(each, { columns: new PointColumns(), full: [] });
      [first, last] = [Math.min(first, run.first), Math.max(last, run.last)];
    }
    for await (const rows of this.#read({ start: first, signal })) {
      for (const row of rows) if ('names' in row && row.offset <= last && held.has(row.run)) hold(held, row);
      if (rows.length > 0 && rows.at(-1)!.offset >= last) break;
    }
    return held;
  }
}

function hold(held: Held, row: PointsRow): void {
  let run = held.get(row.run);
  if (run === undefined) held.set(row.run, (run = { columns: new PointColumns(), full: [] }));
  for (let i = 0; i < row.names.length; i++) {
    if (run.columns.full) run.full.push(run.columns.take());
    run.columns.add(row.names[i]!, row.step, row.timestamp ?? atStart, row.values[i]!);
  }
}

function timed(points: ImportedPoints, start: number): ImportedPoints {
  return { ...points, timestamps: Float64Array.from(points.timestamps, (at) => (at === atStart ? start : at)) };
}
