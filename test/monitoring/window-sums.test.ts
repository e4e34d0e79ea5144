import { describe, expect, it } from 'vitest';
import { addSums, type Sums } from '../../src/monitoring/windows/window-sums.ts';

describe('the sums of windows', () => {
  it('keep every key that no name from outside is in, however many there are', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `range ${i} below`);
    const [first, second] = [keys.slice(0, 6000), keys.slice(3000)].map((part) => part.map((key): [string, number] => [key, 1]));
    const added = addSums({ quality: first! }, { quality: second!, health: [['requests', 2]] });
    expect(added['quality']).toHaveLength(10_000);
    expect(new Map(added['quality']).get('range 4000 below')).toBe(2);
    expect(added['health']).toEqual([['requests', 2]]);
  });

  it('keep a hundred names from outside with all of their keys, and add what comes under others to the keys without a name', () => {
    const rowsOf = (version: number): Sums => [[`1@v@${version}`, 2], [`7@v@${version}`, 3]];
    let sums: Sums = [['1', 5]];
    for (let version = 0; version < 150; version++) sums = addSums({ estimate: sums }, { estimate: rowsOf(version) })['estimate']!;
    const found = new Map(sums);
    expect(found.size).toBe(202);
    expect([found.get('1'), found.get('7'), found.get('7@v@99'), found.get('7@v@100')]).toEqual([5 + 50 * 2, 50 * 3, 3, undefined]);
    sums = addSums({ estimate: sums }, { estimate: [...rowsOf(3), ['9@v@3', 1]] })['estimate']!;
    expect([new Map(sums).get('1@v@3'), new Map(sums).get('9@v@3')]).toEqual([4, 1]);
  });
});
