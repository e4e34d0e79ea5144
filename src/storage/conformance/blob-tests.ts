import { collectBytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { digestOf } from '../../core/digest.ts';
import { seededRandom } from '../../core/random.ts';
import type { ReadBlobOptions } from '../contract.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { inChunks, keysOf, randomBytes, readBytes, streamOf, writeBytes } from './calls.ts';
import type { DeclareTest } from './test-store.ts';

const absent = digestOf('a blob that nobody wrote');

/** Blobs: bytes under their digest. */
export function blobTests(test: DeclareTest): void {
  test('a blob that is not there reads as undefined and may be deleted', async ({ storage }) => {
    assertEqual(await storage.readBlob(absent), undefined, 'the blob');
    assertEqual(await storage.readBlob(absent, { range: { start: 0, end: 1 } }), undefined, 'a part of it');
    await storage.deleteBlob(absent);
  });

  test('blobs of every size come back as they were, however they are cut', async ({ storage }) => {
    const bytes = randomBytes(2 * 1024 * 1024 + 7, seededRandom(3));
    const edges = [4096, 65_536, 262_144, 1_048_576].flatMap((size) => [size - 1, size, size + 1]);
    for (const size of [0, 1, ...edges, bytes.length]) {
      const part = bytes.subarray(0, size);
      const ref = await writeBytes(storage, part, size % 2 === 0 ? 65_536 : 10_007);
      assertEqual(ref, { digest: digestOf(part), size }, `the reference of ${size} bytes`);
      assertEqual(await readBytes(storage, ref.digest), part, `a blob of ${size} bytes`);
    }
  });

  test('the same bytes are one blob', async ({ storage }) => {
    const bytes = randomBytes(200_000, seededRandom(4));
    const refs = await Promise.all([bytes.length, 65_536, 10_007, 999].map((size) => writeBytes(storage, bytes, size)));
    refs.push(await storage.writeBlob(streamOf(new Uint8Array(0), bytes.subarray(0, 5), new Uint8Array(0), bytes.subarray(5), new Uint8Array(0))));
    for (const ref of refs) assertEqual(ref, { digest: digestOf(bytes), size: bytes.length }, 'the reference');
    assertEqual(await keysOf(storage, { kind: 'blob' }), [digestOf(bytes)], 'the list');
    assertEqual(await readBytes(storage, digestOf(bytes)), bytes, 'the blob');
  });

  test('a source may use one buffer for all its chunks', async ({ storage }) => {
    const reuse = async function* (): AsyncGenerator<Uint8Array> {
      const buffer = new Uint8Array(100_000);
      for (let i = 1; i <= 4; i++) yield buffer.fill(i);
    };
    const { digest } = await storage.writeBlob(reuse());
    const expected = concatBytes([1, 2, 3, 4].map((i) => new Uint8Array(100_000).fill(i)));
    assertEqual(digest, digestOf(expected), 'the digest');
    const read = await readBytes(storage, digest);
    assertEqual(read, expected, 'the blob');
    read!.fill(0);
    assertEqual(await readBytes(storage, digest), expected, 'the blob after the bytes handed out were changed');
  });

  test('a range gives its part of the blob', async ({ storage }) => {
    const size = 600_001;
    const bytes = randomBytes(size, seededRandom(5));
    const { digest } = await writeBytes(storage, bytes);
    const ranges = [[0], [0, 0], [0, 1], [5, 5], [1, 262_144], [262_143, 262_145], [262_144, 524_288], [1], [size - 1], [size - 1, size], [0, size], [100, size + 100], [size], [size, size + 5], [size + 7]];
    for (const [start, end] of ranges) {
      assertEqual(await readBytes(storage, digest, { range: { start: start!, end } }), bytes.subarray(start, end), `the range from ${start} to ${end}`);
    }
    for (const range of [{ start: -1 }, { start: 5, end: 4 }, { start: 0.5 }, { start: 0, end: NaN }, { start: 0, end: -1 }, {}]) {
      await assertRejects('validation', () => storage.readBlob(digest, { range } as ReadBlobOptions), `the range ${JSON.stringify(range)}`);
    }
  });

  test('bytes that are not those of the digest asked for leave nothing', async ({ storage }) => {
    const bytes = randomBytes(300_000, seededRandom(6));
    const ref = await storage.writeBlob(inChunks(bytes, 65_536), { digest: digestOf(bytes) });
    assertEqual(ref.digest, digestOf(bytes), 'the digest');
    await assertRejects('integrity', () => storage.writeBlob(inChunks(bytes.subarray(1), 65_536), { digest: absent }), 'other bytes');
    await assertRejects('integrity', () => storage.writeBlob(streamOf(), { digest: absent }), 'no bytes');
    assertEqual(await keysOf(storage, { kind: 'blob' }), [ref.digest], 'the list');
    assertEqual(await storage.readBlob(absent), undefined, 'the blob');
  });

  test('a source that fails leaves nothing', async ({ storage }) => {
    let ended = 0;
    const failing = async function* (chunks: number): AsyncGenerator<Uint8Array> {
      try {
        for (let i = 0; i < chunks; i++) yield new Uint8Array(200_000);
        throw new Error('the source failed');
      } finally {
        ended++;
      }
    };
    for (const chunks of [0, 1, 3]) {
      const outcome = await storage.writeBlob(failing(chunks)).then(() => 'stored', (error: unknown) => error);
      assert(outcome instanceof Error, 'A write whose source failed was acknowledged');
    }
    const rubbish = streamOf(utf8('bytes'), 'text' as unknown as Uint8Array);
    await assertRejects('validation', () => storage.writeBlob(rubbish), 'a source of text');
    assertEqual([await keysOf(storage, { kind: 'blob' }), ended], [[], 3], 'what was kept, and sources that ended');
  });

  test('a source that is aborted leaves nothing and is ended', async ({ storage }) => {
    const controller = new AbortController();
    let ended = false;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (let i = 0; ; i++) {
          if (i === 5) controller.abort(new Error('enough'));
          assert(i < 50, 'The signal is not looked at');
          yield new Uint8Array(100_000);
        }
      } finally {
        ended = true;
      }
    };
    await assertRejects('aborted', () => storage.writeBlob(endless(), { signal: controller.signal }), 'the write');
    assertEqual([await keysOf(storage, { kind: 'blob' }), ended], [[], true], 'what was kept, and whether the source ended');
  });

  test('reading ends when it is aborted, or when the reader stops', async ({ storage }) => {
    const bytes = randomBytes(1_500_000, seededRandom(7));
    const { digest } = await writeBytes(storage, bytes);
    for await (const chunk of (await storage.readBlob(digest))!) if (chunk.length > 0) break;
    const controller = new AbortController();
    const chunks = await storage.readBlob(digest, { signal: controller.signal });
    const read = async (): Promise<void> => {
      for await (const chunk of chunks!) if (chunk.length > 0) controller.abort();
    };
    await assertRejects('aborted', read, 'the read');
    assertEqual(await readBytes(storage, digest), bytes, 'the blob');
  });

  test('a deleted blob is gone until it is written again', async ({ storage }) => {
    const bytes = randomBytes(100_000, seededRandom(8));
    const { digest } = await writeBytes(storage, bytes);
    const kept = await writeBytes(storage, utf8('kept'));
    await storage.deleteBlob(digest);
    await storage.deleteBlob(digest);
    assertEqual([await readBytes(storage, digest), await keysOf(storage, { kind: 'blob' })], [undefined, [kept.digest]], 'after the delete');
    await writeBytes(storage, bytes);
    assertEqual(await readBytes(storage, digest), bytes, 'the blob that was written again');
  });

  test('blobs that are written and read at once do not mix', async ({ storage }) => {
    const random = seededRandom(9);
    const all = Array.from({ length: 12 }, () => randomBytes(Math.floor(random() * 300_000), random));
    const refs = await Promise.all(all.map((bytes) => writeBytes(storage, bytes, 30_000)));
    const read = await Promise.all(refs.map(async ({ digest }) => collectBytes((await storage.readBlob(digest))!)));
    for (const [i, bytes] of all.entries()) assertEqual(read[i], bytes, `blob ${i}`);
  });
}
