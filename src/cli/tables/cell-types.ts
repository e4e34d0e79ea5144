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
export function cellType(cells: readonly string[], missing: ReadonlySet<string>, delimiter: string): CellType {
  const present = cells.map((cell) => cell.trim()).filter((cell) => !missing.has(cell));
  if (present.length === 0) return 'text';
  const every = (parse: (cell: string) => unknown): boolean => present.every((cell) => parse(cell) !== undefined);
  if (!present.some((cell) => leadingZero.test(cell))) {
    // Words alone do not make a column of numbers.
    if (every(numberOf) && present.some((cell) => number.test(cell))) return 'number';
    if (delimiter !== ',' && every(commaNumberOf) && present.some((cell) => decimalComma.test(cell))) return 'number';
  }
  if (every(truthOf)) return 'boolean';
  return every(timeOf) ? 'time' : 'text';
}

/** What reads the cells of a column as values of a type, by default of that which they have. Whether a comma is that of decimals is told by the cells and the delimiter of their own file. */
export function cellReader(cells: readonly string[], missing: ReadonlySet<string>, delimiter: string, type: CellType = cellType(cells, missing, delimiter)): CellReader {
  const parse = { number: delimiter !== ',' && hasDecimalCommas(cells) ? commaNumberOf : numberOf, boolean: truthOf, time: timeOf, text: () => undefined }[type];
  return {
    type,
    read: (cell) => {
      const trimmed = cell.trim();
      return missing.has(trimmed) ? null : (parse(trimmed) ?? cell);
    },
  };
}

/** Whether more cells are numbers with a decimal comma than with a point; some of a column may be no numbers at all. */
function hasDecimalCommas(cells: readonly string[]): boolean {
  let balance = 0;
  for (const cell of cells) {
    const trimmed = cell.trim();
    if (trimmed.includes(',') ? decimalComma.test(trimmed) : trimmed.includes('.') && number.test(trimmed)) balance += trimmed.includes(',') ? 1 : -1;
  }
  return balance > 0;
}

function numberOf(cell: string): number | undefined {
  return number.test(cell) ? Number(cell) : words[cell.toLowerCase()];
}

function commaNumberOf(cell: string): number | undefined {
  return decimalComma.test(cell) ? Number(cell.replace(',', '.')) : words[cell.toLowerCase()];
}

function truthOf(cell: string): boolean | undefined {
  return truths[cell.toLowerCase()];
}

function timeOf(cell: string): Date | undefined {
  if (!time.test(cell)) return undefined;
  const iso = cell.replace(' ', 'T');
  const parsed = new Date(iso.includes('T') && !/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? `${iso}Z` : iso);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}
