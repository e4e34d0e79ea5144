import { Registry, isModelkeepError } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../src/core/failure.ts';
import { seededRandom } from '../../src/core/random.ts';
import { SimulatedDisk } from '../storage/faults/simulated-disk.ts';
import { expectAsTold } from './invariants.ts';
import { filesOf } from './commands.ts';

const root = '/data/store';

/** Registers a second version on a disk that is full from one call on, for that call or until room is made, and says whether it came to that call and whether it failed. */
async function registerOnFullDisk(from: number, lasting: boolean): Promise<{ met: boolean; failed: boolean }> {
  const disk = new SimulatedDisk(seededRandom(from));
  let count = -1;
  const { fileSystem } = disk.startProcess(({ name }) => {
    // Reading and letting go need no room.
    if (count < 0 || !['write', 'sync', 'syncDirectory', 'open', 'makeDirectory', 'link', 'rename'].includes(name)) return undefined;
    count++;
    return count === from || (lasting && count > from) ? { code: 'ENOSPC' } : undefined;
  });
  const storage = new FilesystemStorage(root, { fileSystem });
  const registry = new Registry({ storage });
  await registry.createModel('m');
  await registry.registerVersion('m', { files: filesOf('first') });
  const second = { files: filesOf('second'), idempotent: true };

  count = 0;
  const failure = await registry.registerVersion('m', second).then(() => undefined, (error: unknown) => error);
  const met = count >= from;
  count = -1;
  if (failure !== undefined) expect(isModelkeepError(failure, 'storage-full'), describeFailure(failure).message).toBe(true);
  // A version is there whole or not at all, and as the history has it.
  const { length } = await expectAsTold(registry);
  expect(failure === undefined ? [3] : [2, 3], `call ${from}`).toContain(length);

  expect(await registry.registerVersion('m', second)).toMatchObject({ version: 2 });
  expect(await expectAsTold(registry)).toHaveLength(3);
  await storage.close();

  const later = new FilesystemStorage(root, { fileSystem: disk.losePower().startProcess().fileSystem });
  expect(await expectAsTold(new Registry({ storage: later }))).toHaveLength(3);
  await later.close();
  return { met, failed: failure !== undefined };
}

describe('a registration on a full disk', () => {
  it.each([{ lasting: false }, { lasting: true }])('fails as such at any call, leaves nothing half registered, and can be tried again (lasting: $lasting)', async ({ lasting }) => {
    let failures = 0;
    let from = 1;
    for (; ; from++) {
      const { met, failed } = await registerOnFullDisk(from, lasting);
      if (!met) break;
      if (failed) failures++;
    }
    expect([from > 5, failures > 3]).toEqual([true, true]);
  });
});
