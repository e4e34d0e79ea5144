import { ABTest, MemoryStorage, type ABTestOptions, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
// Loaded before, so that no test waits for files.
import '../../src/experiments/adaptation/reweighing.ts';
import '../../src/experiments/analysis/analyze-units.ts';
import '../../src/experiments/folding/unit-fold.ts';

const variants = [{ name: 'A' }, { name: 'B' }];
const metrics = [{ name: 'bought', kind: 'proportion', role: 'primary' }] as const;
const minute = 60_000;

function testOn(storage: StorageAdapter, options: Partial<ABTestOptions> = {}): ABTest {
  return new ABTest({ storage, name: 'shop', variants, metrics, adaptive: { every: '1h', floor: 0.1 }, lookInterval: '5m', ...options });
}

/** Units from one number to another, of which every third of A and two of three of B buy. */
async function serve(test: ABTest, from: number, to: number, sticky = true): Promise<void> {
  for (let i = from; i < to; i++) {
    const unit = `user-${i}`;
    const { variant } = sticky ? await test.assignSticky(unit) : test.assign(unit);
    test.expose(unit, { variant });
    if (i % 3 === 0 || (i % 3 === 1 && variant === 'B')) test.record(unit, { bought: 1 }, { id: unit });
  }
  await test.flush();
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  await clock.advance(ms);
  for (let i = 0; i < 20; i++) await settled();
}

const reweighted = async (test: ABTest) => (await test.history()).items.filter(({ type }) => type === 'reweighted');

describe('a test that changes its weights by itself', () => {
  it('does so every so often, by one of its processes, with the evidence in its history, and is analysed by when units came', async () => {
    const [storage, clock, errors] = [new MemoryStorage(), new ManualClock(), [] as unknown[]];
    const processes = [0, 1, 2].map(() => testOn(storage, { clock, onError: (error) => errors.push(error) }));
    for (const each of processes) await each.start();
    const [one, other] = processes as [ABTest, ABTest];
    await serve(one, 0, 600);
    await pass(clock, 58 * minute);
    expect(await reweighted(one)).toEqual([]);
    await pass(clock, 8 * minute);
    const [event, ...more] = await reweighted(other);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ by: 'adaptive', reason: expect.stringContaining('600 units'), data: { from: { A: 1, B: 1 }, evidence: { method: 'thompson', metric: 'bought', floor: 0.1, arms: [{ variant: 'A' }, { variant: 'B' }] } } });
    const weights = Object.fromEntries(one.variants.map(({ name, weight }) => [name, weight!]));
    expect(weights['A']).toBeCloseTo(0.1, 3);
    expect(processes.map((each) => each.variants)).toEqual(Array(3).fill(one.variants));
    const { evidence } = event!.data as { evidence: { arms: { units: number; value: number; chanceToBeBest: number }[] } };
    expect(evidence.arms[1]!.chanceToBeBest).toBeGreaterThan(0.99);
    expect(evidence.arms[0]!.units + evidence.arms[1]!.units).toBe(600);
    // Those who come later are told apart from those before.
    await serve(other, 600, 1800);
    const table = await one.units();
    expect(table.allocation!.weights).toEqual([[1, 1], [weights['A'], weights['B']]]);
    expect([0, 1].map((epoch) => table.allocation!.epoch.filter((each) => each === epoch).length)).toEqual([600, 1200]);
    expect(table.crossed).toBe(0);
    const analysis = await one.analyze();
    expect(analysis.sampleRatio.status).toBe('held');
    expect(analysis.variants[0]!.expected).toBeCloseTo(300 + 120, 0);
    expect(analysis.metrics[0]!.comparisons[0]!).toMatchObject({ verdict: 'better', difference: { effect: expect.closeTo(1 / 3, 1) } });
    // Nothing is worth a change now: it was looked, and nothing is written.
    await pass(clock, 70 * minute);
    expect(await reweighted(one)).toHaveLength(1);
    expect(errors).toEqual([]);
    await one.stop({ ship: 'B' });
    await pass(clock, 70 * minute);
    expect(await reweighted(one)).toHaveLength(1);
    for (const each of processes) await each.close();
    expect((await ABTest.open({ storage, name: 'shop' })).definition.adaptive).toEqual({ every: '1h', method: 'thompson', floor: 0.1 });
  });

  it('waits for a hundred units in each arm, and for units that met one variant each', async () => {
    const [storage, clock, errors] = [new MemoryStorage(), new ManualClock(), [] as unknown[]];
    const test = testOn(storage, { clock, adaptive: { every: '1h', method: 'ucb', floor: 0.2 }, onError: (error) => errors.push(error) });
    await test.start();
    await serve(test, 0, 150, false);
    await pass(clock, 70 * minute);
    expect(await reweighted(test)).toEqual([]);
    await serve(test, 150, 600, false);
    await pass(clock, 70 * minute);
    expect((await reweighted(test)).map(({ data }) => data)).toMatchObject([{ to: { A: 0.2, B: 0.8 }, evidence: { method: 'ucb', arms: [{ bound: expect.any(Number) }, { bound: expect.any(Number) }] } }]);
    // Those who come back are assigned anew by the hash, and some of them meet another variant.
    await serve(test, 0, 600, false);
    expect((await test.units()).crossed).toBeGreaterThan(6);
    await pass(clock, 70 * minute);
    expect(await reweighted(test)).toHaveLength(1);
    expect(errors).toMatchObject([{ code: 'conflict', message: expect.stringContaining('Assign units by assignSticky()') }]);
    await test.close();
  });

  it('is never given less than its floor, and not analysed as if looks had been planned', async () => {
    const test = testOn(new MemoryStorage());
    await expect(test.setWeights({ weights: { A: 0.05, B: 0.95 } })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('the floor of this adaptive test is 0.1') });
    await test.setWeights({ weights: { A: 1, B: 9 } });
    for (const options of [{ method: 'fixed' }, { method: 'group-sequential', looks: { units: 100 } }] as const) await expect(test.analyze(options)).rejects.toMatchObject({ code: 'validation', details: { path: 'options.method' } });
    expect((await test.analyze({ method: 'sequential' })).units).toBe(0);
  });

  it.each<[string, Partial<ABTestOptions>, string]>([
    ['no primary metric', { metrics: [{ name: 'm', kind: 'mean' }] }, 'no metric has the role primary'],
    ['a quantile to go by', { metrics: [{ name: 'm', kind: 'quantile', probability: 0.9, role: 'primary' }] }, 'which is a quantile'],
    ['a mean of any size for ucb', { metrics: [{ name: 'm', kind: 'mean', role: 'primary' }], adaptive: { every: '1h', method: 'ucb' } }, 'winsorize: { lower'],
    ['a proportion with extremes to take in', { metrics: [{ name: 'm', kind: 'proportion', role: 'primary', winsorize: { upper: { value: 1 } } }] }, 'winsorize'],
    ['looks too often', { adaptive: { every: '1s' } }, 'options.adaptive.every is 1s'],
    ['a floor for more than all', { variants: [...variants, { name: 'C' }], adaptive: { every: '1h', floor: 0.4 } }, 'options.adaptive.floor is 0.4'],
    ['a floor of nothing', { adaptive: { every: '1h', floor: 0 } }, 'options.adaptive'],
    ['less than its floor at the beginning', { variants: [{ name: 'A', weight: 99 }, { name: 'B' }] }, 'the floor of this adaptive test'],
  ])('is refused with %s', (_what, options, message) => {
    expect(() => testOn(new MemoryStorage(), options)).toThrow(message);
  });
});
