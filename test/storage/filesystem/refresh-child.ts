// Told a version, it writes the blob anew or deletes it at that version, and tells what came of it.
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';

const [root, role] = process.argv.slice(2) as [string, string];
const storage = new FilesystemStorage(root);

async function* stream(): AsyncGenerator<Uint8Array> {
  yield utf8('some bytes');
}

async function act(match: string): Promise<unknown> {
  if (role === 'write') return storage.writeBlob(stream()).then(() => 'written');
  return storage.deleteBlob(digestOf('some bytes'), { match }).then(
    () => true,
    (error: { code?: string }) => (error.code === 'conflict' ? false : `failed: ${error.code}`),
  );
}

process.on('message', (version: string) => void act(version).then((answer) => process.send!(answer)));
process.send!('ready');
