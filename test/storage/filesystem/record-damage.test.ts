import { appendFileSync, cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isModelkeepError, type ModelkeepError } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { encodeWriteMeta, frameKinds, frameSize, noBytes, writeFrame, type FrameDraft } from '../../../src/storage/filesystem/record-frame.ts';
import { encodeVouch } from '../../../src/storage/filesystem/vouch.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();

async function put(storage: FilesystemStorage, key: string, text: string | Uint8Array): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: typeof text === 'string' ? utf8(text) : text }]);
}

/** What reading a key comes to: its text, `undefined`, or the error. */
async function outcomeOf(storage: FilesystemStorage, key: string): Promise<string | undefined | ModelkeepError> {
  try {
    const [record] = await storage.read([key]);
    return record && fromUtf8(record.bytes);
  } catch (error) {
    if (isModelkeepError(error, 'integrity')) return error;
    throw error;
  }
}

function recordFile(root: string): string {
  const [shard] = readdirSync(join(root, 'records'));
  const [file] = readdirSync(join(root, 'records', shard!)).sort().reverse();
  return join(root, 'records', shard!, file!);
}

/** A whole frame of another writer, for the file with this salt. */
function foreignFrame(salt: Buffer, value: Uint8Array = utf8('foreign')): Buffer {
  return frameOf({ kind: frameKinds.put, key: 'r/foreign', rest: encodeWriteMeta({ condition: 'none', operationId: undefined, blobs: [] }), value }, salt, 1);
}

function frameOf(draft: FrameDraft, salt: Buffer, nonce: number): Buffer {
  const bytes = Buffer.alloc(frameSize(draft));
  writeFrame(bytes, 0, draft, salt, nonce, 1);
  return bytes;
}

const texts: Record<string, string> = { 'r/a': 'first', 'r/b': 'second', 'r/c': 'third', 'r/d': 'fourth' };

async function makeStore(options: { close: boolean }): Promise<string> {
  const root = join(directory(), 'store');
  const storage = new FilesystemStorage(root);
  await put(storage, 'r/a', 'to be replaced');
  for (const [key, text] of Object.entries(texts)) await put(storage, key, text);
  if (options.close) await storage.close();
  return root;
}

describe('a flipped bit', () => {
  it('anywhere in a record file costs at most the key whose bytes it hit, and is never returned as data', async () => {
    const root = await makeStore({ close: true });
    const file = recordFile(root);
    const sound = readFileSync(file);
    const hit = new Map<string, number>();
    for (let at = 0; at < sound.length; at++) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 1 << at % 8;
      writeFileSync(file, bytes);
      const storage = new FilesystemStorage(root);
      const failed: string[] = [];
      for (const [key, text] of Object.entries(texts)) {
        const outcome = await outcomeOf(storage, key);
        if (typeof outcome === 'object') {
          expect(outcome.details.key, `byte ${at}`).toBe(key);
          failed.push(key);
        } else {
          expect(outcome, `byte ${at}, ${key}`).toBe(text);
        }
      }
      expect(failed.length, `byte ${at}: ${failed.join()}`).toBeLessThanOrEqual(1);
      for (const key of failed) hit.set(key, (hit.get(key) ?? 0) + 1);
      await storage.close();
    }
    // Each key was hit in its header, its meta part and its value.
    for (const [key, text] of Object.entries(texts)) expect(hit.get(key)).toBeGreaterThan(40 + key.length + text.length - 8);
  });

  it('in a batch of one call is laid at the right key', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    await storage.write(Object.entries(texts).map(([key, text]) => ({ kind: 'put', key, bytes: utf8(text) })));
    await storage.close();
    const file = recordFile(root);
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('second')]! ^= 1;
    writeFileSync(file, bytes);
    const again = new FilesystemStorage(root);
    expect(await outcomeOf(again, 'r/b')).toMatchObject({ code: 'integrity', details: { key: 'r/b' } });
    expect(await outcomeOf(again, 'r/c')).toBe('third');
    expect((await again.list()).entries.map((entry) => entry.key)).toEqual(Object.keys(texts));
    await again.close();
  });

  it('is healed by writing or deleting the record without a condition, and by nothing else', async () => {
    const root = await makeStore({ close: true });
    const file = recordFile(root);
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('second')]! ^= 1;
    writeFileSync(file, bytes);
    const storage = new FilesystemStorage(root, { compactAt: 0 });
    await expect(storage.write([{ kind: 'put', key: 'r/b', bytes: utf8('x'), condition: 'absent' }])).rejects.toMatchObject({ code: 'integrity' });
    await put(storage, 'r/z', 'new');
    expect(await outcomeOf(storage, 'r/b')).toMatchObject({ code: 'integrity' });
    await put(storage, 'r/b', 'healed');
    expect(await outcomeOf(storage, 'r/b')).toBe('healed');
    await put(storage, 'r/z', 'newer');
    await storage.close();
    const again = new FilesystemStorage(root);
    expect(await outcomeOf(again, 'r/b')).toBe('healed');
    await again.close();
  });

  it('under an open store is found when the value is read', async () => {
    const root = await makeStore({ close: true });
    const storage = new FilesystemStorage(root, { cacheBytes: 0 });
    expect(await outcomeOf(storage, 'r/b')).toBe('second');
    const file = recordFile(root);
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('second')]! ^= 1;
    writeFileSync(file, bytes);
    expect(await outcomeOf(storage, 'r/b')).toMatchObject({ code: 'integrity', details: { key: 'r/b' } });
    expect(await outcomeOf(storage, 'r/c')).toBe('third');
    await storage.close();
  });

  it('in what was wiped out over many frames is never silent', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    for (let i = 0; i < 60; i++) await put(storage, `r/${i}`, `value ${i}`);
    await storage.close();
    const file = recordFile(root);
    const bytes = readFileSync(file);
    bytes.fill(0, 1000, 3000);
    writeFileSync(file, bytes);
    const again = new FilesystemStorage(root);
    let lost = 0;
    for (let i = 0; i < 60; i++) {
      const outcome = await outcomeOf(again, `r/${i}`);
      if (typeof outcome === 'object') lost++;
      else expect(outcome).toBe(`value ${i}`);
    }
    expect(lost).toBeGreaterThan(5);
    expect(lost).toBeLessThan(60);
    await expect(again.list()).rejects.toMatchObject({ code: 'integrity' });
    await again.close();
  });
});

describe('a torn tail', () => {
  it('at every byte of the last frame leaves what was before, and what comes after is written behind it', async () => {
    const root = await makeStore({ close: false });
    const file = recordFile(root);
    const whole = readFileSync(file);
    const lastFrame = whole.lastIndexOf(whole.subarray(16, 24));
    expect(whole.subarray(lastFrame).includes('fourth')).toBe(true);
    for (let length = lastFrame; length < whole.length; length++) {
      const copy = join(directory(), 'store');
      cpSync(root, copy, { recursive: true });
      truncateSync(recordFile(copy), length);
      const storage = new FilesystemStorage(copy);
      expect(await outcomeOf(storage, 'r/d')).toBeUndefined();
      await put(storage, 'r/e', 'fifth');
      await put(storage, 'r/f', 'sixth');
      await storage.close();
      const again = new FilesystemStorage(copy);
      for (const key of ['r/a', 'r/b', 'r/c']) expect(await outcomeOf(again, key)).toBe(texts[key]);
      expect(await outcomeOf(again, 'r/d')).toBeUndefined();
      expect(await outcomeOf(again, 'r/e')).toBe('fifth');
      expect(await outcomeOf(again, 'r/f')).toBe('sixth');
      await again.close();
    }
  });
});

describe('a torn write that others went on behind', () => {
  it('is passed, though the end of the file cuts a word of theirs off within its zeros', async () => {
    const root = await makeStore({ close: false });
    const salt = readFileSync(recordFile(root)).subarray(16, 24);
    const torn = foreignFrame(salt);
    torn.fill(0, torn.length - 4);
    // It ends with zeros: to a checksum they are the same as bytes that are not there.
    const rest = encodeVouch({ from: 0, to: 64, gaps: [], frames: [] });
    const word = frameOf({ kind: frameKinds.vouch, key: '', rest, value: noBytes }, salt, 2);
    for (let cut = 1; cut <= rest.length; cut++) {
      const copy = join(directory(), 'store');
      cpSync(root, copy, { recursive: true });
      appendFileSync(recordFile(copy), Buffer.concat([torn, word.subarray(0, word.length - cut)]));
      const storage = new FilesystemStorage(copy);
      for (const [key, text] of Object.entries(texts)) expect(await outcomeOf(storage, key), `${cut} bytes cut off`).toBe(text);
      await put(storage, 'r/a', 'anew');
      expect(await outcomeOf(storage, 'r/a')).toBe('anew');
      await storage.close();
    }
  });

  it('hides no word of theirs that what is damaged before it was whole', async () => {
    const root = await makeStore({ close: false });
    const file = recordFile(root);
    appendFileSync(file, foreignFrame(readFileSync(file).subarray(16, 24), new Uint8Array(100_000)).subarray(0, 500));
    const storage = new FilesystemStorage(root);
    await put(storage, 'r/e', 'fifth');
    await put(storage, 'r/f', 'sixth');
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('fourth')]! ^= 1;
    writeFileSync(file, bytes);
    const again = new FilesystemStorage(root);
    expect(await outcomeOf(again, 'r/d')).toMatchObject({ code: 'integrity', details: { key: 'r/d' } });
    expect(await outcomeOf(again, 'r/f')).toBe('sixth');
    await again.close();
  });

  it('is read anew when that word comes, though the file was replaced since', async () => {
    const root = await makeStore({ close: false });
    const file = recordFile(root);
    appendFileSync(file, foreignFrame(readFileSync(file).subarray(16, 24)));
    const sound = readFileSync(file);
    const storage = new FilesystemStorage(root);
    expect(await outcomeOf(storage, 'r/d')).toBe('fourth');
    // As one sees it who looks while the frame is on its way.
    writeFileSync(file, Buffer.from(sound.toString('latin1').replace('fourth', 'FOURTH'), 'latin1'));
    const early = new FilesystemStorage(root);
    expect(await outcomeOf(early, 'r/d')).toBeUndefined();
    writeFileSync(file, sound);
    await put(storage, 'r/e', 'fifth');
    // More than is read at once.
    await put(storage, 'r/e', new Uint8Array(3 << 20));
    await put(storage, 'r/e', 'fifth again');
    await storage.compact();
    expect(await outcomeOf(early, 'r/d')).toBe('fourth');
    expect(await outcomeOf(early, 'r/e')).toBe('fifth again');
    await early.close();
    await storage.close();
  });
});

describe('a value that imitates frames', () => {
  it('is a value, whole or torn', async () => {
    const root = await makeStore({ close: true });
    const imitation = readFileSync(recordFile(root));
    const storage = new FilesystemStorage(root);
    await put(storage, 'r/b', 'changed');
    await put(storage, 'r/copy', imitation);
    await storage.close();
    // The write of another copy ends in its middle, then others go on.
    const file = recordFile(root);
    const torn = readFileSync(file);
    const start = torn.lastIndexOf('r/copy') - 40;
    writeFileSync(file, Buffer.concat([torn, torn.subarray(start, start + 40 + imitation.length - 20)]));
    for (let turn = 0; turn < 2; turn++) {
      const again = new FilesystemStorage(root);
      expect(await outcomeOf(again, 'r/b')).toBe('changed');
      expect((await again.read(['r/copy']))[0]?.bytes).toEqual(new Uint8Array(imitation));
      await put(again, 'r/after', `turn ${turn}`);
      await put(again, 'r/after', `turn ${turn} again`);
      expect(await outcomeOf(again, 'r/after')).toBe(`turn ${turn} again`);
      await again.close();
    }
  });
});
