import { FeatureStore, featureView, isModelkeepError, MemoryStorage, onDemandView, type StalenessChange, type TriggerEvent, type TriggerSource } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { simulatedClock } from '../simulated-clock.ts';

const T = Date.UTC(2024, 4, 1);
const hour = 3_600_000;
const viewOf = (name: string, maxAge?: `${number}h`) => featureView({ name, entity: ['k'], timestamp: 'at', ...(maxAge && { freshness: { maxAge } }), features: { x: 'float64' } });

async function make() {
  const storage = new MemoryStorage();
  const clock = simulatedClock(T);
  const store = new FeatureStore({ storage, clock });
  const computed = onDemandView({ name: 'computed', version: '1', inputs: {}, request: { y: 'float64' }, features: { z: 'float64' }, compute: ({ y }) => ({ z: y }) });
  await store.apply([viewOf('a', '1h'), viewOf('b', '3h'), viewOf('c'), viewOf('d', '2h'), computed]);
  const ingest = (view: string, at: number) => store.ingest(view, [{ k: 'k', at, x: at - T }]);
  return { storage, clock, store, ingest };
}

async function damage(storage: MemoryStorage, key: string) {
  const [record] = await storage.read([key]);
  await storage.write([{ kind: 'put', key, bytes: new TextEncoder().encode('{') }]);
  return () => storage.write([{ kind: 'put', key, bytes: record!.bytes }]);
}

async function poll(source: TriggerSource<StalenessChange>, after?: string, limit?: number) {
  const { events, next } = await source.poll(after, { limit });
  return { told: events.map(({ at, data }) => `${data.view} ${data.state} ${(at - T) / hour}`), events, next };
}

const invalid = (error: unknown) => isModelkeepError(error, 'validation');

describe('how fresh all views are', () => {
  it('is told of each, by name and in pages, as it is of one', async () => {
    const { store, clock, ingest } = await make();
    await ingest('a', T);
    await ingest('c', T);
    clock.set(T + 2 * hour);
    const all = await store.freshness();
    expect(all.items.map(({ view, stale }) => `${view} ${stale}`)).toEqual(['a true', 'b false', 'c false', 'd false']);
    expect(all).toEqual({ items: await Promise.all(['a', 'b', 'c', 'd'].map((name) => store.freshness(name))), unreadable: [] });
    expect((await store.freshness({ maxAge: '90m', by: 'event' })).items.map(({ stale, maxAge }) => [stale, maxAge])).toEqual(['a', 'b', 'c', 'd'].map(() => [true, 1.5 * hour]));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.freshness({ limit: 2, after });
      expect(page.items.length).toBe(2);
      seen.push(...page.items.map(({ view }) => view));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    expect(await new FeatureStore({ storage: new MemoryStorage() }).freshness()).toEqual({ items: [], unreadable: [] });
    for (const bad of [{ maxAge: 0 }, { limit: 0 }, { after: 'A b' }, { view: 'a' }, 5, null]) await expect(store.freshness(bad as never)).rejects.toSatisfy(invalid);
    await expect(store.freshness('a', { limit: 2 } as never)).rejects.toSatisfy(invalid);
  });

  it('is told of the others where one cannot be read', async () => {
    const { store, storage, ingest } = await make();
    await ingest('c', T);
    await damage(storage, 'features/views/a');
    await storage.append('features/arrivals/d', [new TextEncoder().encode('{')]);
    const { items, unreadable } = await store.freshness();
    expect(items.map(({ view }) => view)).toEqual(['b', 'c']);
    expect(unreadable.map(({ view }) => view)).toEqual(['a', 'd']);
    for (const { error } of unreadable) expect(isModelkeepError(error, 'integrity')).toBe(true);
    expect(await store.freshness({ limit: 1 })).toMatchObject({ items: [], unreadable: [{ view: 'a' }], next: 'a' });
  });
});

describe('that any view is stale', () => {
  it('is told by one source, each once, as the source of the view tells it', async () => {
    const { store, clock, ingest } = await make();
    const [source, single] = [store.staleness(), store.staleness('a')];
    let [page, alone] = [await poll(source), await poll(single)];
    const seen: TriggerEvent<StalenessChange>[] = [];
    const own: TriggerEvent<StalenessChange>[] = [];
    const steps: [number, string?, number?][] = [[1, 'a', 1], [4], [5, 'b', 4.5], [5.5, 'c', 5.5], [6, 'a', 6], [10]];
    for (const [now, view, at] of steps) {
      clock.set(T + now * hour);
      if (view !== undefined) await ingest(view, T + at! * hour);
      page = await poll(source, page.next);
      alone = await poll(single, alone.next);
      seen.push(...page.events);
      own.push(...alone.events);
    }
    expect(seen.map(({ at, data }) => `${data.view} ${data.state} ${(at - T) / hour}`)).toEqual(['a stale 2', 'd stale 2', 'b stale 3', 'b fresh 5', 'a fresh 6', 'a stale 7', 'b stale 7.5']);
    expect(seen.filter(({ data }) => data.view === 'a')).toEqual(own);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    expect((await poll(source, page.next)).told).toEqual([]);
  });

  it('is told in pages, also of views that are defined later, and of what is to come only', async () => {
    const { store, storage, clock } = await make();
    clock.set(T + 4 * hour);
    const source = store.staleness();
    let page = await poll(source, undefined, 2);
    expect(page.told).toEqual(['a stale 1', 'd stale 2']);
    await store.apply([viewOf('e', '1h')]);
    clock.set(T + 6 * hour);
    page = await poll(source, page.next, 1);
    expect(page.told).toEqual(['b stale 3']);
    page = await poll(source, page.next, 1);
    expect(page.told).toEqual(['e stale 5']);
    expect((await poll(source, page.next)).told).toEqual([]);
    const next = await source.now!();
    expect((await poll(source, next)).told).toEqual([]);
    const other = new FeatureStore({ storage, clock }).staleness();
    expect(other.id).toBe(source.id);
    expect((await poll(other)).events.length).toBe(4);
    expect((await poll(store.staleness({ maxAge: '5h' }))).told.sort()).toEqual(['a stale 5', 'b stale 5', 'c stale 5', 'd stale 5']);
    expect(new Set([source.id, store.staleness({ maxAge: '5h' }).id, store.staleness('a').id, store.staleness({ by: 'ingested' }).id]).size).toBe(4);
  });

  it('is told of the others while one cannot be read, and of that one afterwards', async () => {
    const { store, storage, clock } = await make();
    const source = store.staleness();
    let page = await poll(source);
    const mend = await damage(storage, 'features/views/a');
    clock.set(T + 2.5 * hour);
    page = await poll(source, page.next);
    expect(page.told).toEqual(['d stale 2']);
    await mend();
    page = await poll(source, page.next);
    expect(page.told).toEqual(['a stale 1']);
    expect((await poll(source, page.next)).told).toEqual([]);
  });

  it('needs sound options and cursors, and is nothing where no view is held to an age', async () => {
    const { store } = await make();
    expect(() => store.staleness({ maxAge: 1, what: 1 } as never)).toThrow('what');
    await expect(store.staleness({ maxAge: 0 }).poll(undefined)).rejects.toSatisfy(invalid);
    for (const cursor of ['what', '{}', '{"views":[["a",{}]],"left":[]}', 'null']) await expect(store.staleness().poll(cursor)).rejects.toThrow('cursor');
    const empty = new FeatureStore({ storage: new MemoryStorage() });
    await empty.apply([viewOf('c')]);
    expect((await poll(empty.staleness())).told).toEqual([]);
  });
});
