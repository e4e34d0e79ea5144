import fc from 'fast-check';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { MemoryStorage, Registry, isModelkeepError, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { serveStorage } from '../storage/http/storage-server.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { anyCommand } from './any-command.ts';
import type { Command } from './commands.ts';
import { digestFor, expectAsTold, expectInOneOrder, expectMade, outcomeOf, type Outcome } from './invariants.ts';
import { replay, verdict } from './plain-model.ts';

const directory = temporaryDirectories();

/** One model with a few versions, two of which were in production. */
const beginning: readonly Command[] = [
  { kind: 'createModel' },
  ...['a', 'b', 'c'].map((text): Command => ({ kind: 'register', text, idempotent: false })),
  { kind: 'promote', version: 1, stage: 'production' },
  { kind: 'promote', version: 2, stage: 'production' },
];

/** The version between two reigns of another one goes, so that the two are one. */
const secondReign: Command[] = [
  { kind: 'promote', version: 1, stage: 'production' },
  { kind: 'retire', version: 2 },
  { kind: 'rollback', to: undefined, from: 1 },
];

describe('commands one after the other', () => {
  it('come to what a plain model comes to, and all that is seen is what it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCommand, { minLength: 1, maxLength: 40 }), async (commands) => {
        const registry = new Registry({ storage: new MemoryStorage() });
        const outcomes: Outcome[] = [];
        for (const [i, command] of [...beginning, ...commands].entries()) {
          const before = i === 0 ? [] : await registry.history('m');
          const expected = verdict(replay(before).at(-1)!, command, digestFor(command));
          const outcome = await outcomeOf(registry, command, `#${i}`);
          outcomes.push(outcome);
          const what = `#${i}: ${JSON.stringify(command)}`;
          const added = (await registry.history('m')).slice(before.length);
          if ('error' in expected) expect(isModelkeepError(outcome.error) && outcome.error.code, what).toBe(expected.error);
          else expect(outcome.error, what).toBeUndefined();
          expect(added.map(({ type }) => type), what).toEqual('event' in expected ? [expected.event] : []);
          if ('event' in expected) expectMade(added[0]!, expected, what);
        }
        expectInOneOrder(await expectAsTold(registry), outcomes);
      }),
      { numRuns: 25, examples: [[secondReign]] },
    );
  });
});

/** A store, and ways to it as of three processes; `settle` closes them. */
interface Ways {
  readonly storages: readonly StorageAdapter[];
  readonly settle: () => Promise<void>;
}

const stores: Record<string, { readonly runs: number; readonly open: () => Promise<Ways> }> = {
  'one store in memory': {
    runs: 20,
    async open() {
      const storage = new MemoryStorage();
      return { storages: [storage, storage, storage], settle: () => storage.close() };
    },
  },
  'two instances on one directory': {
    runs: 5,
    async open() {
      const path = directory();
      const [a, b] = [new FilesystemStorage(path), new FilesystemStorage(path)];
      return {
        storages: [a, b, a],
        async settle() {
          await a.close();
          await b.close();
        },
      };
    },
  },
  'clients of one server': {
    runs: 4,
    async open() {
      const storage = new MemoryStorage();
      const server = await serveStorage(storage);
      const clients = [1, 2, 3].map(() => new HttpStorage(server.url));
      return {
        storages: clients,
        async settle() {
          for (const client of clients) await client.close();
          await server.close();
          await storage.close();
        },
      };
    },
  },
};

const batch = fc.tuple(...[1, 2, 3].map(() => fc.array(anyCommand, { minLength: 1, maxLength: 6 })));

describe.each(Object.entries(stores))('three registries at once on %s', (_name, { runs, open }) => {
  it('are as if all was done in one order, which the history tells', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 3 }), async (batches) => {
        const { storages, settle } = await open();
        try {
          const registries = storages.map((storage) => new Registry({ storage }));
          const outcomes: Outcome[] = [];
          for (const [i, command] of beginning.entries()) outcomes.push(await outcomeOf(registries[0]!, command, `begin ${i}`));
          for (const [b, shares] of batches.entries()) {
            const made = await Promise.all(
              registries.map(async (registry, r) => {
                const own: Outcome[] = [];
                for (const [i, command] of shares[r]!.entries()) own.push(await outcomeOf(registry, command, `${b}.${r}.${i}`));
                return own;
              }),
            );
            outcomes.push(...made.flat());
            expectInOneOrder(await expectAsTold(registries[b % registries.length]!), outcomes);
          }
        } finally {
          await settle();
        }
      }),
      { numRuns: runs },
    );
  });
});
