import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { unguarded } from './csv-cell.ts';
import { readCsvFacts } from './csv-facts.ts';
import { csvRecords } from './csv-records.ts';
import { groupedRuns } from './grouped-runs.ts';
import { baseName, gunzipped, untilFault } from './gunzipped.ts';
import type { ImportDamage, ImportedRun } from './imported-run.ts';
import { metricNumber, wholeNumber } from './metric-number.ts';
import type { OpenSourceOptions, SourceFile } from './source-directory.ts';
import { faultyRow, type SourceRow } from './source-row.ts';

/** How runs are read from CSV, and what the file does not say of them. */
export interface CsvRunsOptions extends OperationOptions {
  /** Name of the experiment of all runs. @default as `runs` says, and required without it */
  experiment?: string | undefined;
  /** What else there is to say of the runs: the file that `exportRunsCsv` wrote with `rows: 'runs'`. @default none */
  runs?: SourceFile | undefined;
  /** The run of all points, where the file has no column `run`. @default the name of the file without its extensions */
  run?: string | undefined;
  /** Epoch milliseconds of the start of each run, and of points without a timestamp. @default the first timestamp of the run, and required where there is none */
  startedAt?: number | undefined;
  /** What stands between two cells: one character. @default ',' */
  delimiter?: string | undefined;
  /** Whether it was written with `formulaGuard`. @default false */
  formulaGuard?: boolean | undefined;
}

/**
 * The runs of a CSV file with a header: either one line per point (`run,metric,step,timestamp,value`, in any order; `run`, `step` and `timestamp` may be missing), or one line per step (`step` and a column for each metric, with `run` and
 * `timestamp` if there are any). Timestamps are epoch milliseconds or ISO 8601; numbers may be `NaN`, `Infinity` and `-Infinity`, in any usual spelling; empty cells of the second form are no points. Other columns of the first form are passed over.
 *
 * A run whose name is an id of modelkeep keeps it. A file of more than a million points is read again for each million, whose runs are held at once, and for each run that has more. Gzip is read as what is in it, several members too. A line that cannot be read is damage with its byte, and so is gzip that was cut off or changed: the lines before it are kept. Throws `ValidationError`, when it is read, for a header of neither form, and
 * where experiment or start are not known; in a file that has lost lines, or with `runs` that tell the experiment of others, such a run is damage too.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { csvRuns, sourceFile } from 'modelkeep/interchange';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const file = sourceFile('history.csv', 'step,loss,accuracy\n0,0.9,0.5\n1,0.7,0.6\n');
 * await tracker.importRuns(csvRuns(file, { experiment: 'demo', startedAt: Date.parse('2026-01-31') }));
 * ```
 */
export async function* csvRuns(file: SourceFile, options: CsvRunsOptions = {}): AsyncGenerator<ImportedRun | ImportDamage, void, undefined> {
  const { delimiter = ',', experiment, startedAt, runs, signal, formulaGuard = false } = options;
  checkDelimiter(delimiter);
  const run = options.run ?? baseName(file);
  const plain = gunzipped(file);
  const facts = runs === undefined ? undefined : yield* readCsvFacts(runs, { delimiter, formulaGuard, signal });
  let columns: Columns | undefined;
  const read = async function* (reading: OpenSourceOptions): AsyncGenerator<SourceRow[]> {
    // A reading that begins further on has no header in it.
    let skipHeader = reading.start === undefined;
    for await (const records of untilFault(csvRecords(plain, delimiter, reading), file)) {
      const rows: SourceRow[] = [];
      for (const record of records) {
        if ('message' in record) rows.push(record);
        else if (skipHeader) {
          columns ??= columnsOf(record.cells, file.name, formulaGuard);
          skipHeader = false;
        } else rows.push(rowOf(record.cells, record.offset, columns!, run, formulaGuard));
      }
      yield rows;
    }
  };
  yield* groupedRuns('csv', file.name, read, { experiment, startedAt, facts, signal });
}

interface Columns {
  readonly width: number;
  readonly run: number;
  readonly step: number;
  readonly timestamp: number;
  /** Of the form with one line per point. */
  readonly metric: number;
  readonly value: number;
  /** Of the form with one line per step. */
  readonly metrics: readonly { readonly name: string; readonly at: number }[];
}

/** Throws `ValidationError` unless it is one character that can stand between cells, numbers among them. */
export function checkDelimiter(delimiter: string): void {
  if (typeof delimiter === 'string' && /^[^"\r\n.+\-\p{L}\p{N}\p{Cs}]$/u.test(delimiter) && delimiter.length === 1) return;
  throw new ValidationError(`delimiter is ${shown(delimiter, 80)}; give one character that is no quote, no line break, and not in numbers, such as ',', ';' or a tab.`, { path: 'delimiter' });
}

function columnsOf(header: readonly string[], name: string, guard: boolean): Columns {
  const titles = header.map((cell) => unguarded(cell, guard).trim());
  const place = (title: string): number => titles.findIndex((each) => each.toLowerCase() === title);
  const found = { width: header.length, run: place('run'), step: place('step'), timestamp: place('timestamp'), metric: place('metric'), value: place('value') };
  if (found.metric >= 0 && found.value >= 0) return { ...found, metrics: [] };
  const twice = titles.find((title, at) => title !== '' && titles.indexOf(title) !== at);
  if (twice !== undefined) throw new ValidationError(`The header of ${name} has the column ${shown(twice, 80)} twice; give each a name of its own.`, { path: 'header' });
  const others = titles.map((title, at) => ({ name: title, at })).filter(({ name: title, at }) => title !== '' && at !== found.run && at !== found.step && at !== found.timestamp);
  if (found.step >= 0 && others.length > 0) return { ...found, metric: -1, value: -1, metrics: others };
  throw new ValidationError(`The header of ${name} is ${shown(titles.join(','), 200)}; it needs the columns metric and value (one line per point), or step and a column for each metric.`, { path: 'header' });
}

function rowOf(cells: readonly string[], offset: number, columns: Columns, fallbackRun: string, guard: boolean): SourceRow {
  if (cells.length !== columns.width) return faultyRow(offset, `has ${cells.length} cells, not ${columns.width}`);
  const run = columns.run < 0 ? fallbackRun : unguarded(cells[columns.run]!, guard);
  if (run === '') return faultyRow(offset, 'names no run');
  const step = columns.step < 0 || (columns.metric >= 0 && cells[columns.step] === '') ? 0 : wholeNumber(cells[columns.step]!.trim());
  if (step === undefined) return faultyRow(offset, `has the step ${shown(cells[columns.step], 80)}, which is no whole number`);
  const time = columns.timestamp < 0 ? '' : cells[columns.timestamp]!.trim();
  const timestamp = time === '' ? undefined : (metricNumber(time) ?? Date.parse(time));
  if (timestamp !== undefined && !(timestamp >= 0 && timestamp < Infinity)) return faultyRow(offset, `has the timestamp ${shown(time, 80)}, which is none`);
  const names: string[] = [];
  const values: number[] = [];
  if (columns.metric >= 0) {
    const name = unguarded(cells[columns.metric]!, guard);
    const value = metricNumber(cells[columns.value]!.trim());
    if (value === undefined || name === '') return faultyRow(offset, name === '' ? 'names no metric' : `has ${shown(cells[columns.value], 80)} for '${name}', which is no number`);
    return { offset, run, step, timestamp, names: [name], values: [value] };
  }
  for (const { name, at } of columns.metrics) {
    const cell = cells[at]!.trim();
    if (cell === '') continue;
    const value = metricNumber(cell);
    if (value === undefined) return faultyRow(offset, `has ${shown(cell, 80)} for '${name}', which is no number`);
    names.push(name);
    values.push(value);
  }
  return { offset, run, step, timestamp, names, values };
}
