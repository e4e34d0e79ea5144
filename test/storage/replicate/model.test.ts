import fc from 'fast-check';
import { MemoryStorage, replicate, StorageError, type Replication, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { seededRandom, type Random } from '../../../src/core/random.ts';
import { temporaryDirectories } from '../filesystem/temporary-directory.ts';
import { append, chunks, contentsOf, put, remove } from './contents.ts';
import { ObservedStorage, type Observer } from './observed-storage.ts';

type Step =
  | { readonly kind: 'put' | 'delete' | 'append' | 'delete-log' | 'blob' | 'foreign-put' | 'foreign-delete' | 'foreign-append'; readonly key: number; readonly writer: number }
  /** A pass in which each call fails with this probability, before or after its effect. */
  | { readonly kind: 'pass'; readonly failing: number };

const steps = (foreign: boolean): fc.Arbitrary<Step[]> => {
  const kinds = ['put', 'put', 'delete', 'append', 'append', 'delete-log', 'blob', ...(foreign ? ['foreign-put', 'foreign-delete', 'foreign-append'] : [])] as const;
  const write = fc.record({ kind: fc.constantFrom(...kinds) as fc.Arbitrary<'put'>, key: fc.nat(5), writer: fc.nat(2) });
  const pass = fc.record({ kind: fc.constant('pass' as const), failing: fc.constantFrom(0, 0.03, 0.1, 0.3) });
  return fc.array(fc.oneof({ weight: 3, arbitrary: write }, { weight: 1, arbitrary: pass }), { maxLength: 40 });
};

const keyAt = (i: number): string => `things/${'abcdef'[i]}`;

/** Fails calls at random. */
function failing(random: Random, probability: number): Observer {
  const fail = (): void => {
    if (random() < probability / 2) throw new StorageError('unavailable', 'No luck.');
  };
  return { before: fail, after: fail };
}

/** Makes every call wait a little, for a different while each, so that what runs at once is mixed. */
function dawdling(random: Random): Observer {
  const dawdle = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 12); turns > 0; turns--) await Promise.resolve();
    if (random() < 0.1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { before: dawdle, after: dawdle };
}

let serial = 0;

async function write(a: StorageAdapter, b: StorageAdapter, { kind, key, writer }: Exclude<Step, { kind: 'pass' }>): Promise<void> {
  const text = `${kind} ${++serial}`;
  if (kind === 'put') await put(a, keyAt(key), text);
  else if (kind === 'delete') await remove(a, keyAt(key));
  else if (kind === 'append') await append(a, keyAt(key), `w${writer}`, text, `${text} too`);
  else if (kind === 'delete-log') await a.deleteLog(keyAt(key));
  else if (kind === 'foreign-put') await put(b, keyAt(key), text);
  else if (kind === 'foreign-delete') await remove(b, keyAt(key));
  else if (kind === 'foreign-append') await append(b, keyAt(key), writer === 0 ? 'w0' : 'other', text);
  else {
    const { digest } = await a.writeBlob(chunks(utf8(text)));
    await a.write([{ kind: 'put', key: keyAt(key), bytes: utf8(text), blobs: [digest] }]);
  }
}

const directory = temporaryDirectories();
const opened: StorageAdapter[] = [];
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close();
});

function open(kind: string): StorageAdapter {
  const storage = kind === 'memory' ? new MemoryStorage() : new FilesystemStorage(directory(), { durability: 'buffered' });
  opened.push(storage);
  return storage;
}

const seed = Math.floor(Math.random() * 2 ** 31);

describe(`replication against what it promises (seed ${seed})`, () => {
  it.each([
    ['memory', 'memory', 200],
    ['memory', 'filesystem', 15],
    ['filesystem', 'memory', 15],
    ['filesystem', 'filesystem', 15],
  ])('the target becomes the source, whatever fails: %s to %s', { timeout: 180_000 }, async (from, to, numRuns) => {
    const property = fc.asyncProperty(steps(false), fc.nat(), async (all, luck) => {
      const random = seededRandom(luck);
      const [a, b] = [open(from), open(to)];
      for (const step of all) {
        if (step.kind !== 'pass') {
          await write(a, b, step);
          continue;
        }
        const observer = failing(random, step.failing);
        await using link = replicate({ from: new ObservedStorage(a, observer), to: new ObservedStorage(b, observer), id: 'x', lock: false });
        await link.settled().catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }));
        expect(link.conflicts()).toEqual([]);
        expect((await contentsOf(b)).missingBlobs).toEqual([]);
      }
      await using link = replicate({ from: a, to: b, id: 'x' });
      expect(await link.settled()).toMatchObject({ conflicts: 0 });
      expect(await contentsOf(b)).toEqual(await contentsOf(a));
    });
    await fc.assert(property, { numRuns, seed });
  });

  it('what others wrote to the target is never lost, and every difference is reported', { timeout: 180_000 }, async () => {
    const property = fc.asyncProperty(steps(true), fc.nat(), async (all, luck) => {
      const random = seededRandom(luck);
      const [a, b] = [new MemoryStorage(), new MemoryStorage()];
      /** Keys that were deleted from the target, and not written in the source since. */
      const left = new Set<string>();
      for (const step of all) {
        if (step.kind !== 'pass') {
          await write(a, b, step);
          if (step.kind === 'foreign-delete') left.add(keyAt(step.key));
          else if (['put', 'blob', 'delete'].includes(step.kind)) left.delete(keyAt(step.key));
          continue;
        }
        const before = await contentsOf(b);
        const observer = failing(random, step.failing);
        await using link = replicate({ from: new ObservedStorage(a, observer), to: new ObservedStorage(b, observer), id: 'x' });
        await link.settled().catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }));
        const after = await contentsOf(b);
        for (const [key, text] of Object.entries(before.records)) if (text.startsWith('foreign')) expect(after.records[key]).toBe(text);
        for (const [key, writers] of Object.entries(before.logs)) {
          for (const [writer, texts] of Object.entries(writers)) {
            if (texts.some((text) => text.startsWith('foreign'))) expect(after.logs[key]?.[writer]?.slice(0, texts.length)).toEqual(texts);
          }
        }
      }
      await using link = replicate({ from: a, to: b, id: 'x' });
      const { conflicts } = await link.settled();
      expect(link.conflicts().length).toBe(conflicts);
      const [source, target] = [await contentsOf(a), await contentsOf(b)];
      const reported = (kind: string, key: string): boolean => link.conflicts().some((conflict) => conflict.kind === kind && conflict.key === key);
      for (const key of new Set([...Object.keys(source.records), ...Object.keys(target.records)])) {
        const [there, here] = [target.records[key], source.records[key]];
        // What only the target changed is no matter of a link in this direction; a log that is in conflict holds back the record of its name.
        if (there === here || there?.startsWith('foreign') === true || (there === undefined && left.has(key))) continue;
        expect(reported('record', key) || reported('log', key), `${key}: ${there} for ${here}`).toBe(true);
      }
      for (const [key, writers] of Object.entries(source.logs)) {
        for (const [writer, texts] of Object.entries(writers)) {
          if (!reported('log', key)) expect(target.logs[key]?.[writer]?.slice(0, texts.length), `${key} ${writer}`).toEqual(texts);
        }
      }
    });
    await fc.assert(property, { numRuns: 200, seed });
  });

  it('several links at once, while others write to the source, are as exact as one', { timeout: 180_000 }, async () => {
    const property = fc.asyncProperty(steps(false), fc.nat(), fc.integer({ min: 2, max: 3 }), async (all, luck, count) => {
      const random = seededRandom(luck);
      const [a, b] = [new MemoryStorage(), new MemoryStorage()];
      const told: string[] = [];
      const links = Array.from({ length: count }, (): Replication => {
        return replicate({ from: new ObservedStorage(a, dawdling(random)), to: new ObservedStorage(b, dawdling(random)), id: 'x', lock: false, onConflict: ({ key }) => void told.push(key) });
      });
      const writing = (async () => {
        for (const step of all) {
          // A log's deletion has no condition, and is the one thing that two links may do over each other for a moment.
          if (step.kind !== 'pass' && step.kind !== 'delete-log') await write(a, b, step);
          else await Promise.all(links.map((link) => link.settled()));
          if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      await Promise.all([writing, ...links.map((link) => link.settled())]);
      for (const link of links) expect(await link.settled()).toMatchObject({ conflicts: 0 });
      expect(told).toEqual([]);
      expect(await contentsOf(b)).toEqual(await contentsOf(a));
      for (const link of links) await link.close();
    });
    await fc.assert(property, { numRuns: 250, seed });
  });
});
