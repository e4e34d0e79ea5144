import fc from 'fast-check';
import { FeatureStore, embedding, featureView, isModelkeepError, MemoryStorage, onDemandView, profileData, type SkewOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { simulatedClock } from '../simulated-clock.ts';
import { events, featureNames, minute, start, worldView, type Event } from '../world.ts';

const T = Date.UTC(2024, 4, 1);
const view = featureView({
  name: 'v', entity: ['k'], timestamp: 'at',
  features: { x: 'float64', n: 'int64', when: 'timestamp', text: 'string', ok: 'bool', raw: 'bytes', data: 'json', e: embedding(2) },
});
const truth = { k: 'a', at: T, x: 10, n: 5n, when: T, text: 'yes', ok: true, raw: new Uint8Array([1, 2]), data: { a: [1, { b: 2 }] }, e: [1, 2] };

async function make(rows: readonly object[] = [truth]) {
  const store = new FeatureStore({ storage: new MemoryStorage(), clock: simulatedClock(T) });
  await store.apply([view]);
  await store.ingest(view, rows as never);
  return store;
}

describe('rows that were served', () => {
  it('are compared by what their types mean', async () => {
    const store = await make();
    const check = async (change: object, options: SkewOptions = {}) => {
      const report = await store.checkSkew(['v:*'], { served: [{ ...truth, at: T + 1, ...change }], ...options });
      return report.features.filter(({ status }) => status === 'skewed').map(({ name, mismatch, missing, extra, absolute }) => ({ name, mismatch, missing, extra, max: absolute?.max }));
    };
    expect(await check({})).toEqual([]);
    expect(await check({ data: { a: [1, { b: 2 }] }, raw: Uint8Array.of(1, 2), n: 5, when: new Date(T).toISOString() })).toEqual([]);
    expect(await check({ x: 12, n: 4n })).toEqual([{ name: 'n', mismatch: 1, missing: 0, extra: 0, max: 1 }, { name: 'x', mismatch: 1, missing: 0, extra: 0, max: 2 }]);
    expect(await check({ x: null, e: [1, 4], ok: false, text: null })).toEqual([
      { name: 'e', mismatch: 1, missing: 0, extra: 0, max: 2 },
      { name: 'ok', mismatch: 1, missing: 0, extra: 0, max: undefined },
      { name: 'text', mismatch: 0, missing: 1, extra: 0, max: undefined },
      { name: 'x', mismatch: 0, missing: 1, extra: 0, max: undefined },
    ]);
    expect((await check({ x: NaN, raw: new Uint8Array([1]), data: { a: [] }, when: T + 1 })).map(({ name }) => name)).toEqual(['data', 'raw', 'when', 'x']);
    expect(await check({ x: 10.5, n: 5 }, { tolerance: 0.05 })).toEqual([]);
    expect((await check({ x: 10.5 }, { tolerance: 0.04 })).length).toBe(1);
    expect((await store.checkSkew(['v:x'], { served: [{ k: 'nobody', at: T + 1, x: 3 }] })).features[0]).toMatchObject({ extra: 1, compared: 0, causes: { unknown: 1 } });
  });

  it('have distances as Chronon has them, and their worst rows shown first', async () => {
    const store = await make([0, 1, 2, 3].map((k) => ({ ...truth, k: `${k}`, x: k === 3 ? 0 : 10 })));
    const served = [10, 11, 30, 0].map((x, k) => ({ k: `${k}`, at: new Date(T + 5), x }));
    const [feature] = (await store.checkSkew(['v:x'], { served, examples: 1 })).features;
    expect(feature).toMatchObject({ status: 'skewed', rows: 4, compared: 4, mismatch: 2, absolute: { mean: 21 / 4, p50: 0.5, max: 20 } });
    expect(feature!.smape).toBeCloseTo((2 / 21 + 40 / 40) / 4, 14);
    expect(feature!.relative!.max).toBeCloseTo(2 / 3, 14);
    expect(feature!.examples).toEqual([{ entity: { k: '2' }, at: T + 5, served: 30, status: undefined, replayed: 10, cause: 'unknown' }]);
  });

  it('are late where rows came afterwards, whoever served them', async () => {
    const clock = simulatedClock(T + 1000);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    await store.apply([view]);
    await store.ingest(view, [truth]);
    clock.set(T + 5000);
    await store.ingest(view, [{ ...truth, at: T + 1, x: 11 }]);
    const report = await store.checkSkew(['v:x'], { served: { k: ['a', 'a'], served_at: [T + 2000, T + 6000], x: [10, 11], other: [1, 2] }, timestamp: 'served_at' });
    expect(report).toMatchObject({ status: 'late', features: [{ mismatch: 1, causes: { late: 1 } }], summary: expect.stringContaining('1 explained by rows that were ingested later') as string });
  });

  it('of another version may be of another type', async () => {
    const clock = simulatedClock(T + 1);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock: { ...clock, setTimer: () => () => undefined }, servingLog: { sample: 1 } });
    const of = (n: 'int64' | 'float64', e: 2 | 3) => featureView({ name: 'w', entity: ['k'], timestamp: 'at', features: { n, e: embedding(e) } });
    await store.apply([of('int64', 2)]);
    await store.ingest('w', [{ k: 'a', at: T, n: 5n, e: [1, 2] }], { online: true });
    await store.getOnlineFeatures({ entities: [{ k: 'a' }], features: ['w:n', 'w:e'] });
    await store.flush();
    clock.set(T + 10);
    await store.apply([of('float64', 3)], { force: true });
    await store.ingest('w', [{ k: 'a', at: T, n: 5, e: [1, 2, 3] }]);
    const report = await store.checkSkew(['w:n', 'w:e']);
    expect(report.features).toMatchObject([{ name: 'n', mismatch: 0 }, { name: 'e', mismatch: 1 }]);
    expect(report.versions).toEqual([{ kind: 'feature-view', name: 'w', served: 1, replayed: 2, rows: 1 }]);
  });

  it('are compared with a profile, and at most so many of them, the newest', async () => {
    const store = await make();
    const served = Array.from({ length: 50 }, (_, i) => ({ k: 'a', at: T + 50 - i, x: 10 }));
    const report = await store.checkSkew(['v:x', 'v:n'], { served, maxRows: 40, reference: profileData({ x: Float64Array.from({ length: 100 }, (_, i) => i), label: Array(100).fill(0) }) });
    expect(report).toMatchObject({ status: 'equal', rows: 40, truncated: true, from: T + 11, to: T + 50, notServed: ['n'], reference: { driftedColumns: ['x'] } });
    expect(await store.checkSkew(['v:x'], { served: [] })).toMatchObject({ status: 'unjudged', rows: 0, summary: 'There are no rows to compare.', from: null });
    expect(await store.checkSkew(['v:x'])).toMatchObject({ status: 'unjudged', summary: expect.stringContaining('servingLog') as string });
  });

  it('say what is wrong with them', async () => {
    const store = await make();
    const row = { k: 'a', at: T, x: 1 };
    const bad: [unknown, string][] = [
      [{ served: [{ k: 'a', x: 1 }] }, "no column 'at'"], [{ served: [{ at: T, x: 1 }] }, "no column 'k'"], [{ served: [{ k: 'a', at: T }] }, 'none of the features'], [{ served: [{ ...row, x: 'much' }] }, 'served.x[0]'],
      [{ served: [{ ...row, at: 'then' }] }, 'served.at[0]'], [{ served: 7 }, 'served'], [{ served: null }, 'served'], [{ served: [row], tolerance: -1 }, 'tolerance'], [{ served: [row], tolerance: { y: 1 } }, 'options.tolerance.y'],
      [{ served: [row], tolerance: NaN }, 'tolerance'], [{ maxDifferent: 2 }, 'maxDifferent'], [{ from: 'some day' }, 'options.from'], [{ maxRows: 0 }, 'maxRows'], [{ what: 1 }, 'what'], [{ served: [row], reference: 7 }, 'reference'], [{ served: [row], drift: { alpha: 2 } }, 'alpha'],
    ];
    for (const [options, text] of bad) {
      await expect(store.checkSkew(['v:x'], options as never)).rejects.toSatisfy((error) => isModelkeepError(error, 'validation') && error.message.includes(text), text);
    }
    await expect(store.checkSkew(['v:y'])).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
    await expect(store.checkSkew(['v:x'], { served: [row], signal: AbortSignal.abort() })).rejects.toSatisfy((error) => isModelkeepError(error, 'aborted'));
  });

  it('are told of where a function fails in the replay, and the others go on', async () => {
    const store = await make();
    const shaky = onDemandView({ name: 'shaky', version: '1', inputs: { x: view.feature('x') }, features: { half: 'float64' }, compute: ({ x }) => { if (x === null) throw new Error('No x.'); return { half: x / 2 }; } });
    await store.apply([shaky]);
    const report = await store.checkSkew(['shaky:half'], { served: [{ k: 'a', at: T + 1, half: 5 }, { k: 'b', at: T + 1, half: 5 }] });
    expect(report).toMatchObject({ features: [{ mismatch: 0, extra: 1 }], failures: [{ view: 'shaky', row: 1 }] });
  });
});

describe('what the log has', () => {
  it('is what training computes, but for rows that came later', async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }), async (list, pauses) => {
        const clock = simulatedClock(start);
        const store = new FeatureStore({ storage: new MemoryStorage(), clock: { ...clock, setTimer: () => () => undefined }, servingLog: { sample: 1 } });
        await store.apply([worldView(undefined)]);
        const refs = featureNames.map((name) => `world:${name}`);
        let late = false;
        let served = -Infinity;
        for (const [i, pause] of pauses.entries()) {
          const part: Event[] = list.filter((_, e) => e % pauses.length === i && list[e]!.a !== null);
          late ||= part.some(({ at }) => at <= served);
          if (part.length > 0) await store.ingest('world', part as never, { online: true, batchId: `${i}` });
          clock.set(clock.now() + 1 + pause * 30 * minute);
          const keys = part.length > 0 ? part : list;
          await store.getOnlineFeatures({ entities: [...keys.map(({ a, b }) => ({ a, b })), { a: 'nobody', b: 1 }], features: refs });
          served = clock.now();
          clock.set(served + 1);
        }
        await store.flush();
        const report = await store.checkSkew(refs);
        expect(['equal', 'late']).toContain(report.status);
        if (!late) expect(report.status).toBe('equal');
        for (const { causes, mismatch, missing, extra } of report.features) expect(Object.values(causes).reduce((sum, count) => sum + count, 0)).toBe(mismatch + missing + extra);
      }),
      { seed: 11, numRuns: 60 },
    );
  });
});
