/** A process that makes attempts, each of which ends when it is told to. Arguments: store, directory of the effects, journal. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { spread } from './spread.ts';

const [directory = '', effects = '', journal = ''] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const waiting = new Map<string, (word: string) => void>();
const { pipeline } = spread(storage, async (unit) => {
  const name = unit.split(' ').slice(1).join('-');
  appendFileSync(journal, `${name}\n`);
  const told = new Promise<string>((resolve) => waiting.set(name, resolve));
  process.send?.({ begun: name });
  const word = await told;
  try {
    writeFileSync(join(effects, name), word, { flag: 'wx' });
  } catch {
    process.send?.({ repeated: name });
  }
  return word;
});
const worker = pipeline.work({ concurrency: 1, interval: '100ms' });
process.on('message', ({ name, word, idle }: { name: string; word: string; idle?: boolean }) => {
  if (idle) void worker.idle().then(() => process.send?.({ idle }));
  else if (word === 'end') void worker.close().then(() => storage.close()).then(() => process.disconnect?.());
  else waiting.get(name)?.(word);
});
process.send?.({ ready: true });
