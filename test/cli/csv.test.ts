import { toCsv } from 'modelkeep';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellReader } from '../../src/cli/tables/cell-types.ts';
import { parseCsv } from '../../src/cli/tables/csv.ts';

const read = (text: string, delimiter?: string): [string, readonly string[]][] => [...parseCsv(text, 'rows.csv', delimiter).columns];

test.each([
  ['LF, and none at the end', 'a,b\n1,2\n3,4', undefined, [['a', ['1', '3']], ['b', ['2', '4']]]],
  ['CRLF', 'a,b\r\n1,2\r\n', undefined, [['a', ['1']], ['b', ['2']]]],
  ['CR', 'a,b\r1,2\r', undefined, [['a', ['1']], ['b', ['2']]]],
  ['a byte order mark', '\uFEFFa,b\n1,2\n', undefined, [['a', ['1']], ['b', ['2']]]],
  ['empty lines', 'a,b\n\n1,2\n\n\n', undefined, [['a', ['1']], ['b', ['2']]]],
  ['semicolons', 'a;b\n1,5;2\n2,5;3\n', undefined, [['a', ['1,5', '2,5']], ['b', ['2', '3']]]],
  ['tabs', 'a\tb\n1\t2\n', undefined, [['a', ['1']], ['b', ['2']]]],
  ['bars', 'a|b\n1|2\n', undefined, [['a', ['1']], ['b', ['2']]]],
  ['one column', 'a\n1\n2\n', undefined, [['a', ['1', '2']]]],
  ['a delimiter that is given', 'a,b;c\n1,2;3\n', ';', [['a,b', ['1,2']], ['c', ['3']]]],
  ['quotes around delimiters, breaks and quotes', 'a,b\n"x,\r\ny","say ""hi"""\n', undefined, [['a', ['x,\r\ny']], ['b', ['say "hi"']]]],
  ['other delimiters within quotes', 'a,b\n"1;2;3",x\n"4;5;6",y\n', undefined, [['a', ['1;2;3', '4;5;6']], ['b', ['x', 'y']]]],
  ['empty cells', 'a,b\n,\n1,\n', undefined, [['a', ['', '1']], ['b', ['', '']]]],
] as const)('reads %s', (_what, text, delimiter, columns) => {
  expect(read(text, delimiter)).toEqual(columns);
});

test.each([
  ['a,b\n1,2\n3\n', 'rows.csv, line 3: it has 1 cells, and the first line has 2; is another delimiter meant'],
  ['a,b\n1,2\n\n3,4,5\n', 'rows.csv, line 4: it has 3 cells, and the first line has 2.'],
  ['a,b\n"x\ny",2\n3\n', 'rows.csv, line 4: it has 1 cells'],
  ['a,b\n"x,2\n3,4\n', 'rows.csv, line 2: a quote is opened and not closed.'],
  ['a,b\nx"y,2\n', 'rows.csv, line 2: there is a quote within a cell'],
  ['a,b\n"x"y,2\n', 'rows.csv, line 2: there is "y" behind a closing quote.'],
  ['a,a\n1,2\n', "rows.csv, line 1: there are two columns 'a'."],
  ['a,,b\n1,2,3\n', 'rows.csv, line 1: column 2 has no name.'],
  ['', 'rows.csv is empty'],
])('says where %j is wrong', (text, message) => {
  expect(() => parseCsv(text, 'rows.csv')).toThrow(message);
});

test('reads what toCsv writes, whatever is in it', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', 'é') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), fc.constantFrom(',', ';', '\t', '|'), (rows, delimiter) => {
      const columns = { x: rows.map(([x]) => x), y: rows.map(([, y]) => y) };
      const text = [...toCsv({ rowCount: rows.length, totalRows: rows.length, types: { x: 'string', y: 'string' }, columns }, { delimiter })].join('');
      expect(Object.fromEntries(read(text, delimiter))).toEqual(columns);
    }),
    { seed: 20261130, numRuns: 300 },
  );
});

test.each([
  [['1', '-2.5', '1e3', ''], ',', 'number', [1, -2.5, 1000, null]],
  [['1', 'NaN', '-inf', 'NA'], ',', 'number', [1, NaN, -Infinity, null]],
  [['1,5', '2', '-0,25'], ';', 'number', [1.5, 2, -0.25]],
  [['1,5', '2'], ',', 'text', ['1,5', '2']],
  [['007', '12'], ',', 'text', ['007', '12']],
  [['0.5', '0'], ',', 'number', [0.5, 0]],
  [['true', 'FALSE', ' '], ',', 'boolean', [true, false, null]],
  [['2026-01-31', '2026-02-01T10:00'], ',', 'time', [new Date('2026-01-31T00:00:00Z'), new Date('2026-02-01T10:00:00Z')]],
  [['2026-13-31'], ',', 'text', ['2026-13-31']],
  [['NaN', 'nan'], ',', 'text', ['NaN', 'nan']],
  [['a', 'N/A'], ',', 'text', ['a', null]],
  [['', ''], ',', 'text', [null, null]],
] as const)('takes %j between %j for %s', (cells, delimiter, type, values) => {
  const reader = cellReader(cells, new Set(['', 'NA', 'N/A']), delimiter);
  expect(reader.type).toBe(type);
  expect(cells.map(reader.read)).toEqual(values);
});

test('a column of another file is read as the type of the reference, with the decimal sign of its own file', () => {
  const read = (cells: readonly string[], delimiter: string, type: 'number' | 'text'): unknown[] => cells.map(cellReader(cells, new Set(['']), delimiter, type).read);
  expect(read(['1,5', '2', '', 'late'], ';', 'number')).toEqual([1.5, 2, null, 'late']);
  expect(read(['1.5', '2'], ';', 'number')).toEqual([1.5, 2]);
  expect(read(['1,5', '2'], ',', 'number')).toEqual(['1,5', 2]);
  expect(read(['1.5', '2,5', '3,5'], ';', 'number')).toEqual(['1.5', 2.5, 3.5]);
  expect(read(['10001', '2'], ',', 'text')).toEqual(['10001', '2']);
});

test('takes as long for every line whatever ends lines, and however many there are', () => {
  const secondsFor = (lines: number, end: string): number => {
    const text = `a,b${end}${`1,"2"${end}3,4${end}`.repeat(lines / 2)}`;
    const before = process.cpuUsage();
    expect(parseCsv(text, 'rows.csv').rowCount).toBe(lines);
    return process.cpuUsage(before).user / 1e6;
  };
  secondsFor(20_000, '\n');
  const plain = secondsFor(200_000, '\n');
  // Where each line was searched to the end of the file, CR alone took a hundred times as long.
  for (const end of ['\r', '\r\n']) expect(secondsFor(200_000, end)).toBeLessThan(10 * plain + 0.5);
});
