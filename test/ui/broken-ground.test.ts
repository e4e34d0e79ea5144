import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Registry, Tracker, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { serveUi } from './ui-client.ts';

/** A store that counts the bytes of blobs that were taken from it. */
function counting(storage: MemoryStorage): { storage: StorageAdapter; taken: () => number } {
  let taken = 0;
  const readBlob = storage.readBlob.bind(storage);
  storage.readBlob = async (digest, options) => {
    const source = await readBlob(digest, options);
    return (
      source &&
      (async function* () {
        for await (const chunk of source) {
          taken += chunk.length;
          yield chunk;
        }
      })()
    );
  };
  return { storage, taken: () => taken };
}

describe('pages over a store', () => {
  it('of which nothing is left say so, again and again, and make nothing in its place', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-ui-gone-'));
    const root = join(directory, 'store');
    await using storage = new FilesystemStorage(root);
    const id = await new Tracker({ storage }).withRun({ experiment: 'demo', name: 'lost' }, (run) => (run.logMetrics({ loss: 1 }), run.id));
    await using ui = await serveUi(storage);
    expect((await ui.get(`run?id=${id}`)).text).toContain('lost');
    await rm(root, { recursive: true });
    for (const path of ['runs', `run?id=${id}`, 'runs']) {
      const { status, text } = await ui.get(path);
      expect([path, status, text.includes('The store fails'), text.includes(root)]).toEqual([path, 500, true, false]);
    }
    expect(ui.failures).toHaveLength(3);
    expect(await readdir(directory)).toEqual([]);
    await rm(directory, { recursive: true });
  });

  it('read of a large artifact what they show, and not all of it', async () => {
    const { storage, taken } = counting(new MemoryStorage());
    const run = await new Tracker({ storage }).startRun({ experiment: 'large' });
    const piece = new TextEncoder().encode('a line of a log that is long\n'.repeat(36_157));
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 16; i++) yield piece;
    }
    await run.logArtifact('train.log', pieces(), { mediaType: 'text/plain' });
    await run.end();
    await using ui = await serveUi(storage);
    const before = taken();
    const { text } = await ui.get(`artifact?run=${run.id}&name=train.log`);
    expect(text).toContain('Showing the first 256 KiB; download it for the rest.');
    expect(taken() - before).toBeLessThan(2 * 1024 * 1024);
    expect((await ui.get(`artifact?run=${run.id}&name=train.log&export=1`)).text.length).toBeLessThan(1024 * 1024);
    expect(taken() - before).toBeLessThan(4 * 1024 * 1024);
    // The download is all of it.
    const all = await fetch(`${ui.url}/artifact-file?run=${run.id}&name=train.log`);
    expect((await all.arrayBuffer()).byteLength).toBe(16 * piece.length);
  });

  it('of a server that was started anew refuse a form of before, with what to do', async () => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    await registry.createModel('m');
    await registry.registerVersion('m', { files: { 'a.json': '{}' } });
    await using first = await serveUi(storage, { write: true });
    const token = await first.token('version?model=m&version=1');
    await using second = await serveUi(storage, { write: true });
    const { status, text } = await second.post('promote', { model: 'm', version: '1', to: 'production', reason: 'r', token });
    expect([status, text.includes('load the page anew')]).toEqual([403, true]);
    expect((await registry.getModel('m')).production).toBeUndefined();
  });
});
