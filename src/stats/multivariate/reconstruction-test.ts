import type { Column } from '../../core/column.ts';
import type { Table, TableInput } from '../../core/table.ts';
import { demandLevel, demandOptions, demandProbability, demandShare, demandWhole } from '../arguments.ts';
import { cliffsDelta } from '../effects/cliffs-delta.ts';
import type { DriftStatus } from '../profiles/data-drift.ts';
import { readPlain } from '../profiles/read-column.ts';
import { sideTable } from '../profiles/side-table.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import { ksTest } from '../tests/ks-test.ts';
import { chooseColumns } from './choose-columns.ts';
import { principalComponents } from './principal-components.ts';
import { allRows, drawRows, finiteRows, rowMajor, type RowMajor } from './rows.ts';

/** How {@link reconstructionTest} reads and judges. */
export interface ReconstructionOptions {
  /** The columns of numbers to take. @default all columns that are numbers or truth values on both sides */
  columns?: readonly string[] | undefined;
  /** Chance of a false alarm when nothing has changed. @default 0.05 */
  alpha?: number | undefined;
  /** The size of Cliff's delta that must surely be exceeded for a change to matter, 0 to 1. @default 0.1 */
  minDelta?: number | undefined;
  /** With fewer complete rows than this in either half of the reference, or on the current side, nothing is judged, at least 10. @default 30 */
  minRows?: number | undefined;
  /** The components are the fewest that explain more than this share of the variance, above 0; 1 keeps all. @default 0.65 */
  explained?: number | undefined;
  /** The seed by which the reference is halved, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** What {@link reconstructionTest} found. */
export interface ReconstructionDrift {
  /** `drifted` when the difference is both significant and large, `insufficient` when there was too little to learn from. */
  readonly status: DriftStatus;
  /** The verdict in words. */
  readonly summary: string;
  /** Of Kolmogorov and Smirnov's test on the errors; 1 when nothing was compared. */
  readonly pValue: number;
  /** Cliff's delta: how much more often a current row is further from the components than one of the reference, than nearer to them; `null` when nothing was compared. */
  readonly delta: number | null;
  /** The lower end of its 95 % interval. */
  readonly low: number | null;
  /** The upper end of that interval. */
  readonly high: number | null;
  /** The columns that were taken. */
  readonly columns: readonly string[];
  /** Components that were kept. */
  readonly components: number;
  /** The share of the variance that they explain in the half that they were fitted on. */
  readonly explained: number;
  /** Complete rows of the reference that the components were fitted on. */
  readonly fittedRows: number;
  /** Complete rows of the other half, which current rows were compared with. */
  readonly referenceRows: number;
  /** Complete current rows. */
  readonly currentRows: number;
}

interface Settings {
  readonly alpha: number;
  readonly minDelta: number;
  readonly minRows: number;
  readonly explained: number;
  readonly seed: number;
}

/**
 * Do current rows still keep to the correlations of the reference? Principal components are fitted on a random half of the reference, and how far rows are from them (the reconstruction error, as in NannyML's multivariate drift) is
 * compared between the other half and the current rows, by Kolmogorov and Smirnov's test. Neither took part in the fit, so that the level of the test is exact whatever was fitted; a threshold taken from rows that were fitted, as
 * systems of the field have it, is passed by new rows too often.
 *
 * The effect is Cliff's delta of the errors. Drift is a p-value of at most `alpha` and a delta that is surely beyond `minDelta` on either side: rows that come nearer to the components have changed too.
 *
 * Rows must be independent; those with a number that is missing, NaN or infinite are left out. Odd contents never throw; throws `ValidationError` for options out of range, a name in `columns` that a side does not have as numbers, and
 * columns of different lengths. O(n · width² + width³).
 *
 * @example
 * ```ts
 * import { reconstructionTest } from 'modelkeep/stats';
 *
 * const wave = (i: number) => (Math.sin(i * 12.9898) * 43758.5453) % 1;
 * const before = Array.from({ length: 400 }, (_, i) => ({ x: wave(i), y: wave(i) + 0.1 * wave(i + 500) })); // y follows x
 * const after = Array.from({ length: 200 }, (_, i) => ({ x: wave(i + 900), y: wave(i + 7) }));              // and no longer does
 * const { status, summary } = reconstructionTest(before, after);
 * console.log(status, summary); // 'drifted', though each column by itself is as it was
 * ```
 */
export function reconstructionTest(reference: TableInput, current: TableInput, options: ReconstructionOptions = {}): ReconstructionDrift {
  const settings = checkSettings(options);
  const tables = [sideTable(reference, 'reference'), sideTable(current, 'current')] as const;
  const columns = chooseColumns(options.columns, numberColumns(tables), 'which is no column of numbers on both sides');
  const [before, after] = tables.map((table) => completeRows(table, columns)) as [RowMajor, RowMajor];
  const all = allRows(before.count);
  const half = drawRows(all, Math.floor(before.count / 2), new SeededGenerator(settings.seed));
  const taken = new Set(half);
  const fitted = rowsAt(before, half);
  const held = rowsAt(before, all.filter((row) => !taken.has(row)));
  const about = { columns, fittedRows: fitted.count, referenceRows: held.count, currentRows: after.count };
  const short = tooLittle(columns, Math.min(fitted.count, held.count), after.count, settings.minRows);
  if (short !== undefined) return { status: 'insufficient', summary: short, pValue: 1, delta: null, low: null, high: null, components: 0, explained: 0, ...about };
  const components = principalComponents(fitted, { explained: settings.explained });
  const errors = [held, after].map((rows) => components.reconstructionErrors(rows)) as [Float64Array, Float64Array];
  const { pValue } = ksTest(errors[0], errors[1]);
  const { value: delta, low, high } = cliffsDelta(errors[1], errors[0]);
  const large = low >= settings.minDelta || high <= -settings.minDelta;
  const status = pValue <= settings.alpha && large ? 'drifted' : 'stable';
  const found = { pValue, delta, low, high, components: components.count, explained: components.explained };
  return { status, summary: explain(found, status, settings), ...found, ...about };
}

function checkSettings(options: ReconstructionOptions): Settings {
  const { alpha = 0.05, minDelta = 0.1, minRows = 30, explained = 0.65, seed = 1 } = demandOptions(options);
  demandLevel('alpha', alpha);
  demandProbability('minDelta', minDelta);
  demandWhole('minRows', minRows, 10);
  demandShare('explained', explained);
  demandWhole('seed', seed, 0, 2 ** 32 - 1);
  return { alpha, minDelta, minRows, explained, seed };
}

function numberColumns([before, after]: readonly [Table, Table]): ReadonlySet<string> {
  return new Set(Object.keys(before.columns).filter((name) => Object.hasOwn(after.columns, name) && [before, after].every(({ columns }) => ofNumbers(columns[name]!))));
}

function ofNumbers({ type }: Column): boolean {
  return type === 'float64' || type === 'int64' || type === 'bool';
}

function completeRows(table: Table, columns: readonly string[]): RowMajor {
  const all = rowMajor('rows', { columns: columns.map((name) => readPlain(table.columns[name]!, 'number') as Float64Array) });
  return rowsAt(all, finiteRows(all));
}

function rowsAt({ values, width }: RowMajor, rows: Uint32Array): RowMajor {
  const taken = new Float64Array(rows.length * width);
  rows.forEach((row, i) => taken.set(values.subarray(row * width, (row + 1) * width), i * width));
  return { values: taken, width, count: rows.length };
}

function tooLittle(columns: readonly string[], half: number, current: number, minRows: number): string | undefined {
  if (columns.length < 2) return 'there are not two columns of numbers on both sides, and one has no correlations';
  if (half < minRows) return `half of the reference has ${half} complete rows, at least ${minRows} are needed`;
  return current < minRows ? `there are ${current} complete current rows, at least ${minRows} are needed` : undefined;
}

function explain({ pValue, delta, low, high }: { pValue: number; delta: number; low: number; high: number }, status: DriftStatus, { alpha, minDelta }: Settings): string {
  const size = `Cliff's delta ${delta.toFixed(2)} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}), p ${String(Number(pValue.toPrecision(2)))}`;
  if (status === 'drifted') return `Current rows lie ${delta > 0 ? 'further from' : 'nearer to'} the correlations of the reference: ${size}.`;
  if (pValue > alpha) return `Current rows keep to the correlations of the reference: ${size}.`;
  return `There is a difference in how rows keep to the correlations of the reference, but it is not surely beyond ${minDelta}: ${size}.`;
}
