// Works on a store under limits of the system, and tells how each call ended: node limits-child.ts ROOT files|size
import { closeSync, openSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';

const [root = '', mode = ''] = process.argv.slice(2);
const storage = new FilesystemStorage(root);

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text);
}

async function ended(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: { code?: string; details?: { system?: string } }) => `${error.code} ${error.details?.system}`,
  );
}

async function withoutFiles(): Promise<unknown> {
  await storage.append('log', [utf8('before')]);
  await storage.append('gone', [utf8('x')]);
  await storage.writeBlob(streamOf('before'));
  await storage.writeBlob(streamOf('gone'));
  const calls: (() => Promise<unknown>)[] = [
    () => storage.append('log', [utf8('open')]),
    () => storage.append('new', [utf8('new')]),
    () => storage.writeBlob(streamOf('new')),
    () => storage.deleteLog('gone'),
    () => storage.readBlob(digestOf('before')).then(async (chunks) => chunks?.[Symbol.asyncIterator]().next()),
    () => storage.deleteBlob(digestOf('gone')),
  ];
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    // None is left.
  }
  const without: string[] = [];
  for (const call of calls) without.push(await ended(call()));
  for (const descriptor of taken) closeSync(descriptor);
  const withThem: string[] = [];
  for (const call of calls) withThem.push(await ended(call()));
  return { without, withThem };
}

async function beyondSize(): Promise<unknown> {
  await storage.writeBlob(streamOf('before'));
  const blob = await ended(storage.writeBlob(streamOf('x'.repeat(8 << 20))));
  const appends: string[] = [];
  for (let i = 0; i < 40; i++) appends.push(await ended(storage.append('log', [utf8(`${i}|`.padEnd(200_000))])));
  const larger = await ended(storage.append('log', [utf8('x'.repeat(8 << 20))]));
  appends.push(await ended(storage.append('log', [utf8('last')])));
  return { blob, appends, larger, smaller: await ended(storage.writeBlob(streamOf('smaller'))) };
}

console.log(JSON.stringify(mode === 'files' ? await withoutFiles() : await beyondSize()));
await storage.close();
