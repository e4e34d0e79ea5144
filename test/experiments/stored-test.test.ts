import { ABTest, ConflictError, isModelkeepError, MemoryStorage, type ABTestOptions, type ExperimentEvent, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';

const variants = [{ name: 'A', version: 1 }, { name: 'B', version: 2 }];

function testOn(storage: StorageAdapter, options: Partial<ABTestOptions> = {}): ABTest {
  return new ABTest({ storage, name: 'delay model', variants, ...options });
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  );
}

async function historyOf(test: ABTest): Promise<readonly ExperimentEvent[]> {
  return (await test.history()).items;
}

const ids = Array.from({ length: 300 }, (_, i) => `user-${i}`);

describe('a stored test', () => {
  it('is created once, by whoever comes first, and agreed with by the others', async () => {
    const storage = new MemoryStorage();
    const tests = Array.from({ length: 5 }, () => testOn(storage, { targeting: { country: { in: ['DE'] } }, layer: { name: 'l', from: 0, to: 0.5 } }));
    await Promise.all(tests.map((test, i) => test.start({ by: `process ${i}`, reason: 'launch' })));
    const history = await historyOf(tests[0]!);
    expect(history).toMatchObject([{ type: 'created', subject: { kind: 'abtest', id: 'delay model' }, by: expect.stringMatching(/^process [0-4]$/) as unknown, reason: 'launch' }]);
  });

  it('is not changed where that would move units, and says what differs', async () => {
    const storage = new MemoryStorage();
    await testOn(storage).start();
    const others: [Partial<ABTestOptions>, string][] = [
      [{ variants: [{ name: 'A', version: 1, weight: 2 }, { name: 'B', version: 2 }] }, 'variants'],
      [{ variants: [{ name: 'A', version: 1 }, { name: 'B', version: 3 }] }, 'variants'],
      [{ salt: 'other' }, 'salt'],
      [{ hash: 'growthbook-v2' }, 'hash'],
      [{ layer: { name: 'l', from: 0, to: 1 } }, 'layer'],
      [{ holdout: { share: 0.1 } }, 'holdout'],
      [{ targeting: { a: { eq: 1 } } }, 'targeting'],
      [{ control: 'B' }, 'control'],
      [{ adaptive: true }, 'adaptive'],
    ];
    for (const [options, option] of others) {
      const error = await failure(testOn(storage, options).start());
      expect(error).toBeInstanceOf(ConflictError);
      expect((error as ConflictError).message).toContain(`${option} is `);
      expect((error as ConflictError).details['differences']).toMatchObject([{ option }]);
    }
    const told: unknown[] = [];
    const stranger = testOn(storage, { salt: 'other', onError: (error) => told.push(error), clock: new ManualClock() });
    stranger.expose('u');
    expect(await failure(stranger.flush())).toBeInstanceOf(ConflictError);
    expect(stranger.buffered).toBe(1);
    expect((await testOn(storage).units()).units).toBe(0);
    await stranger.start({ redefine: true, by: 'ann', reason: 'a new salt' });
    await stranger.flush();
    const [, event] = await historyOf(stranger);
    expect(event).toMatchObject({ type: 'redefined', by: 'ann', reason: 'a new salt', data: { differences: [{ option: 'salt', stored: 'delay model', given: 'other' }] } });
    expect(await failure(testOn(storage).start())).toBeInstanceOf(ConflictError);
  });

  it('covers more and never less, whoever says so, in all processes soon', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const [one, other] = [testOn(storage, { coverage: 0.1, clock }), testOn(storage, { coverage: 0.1, clock })];
    await Promise.all([one.start(), other.start()]);
    const before = ids.map((id) => other.assign(id).variant);
    await one.ramp({ coverage: 0.5, by: 'ann', reason: 'all is well' });
    expect(other.definition.coverage).toBe(0.1);
    await clock.advance(10_000);
    await settled();
    expect([one.definition.coverage, other.definition.coverage]).toEqual([0.5, 0.5]);
    expect(ids.every((id, i) => before[i] === undefined || other.assign(id).variant === before[i])).toBe(true);
    expect(await failure(one.ramp({ coverage: 0.4 }))).toBeInstanceOf(ConflictError);
    const restarted = testOn(storage, { coverage: 0.1 });
    await restarted.start();
    expect(restarted.definition.coverage).toBe(0.5);
    await testOn(storage, { coverage: 0.8 }).start();
    expect((await historyOf(one)).map(({ type, by, data }) => [type, by, data]).slice(1)).toEqual([
      ['ramped', 'ann', { from: 0.1, to: 0.5 }],
      ['ramped', undefined, { from: 0.5, to: 0.8 }],
    ]);
  });

  it('takes other metrics and segments, and remembers that', async () => {
    const storage = new MemoryStorage();
    await testOn(storage, { metrics: [{ name: 'm', kind: 'mean' }] }).start();
    const test = testOn(storage, { metrics: [{ name: 'm', kind: 'mean', window: '7d' }], segments: ['country'] });
    await test.start();
    await test.start();
    expect((await historyOf(test)).map(({ type }) => type)).toEqual(['created', 'metrics-changed']);
    expect((await ABTest.open({ storage, name: 'delay model' })).definition).toEqual(test.definition);
  });

  it('counts units by the variants that another process has given it meanwhile', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const metrics = [{ name: 'bought', kind: 'proportion', role: 'primary' }] as const;
    const old = testOn(storage, { metrics, clock });
    await old.start();
    old.expose('user-0');
    expect((await old.analyze()).units).toBe(1);
    const redefined = testOn(storage, { metrics, variants: [{ name: 'A', version: 1 }, { name: 'C', version: 3 }, { name: 'B', version: 2 }] });
    await redefined.start({ redefine: true, by: 'ann' });
    for (const id of ids) if (redefined.expose(id).variant === 'B') redefined.record(id, { bought: 1 });
    await redefined.flush();
    await clock.advance(10_000);
    await settled();
    const [seen, right] = [await old.analyze(), await redefined.analyze()];
    expect(old.variants.map(({ name }) => name)).toEqual(['A', 'C', 'B']);
    expect(seen.variants).toEqual(right.variants);
    expect(seen.metrics).toEqual(right.metrics);
    expect(right.metrics[0]!.arms.map(({ variant, value }) => [variant, value])).toEqual([['A', 0], ['C', 0], ['B', 1]]);
  });

  it('gives other weights only when it is adaptive', async () => {
    const storage = new MemoryStorage();
    const plain = testOn(storage);
    expect(await failure(plain.setWeights({ weights: { A: 1, B: 2 } }))).toBeInstanceOf(ConflictError);
    const bandit = testOn(storage, { name: 'bandit', adaptive: true });
    await bandit.setWeights({ weights: { A: 0, B: 1 }, by: 'thompson' });
    expect(ids.every((id) => bandit.assign(id).variant === 'B')).toBe(true);
    expect((await historyOf(bandit)).at(-1)).toMatchObject({ type: 'reweighted', by: 'thompson', data: { from: { A: 1, B: 1 }, to: { A: 0, B: 1 } } });
    for (const weights of [{ A: 1 }, { A: 1, B: 1, C: 1 }, { A: 0, B: 0 }]) expect(isModelkeepError(await failure(bandit.setWeights({ weights })), 'validation')).toBe(true);
    // Who comes later with the weights of the beginning takes those of now.
    const later = testOn(storage, { name: 'bandit', adaptive: true });
    await later.start();
    expect(later.variants.map(({ weight }) => weight)).toEqual([0, 1]);
  });

  it('ends for everybody, with what was shipped and why', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const [one, other] = [testOn(storage, { clock }), testOn(storage, { clock })];
    await other.start();
    other.expose('user-1');
    await one.stop({ ship: 'B', by: 'ann', reason: 'surely better', decision: { lift: 0.1 } });
    await clock.advance(10_000);
    await settled();
    for (const test of [one, other, await ABTest.open({ storage, name: 'delay model' })]) {
      expect(test.assign('user-7')).toEqual({ variant: 'B', version: 2, reason: 'shipped' });
      expect(await test.assignSticky('user-7')).toEqual({ variant: 'B', version: 2, reason: 'shipped' });
      expect(test.expose('user-7').reason).toBe('shipped');
      expect(test.stopped).toMatchObject({ ship: 'B', by: 'ann', reason: 'surely better' });
    }
    expect((await other.units()).units).toBe(1);
    expect((await historyOf(one)).at(-1)).toMatchObject({ type: 'stopped', by: 'ann', data: { ship: 'B', decision: { lift: 0.1 } } });
    expect(await failure(one.stop())).toBeInstanceOf(ConflictError);
    expect(await failure(other.ramp({ coverage: 1 }))).toBeInstanceOf(ConflictError);
    const none = testOn(storage, { name: 'none' });
    expect(isModelkeepError(await failure(none.stop({ ship: 'C' })), 'validation')).toBe(true);
    await none.stop();
    expect(none.assign('user-7')).toEqual({ reason: 'stopped' });
  });

  it('is opened by its name, and told when it is not there', async () => {
    const storage = new MemoryStorage();
    expect(isModelkeepError(await failure(ABTest.open({ storage, name: 'x' })), 'not-found')).toBe(true);
    const made = testOn(storage, { hash: 'growthbook-v1', holdout: { share: 0.1 }, targeting: [{ a: { eq: 1 } }], coverage: 0.3, control: 'B' });
    await made.start();
    const opened = await ABTest.open({ storage, name: 'delay model' });
    expect(opened.definition).toEqual(made.definition);
    expect(ids.map((id) => opened.assign(id, { a: 1 }))).toEqual(ids.map((id) => made.assign(id, { a: 1 })));
  });
});

describe('assignSticky', () => {
  it('keeps the first variant over whatever comes later, in every process', async () => {
    const storage = new MemoryStorage();
    const test = testOn(storage, { adaptive: true, coverage: 0.5 });
    await test.start();
    const first = await Promise.all(ids.map((id) => test.assignSticky(id)));
    expect(first.map(({ variant }) => variant)).toEqual(ids.map((id) => test.assign(id).variant));
    expect(new Set(first.map(({ reason }) => reason))).toEqual(new Set(['assigned', 'not-covered']));
    await test.setWeights({ weights: { A: 1, B: 9 } });
    await test.ramp({ coverage: 1 });
    const moved = ids.filter((id, i) => first[i]!.variant !== undefined && test.assign(id).variant !== first[i]!.variant);
    expect(moved.length).toBeGreaterThan(10);
    for (const process of [test, testOn(storage, { adaptive: true }), testOn(storage, { adaptive: true, remembered: 1 })]) {
      await process.start();
      for (const [i, id] of ids.entries()) {
        const { variant, reason, version } = await process.assignSticky(id);
        if (first[i]!.variant === undefined) expect(variant).toBe(process.assign(id).variant);
        else expect([variant, version, reason]).toEqual([first[i]!.variant, first[i]!.version, 'sticky']);
      }
    }
  });

  it('is won by one of several processes that come at once', async () => {
    const storage = new MemoryStorage();
    // Two processes that do not agree yet: one has not seen the other's weights.
    const [old, young] = [testOn(storage, { adaptive: true }), testOn(storage, { adaptive: true })];
    await old.start();
    await young.start();
    await young.setWeights({ weights: { A: 0, B: 1 } });
    const pairs = await Promise.all(ids.map((id) => Promise.all([old.assignSticky(id), young.assignSticky(id), old.assignSticky(id)])));
    for (const pair of pairs) expect(new Set(pair.map(({ variant }) => variant)).size).toBe(1);
  });

  it('takes any id, and keeps apart those that look alike', async () => {
    const storage = new MemoryStorage();
    const units = ['a/b', 'A/B', '../x', 'é', 'e\u0301', '__proto__', 'x'.repeat(900), '💥'];
    const test = testOn(storage);
    for (const unit of units) await test.assignSticky(unit);
    const again = testOn(storage);
    for (const unit of units) expect(await again.assignSticky(unit)).toEqual({ ...test.assign(unit), reason: 'sticky' });
  });
});
