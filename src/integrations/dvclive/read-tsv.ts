import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { metricNumber, wholeNumber } from '../../tracking/interchange/metric-number.ts';
import { fileIn, type SourceDirectory } from '../../tracking/interchange/source-directory.ts';
import { sourceLines } from '../../tracking/interchange/source-lines.ts';

/** One point of a plot. */
export interface TsvPoint {
  readonly step: number;
  readonly timestamp: number;
  readonly value: number;
}

/** A line that could not be read. */
export interface TsvDamage {
  readonly offset: number;
  readonly message: string;
}

/** The points of one plot, some at once. The header says which column is which: `step`, perhaps `timestamp` (epoch milliseconds), and the metric. Throws `IntegrityError` for a header without them. */
export async function* readTsv(directory: SourceDirectory, path: string, startedAt: number, options: OperationOptions): AsyncGenerator<(TsvPoint | TsvDamage)[]> {
  let header: { step: number; timestamp: number; value: number; width: number } | undefined;
  for await (const lines of sourceLines(fileIn(directory, path), options)) {
    const rows: (TsvPoint | TsvDamage)[] = [];
    for (const { text, offset, ended } of lines) {
      const cells = text.split('\t');
      if (header === undefined) {
        const place = (name: string): number => cells.indexOf(name);
        header = { step: place('step'), timestamp: place('timestamp'), value: cells.findIndex((cell) => cell !== 'step' && cell !== 'timestamp'), width: cells.length };
        if (header.step < 0 || header.value < 0) throw new IntegrityError(`${path} does not begin with a header of 'step' and a metric.`, { key: path, offset });
        continue;
      }
      if (text === '') continue;
      const step = wholeNumber(cells[header.step] ?? '');
      const value = metricNumber(cells[header.value] ?? '');
      const timestamp = header.timestamp < 0 ? startedAt : wholeNumber(cells[header.timestamp] ?? '');
      const shown = JSON.stringify(text.slice(0, 80));
      if (!ended) rows.push({ offset, message: `The last line, ${shown}, has no line break: it was torn, and is left out.` });
      else if (cells.length !== header.width || step === undefined || value === undefined || timestamp === undefined || timestamp < 0) rows.push({ offset, message: `The line ${shown} does not fit its header, and is left out.` });
      else rows.push({ step, timestamp, value });
    }
    if (rows.length > 0) yield rows;
  }
}
