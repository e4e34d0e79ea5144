import { describe, expect, test } from 'vitest';
import { domains } from './walls.js';
import { budgetedBundles, bundle, importing, mainExports, readBudget, trackerOver } from './sizes.ts';
import { demandBuild } from './run-tool.ts';

demandBuild();
const bundles = budgetedBundles();
const budget = readBudget();
const ceilings: Partial<Record<string, number>> = { 'Tracker + MemoryStorage': 24 * 1024 };

describe('size', () => {
  test('every pin belongs to a bundle and every bundle has a pin (npm run sizes:update)', () => {
    expect(Object.keys(budget).sort()).toEqual(bundles.map(({ name }) => name).sort());
  });

  test.each(bundles)('$name stays within its pin', async (each) => {
    const { gzipped, externals } = await bundle(each);
    if (each.platform === 'browser') expect(externals, 'a browser has no such module').toEqual([]);
    expect(gzipped, `gzipped bytes; raise the pin on purpose with npm run sizes:update -- --raise`).toBeLessThanOrEqual(
      budget[each.name] ?? 0,
    );
    expect(gzipped, 'what a page may pay for its first run, whatever the pin says').toBeLessThanOrEqual(
      ceilings[each.name] ?? Infinity,
    );
  });
});

describe('a page that tracks runs pays for its storage', () => {
  test.each([
    ['IndexedDBStorage', 'indexeddb', 7.5 * 1024],
    ['HttpStorage', 'http', 12 * 1024],
  ])('%s adds little', async (adapter, entry, ceiling) => {
    const [alone, both] = [await bundle(importing('Tracker')), await bundle(trackerOver(adapter, entry))];
    expect(both.gzipped - alone.gzipped, 'gzipped bytes beyond the Tracker').toBeLessThanOrEqual(ceiling);
  });
});

describe('one import pulls in no other part', () => {
  test.each(mainExports())('$name', async ({ name, file }) => {
    const own = domains.find((domain) => file.startsWith(`src/${domain}/`));
    const { files } = await bundle(importing(name));
    const foreign = files.filter((path) => domains.some((domain) => domain !== own && path.startsWith(`dist/${domain}/`)));
    expect(foreign).toEqual([]);
    if (own !== undefined) {
      expect(files.filter((path) => /^dist\/storage\/.+\//.test(path)), 'a domain brings no adapter').toEqual([]);
    }
  });
});
