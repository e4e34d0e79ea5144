import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, StorageError, Tracker, type LogModelInput, type Run } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { artifactsFromDirectory } from 'modelkeep/node';
import { seededRandom } from '../../src/core/random.ts';
import { readLineage } from '../../src/storage/lineage.ts';
import { ManualClock } from './manual-clock.ts';

const files = { 'model.json': '{"layers":2}', 'weights/1.bin': new Uint8Array([1, 2, 3]) };

async function started(): Promise<{ storage: MemoryStorage; clock: ManualClock; tracker: Tracker; run: Run }> {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  const tracker = new Tracker({ storage, clock });
  return { storage, clock, tracker, run: await tracker.startRun({ experiment: 'e' }) };
}

/** The same storage, with writes of its own. */
function writing(storage: MemoryStorage, write: MemoryStorage['write']): MemoryStorage {
  return new Proxy(storage, {
    get: (target, name) => {
      const value: unknown = name === 'write' ? write : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('models that a run logs', () => {
  it('are its files as artifacts, one record, and an edge, and have the identity that a registry gives the same files', async () => {
    const { storage, tracker, run } = await started();
    const seen: number[] = [];
    const facts = { flavor: 'json', framework: { name: 'own', version: '1' }, signature: { input: { type: 'row' as const, columns: [{ name: 'x', type: 'float64' as const }] } }, metadata: { epochs: 3, loss: NaN }, step: 7 };
    const model = await run.logModel('net', { files, ...facts }, { onProgress: ({ done }) => seen.push(done) });
    await run.end();

    expect(seen).toEqual([1, 2]);
    expect(await tracker.models(run.id)).toEqual([model]);
    expect(model).toMatchObject({ name: 'net', size: 15, files: [{ path: 'model.json', size: 12 }, { path: 'weights/1.bin', size: 3 }], ...facts });
    expect(model.folder).toMatch(/^models\/net\/[0-9a-f]{16}$/);
    expect([...(await tracker.readArtifact(run.id, `${model.folder}/weights/1.bin`))]).toEqual([1, 2, 3]);
    expect((await tracker.listArtifacts(run.id)).items.map(({ mediaType }) => mediaType)).toEqual(['application/json', 'application/octet-stream']);
    const registry = new Registry({ storage });
    await registry.createModel('net');
    expect((await registry.registerVersion('net', { files, run: run.id })).digest).toBe(model.digest);

    const to = { kind: 'logged-model' as const, id: `${run.id}/net`, digest: model.digest };
    expect(await tracker.lineage(run.id)).toContainEqual({ from: { kind: 'run', id: run.id }, relation: 'produced', to, at: model.loggedAt });
    expect(await readLineage(storage, 'to', to)).toHaveLength(1);
  });

  it('stay beside each other when their contents differ, and are one when they do not, with what was told last', async () => {
    const { clock, tracker, run } = await started();
    const first = await run.logModel('net', { files, step: 1, metadata: { by: 'a' } });
    await clock.pass(1_000);
    const other = await run.logModel('net', { files: { ...files, 'model.json': '{}' }, step: 2 });
    await clock.pass(1_000);
    expect(await run.logModel('net', { files, step: 3, metadata: { by: 'a' } })).toEqual(first);
    expect(await run.logModel('net', { files, flavor: 'json', metadata: { by: 'b' } })).toEqual({ ...first, flavor: 'json', metadata: { by: 'b' } });
    expect((await tracker.models(run.id)).map(({ digest, step }) => [digest, step])).toEqual([
      [first.digest, 1],
      [other.digest, 2],
    ]);
    expect(await tracker.readArtifactText(run.id, `${first.folder}/model.json`)).toBe('{"layers":2}');
    expect(await tracker.readArtifactText(run.id, `${other.folder}/model.json`)).toBe('{}');
    expect(await tracker.lineage(run.id)).toHaveLength(6);
  });

  it('bring back artifacts of theirs that were deleted, and a record that was damaged, when they are logged again', async () => {
    const { storage, tracker, run } = await started();
    const { folder, digest, loggedAt } = await run.logModel('net', { files });
    await tracker.deleteArtifact(run.id, `${folder}/model.json`);
    const [entry] = (await storage.list({ prefix: `tracking/models/${run.id}/` })).entries;
    await storage.write([{ kind: 'put', key: entry!.key, bytes: new Uint8Array([123]) }]);
    expect(await tracker.models(run.id)).toEqual([]);
    const again = await run.logModel('net', { files });
    expect([again.digest, again.loggedAt >= loggedAt]).toEqual([digest, true]);
    expect(await tracker.models(run.id)).toEqual([again]);
    expect(await tracker.readArtifactText(run.id, `${folder}/model.json`)).toBe('{"layers":2}');
  });

  it('come from directories and streams, and are one however many log them at once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-models-'));
    try {
      await mkdir(join(directory, 'net', 'weights'), { recursive: true });
      await writeFile(join(directory, 'net', 'model.json'), files['model.json']);
      await writeFile(join(directory, 'net', 'weights', '1.bin'), files['weights/1.bin']);
      const storage = new FilesystemStorage(join(directory, 'store'));
      const tracker = new Tracker({ storage });
      const run = await tracker.startRun({ experiment: 'e' });
      const stream = async function* (): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(new Uint8Array([1, 2]));
        yield new Uint8Array([3]);
      };
      const logged = await Promise.all([
        run.logModel('net', { files: artifactsFromDirectory(join(directory, 'net')) }),
        run.logModel('net', { files: { ...files, 'weights/1.bin': stream() } }),
        run.logModel('net', { files: [{ name: 'weights/1.bin', content: new Blob([files['weights/1.bin']]) }, { name: 'model.json', content: files['model.json'] }] }),
      ]);
      await run.end();
      expect(new Set(logged.map(({ digest }) => digest)).size).toBe(1);
      expect(await tracker.models(run.id)).toHaveLength(1);
      await storage.close();
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('are recorded whole or not at all', async () => {
    const { tracker, run } = await started();
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array([1]));
      throw new Error('no more');
    };
    await expect(run.logModel('net', { files: { 'a.bin': 'a', 'b.bin': broken() } })).rejects.toThrow('no more');
    const stop = new AbortController();
    stop.abort();
    await expect(run.logModel('net', { files }, { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
    const wrong: [LogModelInput, string][] = [
      [{ files: {} }, 'no files'],
      [{ files: { a: '1', 'a/b': '2' } }, 'a file itself'],
      [{ files: { '../a': '1' } }, "'..'"],
      [{ files: { 'C:x': '1' } }, 'not relative'],
      [{ files: [{ name: 'a', content: '1' }, { name: 'a', content: '2' }] }, 'two files of one path'],
      [{ files: 5 as unknown as Record<string, string> }, 'contents by path'],
      [{ files: ['a'] as unknown as [] }, 'name, content'],
      [{ files, flavor: '' }, 'flavor'],
      [{ files, framework: {} as { name: string } }, 'framework'],
      [{ files, metadata: [] as unknown as Record<string, string> }, 'metadata'],
      [{ files, metadata: { f: (() => 1) as unknown as string } }, 'model.metadata.f'],
      [{ files, step: 0.5 }, 'step'],
      [{ files, signature: { input: { type: 'row', columns: [{ name: 'x', type: 'number' }] } } as never }, 'model.signature.input.columns[0].type'],
      [{ files, signature: null as never }, 'model.signature'],
    ];
    for (const [model, message] of wrong) await expect(run.logModel('net', model)).rejects.toThrow(message);
    await expect(run.logModel('a/../b', { files })).rejects.toMatchObject({ code: 'validation' });
    expect(await tracker.models(run.id)).toEqual([]);
    expect((await tracker.listArtifacts(run.id)).items).toEqual([]);
    await run.end();
    await expect(run.logModel('net', { files })).rejects.toMatchObject({ code: 'closed' });
    await expect(tracker.models('x')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are compared by their contents, apart from other artifacts, and go with their run', async () => {
    const { storage, clock, tracker, run: a } = await started();
    const b = await tracker.startRun({ experiment: 'e' });
    const c = await tracker.startRun({ experiment: 'e' });
    for (const run of [a, b, c]) await run.logText('log.txt', 'same');
    for (const run of [a, b]) await run.logModel('net', { files, metadata: { run: run.id } });
    await c.logModel('net', { files: { 'model.json': '{}' } });
    for (const run of [a, b, c]) await run.end();

    const same = await tracker.compareRuns([a.id, b.id]);
    expect([same.models.map(({ name, verdict }) => [name, verdict]), same.artifacts.map(({ name }) => name)]).toEqual([[['net', 'same']], ['log.txt']]);
    const different = await tracker.compareRuns([a.id, c.id], { only: 'differences' });
    expect([different.models.map(({ verdict }) => verdict), different.artifacts]).toEqual([['different'], []]);
    expect(await tracker.verifyReproduction(a.id, b.id, { demand: ['models'] })).toMatchObject({ reproduced: true, differences: [] });
    const check = await tracker.verifyReproduction(a.id, c.id, { demand: ['models'] });
    expect([check.reproduced, check.differences.map(({ part, name, decisive }) => [part, name, decisive])]).toEqual([false, [['models', 'net', true]]]);

    for (const run of [a, b, c]) await tracker.deleteRun(run.id);
    await clock.pass(60 * 24 * 3_600_000);
    await tracker.purgeDeleted();
    for (const prefix of ['tracking/models/', 'tracking/artifacts/', 'lineage/']) expect((await storage.list({ prefix })).entries).toEqual([]);
  });

  it('are deleted with their artifacts and lineage, one of them or all of a name, and nothing else', async () => {
    const { storage, clock, tracker, run } = await started();
    await run.logText('models/notes.txt', 'mine');
    const [first, second, other] = [await run.logModel('net', { files, step: 1 }), await run.logModel('net', { files: { ...files, 'model.json': '{}' } }), await run.logModel('net/2', { files })];
    await run.logText(`${second.folder}/notes.txt`, 'mine too');
    const registry = new Registry({ storage });
    await registry.createModel('net');
    await registry.registerVersion('net', { files, run: run.id });

    await tracker.deleteModel(run.id, 'net', { digest: first.digest });
    expect(await tracker.models(run.id)).toEqual([second, other]);
    expect((await tracker.listArtifacts(run.id, { prefix: first.folder })).items).toEqual([]);
    expect((await tracker.lineage(run.id)).filter(({ to }) => to.id.includes(first.folder) || to.digest === first.digest).map(({ to }) => to.id)).toEqual([`${run.id}/net/2`]);
    await expect(tracker.deleteModel(run.id, 'net', { digest: first.digest })).rejects.toMatchObject({ code: 'not-found' });

    await tracker.deleteModel(run.id, 'net');
    expect(await tracker.models(run.id)).toEqual([other]);
    expect((await tracker.listArtifacts(run.id)).items.map(({ name }) => name).sort()).toEqual([`${second.folder}/notes.txt`, 'models/notes.txt', `${other.folder}/model.json`, `${other.folder}/weights/1.bin`].sort());
    await clock.pass(1_000);
    const again = await run.logModel('net', { files, step: 9 });
    expect([again.step, again.loggedAt > first.loggedAt]).toEqual([9, true]);
    expect(await tracker.readArtifactText(run.id, `${again.folder}/model.json`)).toBe('{"layers":2}');
    for (const [id, name, digest] of [['x', 'net'], [run.id, 'none'], [run.id, 'net', second.digest]] as const) await expect(tracker.deleteModel(id, name, { digest })).rejects.toMatchObject({ code: 'not-found' });
    for (const [name, digest] of [['', undefined], ['a/../b', undefined], ['net', 'sha256:x']] as const) await expect(tracker.deleteModel(run.id, name, { digest: digest as never })).rejects.toMatchObject({ code: 'validation' });
  });

  it('are gone whole when their deletion is stopped at any write and repeated, and not seen from its first write on', async () => {
    for (let stop = 1; stop < 5; stop++) {
      const { storage, tracker, run } = await started();
      await run.logModel('net', { files });
      let writes = 0;
      const failing = writing(storage, (...given) => (++writes >= stop ? Promise.reject(new StorageError('storage', 'the disk is gone')) : storage.write(...given)));
      const failed = await new Tracker({ storage: failing }).deleteModel(run.id, 'net').then(() => false, () => true);
      expect(failed).toBe(stop < 4);
      expect(await tracker.models(run.id)).toHaveLength(stop === 1 ? 1 : 0);
      if (failed) await tracker.deleteModel(run.id, 'net');
      for (const prefix of ['tracking/models/', 'tracking/artifacts/', 'lineage/']) expect((await storage.list({ prefix })).entries).toEqual([]);
    }
  });

  it('are whole or gone when they are logged and deleted at once', async () => {
    for (let round = 0; round < 30; round++) {
      const { storage, tracker, run } = await started();
      await run.logModel('net', { files });
      let turns = round;
      const slow = writing(storage, async (...given) => {
        for (let i = (turns = (turns * 7 + 3) % 31); i > 0; i--) await Promise.resolve();
        return storage.write(...given);
      });
      const other = await new Tracker({ storage: slow }).startRun({ resume: run.id });
      await Promise.allSettled([new Tracker({ storage: slow }).deleteModel(run.id, 'net'), other.logModel('net', { files }), tracker.deleteModel(run.id, 'net'), run.logModel('net', { files })]);
      const [model] = await tracker.models(run.id);
      const artifacts = (await tracker.listArtifacts(run.id)).items.map(({ name }) => name).sort();
      expect(artifacts).toEqual(model === undefined ? [] : model.files.map(({ path }) => `${model.folder}/${path}`).sort());
      expect(await tracker.lineage(run.id)).toHaveLength(model === undefined ? 0 : 3);
    }
  });

  it('are whole wherever they are there when two log them for the first time while they are deleted', async () => {
    const random = seededRandom(7);
    let deletions = 0;
    let left = 0;
    for (let round = 0; round < 25; round++) {
      const storage = new MemoryStorage();
      const tracker = new Tracker({ storage });
      const run = await tracker.startRun({ experiment: 'e' });
      // Each write waits for its turn, which is anyone's.
      const waiting: (() => void)[] = [];
      const inTurn = new Tracker({ storage: writing(storage, async (...given) => (await new Promise<void>((go) => waiting.push(go)), storage.write(...given))) });
      const others = Promise.all([inTurn.startRun({ resume: run.id }), inTurn.startRun({ resume: run.id })]);
      let isDone = false;
      const logging = others.then((each) => Promise.all(each.map((other) => other.logModel('net', { files })))).finally(() => (isDone = true));
      const deleting = (async () => {
        // Until both are done there may be nothing to delete yet, or something anew.
        for (; !isDone; await new Promise(setImmediate)) {
          await inTurn.deleteModel(run.id, 'net').then(() => deletions++, (error: unknown) => expect(error).toMatchObject({ code: 'not-found' }));
        }
      })();
      const all = Promise.all([logging, deleting]).then(() => true);
      while (!(await Promise.race([all, new Promise((resolve) => setImmediate(resolve, false))]))) waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.();
      const [model] = await tracker.models(run.id);
      if (model === undefined) continue;
      const artifacts = (await tracker.listArtifacts(run.id)).items.map(({ name }) => name).sort();
      expect(artifacts, `round ${round}`).toEqual(model.files.map(({ path }) => `${model.folder}/${path}`).sort());
      expect(await tracker.lineage(run.id), `round ${round}`).toHaveLength(3);
      left++;
    }
    expect(Math.min(deletions, left)).toBeGreaterThan(3);
  });
});
