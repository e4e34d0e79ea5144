import { featureView, type FeatureStore, type SaveDatasetQuery } from 'modelkeep';

const T = Date.UTC(2024, 4, 1);

/** A view with a column of each type. */
const everyType = featureView({
  name: 'every',
  entity: ['who'],
  timestamp: 'at',
  features: { f: 'float64', i: 'int64', b: 'bool', s: 'string', t: 'timestamp', raw: 'bytes', v: 'embedding(3)', j: 'json' },
});

const values = [
  { f: -0, i: 9007199254740993n, b: true, s: '', t: T, raw: new Uint8Array([0, 255]), v: [1, -0, 0.1], j: { deep: [1, null, NaN, -0, 2n ** 70n] } },
  { f: NaN, i: -(2n ** 63n), b: false, s: 'naïve 🙂', t: -1, raw: new Uint8Array(0), v: [1e-30, 3, 4], j: 'text' },
  { f: null, i: null, b: null, s: null, t: null, raw: null, v: null, j: null },
  { f: Infinity, i: 0n, b: true, s: 'x'.repeat(300), t: 0, raw: new Uint8Array(3), v: [0, 0, 0], j: [] },
];

/** Ingests rows of four entities; a fifth has none. */
export async function ingestEveryType(store: FeatureStore): Promise<void> {
  await store.apply([everyType]);
  await store.ingest('every', values.map((row, k) => ({ who: `w${k}`, at: T, ...row })) as never);
}

/** Entities with labels of each type, `size` of them. */
export function everyEntity(size: number): SaveDatasetQuery & { entities: Record<string, unknown>[]; features: string[] } {
  const entities = Array.from({ length: size }, (_, k) => ({
    who: k % 7 === 6 ? null : `w${k % 5}`,
    moment: T + 1 + k,
    label: k % 3 === 0 ? null : k % 3 === 1 ? -0 : k,
    big: k % 4 === 0 ? null : 2n ** 62n + BigInt(k),
    photo: k % 5 === 0 ? null : new Uint8Array([k % 256]),
  }));
  return { entities, timestamp: 'moment', features: ['every:*'], types: { photo: 'bytes' } };
}

/** Any values as one text that tells -0, NaN, bigints, bytes and vectors apart. */
export function bits(columns: Readonly<Record<string, ArrayLike<unknown>>>): string {
  const show = (_: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `#${value}`;
    return value instanceof Uint8Array || value instanceof Float32Array ? [value.constructor.name, ...Array.from(value, (each) => (Object.is(each, -0) ? '-0' : `${each}`))] : value;
  };
  return JSON.stringify(Object.entries(columns).map(([name, values]) => [name, Array.from(values)]), show);
}
