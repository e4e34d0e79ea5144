import { describe, expect, test } from 'vitest';
import { domains } from './walls.js';
import { budgetedBundles, bundle, exportsOf, importing, mainExports, readBudget, trackerOver, type BundleReport } from './sizes.ts';
import { demandBuild } from './run-tool.ts';

demandBuild();
const bundles = budgetedBundles();
const budget = readBudget();
const ceilings: Record<string, number> = { 'Tracker + MemoryStorage': 24.5 * 1024, DriftMonitor: 32 * 1024 };

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
  });

  test.each(Object.entries(ceilings))('%s costs no more than a page may pay for its first run', async (name, ceiling) => {
    const { gzipped } = await bundle(bundles.find((each) => each.name === name)!, 'at once');
    expect(gzipped).toBeLessThanOrEqual(ceiling);
  });
});

describe('a page that tracks runs pays for its storage', () => {
  test.each([
    ['IndexedDBStorage', 'indexeddb', 7.5 * 1024],
    ['HttpStorage', 'http', 12 * 1024],
  ])('%s adds little', async (adapter, entry, ceiling) => {
    const [alone, both] = [await bundle(importing('Tracker'), 'at once'), await bundle(trackerOver(adapter, entry), 'at once')];
    expect(both.gzipped - alone.gzipped, 'gzipped bytes beyond the Tracker').toBeLessThanOrEqual(ceiling);
  });
});

describe('modelkeep/stats', () => {
  const only = (name: string): Promise<BundleReport> => bundle({ name, code: `export { ${name} } from 'modelkeep/stats';`, platform: 'browser' });

  test('the normal distribution alone costs at most 3 KB', async () => {
    expect((await only('normal')).gzipped).toBeLessThanOrEqual(3 * 1024);
  });

  test.each(exportsOf('stats'))('$name stands on statistics alone', async ({ name }) => {
    const { files } = await only(name);
    expect(files.filter((path) => !/^dist\/(stats|core)\b/.test(path))).toEqual([]);
  });
});

// What tells others of one part has to read what that has stored.
const reads: Readonly<Record<string, string>> = { startOpenLineage: 'pipelines' };
// Who stands above the parts reads all of them, and not before it is asked to.
const isAbove = (file: string): boolean => file.startsWith('src/maturity/');

describe('one import pulls in no other part', () => {
  test.each(mainExports())('$name', async ({ name, file }) => {
    const own = reads[name] ?? domains.find((domain) => file.startsWith(`src/${domain}/`));
    const { files } = await bundle(importing(name), isAbove(file) ? 'at once' : 'ever');
    const foreign = files.filter((path) => domains.some((domain) => domain !== own && path.startsWith(`dist/${domain}/`)));
    expect(foreign).toEqual([]);
    if (own !== undefined) {
      expect(files.filter((path) => /^dist\/storage\/.+\//.test(path)), 'a domain brings no adapter').toEqual([]);
    }
  });
});
