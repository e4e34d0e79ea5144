import { systemClock } from '../../core/clock.ts';
import type { StorageAdapter } from '../contract.ts';
import { assertEqual } from './assertions.ts';
import { append, putOk, remove, textOf } from './calls.ts';
import type { DeclareTest } from './test-store.ts';

const longestWaitMs = 5000;

/** Hints of change, where an adapter gives any. */
export function hintTests(test: DeclareTest): void {
  test('hints of change, if there are any, come for every kind of write', async ({ storage }) => {
    const hints = listen(storage);
    if (hints === undefined) return;
    const writes: Record<string, () => unknown> = {
      'a put': () => putOk(storage, 'a', 'text'),
      'a delete': () => remove(storage, 'a'),
      'an append': () => append(storage, 'log', ['text']),
      'the delete of a log': () => storage.deleteLog('log'),
    };
    for (const [name, write] of Object.entries(writes)) {
      const hint = hints.next(name);
      await write();
      await hint;
    }
    hints.undo();
  });

  test('hints of change end when they are undone, for one listener at a time', async ({ storage }) => {
    const [undone, kept] = [listen(storage), listen(storage)];
    if (undone === undefined || kept === undefined) return;
    const both = [undone.next('a put'), kept.next('a put')];
    await putOk(storage, 'a', 'one');
    await Promise.all(both);
    undone.undo();
    undone.undo();
    const before = undone.count();
    for (const text of ['two', 'three']) {
      const hint = kept.next('another put');
      await putOk(storage, 'a', text);
      await hint;
    }
    assertEqual(undone.count(), before, 'how often a listener was woken, after it was undone');
    kept.undo();
  });

  test('a listener that fails harms neither the write nor the other listeners', async ({ storage }) => {
    const undo = storage.onChange?.(() => {
      throw new Error('The listener failed');
    });
    const hints = listen(storage);
    if (undo === undefined || hints === undefined) return;
    const hint = hints.next('a put');
    await putOk(storage, 'a', 'text');
    await hint;
    assertEqual(await textOf(storage, 'a'), 'text', 'the record');
    undo();
    hints.undo();
  });
}

interface Hints {
  /** How often it was woken so far. */
  count(): number;
  /** Resolves at the next waking; rejects when none comes after `what`. */
  next(what: string): Promise<void>;
  undo(): void;
}

function listen(storage: StorageAdapter): Hints | undefined {
  let count = 0;
  const waiting = new Set<() => void>();
  const undo = storage.onChange?.(() => {
    count++;
    for (const woken of waiting) woken();
    waiting.clear();
  });
  if (undo === undefined) return undefined;
  const next = (what: string): Promise<void> => {
    const hint = new Promise<void>((resolve, reject) => {
      const stop = systemClock.setTimer(() => reject(new Error(`No hint came within ${longestWaitMs} ms of ${what}`)), longestWaitMs, { keepAlive: true });
      waiting.add(() => (stop(), resolve()));
    });
    // A test that failed before it came to wait for it has said enough.
    hint.catch(() => undefined);
    return hint;
  };
  return { count: () => count, next, undo };
}
