import { ABTest, DriftMonitor, MemoryStorage, Pipeline, escapeSegment, profileData, type StorageAdapter, type StoreListOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { serveUi } from '../ui/ui-client.ts';

// One whose name another begins with, one that no key can hold, and one that a key holds otherwise.
const names = ['a', 'a-b', 'a0', 'Über <b>', 'long name '.repeat(18)];
const reference = profileData({ x: Float64Array.from({ length: 500 }, (_, i) => i) });

async function monitors(storage: StorageAdapter): Promise<void> {
  for (const name of names) {
    await using monitor = new DriftMonitor({ storage, name, reference, window: { rows: 100, slide: 50 } });
    if (name === 'a') for (let i = 0; i < 200; i++) monitor.observe({ features: { x: 1_000 + i } });
    await monitor.flush();
  }
}

async function tests(storage: StorageAdapter): Promise<void> {
  for (const name of names) {
    await using test = new ABTest({ storage, name, variants: [{ name: 'A' }, { name: 'B' }] });
    await test.start();
    await test.assignSticky('somebody');
    if (name === 'a') await test.stop({ ship: 'B', by: 'ada' });
  }
}

async function pipelines(storage: StorageAdapter): Promise<void> {
  for (const name of names) {
    const pipeline = new Pipeline({ name, storage });
    pipeline.step('train', {}, () => 1);
    await pipeline.run();
  }
}

/** Overwrites a record with what is no value. */
async function damage(storage: StorageAdapter, key: string): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: new TextEncoder().encode('{"state":') }]);
}

describe.each([
  { kind: 'monitors', page: 'monitors', fill: monitors, list: (options: StoreListOptions) => DriftMonitor.list(options) },
  { kind: 'tests', page: 'tests', fill: tests, list: (options: StoreListOptions) => ABTest.list(options) },
  { kind: 'pipelines', page: 'pipelines', fill: pipelines, list: (options: StoreListOptions) => Pipeline.list(options) },
] as const)('the $kind of a store', ({ page, fill, list }) => {
  it('come once each, by their whole names and page by page, and on the page of them', async () => {
    const storage = new MemoryStorage();
    expect((await list({ storage })).items).toEqual([]);
    await fill(storage);
    const found: string[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await list({ storage, limit: 2, after });
      expect(items.length).toBeLessThanOrEqual(2);
      found.push(...items.map(({ name }) => name));
      after = next;
    } while (after !== undefined);
    expect(found.toSorted()).toEqual(names.toSorted());

    await using ui = await serveUi(storage);
    const { status, text } = await ui.get(page);
    expect(status).toBe(200);
    const links = [...text.matchAll(/<td><a href="[^"?]*\?([^"]*)"/g)].map(([, query]) => new URLSearchParams(query).get('name'));
    expect(links.toSorted()).toEqual(names.toSorted());
    expect(text).toContain('Über &#60;b&#62;');
  });

  it('are not asked for with options that there are not, nor once it was given up', async () => {
    const storage = new MemoryStorage();
    await fill(storage);
    await expect(list({ storage, limit: 0 })).rejects.toThrow(/options\.limit/);
    await expect(list({ storage, after: 'a/b' })).rejects.toThrow(/options\.after/);
    await expect(list({ storage, filter: '' } as never)).rejects.toThrow(/filter/);
    await expect(list({} as never)).rejects.toThrow(/storage/);
    await expect(list({ storage, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

it.each([
  { kind: 'monitors', page: 'monitors', fill: monitors, folder: 'monitors/', list: (options: StoreListOptions) => DriftMonitor.list(options) },
  { kind: 'tests', page: 'tests', fill: tests, folder: 'experiments/', list: (options: StoreListOptions) => ABTest.list(options) },
] as const)('$kind that cannot be read hide no other', async ({ page, fill, folder, list }) => {
  const storage = new MemoryStorage();
  await fill(storage);
  await damage(storage, `${folder}${escapeSegment('a-b')}`);
  await damage(storage, `${folder}${escapeSegment(names.at(-1)!)}`);
  const { items, damaged } = await list({ storage });
  expect(items.map(({ name }) => name).toSorted()).toEqual(['a', 'a0', 'Über <b>'].toSorted());
  expect(damaged.map(({ name }) => name).toSorted()).toEqual(['a-b', escapeSegment(names.at(-1)!)].toSorted());
  expect(damaged[0]!.error.message).not.toBe('');
  await using ui = await serveUi(storage);
  expect((await ui.get(page)).text.match(/damaged/g)!.length).toBeGreaterThanOrEqual(2);
});

it('a monitor of a list says what fires, and a test how it ended', async () => {
  const storage = new MemoryStorage();
  await monitors(storage);
  await tests(storage);
  const all = (await DriftMonitor.list({ storage })).items;
  const [a, b] = ['a', 'a-b'].map((name) => all.find((each) => each.name === name));
  expect(a).toMatchObject({ name: 'a', windows: 4, firing: [{ kind: 'data-drift', columns: ['x'] }] });
  expect(a!.firing[0]!.sinceAt).toBeGreaterThan(0);
  expect(b).toEqual({ name: 'a-b', windows: 0, firing: [] });
  const found = (await ABTest.list({ storage })).items;
  const [first, second] = ['a', 'a-b'].map((name) => found.find((each) => each.name === name));
  expect(first).toMatchObject({ name: 'a', stopped: { ship: 'B', by: 'ada' }, definition: { coverage: 1 } });
  expect(second!.stopped).toBeUndefined();
});
