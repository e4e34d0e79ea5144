import { systemRandom } from '../../core/random.ts';
import { blobTests } from './blob-tests.ts';
import { blobRaceTests, blobVersionTests } from './blob-version-tests.ts';
import { raceTests, sharingTests } from './concurrency-tests.ts';
import { derivedTests } from './derived-tests.ts';
import { hintTests } from './hint-tests.ts';
import { keyTests } from './key-tests.ts';
import { lifecycleTests, reopenTests } from './lifecycle-tests.ts';
import { listTests } from './list-tests.ts';
import { logTests } from './log-tests.ts';
import { modelTest } from './model-test.ts';
import { namedWriteAcrossTests, namedWriteTests } from './named-write-tests.ts';
import { recordTests } from './record-tests.ts';
import { withStore, type ClaimedSupports, type ConformanceStore, type DeclareTest } from './test-store.ts';

/** What {@link storageConformance} needs to know. */
export interface StorageConformanceOptions {
  /** Groups tests: `describe` of vitest, jest, mocha or `node:test`. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Declares a test: `it` or `test` of the same runner. */
  readonly it: (name: string, test: () => Promise<void>) => unknown;
  /** The adapter's name, for the report. */
  readonly name: string;
  /** What the adapter claims in its `supports`; it decides which tests there are, and a test compares it with what the instances say. */
  readonly supports: ClaimedSupports;
  /** Makes a fresh, empty store; called once for each test. */
  readonly createStore: () => ConformanceStore | Promise<ConformanceStore>;
  /** Seed of the random calls, as a failure reports it. @default another at each run */
  readonly seed?: number | undefined;
  /** How many random calls are compared with a model. @default 400 */
  readonly operations?: number | undefined;
}

/**
 * Declares the tests that an adapter must pass to be one: every promise of `StorageAdapter`, on a store of its own for each test. Run it on an adapter that you
 * write, with the test runner that you use; it needs no other, brings its own assertions, and runs in browsers too.
 *
 * What the adapter claims in `supports` decides what is tested: `durability` other than `'memory'` adds reopening, `sharedBetweenProcesses` adds several
 * instances over one store. The suite proves behaviour, not durability itself: that what was acknowledged survives a crash takes a test that crashes.
 *
 * @example
 * ```ts
 * import { MemoryStorage } from 'modelkeep';
 * import { storageConformance } from 'modelkeep/conformance';
 *
 * // With a runner this is: import { describe, it } from 'vitest';
 * const tests: [name: string, test: () => Promise<void>][] = [];
 * const describe = (_name: string, body: () => void): void => body();
 * const it = (name: string, test: () => Promise<void>): unknown => tests.push([name, test]);
 *
 * storageConformance({
 *   describe,
 *   it,
 *   name: 'MemoryStorage',
 *   supports: { durability: 'memory', sharedBetweenProcesses: false },
 *   createStore: () => ({ open: () => new MemoryStorage() }),
 * });
 *
 * for (const [name, test] of tests.slice(0, 20)) {
 *   await test();
 *   console.log('passed:', name);
 * }
 * ```
 */
export function storageConformance(options: StorageConformanceOptions): void {
  const { describe, it, name, supports, createStore, seed = Math.floor(systemRandom() * 2 ** 32), operations = 400 } = options;
  const test: DeclareTest = (title, body) => void it(title, () => withStore(createStore, body));
  const group = (title: string, declare: () => void): void => void describe(`${name}: ${title}`, declare);

  group('records', () => recordTests(test));
  group('named writes', () => namedWriteTests(test));
  group('keys', () => keyTests(test));
  group('lists', () => listTests(test));
  group('logs', () => logTests(test));
  group('blobs', () => {
    blobTests(test);
    blobVersionTests(test);
  });
  group('hints of change', () => hintTests(test));
  group('lifecycle', () => lifecycleTests(test, supports));
  group('races', () => {
    raceTests(test, supports.sharedBetweenProcesses);
    blobRaceTests(test, supports.sharedBetweenProcesses);
  });
  group('what is derived from every adapter', () => derivedTests(test));
  group('against a model', () => modelTest(test, supports, seed, operations));
  if (supports.durability !== 'memory') {
    group('reopening', () => {
      reopenTests(test);
      namedWriteAcrossTests(test, 'after reopening', (store) => store.reopen());
    });
  }
  if (supports.sharedBetweenProcesses) {
    group('sharing', () => {
      sharingTests(test);
      namedWriteAcrossTests(test, 'by another instance', (store) => store.another());
    });
  }
}
