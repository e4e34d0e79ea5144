import { describe, expect, it } from 'vitest';
import { SlotTable } from '../../../src/storage/filesystem/slot-table.ts';

function put(table: SlotTable, key: string, damaged = false): void {
  const bytes = Buffer.from(key, 'latin1');
  const row = table.find(key);
  table.set(row < 0 ? table.add(bytes, 0, bytes.length) : row, { generation: 1, offset: 100, nonce: 1 }, 100, 50, 3, damaged);
}

const keyOf = (i: number): string => `k/${String(i).padStart(5, '0')}`;

describe('SlotTable', () => {
  it('counts what is damaged and what lies in the file before, though most keys are deleted and their rows given out anew', () => {
    const table = new SlotTable();
    for (let i = 0; i < 3000; i++) put(table, keyOf(i), i % 3 === 0);
    expect(table.damaged).toBe(1000);
    table.leave();
    expect([table.damaged, table.before]).toEqual([0, 3000]);
    for (let i = 0; i < 2990; i++) table.remove(table.find(keyOf(i)));
    for (let i = 3000; i < 6000; i++) put(table, keyOf(i));
    expect([table.damaged, table.before, table.size]).toEqual([0, 10, 3010]);
    for (let i = 2990; i < 3000; i++) table.move(table.find(keyOf(i)), 200, 60);
    expect(table.before).toBe(0);
    expect([...table.from('')].map((row) => table.key(row))).toEqual(Array.from({ length: 3010 }, (_, i) => keyOf(2990 + i)));
  });

  it('gives the same line of a list again and again, and another one when the value or the row is another', () => {
    const table = new SlotTable();
    for (let i = 0; i < 3000; i++) put(table, keyOf(i));
    const lineOf = (i: number): unknown => table.line(table.find(keyOf(i)));
    for (const i of [1, 2999]) lineOf(i);
    const [changed, kept] = [lineOf(1), lineOf(2999)];
    expect(kept).toEqual({ key: keyOf(2999), version: '1.100.1', size: 3 });
    expect(lineOf(2999)).toBe(kept);
    table.set(table.find(keyOf(1)), { generation: 1, offset: 900, nonce: 1 }, 900, 50, 7, false);
    expect(lineOf(1)).toEqual({ key: keyOf(1), version: '1.900.1', size: 7 });
    expect(changed).toEqual({ key: keyOf(1), version: '1.100.1', size: 3 });
    // So many go that the rows are given out anew, and another key stands where one was whose line was kept.
    for (let i = 0; i < 2500; i++) table.remove(table.find(keyOf(i)));
    for (let i = 2500; i < 3000; i++) expect(lineOf(i)).toEqual({ key: keyOf(i), version: '1.100.1', size: 3 });
  });
});
