import type { OperationOptions } from '../../core/progress.ts';
import type { ImportDamage, ImportedPoints } from '../../tracking/interchange/imported-run.ts';
import { metricNumber, wholeNumber } from '../../tracking/interchange/metric-number.ts';
import { PointColumns } from '../../tracking/interchange/point-columns.ts';
import { fileIn, filesWithin, type SourceDirectory } from '../../tracking/interchange/source-directory.ts';
import { sourceLines, type SourceLine } from '../../tracking/interchange/source-lines.ts';
import { fileDamage } from '../../tracking/interchange/file-damage.ts';

/**
 * The points of a run: a file for each metric, `/` in its name being a folder. A line is `<ms> <value> <step>`, or `<ms> <value>` as the first versions wrote it, or has the name and digest of a dataset behind the step.
 */
export async function* readMetrics(directory: SourceDirectory, folder: string, source: string, options: OperationOptions = {}): AsyncGenerator<ImportedPoints | ImportDamage> {
  const columns = new PointColumns();
  const faults: ImportDamage[] = [];
  for await (const name of filesWithin(directory, folder, (path, error) => faults.push(fileDamage(source, path, error)), options)) {
    const where = `${folder}/${name}`;
    try {
      for await (const lines of sourceLines(fileIn(directory, where), options)) {
        for (const line of lines) {
          const message = take(columns, name, line);
          if (message !== undefined) yield { source, where, offset: line.offset, message };
          if (columns.full) yield columns.take();
        }
      }
    } catch (error) {
      yield fileDamage(source, where, error);
    }
  }
  if (columns.count > 0) yield columns.take();
  yield* faults;
}

const longestLine = 4_096;

/** Says what is wrong with a line, or takes its point. */
function take(columns: PointColumns, name: string, { text, ended, cut }: SourceLine): string | undefined {
  if (!ended) return `The last line, ${shortened(text)}, has no line break: it was torn, and is left out.`;
  if (cut || text.length > longestLine) return `The line ${shortened(text)} is far too long, and is left out.`;
  if (text.trim() === '') return undefined;
  const fields = text.split(' ');
  const timestamp = wholeNumber(fields[0]!);
  const value = metricNumber(fields[1] ?? '');
  const step = fields.length === 2 ? 0 : wholeNumber(fields[2] ?? '');
  // A dataset may have spaces in its name.
  const isWhole = fields.length === 2 || fields.length === 3 || fields.length >= 5;
  if (!isWhole || timestamp === undefined || timestamp < 0 || value === undefined || step === undefined) return `The line ${shortened(text)} is no '<time> <value> <step>', and is left out.`;
  columns.add(name, step, timestamp, value);
  return undefined;
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
