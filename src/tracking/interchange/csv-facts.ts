import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Encodable } from '../../core/codec.ts';
import { unguarded, valueOf } from './csv-cell.ts';
import { csvRecords } from './csv-records.ts';
import { gunzipped, untilFault } from './gunzipped.ts';
import type { RunFacts } from './source-row.ts';
import type { ImportDamage } from './imported-run.ts';
import { factsOf } from './run-facts.ts';
import type { SourceFile } from './source-directory.ts';

/** What a CSV with one line per run says of them, by run; what cannot be read is yielded. Throws `ValidationError` for a header without `run`. */
export async function* readCsvFacts(
  file: SourceFile,
  { delimiter, formulaGuard, signal }: OperationOptions & { delimiter: string; formulaGuard: boolean },
): AsyncGenerator<ImportDamage, Map<string, RunFacts>> {
  const facts = new Map<string, RunFacts>();
  let header: readonly string[] | undefined;
  for await (const records of untilFault(csvRecords(gunzipped(file), delimiter, { signal }), file)) {
    for (const record of records) {
      const damage = (message: string): ImportDamage => ({ source: `csv:${file.name}`, where: file.name, offset: record.offset, message });
      if ('message' in record) {
        yield damage(record.message);
        continue;
      }
      const cells = record.cells.map((cell) => unguarded(cell, formulaGuard));
      if (header === undefined) {
        header = cells;
        if (!header.includes('run')) throw new ValidationError(`${file.name} has no column 'run'; give the file that exportRunsCsv wrote with rows: 'runs'.`, { path: 'runs' });
        continue;
      }
      const run = cells[header.indexOf('run')] ?? '';
      if (cells.length !== header.length || run === '') {
        yield damage(`The line at byte ${record.offset} does not fit its header, and is left out.`);
        continue;
      }
      facts.set(run, factsOf(nested(header, cells)));
    }
  }
  return facts;
}

/** Values by column, those of `params.x` and `tags.x` put together. */
function nested(header: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const params: [string, Encodable][] = [];
  const tags: [string, Encodable][] = [];
  const rest: [string, Encodable][] = [];
  header.forEach((title, i) => {
    const cell = cells[i]!;
    if (cell === '' || title === 'run' || title.startsWith('metrics.')) return;
    if (title.startsWith('params.')) params.push([title.slice('params.'.length), valueOf(cell)]);
    else if (title.startsWith('tags.')) tags.push([title.slice('tags.'.length), valueOf(cell)]);
    else rest.push([title, valueOf(cell)]);
  });
  return { ...Object.fromEntries(rest), params: Object.fromEntries(params), tags: Object.fromEntries(tags) };
}
