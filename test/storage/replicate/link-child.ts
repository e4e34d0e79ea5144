import { writeSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { replicate } from '../../../src/storage/replicate.ts';
import { append, put, putWithBlob, remove } from './contents.ts';
import { utf8 } from '../../../src/core/bytes.ts';

// Writes to one store and brings it to another, until it is killed; tells each step of the link by a line.
const [from, to, name] = process.argv.slice(2) as [string, string, string];
const [a, b] = [from, to].map((root) => new FilesystemStorage(root, { durability: 'buffered' })) as [FilesystemStorage, FilesystemStorage];
const link = replicate({ from: a, to: b, onProgress: () => writeSync(1, 'moved\n') });
for (let i = 0; ; i++) {
  for (let k = 0; k < 5; k++) await put(a, `runs/${(i + k) % 40}`, `${name} wrote ${i}`);
  await append(a, `runs/${i % 7}`, name, `${name} ${i}`, `${name} ${i} too`);
  await append(a, 'metrics', name, ...Array.from({ length: 20 }, (_, k) => `${name} ${i} ${k}`));
  if (i % 3 === 0) await putWithBlob(a, `models/${i % 6}`, `${name} model ${i}`, utf8(`weights ${i % 9}`));
  if (i % 4 === 0) await remove(a, `runs/${(i * 3) % 40}`);
  if (i % 11 === 10) await a.deleteLog(`runs/${i % 7}`);
  await link.settled();
}
