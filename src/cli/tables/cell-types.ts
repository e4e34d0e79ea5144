/** What the cells of a column hold. */
export type CellType = 'number' | 'boolean' | 'time' | 'text';

/** How cells become values. */
export interface CellReader {
  readonly type: CellType;
  /** The value of a cell; null where it is missing, the text itself where it is not of the type. */
  readonly read: (cell: string) => unknown;
}

/** Cells that say that there is no value. */
export const missingCells: readonly string[] = ['', 'NA', 'N/A', 'null', 'NULL', 'None'];

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const decimalComma = /^[+-]?\d+(?:,\d+)?$/;
const leadingZero = /^[+-]?0\d/;
const time = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;
const words: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, infinity: Infinity, '+inf': Infinity, '+infinity': Infinity, '-inf': -Infinity, '-infinity': -Infinity };
const truths: Readonly<Record<string, boolean>> = { true: true, false: false };

/**
 * What the cells of a column are, by all of them: numbers (also `NaN` and `inf`, and with a decimal comma where cells are not separated by commas), `true` and `false`, times in ISO 8601 (in UTC where they name no zone), else texts. Numbers with
 * leading zeros, such as postal codes, are texts.
 */
export function cellReader(cells: readonly string[], missing: ReadonlySet<string>, delimiter: string): CellReader {
  const present = cells.filter((cell) => !missing.has(cell.trim()));
  const every = (test: (cell: string) => boolean): boolean => present.length > 0 && present.every((cell) => test(cell.trim()));
  const read = (parse: (cell: string) => unknown) => (cell: string) => {
    const trimmed = cell.trim();
    return missing.has(trimmed) ? null : (parse(trimmed) ?? cell);
  };
  const some = (test: (cell: string) => boolean): boolean => present.some((cell) => test(cell.trim()));
  // Words alone do not make a column of numbers.
  if (!some((cell) => leadingZero.test(cell)) && every((cell) => numberOf(cell) !== undefined) && some((cell) => number.test(cell))) return { type: 'number', read: read(numberOf) };
  if (delimiter !== ',' && !some((cell) => leadingZero.test(cell)) && every((cell) => commaNumberOf(cell) !== undefined)) return { type: 'number', read: read(commaNumberOf) };
  if (every((cell) => truths[cell.toLowerCase()] !== undefined)) return { type: 'boolean', read: read((cell) => truths[cell.toLowerCase()]) };
  if (every((cell) => timeOf(cell) !== undefined)) return { type: 'time', read: read(timeOf) };
  return { type: 'text', read: (cell) => (missing.has(cell.trim()) ? null : cell) };
}

function numberOf(cell: string): number | undefined {
  return number.test(cell) ? Number(cell) : words[cell.toLowerCase()];
}

function commaNumberOf(cell: string): number | undefined {
  return decimalComma.test(cell) ? Number(cell.replace(',', '.')) : words[cell.toLowerCase()];
}

function timeOf(cell: string): Date | undefined {
  if (!time.test(cell)) return undefined;
  const iso = cell.replace(' ', 'T');
  const parsed = new Date(iso.includes('T') && !/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? `${iso}Z` : iso);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}
