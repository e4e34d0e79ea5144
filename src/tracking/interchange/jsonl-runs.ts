import { utf8 } from '../../core/bytes.ts';
import { decode } from '../../core/codec.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { flatNumbers } from './flat-numbers.ts';
import { groupedRuns } from './grouped-runs.ts';
import { baseName, gunzipped, untilFault } from './gunzipped.ts';
import type { ImportDamage, ImportedRun } from './imported-run.ts';
import { lenientJson } from './lenient-json.ts';
import { metricNumber } from './metric-number.ts';
import { factsOf, isObject } from './run-facts.ts';
import type { OpenSourceOptions, SourceFile } from './source-directory.ts';
import { sourceLines } from './source-lines.ts';
import { faultyRow, type SourceRow } from './source-row.ts';

/** What a JSONL file does not say of its runs. */
export interface JsonlRunsOptions extends OperationOptions {
  /** Name of the experiment of runs that the file has none for. @default required for these */
  experiment?: string | undefined;
  /** The run of all lines that name none. @default the name of the file without its extensions */
  run?: string | undefined;
  /** Epoch milliseconds of the start of runs that the file has none for, and of points without a timestamp. @default the first timestamp of the run, and required where there is none */
  startedAt?: number | undefined;
}

/**
 * The runs of a file with a JSON object in each line, which is one of these: `{"kind":"run","run":…}` with what is known of a run, as `exportRunsJsonl` writes it; `{"run","metric","step","timestamp","value"}`, a point; or any other object, whose
 * numbers (those within it under `a/b`) are values of metrics at its `step` and `timestamp`, as training scripts write them. `run`, `step` (0) and `timestamp` may be missing. NaN and infinities may be words, in quotes or bare.
 *
 * A run whose name is an id of modelkeep keeps it. A file of more than a million points is read again for each million, whose runs are held at once, and for each run that has more. Gzip is read as what is in it, several members too. A line that cannot be read is damage with its byte, and so is gzip that was cut off or changed: the lines before it are kept. Throws `ValidationError`, when it is read, where experiment or start are not known; in a file that has lost lines, or tells the experiment of other runs, such a run is damage too.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { jsonlRuns, sourceFile } from 'modelkeep/interchange';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const file = sourceFile('log.jsonl', '{"step":0,"loss":0.9}\n{"step":1,"loss":0.7}\n');
 * await tracker.importRuns(jsonlRuns(file, { experiment: 'demo', startedAt: Date.parse('2026-01-31') }));
 * ```
 */
export async function* jsonlRuns(file: SourceFile, options: JsonlRunsOptions = {}): AsyncGenerator<ImportedRun | ImportDamage, void, undefined> {
  const { experiment, startedAt, signal } = options;
  const run = options.run ?? baseName(file);
  const plain = gunzipped(file);
  const read = async function* (reading: OpenSourceOptions): AsyncGenerator<SourceRow[]> {
    for await (const lines of untilFault(sourceLines(plain, reading), file)) {
      const rows: SourceRow[] = [];
      for (const line of lines) {
        if ('message' in line) rows.push(line);
        else if (line.text.trim() !== '') rows.push(rowOf(line.offset === 0 ? line.text.replace(/^\ufeff/, '') : line.text, line.offset, run));
      }
      yield rows;
    }
  };
  yield* groupedRuns('jsonl', file.name, read, { experiment, startedAt, signal });
}

function rowOf(text: string, offset: number, fallbackRun: string): SourceRow {
  const line = lenientJson(text);
  if (!isObject(line)) return faultyRow(offset, 'is no JSON object');
  const run = line['run'] === undefined ? fallbackRun : typeof line['run'] === 'number' ? String(line['run']) : line['run'];
  if (typeof run !== 'string' || run === '') return faultyRow(offset, `names the run ${shown(line['run'], 80)}, which is no text`);
  if (line['kind'] === 'run') {
    try {
      return { offset, run, facts: factsOf(decode(utf8(text), 'line') as Record<string, unknown>) };
    } catch {
      return faultyRow(offset, 'is no run as exportRunsJsonl writes it');
    }
  }
  const { metric, value, step = 0, timestamp: time } = line;
  if (!Number.isSafeInteger(step)) return faultyRow(offset, `has the step ${shown(step, 80)}, which is no whole number`);
  const timestamp = time === undefined || time === null ? undefined : typeof time === 'string' ? Date.parse(time) : time;
  if (timestamp !== undefined && !(typeof timestamp === 'number' && timestamp >= 0 && timestamp < Infinity)) return faultyRow(offset, `has the timestamp ${shown(time, 80)}, which is none`);
  const names: string[] = [];
  const values: number[] = [];
  if (metric !== undefined) {
    const number = numberOf(value);
    if (typeof metric !== 'string' || metric === '') return faultyRow(offset, `names the metric ${shown(metric, 80)}, which is no text`);
    if (number === undefined) return faultyRow(offset, `has ${shown(value, 80)} for '${metric}', which is no number`);
    names.push(metric);
    values.push(number);
  } else {
    const { run: _run, step: _step, timestamp: _timestamp, ...rest } = line;
    const take = (name: string, number: number): void => {
      names.push(name);
      values.push(number);
    };
    flatNumbers('', rest, { separator: '/', numberOf: numberOrWord, take });
  }
  return { offset, run, step: step as number, timestamp, names, values };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : typeof value === 'string' ? metricNumber(value) : undefined;
}

/** Of texts, only the words that JSON has no numbers for are values. */
function numberOrWord(value: unknown): number | undefined {
  return typeof value === 'string' && !/^[+-]?(?:nan|inf)/i.test(value) ? undefined : numberOf(value);
}
