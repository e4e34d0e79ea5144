import fc from 'fast-check';
import { FeatureStore, featureView, isModelkeepError, MemoryStorage, type StalenessChange, type TriggerEvent, type TriggerSource } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { simulatedClock } from '../simulated-clock.ts';

const T = Date.UTC(2024, 4, 1);
const hour = 3_600_000;
const plain = featureView({ name: 'delays', entity: ['origin'], timestamp: 'at', features: { delay: 'float64' } });
const held = featureView({ name: 'delays', entity: ['origin'], timestamp: 'at', freshness: { maxAge: '2h' }, features: { delay: 'float64' } });

async function make(view = held, storage = new MemoryStorage()) {
  const clock = simulatedClock(T);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  const ingest = (at: number, online = false) => store.ingest(view, [{ origin: 'ATL', at, delay: at - T }], { online, batchId: `${at} ${clock.now()}` });
  return { store, storage, clock, ingest };
}

async function poll(source: TriggerSource<StalenessChange>, after?: string, limit?: number) {
  const { events, next } = await source.poll(after, { limit });
  return { told: events.map(({ at, data }) => `${data.state} ${Math.round(((at - T) / hour) * 100) / 100}`), events, next };
}

describe('how fresh a view is', () => {
  it('is told from what arrived, went online and was materialized', async () => {
    const { store, clock, ingest } = await make();
    expect(await store.freshness(held)).toMatchObject({ newestEvent: null, newestIngested: null, newestOnline: null, materializedAt: null, lag: null, onlineLag: null, maxAge: 2 * hour, stale: false });
    clock.set(T + 3 * hour);
    expect(await store.freshness(held)).toMatchObject({ stale: true, reason: "'delays' has no rows yet, more than the 7200000 ms that it may be." });
    await ingest(T + hour, true);
    await ingest(T + 2 * hour);
    expect(await store.freshness('delays')).toMatchObject({ newestEvent: T + 2 * hour, newestOnline: T + hour, onlineLag: hour, lag: hour, stale: false, newestIngested: expect.closeTo(T + 3 * hour, 1) as number });
    clock.set(T + 5 * hour);
    expect(await store.freshness('delays')).toMatchObject({ lag: 3 * hour, stale: true });
    expect(await store.freshness('delays', { maxAge: '4h' })).toMatchObject({ stale: false });
    expect(await store.freshness('delays', { by: 'ingested' })).toMatchObject({ stale: false, maxAge: 2 * hour });
    await store.materialize(held);
    expect(await store.freshness('delays')).toMatchObject({ newestOnline: T + 2 * hour, onlineLag: 0, materializedAt: T + 5 * hour });
    // A row of the future does not keep the view fresh for ever.
    await ingest(T + 1000 * hour);
    clock.set(T + 8 * hour);
    expect(await store.freshness('delays')).toMatchObject({ stale: true, newestEvent: expect.closeTo(T + 5 * hour, 1) as number });
  });

  it('does not take a late row for one that is online before it is materialized, whoever asks', async () => {
    const { store, storage, clock, ingest } = await make();
    const onlineOf = async (): Promise<unknown> => {
      const fresh = await new FeatureStore({ storage, clock }).freshness('delays');
      expect(await store.freshness('delays')).toMatchObject({ newestOnline: fresh.newestOnline, onlineLag: fresh.onlineLag });
      return fresh.newestOnline === null ? null : (fresh.newestOnline - T) / hour;
    };
    clock.set(T + 5 * hour);
    await ingest(T + hour);
    expect(await onlineOf()).toBe(null);
    await store.materialize(held);
    expect(await onlineOf()).toBe(1);
    // Later than what is online, earlier than the end that was materialized.
    await ingest(T + 3 * hour);
    expect(await onlineOf()).toBe(1);
    await ingest(T + 2 * hour, true);
    expect(await onlineOf()).toBe(2);
    await store.materialize(held, { end: T + 2 * hour });
    expect(await onlineOf()).toBe(3);
    // What is not due stays behind, and so does what came since.
    clock.set(T + 10 * hour);
    await ingest(T + 9 * hour);
    await store.ingest(held, [{ origin: 'ATL', at: T + 4 * hour, delay: 1 }, { origin: 'ATL', at: T + 8.5 * hour, delay: 1 }]);
    await store.materialize(held, { end: T + 8 * hour });
    await ingest(T + 7 * hour);
    expect(await onlineOf()).toBe(4);
    await store.materialize(held);
    expect(await onlineOf()).toBe(9);
    await store.forget('delays', [{ origin: 'BOS' }]);
    await ingest(T + 9.5 * hour);
    expect(await onlineOf()).toBe(9);
    await store.materialize(held);
    expect(await onlineOf()).toBe(9.5);
  });

  it('is of no view that is held to nothing, and needs sound options', async () => {
    const { store } = await make(plain);
    expect(await store.freshness(plain)).toMatchObject({ maxAge: null, stale: false });
    await expect(store.staleness(plain).poll(undefined)).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
    for (const bad of [{ maxAge: 0 }, { maxAge: 'long' }, { by: 'chance' }, { what: 1 }]) await expect(store.freshness(plain, bad as never)).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
    await expect(store.freshness('nothing')).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
    await expect(store.staleness(held, { maxAge: '1h' }).poll('what')).rejects.toThrow('cursor');
    expect(() => featureView({ name: 'v', entity: ['a'], timestamp: 't', freshness: { maxAge: -1 }, features: { x: 'float64' } })).toThrow('freshness');
  });

  it('breaks nothing when it is expected of a view that is there, and changes no view that expects none', async () => {
    const { store, storage } = await make(plain);
    const digest = (await store.apply([plain]))[0]!.digest;
    expect(JSON.stringify(plain)).not.toContain('freshness');
    expect((await store.apply([held]))[0]).toMatchObject({ change: 'extended', version: 2 });
    expect((await new FeatureStore({ storage }).apply([plain]))[0]).toMatchObject({ digest, version: 1, change: 'unchanged' });
  });
});

describe('that a view is stale', () => {
  it('is told once, and once that it is fresh again', async () => {
    const { store, clock, ingest } = await make();
    const source = store.staleness('delays');
    let page = await poll(source);
    expect(page.told).toEqual([]);
    await ingest(T);
    clock.set(T + hour);
    page = await poll(source, page.next);
    expect(page.told).toEqual([]);
    clock.set(T + 3 * hour);
    page = await poll(source, page.next);
    expect(page.told).toEqual(['stale 2']);
    expect(page.events[0]).toMatchObject({ ref: { kind: 'feature-view', id: 'delays' }, data: { view: 'delays', newest: T, maxAge: 2 * hour } });
    expect((await poll(source, page.next)).told).toEqual([]);
    // Rows that are old themselves make nothing fresh.
    await ingest(T + 0.5 * hour);
    page = await poll(source, page.next);
    expect(page.told).toEqual([]);
    await ingest(T + 3 * hour);
    clock.set(T + 9 * hour);
    await ingest(T + 9 * hour);
    page = await poll(source, page.next, 2);
    expect(page.told).toEqual(['fresh 3', 'stale 5']);
    page = await poll(source, page.next);
    expect(page.told).toEqual(['fresh 9']);
    expect((await poll(source, page.next)).told).toEqual([]);
  });

  it('is told of the present to who comes new, under the same id to each, and to nobody who asks for what is to come', async () => {
    const { store, storage, clock, ingest } = await make(plain);
    await ingest(T);
    clock.set(T + 5 * hour);
    const source = store.staleness('delays', { maxAge: '1h' });
    const other = new FeatureStore({ storage, clock }).staleness(plain, { maxAge: '1h' });
    expect(other.id).toBe(source.id);
    const [a, b] = [await poll(source), await poll(other)];
    expect(a.told).toEqual(['stale 1']);
    expect(a.events[0]!.id).toBe(b.events[0]!.id);
    const next = await source.now!();
    await ingest(T + 5 * hour);
    expect((await poll(source, next)).told).toEqual(['fresh 5']);
  });

  it('is told in turns, however often one looks and whatever comes in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ pause: fc.integer({ min: 0, max: 200 }), age: fc.option(fc.integer({ min: -60, max: 240 }), { nil: undefined }), looks: fc.nat(2) }), { maxLength: 25 }), async (steps) => {
        const { store, clock, ingest } = await make();
        const source = store.staleness('delays');
        const seen: TriggerEvent<StalenessChange>[] = [];
        let cursor: string | undefined = await source.now!();
        for (const { pause, age, looks } of steps) {
          clock.set(clock.now() + pause * 60_000);
          if (age !== undefined) await ingest(clock.now() - age * 60_000);
          for (let i = 0; i < looks; i++) {
            const page = await source.poll(cursor, { limit: 1 });
            seen.push(...page.events);
            cursor = page.next;
          }
        }
        for (let told = 1; told > 0; ) {
          const page = await source.poll(cursor);
          seen.push(...page.events);
          cursor = page.next;
          told = page.events.length;
        }
        seen.forEach(({ data }, i) => expect(data.state).toBe(i % 2 === 0 ? 'stale' : 'fresh'));
        expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
        expect((await store.freshness('delays')).stale).toBe(seen.at(-1)?.data.state === 'stale');
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});
