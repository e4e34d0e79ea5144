import { describe, expect, test } from 'vitest';
import { allChecks, unclaimed } from './all-checks.ts';
import { comparisons, goldenFixtures, readCases } from './golden-check.ts';

describe.each(goldenFixtures)('%s.json', (fixture) => {
  const cases = readCases(fixture);

  test('every case is held to something, or says why not', () => {
    const claimed = new Set(allChecks[fixture].map((check) => check.test));
    const open = [...new Set(cases.map((golden) => golden.test))].filter((name) => !claimed.has(name) && unclaimed[name] === undefined);
    expect(open).toEqual([]);
  });

  test('every check has cases, and every case that it leaves out is one', () => {
    for (const { name, test: tested, skipped = {} } of allChecks[fixture]) {
      const ids = cases.filter((golden) => golden.test === tested).map(({ id }) => id);
      expect(ids.length, `${name} against ${tested}`).toBeGreaterThan(0);
      expect(ids).toEqual(expect.arrayContaining(Object.keys(skipped)));
    }
  });

  describe.each(allChecks[fixture])('$name ($test)', (check) => {
    const own = cases.filter((golden) => golden.test === check.test && check.skipped?.[golden.id] === undefined);

    test.each(own)('$id: $note', (golden) => {
      const found = comparisons(check, golden);
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter(({ within }) => !within)).toEqual([]);
    });
  });
});
