import type { Encodable } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { takeLatest, type MetricPoint } from '../latest-metric.ts';
import { numberCell, textCell, valueText } from './csv-cell.ts';
import { checkDelimiter } from './csv-runs.ts';
import { eachExported, runLabel, type ExportOptions } from './exported-points.ts';
import type { ImportedRun, RunSource } from './imported-run.ts';

/** How runs are written as CSV. */
export interface ExportCsvOptions extends ExportOptions {
  /** `points`: one line per point. `runs`: one line per run, with its params, tags and the latest value of each metric. @default 'points' */
  rows?: 'points' | 'runs' | undefined;
  /** What stands between two cells: one character. @default ',' */
  delimiter?: string | undefined;
  /** Puts an apostrophe before texts that a spreadsheet would take for a formula; set it when you read the file back too. @default false */
  formulaGuard?: boolean | undefined;
}

const pieceLength = 1 << 16;
const fields = ['experiment', 'name', 'group', 'status', 'startedAt', 'endedAt', 'deletedAt', 'reason', 'error', 'notes', 'seed', 'parent', 'pipelineRun', 'code', 'environment', 'droppedPoints', 'datasets'] as const;

/**
 * Runs as CSV (RFC 4180, lines end in CRLF), in pieces. With `rows: 'points'` as `run,metric,step,timestamp,value`, in bounded memory. With `rows: 'runs'` as a line per run, for which what is known of all runs (not their points) is held. Numbers are
 * in their shortest exact form, `NaN` and `Infinity` by name; data that is no text is JSON. `csvRuns` reads both back into equal runs, but for artifacts.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { exportRunsCsv } from 'modelkeep/interchange';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.withRun({ experiment: 'demo', params: { lr: 0.1 } }, (run) => run.logMetrics({ loss: 0.5 }, { step: 3 }));
 * for await (const piece of exportRunsCsv(tracker.exportRuns(), { formulaGuard: true })) console.log(piece);
 * ```
 */
export async function* exportRunsCsv(runs: RunSource, options: ExportCsvOptions = {}): AsyncGenerator<string, void, undefined> {
  const { rows = 'points', delimiter = ',', formulaGuard = false } = options;
  checkDelimiter(delimiter);
  if (rows !== 'points' && rows !== 'runs') throw new ValidationError(`rows is ${shown(rows, 80)}; give 'points' or 'runs'.`, { path: 'rows' });
  const cell = (text: string): string => textCell(text, delimiter, formulaGuard);
  yield* rows === 'points' ? pointRows(runs, options, cell, delimiter) : runRows(runs, options, cell, delimiter);
}

async function* pointRows(runs: RunSource, options: ExportCsvOptions, cell: (text: string) => string, delimiter: string): AsyncGenerator<string, void, undefined> {
  let text = `${['run', 'metric', 'step', 'timestamp', 'value'].join(delimiter)}\r\n`;
  for await (const { run, points } of eachExported(runs, options)) {
    const label = cell(runLabel(run));
    for await (const { names, codes, steps, timestamps, values } of points) {
      const heads = names.map((name) => `${label}${delimiter}${cell(name)}${delimiter}`);
      for (let i = 0; i < values.length; i++) {
        text += `${heads[codes[i]!]!}${numberCell(steps[i]!)}${delimiter}${timestamps[i]!}${delimiter}${numberCell(values[i]!)}\r\n`;
        if (text.length >= pieceLength) {
          yield text;
          text = '';
        }
      }
    }
  }
  if (text !== '') yield text;
}

async function* runRows(runs: RunSource, options: ExportCsvOptions, cell: (text: string) => string, delimiter: string): AsyncGenerator<string, void, undefined> {
  const titles = { params: new Set<string>(), tags: new Set<string>(), metrics: new Set<string>() };
  const found: { run: ImportedRun; latest: Map<string, MetricPoint> }[] = [];
  for await (const { run, points } of eachExported(runs, options)) {
    const latest = new Map<string, MetricPoint>();
    for await (const part of points) takeLatest(latest, part);
    for (const name of Object.keys(run.params)) titles.params.add(name);
    for (const name of Object.keys(run.tags)) titles.tags.add(name);
    for (const name of latest.keys()) titles.metrics.add(name);
    found.push({ run, latest });
  }
  const names = { params: [...titles.params].sort(), tags: [...titles.tags].sort(), metrics: [...titles.metrics].sort() };
  const present = fields.filter((field) => found.some(({ run }) => isPresent(run[field])));
  const header = ['run', ...present, ...names.params.map((name) => `params.${name}`), ...names.tags.map((name) => `tags.${name}`), ...names.metrics.map((name) => `metrics.${name}`)];
  yield `${header.map(cell).join(delimiter)}\r\n`;
  for (const { run, latest } of found) {
    const data = (value: unknown): string => {
      const own = value === undefined ? '' : valueText(value as Encodable);
      return Number.isFinite(value) ? own : cell(own);
    };
    const cells = [
      cell(runLabel(run)),
      ...present.map((field) => data(run[field])),
      ...names.params.map((name) => data(Object.hasOwn(run.params, name) ? run.params[name] : undefined)),
      ...names.tags.map((name) => data(Object.hasOwn(run.tags, name) ? run.tags[name] : undefined)),
      ...names.metrics.map((name) => {
        const point = latest.get(name);
        return point === undefined ? '' : numberCell(point.value);
      }),
    ];
    yield `${cells.join(delimiter)}\r\n`;
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}
