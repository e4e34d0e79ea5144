import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { parseFileHeader, newSalt } from '../../../src/storage/filesystem/file-header.ts';
import { encodeWriteMeta, frameKinds, frameSize, writeFrame, type FrameDraft } from '../../../src/storage/filesystem/record-frame.ts';
import { draftSegmentFrame, isSegmentFrameSound, parseSegmentFrame, placeSegmentFrame, segmentKinds } from '../../../src/storage/filesystem/segment-frame.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();

function recordFile(root: string): string {
  const [shard] = readdirSync(join(root, 'records'));
  const [file] = readdirSync(join(root, 'records', shard!));
  return join(root, 'records', shard!, file!);
}

/** A put of `a/torn` by another writer, whose value ends with what frames begin with. */
function tornPut(salt: Buffer, shared: number, size: number): Buffer {
  const value = Buffer.alloc(size, 'x');
  salt.copy(value, size - shared, 0, shared);
  const draft: FrameDraft = { kind: frameKinds.put, key: 'a/torn', rest: encodeWriteMeta({ condition: 'none', operationId: undefined, blobs: [] }), value };
  const bytes = Buffer.alloc(frameSize(draft));
  writeFrame(bytes, 0, draft, salt, 7, 1);
  return bytes;
}

async function textOf(storage: FilesystemStorage, key: string): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}

describe('a write that lost its last bytes', () => {
  // The last is larger than what is read at a time, so that the bytes which tell lie in the next window.
  for (const size of [100, (1 << 20) - 150]) {
    for (const shared of [1, 2, 3, 4]) {
      it(`does not happen after all when the next one begins with those bytes (${shared} of ${size})`, async () => {
        const root = join(directory(), 'store');
        const before = new FilesystemStorage(root);
        await before.write([{ kind: 'put', key: 'a/first', bytes: utf8('first') }]);
        await before.close();
        const { salt } = parseFileHeader(readFileSync(recordFile(root)))!;
        writeFileSync(recordFile(root), tornPut(salt, shared, size).subarray(0, -shared), { flag: 'a' });
        const storage = new FilesystemStorage(root);
        expect(await textOf(storage, 'a/torn')).toBeUndefined();

        await storage.write([{ kind: 'put', key: 'a/second', bytes: utf8('second') }]);
        const fresh = new FilesystemStorage(root);
        for (const reader of [storage, fresh]) {
          expect(await textOf(reader, 'a/torn')).toBeUndefined();
          expect(await textOf(reader, 'a/second')).toBe('second');
        }
        await storage.close();
        await fresh.close();
      });
    }
  }

  for (const shared of [1, 2, 3, 4]) {
    for (const kept of [5, 8, 20, 39]) {
      it(`does not happen after all when the next one is torn too (${shared} lost, ${kept} bytes of the next)`, async () => {
        const root = join(directory(), 'store');
        const before = new FilesystemStorage(root);
        await before.write([{ kind: 'put', key: 'a/first', bytes: utf8('first') }]);
        await before.close();
        const { salt } = parseFileHeader(readFileSync(recordFile(root)))!;
        const torn = tornPut(salt, shared, 100);
        writeFileSync(recordFile(root), torn.subarray(0, -shared), { flag: 'a' });
        const storage = new FilesystemStorage(root);
        expect(await textOf(storage, 'a/torn')).toBeUndefined();

        writeFileSync(recordFile(root), torn.subarray(0, kept), { flag: 'a' });
        const between = new FilesystemStorage(root);
        for (const reader of [storage, between]) expect(await textOf(reader, 'a/torn')).toBeUndefined();
        await storage.write([{ kind: 'put', key: 'a/second', bytes: utf8('second') }]);
        const fresh = new FilesystemStorage(root);
        for (const reader of [storage, between, fresh]) {
          expect(await textOf(reader, 'a/torn')).toBeUndefined();
          expect(await textOf(reader, 'a/second')).toBe('second');
          await reader.close();
        }
      });
    }
  }

  it('is not taken for overlapped where the one behind it was torn at its place', async () => {
    for (const shared of [1, 2, 3, 4]) {
      for (const kept of [0, 1, 2, 4, 8, 39]) {
        const root = join(directory(), 'store');
        const before = new FilesystemStorage(root);
        await before.write([{ kind: 'put', key: 'a/first', bytes: utf8('first') }]);
        await before.close();
        const { salt } = parseFileHeader(readFileSync(recordFile(root)))!;
        const whole = tornPut(salt, shared, 100);
        writeFileSync(recordFile(root), Buffer.concat([whole, whole.subarray(0, kept)]), { flag: 'a' });
        const storage = new FilesystemStorage(root);
        for (const value of ['second', 'third']) {
          const [record] = await storage.read(['a/torn']);
          expect(record && Buffer.from(record.bytes), `${shared} shared, ${kept} kept`).toEqual(whole.subarray(-100));
          await storage.write([{ kind: 'put', key: 'a/next', bytes: utf8(value) }]);
          expect(await textOf(storage, 'a/next')).toBe(value);
        }
        await storage.close();
      }
    }
  });

  it('whose value ends with what frames begin with is there when it is whole', async () => {
    const root = join(directory(), 'store');
    const before = new FilesystemStorage(root);
    await before.write([{ kind: 'put', key: 'a/first', bytes: utf8('first') }]);
    await before.close();
    const { salt } = parseFileHeader(readFileSync(recordFile(root)))!;
    const whole = tornPut(salt, 4, 100);
    writeFileSync(recordFile(root), whole, { flag: 'a' });
    const storage = new FilesystemStorage(root);
    await storage.write([{ kind: 'put', key: 'a/second', bytes: utf8('second') }]);
    const [record] = await storage.read(['a/torn']);
    expect(Buffer.from(record!.bytes)).toEqual(whole.subarray(-100));
    expect(await textOf(storage, 'a/second')).toBe('second');
    await storage.close();
  });

  it('to a log is not made whole by the seal that is put behind it', () => {
    for (let size = 8; size < 2000; size++) {
      const salt = newSalt();
      const entry = Buffer.alloc(size);
      const whole = Buffer.from(placeSegmentFrame(draftSegmentFrame(segmentKinds.batch, [entry]), { salt, first: 1, bytesBefore: 0, flushedTo: 0 }));
      const seal = placeSegmentFrame(draftSegmentFrame(segmentKinds.seal), { salt, first: 0, bytesBefore: 0, flushedTo: 0 });
      for (let lost = 1; lost <= 8; lost++) {
        const torn = Buffer.concat([whole.subarray(0, -lost), seal]);
        const frame = parseSegmentFrame(torn, 0, salt)!;
        expect(isSegmentFrameSound(torn, 0, frame), `${salt.toString('hex')}, ${lost} bytes of ${whole.length} lost`).toBe(false);
      }
    }
  });
});
