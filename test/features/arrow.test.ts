import { Binary, Bool, DateDay, Field, FixedSizeList, Float32, Float64, Int32, Int64, List, Struct, Table, tableFromIPC, tableToIPC, TimestampMicrosecond, TimestampSecond, Utf8, vectorFromArray } from 'apache-arrow';
import { expect, it } from 'vitest';
import { embedding, featureView, FeatureStore, MemoryStorage } from 'modelkeep';
import { start } from './world.ts';

const dates = (...times: readonly number[]): Date[] => times.map((time) => new Date(time));

const table = new Table({
  plane: vectorFromArray(['a', 'b', 'c']),
  at: vectorFromArray(dates(start, start + 1, start + 2), new TimestampMicrosecond('UTC')),
  bought: vectorFromArray(dates(start, start + 86_400_000, start), new DateDay()),
  second: vectorFromArray([new Date(start), null, new Date(start + 1000)], new TimestampSecond()),
  id: vectorFromArray([9007199254740993n, null, -1n], new Int64()),
  n: vectorFromArray([1, 2, 3], new Int32()),
  x: vectorFromArray([1.5, null, NaN], new Float64()),
  text: vectorFromArray(['Grüße', null, ''], new Utf8()),
  flag: vectorFromArray([true, null, false], new Bool()),
  vector: vectorFromArray([[1, 2], null, [3, 4.5]], new FixedSizeList(2, new Field('item', new Float32()))),
  bytes: vectorFromArray([Uint8Array.of(1, 2), null, new Uint8Array(0)], new Binary()),
  more: vectorFromArray([{ q: 1, list: ['x'] }, { q: 2, list: ['y', 'z'] }, { q: 3, list: [] }], new Struct([new Field('q', new Float64()), new Field('list', new List(new Field('item', new Utf8())))])),
});

it('takes in a table of Apache Arrow with its types, as it is and as it was sent', async () => {
  const view = featureView({
    name: 'planes', entity: ['plane'], timestamp: 'at',
    features: { bought: 'timestamp', second: 'timestamp', id: 'int64', n: 'float64', x: 'float64', text: 'string', flag: 'bool', vector: embedding(2), bytes: 'bytes', more: 'json' },
  });
  const store = new FeatureStore({ storage: new MemoryStorage() });
  await store.apply([view]);
  expect(await store.ingest(view, table)).toMatchObject({ rows: 3, known: 0 });
  expect(await store.ingest(view, tableFromIPC(tableToIPC(table)))).toMatchObject({ rows: 0, known: 3 });
  const { columns } = await store.getHistoricalFeatures({ entities: ['a', 'b', 'c'].map((plane) => ({ plane, then: '2030-01-01' })), timestamp: 'then', features: ['planes:*'] });
  expect(Object.fromEntries(Object.keys(view.features).map((name) => [name, Array.from(columns[name]!)]))).toEqual({
    bought: [start, start + 86_400_000, start],
    second: [start, null, start + 1000],
    id: [9007199254740993n, null, -1n],
    n: [1, 2, 3],
    x: [1.5, null, NaN],
    text: ['Grüße', null, ''],
    flag: [true, null, false],
    vector: [Float32Array.of(1, 2), null, Float32Array.of(3, 4.5)],
    bytes: [Uint8Array.of(1, 2), null, new Uint8Array(0)],
    more: [{ q: 1, list: ['x'] }, { q: 2, list: ['y', 'z'] }, { q: 3, list: [] }],
  });
});
