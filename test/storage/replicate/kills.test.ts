import { MemoryStorage, replicate, StorageError, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { append, contentsOf, put, putWithBlob, remove } from './contents.ts';
import { ObservedStorage } from './observed-storage.ts';

const id = 'link';

/** Replicates through stores that fail from the call number `from` on, of both together, before or after its effect; gives whether it came that far. */
async function dieAt(a: StorageAdapter, b: StorageAdapter, from: number, when: 'before' | 'after'): Promise<boolean> {
  let count = 0;
  let died = false;
  const die = (limit: number) => (): void => {
    if (limit <= 0) return;
    died = true;
    throw new StorageError('unavailable', 'The process is dead.');
  };
  const observer = {
    before: () => die(++count - from + (when === 'before' ? 1 : 0))(),
    after: () => (when === 'after' ? die(count - from + 1)() : undefined),
  };
  await using link = replicate({ from: new ObservedStorage(a, observer), to: new ObservedStorage(b, observer), id });
  await link.settled().catch((error: unknown) => {
    if (!died) throw error;
  });
  return died;
}

async function filled(): Promise<MemoryStorage> {
  const a = new MemoryStorage();
  for (let i = 0; i < 4; i++) await put(a, `models/m${i}`, `first ${i}`);
  await putWithBlob(a, 'models/with-blob', 'named', utf8('weights'));
  await append(a, 'models/m1', 'w', 'one', 'two');
  await append(a, 'models/m1', 'v', 'uno');
  await append(a, 'metrics/run', 'w', ...Array.from({ length: 30 }, (_, i) => `point ${i}`));
  return a;
}

/** What may have happened by the time that a link is made anew. */
const meanwhiles: Record<string, (a: StorageAdapter) => Promise<void>> = {
  nothing: async () => undefined,
  'more of everything': async (a) => {
    for (let i = 0; i < 5; i++) await put(a, `models/m${i}`, `second ${i}`);
    await append(a, 'models/m1', 'w', 'three');
    await append(a, 'metrics/run', 'x', 'from another');
    await append(a, 'metrics/run', 'w', 'point 30');
  },
  deletions: async (a) => {
    for (const key of ['models/m0', 'models/m1', 'models/m2', 'models/with-blob']) await remove(a, key);
    await a.deleteLog('models/m1');
    await a.deleteLog('metrics/run');
  },
  'deletions and new beginnings': async (a) => {
    await remove(a, 'models/m1');
    await put(a, 'models/m1', 'third');
    await a.deleteLog('models/m1');
    await a.deleteLog('metrics/run');
    await append(a, 'models/m1', 'w', 'one');
    await append(a, 'metrics/run', 'w', ...Array.from({ length: 40 }, (_, i) => `other ${i}`));
  },
};

describe('a link that dies', () => {
  for (const [title, meanwhile] of Object.entries(meanwhiles)) {
    for (const when of ['before', 'after'] as const) {
      it(`at any call, ${when} its effect: another goes on, after ${title}`, async () => {
        let died = true;
        let calls = 1;
        for (; died; calls++) {
          const [a, b] = [await filled(), new MemoryStorage()];
          died = await dieAt(a, b, calls, when);
          await meanwhile(a);
          await using link = replicate({ from: a, to: b, id });
          expect(await link.settled(), `death at call ${calls}`).toMatchObject({ conflicts: 0 });
          expect(await contentsOf(b), `death at call ${calls}`).toEqual(await contentsOf(a));
          expect((await contentsOf(b)).missingBlobs).toEqual([]);
        }
        expect(calls).toBeGreaterThan(30);
      });

      it(`at any call of a second pass, ${when} its effect: another goes on, after ${title}`, async () => {
        let died = true;
        let calls = 1;
        for (; died; calls++) {
          const [a, b] = [await filled(), new MemoryStorage()];
          expect(await dieAt(a, b, Infinity, when)).toBe(false);
          await meanwhiles['more of everything']!(a);
          died = await dieAt(a, b, calls, when);
          await meanwhile(a);
          if (title === 'more of everything') for (let i = 0; i < 5; i++) await put(a, `models/m${i}`, `fourth ${i}`);
          await using link = replicate({ from: a, to: b, id });
          expect(await link.settled(), `death at call ${calls}`).toMatchObject({ conflicts: 0 });
          expect(await contentsOf(b), `death at call ${calls}`).toEqual(await contentsOf(a));
        }
        expect(calls).toBeGreaterThan(20);
      });
    }
  }

  it('at any call of a pass that deletes: another goes on, whether the records come back or not', async () => {
    for (const comesBack of [false, true]) {
      for (const when of ['before', 'after'] as const) {
        let died = true;
        for (let calls = 1; died; calls++) {
          const [a, b] = [await filled(), new MemoryStorage()];
          await dieAt(a, b, Infinity, when);
          await meanwhiles['deletions']!(a);
          died = await dieAt(a, b, calls, when);
          if (comesBack) {
            await put(a, 'models/m0', 'back');
            await append(a, 'models/m1', 'w', 'one', 'two');
            await append(a, 'metrics/run', 'w', 'point 0');
          }
          await using link = replicate({ from: a, to: b, id });
          expect(await link.settled(), `death ${when} call ${calls}`).toMatchObject({ conflicts: 0 });
          expect(await contentsOf(b), `death ${when} call ${calls}`).toEqual(await contentsOf(a));
        }
      }
    }
  });
});
