import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import type { ListEntry } from '../../../src/storage/contract.ts';
import { SimulatedDisk } from '../faults/simulated-disk.ts';

const empty = new Uint8Array(0);
const seed = Math.floor(Math.random() * 2 ** 31);

it(`lists any part of many records, however they were written, deleted and written again (seed ${seed})`, { timeout: 180_000 }, async () => {
  const random = seededRandom(seed);
  const integer = (below: number): number => Math.floor(random() * below);
  // Short keys beside long ones, some the beginning of others, most of them alike for a while.
  const texts = ['r', 'r/runs', 'r/runs/2026', 'r/runs/2026-11', 'r/x', 'r/_', 'r/runs-'];
  const newKey = (): string => `${texts[integer(texts.length)]!}/${random() < 0.3 ? integer(50) : integer(2 ** 32).toString(16)}${random() < 0.1 ? '/sub.part' : ''}`;
  const disk = new SimulatedDisk(random);
  const { fileSystem } = disk.startProcess();
  let storage = new FilesystemStorage('/store', { fileSystem, compactAt: 500_000 });
  const there = new Set<string>();

  async function change(count: number, deletes: number): Promise<void> {
    const keys = Array.from({ length: count }, newKey);
    await storage.write(keys.map((key) => ({ kind: 'put', key, bytes: empty })));
    for (const key of keys) there.add(key);
    const gone = [...there].filter(() => random() < deletes);
    await storage.write(gone.map((key) => ({ kind: 'delete', key })));
    for (const key of gone) there.delete(key);
  }

  async function check(): Promise<void> {
    const sorted = [...there].sort();
    for (let i = 0; i < 30; i++) {
      const known = sorted[integer(sorted.length)] ?? 'r/';
      const prefix = random() < 0.3 ? '' : known.slice(0, 2 + integer(known.length));
      if (prefix.split('/').some((part) => part.startsWith('.'))) continue;
      const after = random() < 0.5 ? undefined : [sorted[integer(sorted.length)]!, newKey(), prefix, 'a', 'z'][integer(5)]!;
      const limit = 1 + integer(random() < 0.2 ? 30_000 : 20);
      const expected = sorted.filter((key) => key.startsWith(prefix) && (after === undefined || key > after));
      const page = await storage.list({ prefix, after, limit });
      expect(page.entries.map((entry: ListEntry) => entry.key)).toEqual(expected.slice(0, limit));
      expect(page.next).toBe(expected.length > limit ? expected[limit - 1] : undefined);
    }
  }

  await change(20_000, 0);
  await check();
  for (let turn = 0; turn < 6; turn++) {
    await change([3, 5000, 40, 100, 0, 2000][turn]!, [0, 0.3, 0, 0.95, 0.01, 0][turn]!);
    await check();
    if (turn % 2 === 0) continue;
    await storage.close();
    storage = new FilesystemStorage('/store', { fileSystem, compactAt: 500_000 });
  }
  await storage.close();
});
