import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { collectBytes, fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { digestOf, type Digest } from '../../../src/core/digest.ts';
import { isModelkeepError } from '../../../src/core/errors.ts';
import { describeFailure } from '../../../src/core/failure.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { SimulatedDisk, type FaultPlan } from './simulated-disk.ts';

const root = '/data/store';
const large = 'x'.repeat(1_200_000);
const largeDigest = digestOf(large);

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 400_000) yield utf8(text.slice(at, at + 400_000));
}

async function entriesOf(storage: FilesystemStorage, log: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { sequence, bytes } of storage.readLog(log)) {
    found.push(fromUtf8(bytes));
    expect(sequence).toBe(found.length);
  }
  return found;
}

async function textOf(storage: FilesystemStorage, digest: Digest): Promise<string | undefined> {
  const chunks = await storage.readBlob(digest);
  return chunks && fromUtf8(await collectBytes(chunks));
}

async function versionOf(storage: FilesystemStorage, digest: Digest): Promise<string> {
  return (await storage.list({ kind: 'blob' })).entries.find(({ key }) => key === digest)!.version;
}

async function deleteUnlessRefreshed(storage: FilesystemStorage, match: string): Promise<void> {
  await storage.deleteBlob(digestOf('kept'), { match }).catch((error: unknown) => {
    if (!isModelkeepError(error, 'conflict')) throw error;
  });
}

/** Something that may fail at any call, and what must hold whether it did or not. */
interface Scenario {
  prepare(storage: FilesystemStorage): Promise<unknown>;
  act(storage: FilesystemStorage, prepared: unknown): Promise<unknown>;
  /** `done`: it was acknowledged. */
  verify(storage: FilesystemStorage, done: boolean, prepared: unknown): Promise<void>;
}

const kept = { writer: 'w', operationId: 'kept' };
const named = { writer: 'w', operationId: 'named' };

const scenarios: Record<string, Scenario> = {
  'a first append': {
    prepare: () => Promise.resolve(),
    act: (storage) => storage.append('a/log', [utf8('one'), utf8('two')], named),
    async verify(storage, done) {
      const found = (await entriesOf(storage, 'a/log')).join();
      expect(done ? ['one,two'] : ['', 'one,two']).toContain(found);
    },
  },
  'an append behind others': {
    prepare: (storage) => storage.append('a/log', [utf8('kept')], kept),
    act: (storage) => storage.append('a/log', [utf8('one'), utf8('two')], named),
    async verify(storage, done) {
      const found = (await entriesOf(storage, 'a/log')).join();
      expect(done ? ['kept,one,two'] : ['kept', 'kept,one,two']).toContain(found);
    },
  },
  'deleting a log': {
    async prepare(storage) {
      await storage.append('a/log', [utf8('one')], kept);
      await storage.append('a/log/below', [utf8('kept')], kept);
    },
    act: (storage) => storage.deleteLog('a/log'),
    async verify(storage, done) {
      expect(await entriesOf(storage, 'a/log/below')).toEqual(['kept']);
      expect(done ? [''] : ['', 'one']).toContain((await entriesOf(storage, 'a/log')).join());
    },
  },
  'writing a blob': {
    prepare: (storage) => storage.writeBlob(streamOf('kept')),
    act: (storage) => storage.writeBlob(streamOf(large)),
    async verify(storage, done) {
      expect(await textOf(storage, digestOf('kept'))).toBe('kept');
      expect((done ? [large] : [large, undefined]).includes(await textOf(storage, largeDigest))).toBe(true);
    },
  },
  'writing a blob anew': {
    prepare: (storage) => storage.writeBlob(streamOf('kept')),
    act: (storage) => storage.writeBlob(streamOf('kept')),
    verify: async (storage) => expect(await textOf(storage, digestOf('kept'))).toBe('kept'),
  },
  'deleting a blob at its version': {
    async prepare(storage) {
      await storage.writeBlob(streamOf('kept'));
      await storage.writeBlob(streamOf('gone'));
      return versionOf(storage, digestOf('gone'));
    },
    act: (storage, match) => storage.deleteBlob(digestOf('gone'), { match: String(match) }),
    async verify(storage, done) {
      expect(await textOf(storage, digestOf('kept'))).toBe('kept');
      expect(done ? [undefined] : [undefined, 'gone']).toContain(await textOf(storage, digestOf('gone')));
    },
  },
  'refusing to delete a blob that was written anew': {
    async prepare(storage) {
      await storage.writeBlob(streamOf('kept'));
      const version = await versionOf(storage, digestOf('kept'));
      await storage.writeBlob(streamOf('kept'));
      return version;
    },
    act: (storage, match) => deleteUnlessRefreshed(storage, String(match)),
    verify: async (storage) => expect(await textOf(storage, digestOf('kept'))).toBe('kept'),
  },
  'deleting a blob while it is written anew': {
    async prepare(storage) {
      await storage.writeBlob(streamOf('kept'));
      return { match: await versionOf(storage, digestOf('kept')), written: false };
    },
    async act(storage, prepared) {
      const state = prepared as { match: string; written: boolean };
      let deleting: Promise<unknown> | undefined;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield utf8('kept');
        deleting = deleteUnlessRefreshed(storage, state.match);
        deleting.catch(() => undefined);
      };
      try {
        await storage.writeBlob(source());
        state.written = true;
      } finally {
        await deleting;
      }
    },
    async verify(storage, _done, prepared) {
      if ((prepared as { written: boolean }).written) expect(await textOf(storage, digestOf('kept'))).toBe('kept');
    },
  },
};

/** Fails the call of that number, and those behind it for as long as the trouble lasts. */
interface Trouble {
  readonly code: string;
  readonly from: number;
  readonly lasting: boolean;
}

async function meet(scenario: Scenario, trouble: Trouble): Promise<{ met: boolean; failed: boolean }> {
  const disk = new SimulatedDisk(seededRandom(trouble.from));
  let count = -1;
  const plan: FaultPlan = ({ name }) => {
    // Letting go of a file does not fail.
    if (count < 0 || name === 'close') return undefined;
    count++;
    return count === trouble.from || (trouble.lasting && count > trouble.from) ? { code: trouble.code } : undefined;
  };
  const { fileSystem } = disk.startProcess(plan);
  const before = new FilesystemStorage(root, { fileSystem });
  const prepared = await scenario.prepare(before);
  await before.close();
  const storage = new FilesystemStorage(root, { fileSystem });
  count = 0;
  let failure: unknown;
  await scenario.act(storage, prepared).catch((error: unknown) => (failure = error));
  const met = count >= trouble.from;
  count = -1;
  if (failure !== undefined) expect(isModelkeepError(failure, trouble.code === 'ENOSPC' ? 'storage-full' : 'storage'), describeFailure(failure).message).toBe(true);
  await scenario.verify(storage, failure === undefined, prepared);
  // It works on, in this instance and in the next.
  await scenario.act(storage, prepared);
  await scenario.verify(storage, true, prepared);
  await storage.close();
  const next = new FilesystemStorage(root, { fileSystem: disk.losePower().startProcess().fileSystem });
  await scenario.verify(next, true, prepared);
  await scenario.act(next, prepared);
  await scenario.verify(next, true, prepared);
  await next.close();
  return { met, failed: failure !== undefined };
}

describe.each(Object.entries(scenarios))('%s', (_name, scenario) => {
  it.each(['ENOSPC', 'EIO', 'EMFILE'])('that meets %s at any call fails as such, loses nothing and works on', async (code) => {
    for (const lasting of [false, true]) {
      let failures = 0;
      let from = 1;
      for (; ; from++) {
        const { met, failed } = await meet(scenario, { code, from, lasting });
        if (!met) break;
        if (failed) failures++;
      }
      expect([from > 5, failures > 3]).toEqual([true, true]);
    }
  });
});
