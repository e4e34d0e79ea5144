import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { WriteResult } from '../../../src/storage/contract.ts';
import { SimulatedDisk, type DiskCall, type FaultPlan } from '../faults/simulated-disk.ts';

const root = '/store';
const big = 'x'.repeat(3000);

async function put(storage: FilesystemStorage, key: string, text: string, operationId?: string): Promise<WriteResult> {
  return (await storage.write([{ kind: 'put', key, bytes: utf8(text), operationId }]))[0]!;
}

async function textOf(storage: FilesystemStorage, key: string): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}

/** A store that the next write makes due for compaction, on a disk that has it all. */
async function prepare(seed: number): Promise<{ disk: SimulatedDisk; named: WriteResult }> {
  const disk = new SimulatedDisk(seededRandom(seed));
  const storage = new FilesystemStorage(root, { fileSystem: disk.startProcess().fileSystem, compactAt: 1 << 20 });
  const named = await put(storage, 'r/named', 'by name', 'operation 1');
  await put(storage, 'r/a', 'kept');
  await put(storage, 'r/gone', 'deleted');
  await storage.write([{ kind: 'delete', key: 'r/gone' }]);
  await put(storage, 'r/b', big);
  await put(storage, 'r/b', `${big}.`);
  await storage.close();
  return { disk, named };
}

/** The calls of a write that makes it due for compaction, of the compaction, and of the write after it. */
async function compact(disk: SimulatedDisk, plan: FaultPlan): Promise<{ calls: DiskCall[]; acknowledged: string | undefined }> {
  const calls: DiskCall[] = [];
  const process = disk.startProcess((call) => {
    calls.push(call);
    return plan(call);
  });
  const storage = new FilesystemStorage(root, { fileSystem: process.fileSystem, compactAt: 5000 });
  let acknowledged: string | undefined;
  for (const text of ['final 1', 'final 2']) {
    await put(storage, 'r/b', text).then(
      () => (acknowledged = text),
      () => undefined,
    );
    if (text === 'final 1') await storage.compact().catch(() => undefined);
  }
  return { calls, acknowledged };
}

async function assertWhole(disk: SimulatedDisk, named: WriteResult, acknowledged: string | undefined, what: string): Promise<void> {
  const storage = new FilesystemStorage(root, { fileSystem: disk.startProcess().fileSystem, compactAt: 5000 });
  expect(await textOf(storage, 'r/a'), what).toBe('kept');
  expect(await textOf(storage, 'r/gone'), what).toBeUndefined();
  const found = await textOf(storage, 'r/b');
  const allowed = acknowledged === 'final 2' ? ['final 2'] : acknowledged === 'final 1' ? ['final 1', 'final 2'] : [`${big}.`, 'final 1', 'final 2'];
  expect(allowed, what).toContain(found);
  expect(await put(storage, 'r/named', 'not again', 'operation 1'), what).toEqual(named);
  expect(await put(storage, 'r/new', 'works'), what).toMatchObject({ ok: true });
  await storage.close();
}

describe('replacing a record file', () => {
  it('may be cut short at any call by death or loss of power: nothing acknowledged is lost, and it goes on', async () => {
    const { disk } = await prepare(1);
    const { calls } = await compact(disk, () => undefined);
    const replaced = calls.some((call) => call.name === 'link' && call.path.includes('/records/'));
    expect(replaced).toBe(true);
    for (let at = 1; at <= calls.length; at++) {
      for (const death of ['before', 'after'] as const) {
        for (const power of [false, true]) {
          const what = `death ${death} call ${at}, ${calls[at - 1]?.name} ${calls[at - 1]?.path}${power ? ', and loss of power' : ''}`;
          const { disk: fresh, named } = await prepare(at);
          const { acknowledged } = await compact(fresh, ({ count }) => (count >= at ? { death } : undefined));
          await assertWhole(power ? fresh.losePower() : fresh, named, acknowledged, what);
        }
      }
    }
  });

  it.each(['ENOSPC', 'EIO', 'EMFILE'])('that meets %s at any call fails with a code and a key, or not at all, and goes on later', async (code) => {
    const { disk } = await prepare(1);
    const { calls } = await compact(disk, () => undefined);
    for (let at = 1; at <= calls.length; at++) {
      const { disk: fresh, named } = await prepare(at);
      const process = fresh.startProcess(({ count, name }) => (count === at && name !== 'close' ? { code } : undefined));
      const storage = new FilesystemStorage(root, { fileSystem: process.fileSystem, compactAt: 5000 });
      let acknowledged: string | undefined;
      // Only one call fails, so what failed is done when it is tried again.
      for (let text = 'final 1'; acknowledged !== 'final 2'; text = acknowledged === 'final 1' ? 'final 2' : 'final 1') {
        try {
          await put(storage, 'r/b', text);
          acknowledged = text;
          await storage.compact();
        } catch (error) {
          expect(error, `call ${at}, ${calls[at - 1]?.name}`).toMatchObject({ code: code === 'ENOSPC' ? 'storage-full' : 'storage', details: { key: expect.any(String) } });
        }
      }
      await storage.close();
      await assertWhole(fresh.losePower(), named, acknowledged, `${code} at call ${at}, ${calls[at - 1]?.name} ${calls[at - 1]?.path}`);
    }
  });

  it('keeps the last 10,000 named operations, versions and blobs, and never gives a version again', async () => {
    const disk = new SimulatedDisk(seededRandom(3));
    const storage = new FilesystemStorage(root, { fileSystem: disk.startProcess().fileSystem, compactAt: 5000 });
    const names = Array.from({ length: 10_000 }, (_, i) => `operation ${i}`);
    const results = await storage.write(names.map((operationId, i) => ({ kind: 'put', key: `r/${i % 10}`, bytes: utf8(operationId), operationId })));
    const versions = new Set(results.map((result) => result.version));
    expect(versions.size).toBe(10_000);
    for (let i = 0; i < 20; i++) {
      await storage.write([{ kind: 'delete', key: 'r/5' }]);
      const { version } = await put(storage, 'r/5', big);
      expect(versions.has(version)).toBe(false);
      versions.add(version);
    }
    await storage.close();
    const again = new FilesystemStorage(root, { fileSystem: disk.startProcess().fileSystem, compactAt: 5000 });
    const repeated = await again.write(names.map((operationId, i) => ({ kind: 'put', key: `r/${i % 10}`, bytes: utf8('not again'), operationId })));
    expect(repeated).toEqual(results);
    await again.close();
  });
});
