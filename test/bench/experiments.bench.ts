import { ABTest, MemoryStorage, type MetricOptions } from 'modelkeep';
import { compare, measure } from './harness.ts';

const count = 100_000;
const ids = Array.from({ length: count }, (_, i) => `${String(i).padStart(8, '0')}-3f2b-7c1d-9e4a-5b6c7d8e9f00`);
const variants = [{ name: 'A' }, { name: 'B' }];
const metrics: MetricOptions[] = [
  { name: 'converted', kind: 'proportion', window: '7d' },
  { name: 'revenue', kind: 'mean', before: '7d' },
];

function testOn(storage: MemoryStorage, options: Partial<ConstructorParameters<typeof ABTest>[0]> = {}): ABTest {
  return new ABTest({ storage, name: 'bench', variants, metrics, maxBuffered: 10_000_000, flushInterval: '1h', remembered: 1_000_000, ...options });
}

function assignAll(test: ABTest): number {
  let assigned = 0;
  for (let i = 0; i < count; i++) if (test.assign(ids[i]!, { country: 'DE' }).variant !== undefined) assigned++;
  return assigned;
}

/** A million units with three events each, as ten processes wrote them. */
async function millionUnits(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (let writer = 0; writer < 10; writer++) {
    const test = testOn(storage);
    for (let i = 0; i < 100_000; i++) {
      const unit = `unit-${writer * 100_000 + i}`;
      test.expose(unit, { at: i });
      test.record(unit, { converted: i % 10 === 0 ? 1 : 0 }, { id: `c-${writer}-${i}`, at: i + 1 });
      test.record(unit, { revenue: i % 100 }, { id: `r-${writer}-${i}`, at: i + 2 });
    }
    await test.close();
  }
  return storage;
}

export const benchmarks = [
  measure('assign a unit by a 36-character id', () => assignAll(testOn(new MemoryStorage())), { operations: count, unit: 'µs', target: { atMost: 1 } }),
  measure('assign, with holdout, targeting and layer', () => assignAll(testOn(new MemoryStorage(), { holdout: { share: 0.1 }, targeting: { country: { in: ['DE', 'AT'] } }, layer: { name: 'page', from: 0, to: 1 } })), { operations: count, unit: 'µs' }),
  measure('expose and record a value of a new unit, buffered', () => {
    const test = testOn(new MemoryStorage());
    for (let i = 0; i < count; i++) {
      test.expose(ids[i]!);
      test.record(ids[i]!, { revenue: i }, { id: ids[i]! });
    }
  }, { operations: count, unit: 'µs' }),
  measure('write 100,000 exposures and values to memory', async (test: ABTest) => test.flush(), {
    setup: () => testOn(new MemoryStorage()),
    before: (test) => ids.forEach((id, i) => {
      test.expose(id, { at: -i });
      test.record(id, { revenue: i }, { id });
    }),
    runs: 3,
  }),
  compare(
    'fold 1M units with 3 events each to a table (reading their log)',
    (storage: MemoryStorage) => testOn(storage).units(),
    async (storage) => {
      let bytes = 0;
      for await (const entry of storage.readLog('experiments/bench/events', { transient: true })) bytes += entry.bytes.length;
      return bytes;
    },
    { setup: millionUnits, runs: 3, target: { atMost: 5_000 } },
  ),
];
