import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnValues, concatColumns, isPresent, takeRows, toColumn, valueAt, type ColumnType } from '../../src/core/column.ts';
import { EncodedTable, TableShapes } from '../../src/core/encoded-table.ts';
import { fingerprint } from '../../src/core/fingerprint.ts';
import { decodeTable, encodeTable } from '../../src/core/table-codec.ts';
import { concatTables, tableInputs, toTable, type Table, type TableInput, type TableSource } from '../../src/core/table.ts';

const shape = (table: Table): unknown =>
  Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, [column.type, Array.from(columnValues(column))]]));

const perType: Readonly<Partial<Record<ColumnType, fc.Arbitrary<unknown>>>> = {
  float64: fc.double(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bool: fc.boolean(),
  string: fc.string({ unit: 'binary', maxLength: 8 }),
  timestamp: fc.integer({ min: -1e14, max: 1e14 }),
  json: fc.oneof(fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2 }), fc.array(fc.integer(), { maxLength: 3 })),
  bytes: fc.uint8Array({ maxLength: 5 }),
  'embedding(3)': fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true, noDefaultInfinity: true }),
};

interface Typed {
  types: Record<string, ColumnType>;
  columns: Record<string, unknown[]>;
}

/** Columns of random types and one length, with missing values. */
const typedColumns: fc.Arbitrary<Typed> = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom('a', '__proto__', 'constructor')), { minLength: 1, maxLength: 5 }))
  .chain(([rows, names]) =>
    fc
      .tuple(
        ...names.map((name) =>
          fc
            .constantFrom(...(Object.keys(perType) as ColumnType[]))
            .chain((type) => fc.tuple(fc.constant(name), fc.constant(type), fc.array(fc.option(perType[type]!, { freq: 4 }), { minLength: rows, maxLength: rows }))),
        ),
      )
      .map((all) => ({
        types: Object.fromEntries(all.map(([name, type]) => [name, type])),
        columns: Object.fromEntries(all.map(([name, , values]) => [name, values])),
      })),
  );

describe('toTable', () => {
  it.each([-1, 0.5, NaN, 2 ** 32, Infinity, '3', 1n])('refuses a column that says its length is %s', (length) => {
    expect(() => toTable({ x: { length } } as never)).toThrow(expect.objectContaining({ code: 'validation', message: 'table.x is not an array; a table is an object of columns or an array of rows.' }));
  });

  it('reads rows, columns and Arrow tables alike', () => {
    const rows = [{ day: 1, city: 'ATL', late: true }, { day: 2, city: null, late: false }, { day: 3, city: 'ORD' }];
    const columns = { day: [1, 2, 3], city: ['ATL', null, 'ORD'], late: [true, false, undefined] };
    const vectors = columns as Record<string, unknown[]>;
    const arrow = {
      numRows: 3,
      schema: { fields: [{ name: 'day' }, { name: 'city' }, { name: 'late' }] },
      getChild: (name: string) => {
        const values = vectors[name];
        return values === undefined ? null : { length: 3, get: (i: number) => values[i], nullCount: name === 'day' ? 0 : 1, toArray: () => Float64Array.from(values as number[]) };
      },
    };
    const expected = { day: ['float64', [1, 2, 3]], city: ['string', ['ATL', null, 'ORD']], late: ['bool', [true, false, null]] };
    for (const input of [rows, columns, arrow]) {
      const table = toTable(input);
      expect([table.rowCount, shape(table)]).toEqual([3, expected]);
    }
    expect(() => toTable(arrow, { only: ['missing'] })).toThrow(/has no column 'missing'; it has day, city, late/);
  });

  it('takes rows of any object type, as a program declares them', () => {
    interface Flight {
      readonly origin: string;
      readonly delay: number;
    }
    const flights: readonly Flight[] = [{ origin: 'JFK', delay: 3 }];
    expect(toTable(flights)).toEqual(toTable({ origin: ['JFK'], delay: [3] }));
    // @ts-expect-error a number is no row
    expect(() => toTable([1])).toThrow(/row/);
  });

  it('infers types from values, and takes the ones it is given', () => {
    const table = toTable({ f: [1, NaN], i: [1n, null], b: [true, false], s: ['x', 'y'], t: [new Date(5), null], j: [1, 'mixed'], none: [null, undefined], big: new BigInt64Array(2), f32: new Float32Array(2) });
    expect(Object.fromEntries(Object.entries(table.columns).map(([name, { type }]) => [name, type]))).toEqual({
      ...{ f: 'float64', i: 'int64', b: 'bool', s: 'string', t: 'timestamp', j: 'json', none: 'float64', big: 'int64', f32: 'float64' },
    });
    const typed = toTable(
      { i: [1, 2n], f: [true, 3n], t: ['2001-01-01T00:30:00', '2001-01-01T01:00+01:00', '2001-01-01 00:00'] .slice(0, 2), d: ['2001-01-01', 5], j: [1, { a: 1 }] },
      { types: { i: 'int64', f: 'float64', t: 'timestamp', d: 'timestamp', j: 'json' } },
    );
    expect(shape(typed)).toEqual({
      i: ['int64', [1n, 2n]],
      f: ['float64', [1, 3]],
      t: ['timestamp', [Date.UTC(2001, 0, 1, 0, 30), Date.UTC(2001, 0, 1)]],
      d: ['timestamp', [Date.UTC(2001, 0, 1), 5]],
      j: ['json', [1, { a: 1 }]],
    });
  });

  it('names the place of what is wrong', () => {
    const wrong: [TableInput, Parameters<typeof toTable>[1], string][] = [
      [{ a: [1, 2], b: [1] }, {}, 'table.b'],
      [{ a: [1, 'x'] }, { types: { a: 'float64' } }, 'table.a[1]'],
      [{ a: [2n ** 53n + 1n] }, { types: { a: 'float64' } }, 'table.a[0]'],
      [{ a: [0, 1.5] }, { types: { a: 'int64' } }, 'table.a[1]'],
      [{ a: [2n ** 63n] }, { types: { a: 'int64' } }, 'table.a[0]'],
      [{ a: [1] }, { types: { a: 'bool' } }, 'table.a[0]'],
      [{ a: ['x', 5] }, { types: { a: 'string' } }, 'table.a[1]'],
      [{ a: [0, NaN] }, { types: { a: 'timestamp' } }, 'table.a[1]'],
      [{ a: Float64Array.of(0, Infinity) }, { types: { a: 'timestamp' } }, 'table.a[1]'],
      [{ a: ['yesterday'] }, { types: { a: 'timestamp' } }, 'table.a[0]'],
    [{ a: ['2001-02-28', '2001-02-29'] }, { types: { a: 'timestamp' } }, 'table.a[1]'],
    [{ a: ['2001-13-30'] }, { types: { a: 'timestamp' } }, 'table.a[0]'],
    [{ a: [980_000_000_000_000_000_000] }, { types: { a: 'timestamp' } }, 'table.a[0]'],
    [{ a: [980_000_000_000_000_000n] }, { types: { a: 'timestamp' } }, 'table.a[0]'],
    [{ a: Float64Array.of(0, 9e15) }, { types: { a: 'timestamp' } }, 'table.a[1]'],
      [{ a: [new Date(NaN)] }, {}, 'table.a[0]'],
      [{ a: [{ b: () => 1 }] }, {}, 'table.a[0].b'],
      [{ a: [null, 'AQI='] }, { types: { a: 'bytes' } }, 'table.a[1]'],
      [{ a: [[1, 2], [1, 2, 3]] }, { types: { a: 'embedding(2)' } }, 'table.a[1]'],
      [{ a: [[1, 2], [1, NaN]] }, { types: { a: 'embedding(2)' } }, 'table.a[1]'],
      [{ a: [[1, 1e39]] }, { types: { a: 'embedding(2)' } }, 'table.a[0]'],
      [{ a: [[]] }, { types: { a: 'embedding(0)' } }, 'table.a'],
      [[{ a: 1 }, null as never], {}, 'table[1]'],
      [{ a: 5 as never }, {}, 'table.a'],
      [{ a: [1] }, { only: ['b'] }, 'table.b'],
      [[{ a: 1 }], { only: ['toString'] }, 'table.toString'],
      [5 as never, {}, 'table'],
    ];
    for (const [input, options, path] of wrong) {
      expect(() => toTable(input, options), path).toThrow(expect.objectContaining({ code: 'validation', details: expect.objectContaining({ path }) as unknown }));
    }
  });

  it('refuses what would pass for a table without columns, or a row without values', () => {
    class Nothing {}
    const generator = function* (): Generator<object> { yield { a: 1 }; };
    const odd: [object, string][] = [[new Map([['a', [1]]]), 'Map'], [new Set([{ a: 1 }]), 'Set'], [Promise.resolve([{ a: 1 }]), 'await it first'], [generator(), 'Generator'], [new Blob(['a']), 'Blob'], [new Nothing(), 'no columns by name'], [new Float64Array(), 'Float64Array']];
    for (const [input, said] of odd) {
      expect(() => toTable(input as TableInput, { path: 'd' })).toThrow(expect.objectContaining({ code: 'validation', details: { path: 'd' }, message: expect.stringContaining(said) }));
      expect(() => toTable([{ a: 1 }, input] as TableInput, { path: 'd' })).toThrow(expect.objectContaining({ code: 'validation', details: { path: 'd[1]' } }));
    }
    for (const empty of [{}, Object.create(null), [], [{}], runInNewContext('({})')] as TableInput[]) expect(toTable(empty).columns).toEqual({});
    expect(toTable(Object.assign(new Nothing(), { a: [1, 2] }) as unknown as TableInput).rowCount).toBe(2);
  });

  it('takes columns by any name', () => {
    const rows = JSON.parse('[{"__proto__": 1, "constructor": "c", "toString": true}]') as TableInput;
    expect(shape(toTable(rows, { types: {} }))).toEqual(Object.fromEntries([['__proto__', ['float64', [1]]], ['constructor', ['string', ['c']]], ['toString', ['bool', [true]]]]));
  });

  it('tells what is missing from what is empty, false or NaN', () => {
    const column = toColumn([NaN, null, 0, undefined], undefined, 'c');
    expect([0, 1, 2, 3].map((i) => [isPresent(column, i), valueAt(column, i)])).toEqual([[true, NaN], [false, null], [true, 0], [false, null]]);
    expect(Array.from(columnValues(toColumn(['', null, 'x'], undefined, 'c')))).toEqual(['', null, 'x']);
  });

  it('knows rows without columns and tables without rows', () => {
    expect(toTable([{}, {}])).toEqual({ rowCount: 2, columns: {} });
    expect(toTable([])).toEqual({ rowCount: 0, columns: {} });
    expect(toTable([], { only: ['a'], types: { a: 'string' } }).columns['a']).toMatchObject({ type: 'string', dictionary: [] });
  });
});

describe('the tables of a source', () => {
  const tablesOf = async (source: TableSource, batchRows: number): Promise<number[]> => {
    const counts: number[] = [];
    for await (const table of tableInputs(source, batchRows, undefined)) counts.push(toTable(table).rowCount);
    return counts;
  };

  it('gathers rows into batches and passes tables as they come', async () => {
    const stream = async function* (): AsyncGenerator<TableInput | { a: number }> {
      for (let a = 0; a < 5; a++) yield { a };
      yield { a: [1, 2, 3] };
      yield [{ a: 1 }, { a: 2 }];
      yield { a: 6 };
    };
    expect(await tablesOf(stream(), 2)).toEqual([2, 2, 1, 3, 2, 1]);
    expect(await tablesOf([{ a: 1 }], 2)).toEqual([1]);
  });
});

describe('columns', () => {
  it('are taken by row, -1 being missing, and joined', () => {
    fc.assert(
      fc.property(typedColumns, fc.infiniteStream(fc.double({ min: -0.2, max: 0.999, noNaN: true })), ({ types, columns }, chance) => {
        for (const [name, column] of Object.entries(toTable(columns, { types }).columns)) {
          const size = column.values.length;
          const indices = Int32Array.from(chance.take(6), (at) => (at < 0 || size === 0 ? -1 : Math.floor(at * size)));
          const expected = Array.from(indices, (i) => (i < 0 ? null : valueAt(column, i)));
          expect(Array.from(columnValues(takeRows(column, indices))), name).toEqual(expected);
          const joined = concatColumns([column, takeRows(column, indices), column]);
          expect(Array.from(columnValues(joined))).toEqual([...Array.from(columnValues(column)), ...expected, ...Array.from(columnValues(column))]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of different types are not joined', () => {
    expect(() => concatColumns([toColumn([1], undefined, 'a'), toColumn(['x'], undefined, 'b')])).toThrow(TypeError);
    expect(concatColumns([])).toMatchObject({ type: 'float64' });
  });
});

describe('table codec', () => {
  it('gives back every table as it was, wherever its bytes lie', () => {
    fc.assert(
      fc.property(typedColumns, fc.nat({ max: 15 }), ({ types, columns }, offset) => {
        const table = toTable(columns, { types });
        const bytes = encodeTable(table);
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        const back = decodeTable(moved.subarray(offset), 'k');
        expect([back.rowCount, Object.keys(back.columns), shape(back)]).toEqual([table.rowCount, Object.keys(table.columns), shape(table)]);
        expect(fingerprint(back)).toBe(fingerprint(table));
      }),
      { numRuns: 500 },
    );
  });

  it('holds more texts than one byte can count', () => {
    for (const count of [256, 257, 65_537]) {
      const table = toTable({ s: Array.from({ length: count }, (_, i) => `t${i}`) });
      expect(valueAt(decodeTable(encodeTable(table), 'k').columns['s']!, count - 1)).toBe(`t${count - 1}`);
    }
  });

  it('gives one value, one column or the type of one without the rest, from whatever table had the same head before', () => {
    const shapes = new TableShapes();
    fc.assert(
      fc.property(typedColumns, ({ types, columns }) => {
        const table = toTable(columns, { types });
        const encoded = new EncodedTable(encodeTable(table), 'k', shapes);
        expect([encoded.rowCount, encoded.columnCount]).toEqual([table.rowCount, Object.keys(columns).length]);
        for (const [name, column] of Object.entries(table.columns)) {
          for (let i = 0; i < table.rowCount; i++) expect(encoded.valueAt(name, i)).toEqual(valueAt(column, i));
          expect(encoded.typeOf(name)).toBe(column.type);
          expect(Array.from(columnValues(encoded.column(name)!))).toEqual(Array.from(columnValues(column)));
        }
        const absent = `${Object.keys(columns).join('')}?`;
        expect([encoded.valueAt(absent, 0), encoded.typeOf(absent), encoded.column(absent)]).toEqual([null, undefined, undefined]);
      }),
      { numRuns: 500 },
    );
  });

  it('is found in the middle of other bytes, and gives a range of numbers into memory that is there where none is missing', () => {
    const shapes = new TableShapes();
    fc.assert(
      fc.property(typedColumns, fc.nat(3), fc.nat(), ({ types, columns }, words, cut) => {
        const table = toTable(columns, { types });
        const bytes = encodeTable(table);
        const all = new Uint8Array(8 * words + bytes.length);
        all.set(bytes, 8 * words);
        const encoded = new EncodedTable(all, 'k', shapes, 8 * words);
        const from = cut % (table.rowCount + 1);
        for (const [name, column] of Object.entries(table.columns)) {
          expect(Array.from(columnValues(encoded.column(name)!))).toEqual(Array.from(columnValues(column)));
          const into = new Float64Array(table.rowCount).fill(-1);
          const isRead = encoded.readNumbers(name, from, table.rowCount, into);
          expect(isRead).toBe(column.type === 'float64' && column.valid === undefined);
          const rest = new Array<number>(isRead ? from : table.rowCount).fill(-1);
          expect([...into]).toEqual(isRead ? [...(column.values as Float64Array).slice(from), ...rest] : rest);
        }
        expect(encoded.readNumbers(`${Object.keys(columns).join('')}?`, 0, 1, new Float64Array(1))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('tells of a column that is damaged when it is asked for, and of no other', () => {
    const bytes = encodeTable(toTable({ a: [1, 2], b: ['x', 'y'] }));
    // The dictionary of the texts is what ends the table.
    bytes.fill(0, bytes.length - 16);
    const table = new EncodedTable(bytes, 'runs/1');
    expect([table.valueAt('a', 1), table.typeOf('b')]).toEqual([2, 'string']);
    expect(() => table.column('b')).toThrow(expect.objectContaining({ code: 'integrity', details: { key: 'runs/1' } }));
  });

  it('reports bytes that it did not write, naming the key', () => {
    const bytes = encodeTable(toTable({ a: [1, 2], b: ['x', 'y'], c: [{ d: 1 }, null] }));
    // The last bytes only pad the table to a multiple of eight.
    for (let length = 0; length <= bytes.length - 8; length++) {
      expect(() => decodeTable(bytes.subarray(0, length), 'runs/1')).toThrow(expect.objectContaining({ code: 'integrity', details: { key: 'runs/1' } }));
    }
    expect(() => decodeTable(new Uint8Array(100).fill(255), 'runs/1')).toThrow(expect.objectContaining({ code: 'integrity' }));
  });
});

describe('fingerprint', () => {
  it('is the same however a table came', () => {
    const expected = fingerprint(toTable([{ a: 1, b: 'x' }, { a: NaN, b: null }]));
    const same: TableInput[] = [
      [{ b: 'x', a: 1 }, { a: NaN }],
      { a: [1, NaN], b: ['x', null] },
      { b: ['x', undefined], a: Float64Array.of(1, NaN) },
      { a: new Float32Array([1, NaN]), b: ['x', null] },
    ];
    for (const input of same) expect(fingerprint(toTable(input))).toBe(expected);
    const parts = [toTable([{ a: 1, b: 'x' }]), toTable([{ a: NaN, b: null }], { types: { b: 'string' } })];
    expect(fingerprint(concatTables(parts))).toBe(expected);
  });

  it('counts every NaN as one, whatever its bits', () => {
    const odd = new Float64Array(1);
    new DataView(odd.buffer).setBigUint64(0, 0xfff8000000000123n, true);
    expect(fingerprint(toTable({ a: odd }))).toBe(fingerprint(toTable({ a: [NaN] })));
  });

  it('differs when a value, a type, a name, a row or the order does', () => {
    const tables: [TableInput, Record<string, ColumnType>?][] = [
      [{ a: [1, 2] }], [{ a: [2, 1] }], [{ a: [1, 2, 3] }], [{ b: [1, 2] }], [{ a: [1, 2], b: [1, 2] }], [{ a: [1n, 2n] }], [{ a: [1, 2] }, { a: 'timestamp' }],
      [{ a: ['1', '2'] }], [{ a: ['12', ''] }], [{ a: ['', '12'] }], [{ a: ['12', null] }], [{ a: [1, null] }], [{ a: [1, NaN] }], [{ a: [0, 0] }], [{ a: [-0, 0] }],
      [{ a: [false, true] }], [{ a: [null, true] }], [{ a: [{ b: 1 }, null] }], [{ a: [{ b: 1 }, { b: 1 }] }], [[]], [[{}]], [{ a: [] }], [{ a: [] }, { a: 'string' }],
    ];
    expect(new Set(tables.map(([input, types]) => fingerprint(toTable(input, { types: types ?? {} })))).size).toBe(tables.length);
  });

  it('differs when bytes or a vector do', () => {
    const types = { a: 'bytes', v: 'embedding(2)' } as const;
    const tables: TableInput[] = [
      { a: [Uint8Array.of(1), Uint8Array.of(2)], v: [[1, 2], [3, 4]] },
      { a: [Uint8Array.of(1, 2), Uint8Array.of()], v: [[1, 2], [3, 4]] },
      { a: [Uint8Array.of(1), Uint8Array.of(2)], v: [[1, 2], [4, 3]] },
      { a: [Uint8Array.of(1), null], v: [[1, 2], null] },
      { a: [Uint8Array.of(1), Uint8Array.of()], v: [[1, 2], [0, 0]] },
    ];
    expect(new Set(tables.map((input) => fingerprint(toTable(input, { types })))).size).toBe(tables.length);
  });

  it('is fixed for ever', () => {
    const table = toTable({ delay: [15, NaN, null], origin: ['ATL', 'ORD', null], late: [true, false, null], id: [1n, 2n, null], at: [new Date(0), null, null], meta: [{ a: [1] }, null, 'x'] });
    expect(fingerprint(table)).toBe('sha256:ed410a51df0b9a7ea9b566abf749157ca340bf507b9c846787fb182267e2d6ef');
  });
});
