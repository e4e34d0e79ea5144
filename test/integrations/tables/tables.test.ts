import { openAsBlob } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import * as parquet from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { entity, FeatureStore, featureView, MemoryStorage } from 'modelkeep';
import { csvTables, jsonlTables, parquetTables, sourceFile } from 'modelkeep/interchange';
import { describe, expect, it } from 'vitest';

const view = featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64', flight: 'int64', late: 'bool', note: 'string', more: 'json' } });
const names = ['delay', 'flight', 'late', 'note', 'more'];

async function make() {
  const store = new FeatureStore({ storage: new MemoryStorage() });
  await store.apply([view]);
  return store;
}

async function newest(store: FeatureStore, origin: string): Promise<unknown[]> {
  const { columns } = await store.getHistoricalFeatures({ entities: [{ origin, t: '2030-01-01' }], timestamp: 't', features: ['delays:*'] });
  return names.map((name) => columns[name]![0]);
}

const csv = `\ufefforigin,landed,delay,flight,late,note,more,spare
ATL,2024-05-01T10:00:00Z,1.5e1,9007199254740993,TRUE,"said ""no"", twice","{""a"":[1]}",x
JFK,1714557600000,,-5,0,,,
`;
const jsonl = `{"origin":"ATL","landed":"2024-05-01T10:00:00Z","delay":15,"flight":9007199254740993,"late":true,"note":"said \\"no\\", twice","more":{"a":[1]}}

{"origin":"JFK","landed":1714557600000,"flight":"-5","late":false,"note":null,"spare":12345678901234567890}
`;

describe('tables of files', () => {
  it.each([
    ['CSV', csvTables(sourceFile('a.csv', csv), { types: view })],
    ['gzipped CSV in several tables', csvTables(sourceFile('a.csv.gz', gzipSync(csv)), { types: view, batchRows: 1 })],
    ['JSONL', jsonlTables(sourceFile('a.jsonl', jsonl), { types: view })],
    ['JSONL in several tables', jsonlTables(sourceFile('a.jsonl', gzipSync(jsonl)), { types: view, batchRows: 1 })],
  ])('are ingested with the types of their view: %s', async (_, tables) => {
    const store = await make();
    expect(await store.ingest(view, tables)).toMatchObject({ rows: 2 });
    expect(await newest(store, 'ATL')).toEqual([15, 9007199254740993n, true, 'said "no", twice', { a: [1] }]);
    expect(await newest(store, 'JFK')).toEqual([null, -5n, false, null, null]);
  });

  it('have keys of the types that the entity of the view says', async () => {
    const trips = featureView({ name: 'trips', entity: entity({ name: 'driver', keys: { driver: 'int64' } }), timestamp: 'at', features: { trips: 'int64' } });
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([entity({ name: 'driver', keys: { driver: 'int64' } }), trips]);
    await store.ingest(trips, csvTables(sourceFile('a.csv', 'driver,at,trips\n9007199254740993,2024-05-01,3\n'), { types: trips }));
    const { columns } = await store.getHistoricalFeatures({ entities: [{ driver: 9007199254740993n, t: '2030-01-01' }], timestamp: 't', features: ['trips:trips'] });
    expect(Array.from(columns['trips']!)).toEqual([3n]);
  });

  it('have what is no value of its type refused with row and column, or set aside', async () => {
    const text = 'origin,landed,delay,flight,late,note,more\nATL,2024-05-01,1,1,1,,\nATL,2024-05-02,ten,1.5,maybe,,\n';
    const store = await make();
    const read = () => csvTables(sourceFile('a.csv', text), { types: view });
    await expect(store.ingest(view, read())).rejects.toThrow('rows.delay[1] is "ten", which is not a float64');
    expect(await store.ingest(view, read(), { onInvalid: 'quarantine' })).toMatchObject({ rows: 1, quarantined: 1 });
    const [row] = (await store.quarantined(view)).items;
    expect(row).toMatchObject({ place: 1, values: { delay: 'ten', flight: '1.5', late: 'maybe' } });
    expect(row!.reasons.map(({ column }) => column)).toEqual(['delay', 'flight', 'late']);
  });

  it('name the row and the byte of what is broken', async () => {
    const all = async (tables: AsyncIterable<unknown>) => {
      for await (const table of tables) void table;
    };
    await expect(all(csvTables(sourceFile('a.csv', 'a,b\n1,2\n3\n')))).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('a.csv, row 1 at byte 8, has 1 cells where the first record names 2'), details: { row: 1, offset: 8 } });
    await expect(all(csvTables(sourceFile('a.csv', 'a,b\n1,"2\n')))).rejects.toThrow('a.csv, row 0: The quote');
    await expect(all(csvTables(sourceFile('a.csv', 'a,a\n1,2\n')))).rejects.toThrow('a.csv has two columns named "a"');
    await expect(all(csvTables(sourceFile('a.csv', ''), { delimiter: '"' }))).rejects.toThrow('options.delimiter');
    await expect(all(jsonlTables(sourceFile('a.jsonl', '{"a":1}\n[1]\n')))).rejects.toMatchObject({ message: expect.stringContaining('a.jsonl, row 1 at byte 8, is no JSON object'), details: { row: 1, offset: 8 } });
    await expect(all(jsonlTables(sourceFile('a.jsonl', '{}'), { batchRows: 0 }))).rejects.toThrow('options.batchRows is 0');
    await expect(all(parquetTables(new Blob([]), { parquet: {} as never }))).rejects.toThrow('install the package hyparquet');
  });

  it('give every number back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ x: fc.double(), n: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }), { minLength: 1 }), async (rows) => {
        const types = { x: 'float64', n: 'int64' } as const;
        const text = (x: number): string => (Object.is(x, -0) ? '-0' : String(x));
        const read: { x: unknown[]; n: unknown[] } = { x: [], n: [] };
        for await (const table of csvTables(sourceFile('a', `x,n\n${rows.map(({ x, n }) => `${text(x)},${n}\n`).join('')}`), { types, batchRows: 3 })) {
          read.x.push(...table['x']!);
          read.n.push(...table['n']!);
        }
        expect(read).toEqual({ x: rows.map(({ x }) => x), n: rows.map(({ n }) => n) });
        const lines: unknown[] = [];
        for await (const table of jsonlTables(sourceFile('a', rows.map(({ x, n }) => `{"x":${text(x)},"n":${n}}\n`).join('')), { types })) lines.push(...table);
        expect(lines.map((row) => [(row as { x: number }).x, BigInt((row as { n: number }).n)])).toEqual(rows.map(({ x, n }) => [x, n]));
      }),
      { numRuns: 200 },
    );
  });

  it('read a Parquet file of three million flights row group by row group', async () => {
    const file = await openAsBlob('node_modules/vega-datasets/data/flights-3m.parquet');
    const flights = featureView({ name: 'flights', entity: ['origin'], timestamp: 'date', features: { delay: 'float64', distance: 'int64' } });
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([flights]);
    async function* first() {
      for await (const table of parquetTables(file, { parquet, compressors, columns: ['origin', 'date', 'delay', 'distance'] })) {
        expect(Object.keys(table[0]!).sort()).toEqual(['date', 'delay', 'distance', 'origin']);
        yield table;
        return;
      }
    }
    expect(await store.ingest(flights, first())).toMatchObject({ rows: 272_727 });
    const { columns } = await store.getHistoricalFeatures({ entities: [{ origin: 'LAS', t: '2001-01-01T00:01:00Z' }], timestamp: 't', features: ['flights:*'] });
    expect([columns['delay']![0], columns['distance']![0]]).toEqual([33, 2176n]);
  });
});
