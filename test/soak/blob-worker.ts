// A process that names blobs and collects those without a name until it is killed: node blob-worker.js ROOT SEED WORKER...
import { writeSync } from 'node:fs';
import { utf8 } from '../../src/core/bytes.ts';
import { seededRandom } from '../../src/core/random.ts';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { collectGarbage } from '../../src/storage/collect-garbage.ts';
import { blobOf, graceMs, keyOf, texts, type BlobReport } from './shared-blobs.ts';

const [root = '', seed = '', ...workers] = process.argv.slice(2);
const storage = new FilesystemStorage(root);

function report(line: BlobReport): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text);
}

async function name(slot: string, text: string): Promise<void> {
  const started = performance.now();
  report({ slot, begin: true });
  const { digest } = await storage.writeBlob(streamOf(text), { digest: blobOf(text) });
  await storage.write([{ kind: 'put', key: keyOf(slot), bytes: utf8(text), blobs: [digest] }]);
  // Whoever takes longer than the grace has no promise.
  report(performance.now() - started < graceMs ? { slot, named: text } : { slot, late: true });
}

async function unname(slot: string): Promise<void> {
  report({ slot, begin: true });
  await storage.write([{ kind: 'delete', key: keyOf(slot) }]);
  report({ slot, named: null });
}

async function work(worker: string, i: number): Promise<void> {
  const random = seededRandom(Number(seed) + i);
  for (;;) {
    const slot = `${worker}/${Math.floor(random() * 3)}`;
    if (random() < 0.5) await name(slot, texts[Math.floor(random() * texts.length)]!);
    else await unname(slot);
  }
}

async function collect(): Promise<void> {
  for (;;) report({ collected: (await collectGarbage(storage, { grace: graceMs })).deleted });
}

await Promise.all([...workers.map(work), collect()]);
