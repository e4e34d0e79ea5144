import type { ColumnKind, DataDrift } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { printable } from '../../output/printable.ts';
import { didYouMean } from '../../suggest.ts';
import { readTables } from '../../tables/read-tables.ts';
import { UsageError } from '../../usage-error.ts';
import { atLeast, chance, delimiter, wholeNumber } from '../../value-rules.ts';
import { driftText } from './drift-text.ts';

export const driftCheck: Command = defineCommand({
  path: ['drift', 'check'],
  summary: 'Compare a file of rows with a reference, column by column; exit 3 when any column has drifted.',
  details: [
    'Files are CSV (in UTF-8 or UTF-16; delimiter and decimal sign are found out; also gzipped), JSONL, or Parquet where the package hyparquet is installed, with hyparquet-compressors in any compression; - is CSV from standard input. What a column of CSV holds is found from the reference; NA, N/A, null, None and empty cells are missing values.',
    'A column has drifted when the change is significant (p-values adjusted over all columns) and large (the 95 % interval of its stability index lies above --min-effect). A column with too few rows is not judged, and does not make the exit code 3.',
  ],
  options: {
    columns: { type: 'texts', short: 'c', value: 'A,B', description: 'Only these columns.' },
    exclude: { type: 'texts', short: 'x', value: 'A,B', description: 'All columns but these.' },
    categorical: { type: 'texts', value: 'A,B', description: 'Columns of numbers that are codes, such as postal codes.' },
    prediction: { type: 'text', value: 'COLUMN', description: "The column that holds the model's prediction." },
    alpha: { type: 'number', value: 'P', rule: chance, description: 'The chance of a false alarm over all columns.', otherwise: '0.05' },
    'min-effect': { type: 'number', value: 'PSI', rule: atLeast(0), description: 'How large a change must be.', otherwise: '0.1' },
    'min-rows': { type: 'number', value: 'N', rule: wholeNumber(1), description: 'With fewer rows a column is not judged.', otherwise: '30' },
    delimiter: { type: 'text', value: 'CHAR', rule: delimiter, description: 'What stands between the cells of CSV; \\t is a tab.', otherwise: 'found out' },
    missing: { type: 'texts', value: 'TEXT', description: 'A further cell that says that there is no value, such as -999.' },
  },
  positionals: [
    { name: 'REFERENCE', description: 'The rows that a model was trained on, or of a time when all was well.' },
    { name: 'CURRENT', description: 'The rows to compare with it; - for standard input.' },
  ],
  examples: [
    { command: 'drift check january.csv february.csv', does: 'A verdict on every column.' },
    { command: 'drift check train.parquet today.parquet --columns distance,origin --json', does: 'Two columns, for a script.' },
    { command: 'drift check train.csv - --categorical zip < today.csv', does: 'Rows from standard input; zip is a code.' },
  ],
  async run({ options, positionals: [reference = '', current = ''], out, signal, host }) {
    const [columns, exclude, categorical] = [listed('--columns', options.columns), listed('--exclude', options.exclude), listed('--categorical', options.categorical)];
    const both = columns.find((name) => exclude.includes(name));
    if (both !== undefined) throw new UsageError(`--columns and --exclude both name '${printable(both)}'; give one of them.`);
    const tables = await readTables(reference, current, { delimiter: delimiterOf(options.delimiter), missing: options.missing, columns, exclude, signal }, host);
    const compared = new Set([...Object.keys(tables.reference), ...Object.keys(tables.current)]);
    if (compared.size === 0) throw new UsageError('--exclude names every column, so that none is left to compare.');
    for (const [option, names] of [['--categorical', categorical], ['--prediction', options.prediction === undefined ? [] : [options.prediction]]] as const) {
      const unknown = names.find((name) => !compared.has(name));
      if (unknown !== undefined) throw new UsageError(`${option} names '${printable(unknown)}', which is no column that is compared${didYouMean(unknown, compared) || '.'}`);
    }
    const { compareData } = await import('../../../index.ts');
    const drift: DataDrift = compareData(tables.reference, tables.current, {
      alpha: options.alpha,
      minEffect: options['min-effect'],
      minRows: options['min-rows'],
      prediction: options.prediction,
      kinds: Object.fromEntries(categorical.map((name): [string, ColumnKind] => [name, 'category'])),
    });
    await out.result(drift, (page) => driftText(drift, page));
    return drift.drifted ? exitCodes.gate : exitCodes.done;
  },
});

/** Names that are given one by one or with commas between. Throws `UsageError` where there is none in what was given. */
function listed(option: string, texts: readonly string[]): string[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim()).filter((name) => name !== '');
  if (texts.length > 0 && names.length === 0) throw new UsageError(`${option} names no column; give A,B.`);
  return names;
}

function delimiterOf(given: string | undefined): string | undefined {
  return given === '\\t' || given === 'tab' ? '\t' : given;
}
