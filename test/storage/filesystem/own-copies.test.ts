import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { digestOf, type Digest } from '../../../src/core/digest.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();

async function textAt(storage: FilesystemStorage, key: string): Promise<string> {
  return Buffer.from((await storage.read([key]))[0]!.bytes).toString();
}

describe('a Buffer that is put', () => {
  it('belongs to the caller again at once, and what is read belongs to the reader', async () => {
    await using storage = new FilesystemStorage(join(directory(), 'store'));
    const bytes = Buffer.from('as it was put');
    const writing = storage.write([{ kind: 'put', key: 'r/a', bytes }]);
    bytes.fill('x');
    await writing;
    expect(await textAt(storage, 'r/a')).toBe('as it was put');
    bytes.fill('y');
    (await storage.read(['r/a']))[0]!.bytes.fill(0x7a);
    expect(await textAt(storage, 'r/a')).toBe('as it was put');
  });

  it('may name blobs in an array that is used again', async () => {
    await using storage = new FilesystemStorage(join(directory(), 'store'));
    const blobs: Digest[] = [digestOf('a')];
    const writing = storage.write([{ kind: 'put', key: 'r/a', bytes: Buffer.from('a'), blobs }]);
    blobs[0] = digestOf('b');
    await writing;
    expect((await storage.read(['r/a']))[0]!.blobs).toEqual([digestOf('a')]);
  });
});

describe('the name of a write', () => {
  it('is refused when UTF-8 cannot hold it, and two writes would have one name', async () => {
    await using storage = new FilesystemStorage(join(directory(), 'store'));
    for (const operationId of ['\ud800', '\udc00x', '', 'x'.repeat(1001)]) {
      await expect(storage.write([{ kind: 'put', key: 'r/a', bytes: Buffer.from('a'), operationId }])).rejects.toMatchObject({ code: 'validation' });
      await expect(storage.append('l/a', [Buffer.from('a')], { operationId })).rejects.toMatchObject({ code: 'validation' });
    }
    expect(await storage.read(['r/a'])).toEqual([undefined]);
  });
});
