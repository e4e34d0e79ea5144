import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectGarbage, MemoryStorage, Pipeline, StorageError, type StepHandle, type StreamedOutput } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { collectBytes } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { childProgram } from '../../child-program.ts';
import { ManualClock } from '../manual-clock.ts';
import { streams } from './streams.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

async function* pieces(...parts: (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* parts;
}

async function textOf(output: StreamedOutput): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of output) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}

let storage: MemoryStorage;

beforeEach(() => {
  storage = new MemoryStorage();
});

const blobs = async (of: Pick<MemoryStorage, 'list'> = storage): Promise<string[]> => (await of.list({ kind: 'blob' })).entries.map(({ key }) => key);

describe('a step that returns a stream', () => {
  it.each<[string, () => AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array> | Blob]>([
    ['an async generator of bytes', () => pieces(new TextEncoder().encode('Grüße'), new TextEncoder().encode(' an alle'))],
    ['texts, one of them cut in a character', () => pieces('Gr', 'üße an', ' alle')],
    ['a ReadableStream', () => new Blob(['Grüße an alle']).stream()],
    ['a Blob', () => new Blob(['Grüße an alle'])],
  ])('gives it to others to be read in pieces, as often as they like: %s', async (_, make) => {
    const pipeline = new Pipeline({ name: 'p', storage });
    const made = pipeline.step('make', {}, make);
    const read = pipeline.step('read', { needs: { made } }, async ({ inputs }) => [await textOf(inputs.made), await textOf(inputs.made), inputs.made.size, [...(await collectBytes(inputs.made.read({ range: { start: 0, end: 2 } })))]]);
    const result = await pipeline.run();
    expect(result.output(read)).toEqual(['Grüße an alle', 'Grüße an alle', 15, [71, 114]]);
    const digest = digestOf(new TextEncoder().encode('Grüße an alle'));
    expect(result.output(made)).toMatchObject({ digest, size: 15 });
    expect(await textOf(result.output(made))).toBe('Grüße an alle');
    expect((await pipeline.getRun(result.id)).steps['make']!.output).toEqual({ digest, size: 15 });
  });

  it('as the work of an item, and one that passes on what it was given', async () => {
    const pipeline = new Pipeline({ name: 'p', storage });
    const made = pipeline.map('make', { over: ['a', 'b'] }, ({ item }) => pieces(item, '!'));
    const second = pipeline.step('second', { needs: { made } }, ({ inputs }) => inputs.made[1]!);
    const result = await pipeline.run();
    expect(await textOf(result.output(second))).toBe('b!');
    expect(await Promise.all(result.output(made).map(textOf))).toEqual(['a!', 'b!']);
    expect(await blobs()).toHaveLength(2);
  });

  it('fails with what the stream throws, leaves no half of it, and is tried again', async () => {
    const pipeline = new Pipeline({ name: 'p', storage });
    const made = pipeline.step('make', { retries: { limit: 1, backoff: 0 } }, async function* ({ run }) {
      yield bytes(run.attempt);
      if (run.attempt === 1) throw new Error('the source went away');
    });
    const result = await pipeline.run();
    expect(result.steps['make']).toMatchObject({ status: 'succeeded', attempts: 2, failures: [{ failure: { message: 'the source went away' } }] });
    expect(result.output(made).digest).toBe(digestOf(bytes(2)));
    expect(await blobs()).toEqual([digestOf(bytes(2))]);
  });

  it('of what are no bytes fails and is named', async () => {
    const pipeline = new Pipeline({ name: 'p', storage });
    pipeline.step('make', {}, async function* () {
      yield [1, 2] as unknown as Uint8Array;
    });
    expect((await pipeline.run()).steps['make']!.failure).toMatchObject({ code: 'validation', message: "The output of step 'make' gave [1,2] where a Uint8Array belongs; encode it first." });
  });

  it('and hangs is bounded by its timeout, and its source is let go of', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage, clock, grace: '1s' });
    let left = false;
    pipeline.step('make', { timeout: '10s' }, () => ({
      [Symbol.asyncIterator]: () => ({ next: (): Promise<IteratorResult<Uint8Array>> => new Promise(() => undefined), return: (): Promise<IteratorResult<Uint8Array>> => ((left = true), Promise.resolve({ done: true, value: undefined })) }),
    }));
    const running = pipeline.run();
    await clock.advance(12_000);
    expect((await running).steps['make']!.failure).toMatchObject({ code: 'timeout' });
    expect([left, await blobs()]).toEqual([true, []]);
  });

  it('has not failed when the store does: its run is left to be resumed', async () => {
    const pipeline = new Pipeline({ name: 'p', storage });
    pipeline.step('make', {}, () => pieces('kept'));
    vi.spyOn(storage, 'writeBlob').mockRejectedValueOnce(new StorageError('storage', 'The disk is full.'));
    await expect(pipeline.run()).rejects.toThrow('The disk is full.');
    for await (const { id } of pipeline.runs()) expect((await pipeline.resume(id, { takeOver: true })).steps['make']).toMatchObject({ status: 'succeeded', failures: [] });
  });

  it('is taken from the cache, stops what depends on it from running again, and is made anew when its bytes are gone', async () => {
    const ran: string[] = [];
    const define = (version: string): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage });
      const made = pipeline.step('make', { cache: { version } }, () => (ran.push('make'), pieces('same')));
      pipeline.step('read', { needs: { made }, cache: { version: '1' } }, ({ inputs }) => (ran.push('read'), textOf(inputs.made)));
      return pipeline;
    };
    await define('1').run();
    await define('1').run();
    expect(ran.splice(0)).toEqual(['make', 'read']);
    await define('2').run();
    expect(ran.splice(0)).toEqual(['make']);
    await storage.deleteBlob(digestOf(new TextEncoder().encode('same')));
    const { id } = await define('2').run();
    expect(ran).toEqual(['make']);
    expect((await define('2').explain('make', { run: id })).causes).toMatchObject([{ kind: 'damaged' }]);
  });

  it('of bytes that stand for a value is told from that value', async () => {
    const ran: unknown[] = [];
    const define = (make: () => unknown): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage });
      const made = pipeline.step('make', {}, make);
      pipeline.step('read', { needs: { made }, cache: { version: '1' } }, ({ inputs }) => void ran.push(typeof (inputs.made as StreamedOutput)[Symbol.asyncIterator]));
      return pipeline;
    };
    const value = { large: 'x'.repeat(20_000) };
    const { id } = await define(() => value).run();
    const { output } = (await define(() => value).getRun(id)).steps['make']!;
    const packed = await collectBytes((await storage.readBlob(output!.digest))!);
    await define(() => pieces(packed)).run();
    expect(ran).toEqual(['undefined', 'function']);
  });

  it('is what a quarantine sets aside, and what is released in its place', async () => {
    const pipeline = new Pipeline({ name: 'p', storage });
    const scores = pipeline.quarantine('scores', {}, () => ({ output: pieces('0.2\n', '1.4\n'), reasons: ['one is above 1'] }));
    const { id } = await pipeline.run();
    expect(await textOf((await pipeline.quarantined(id, scores)).output)).toBe('0.2\n1.4\n');
    await pipeline.release(id, scores, { by: 'ada', output: pieces('0.2\n', '1.0\n') });
    expect(await textOf((await pipeline.resume(id)).output(scores))).toBe('0.2\n1.0\n');
  });

  it('stays when garbage is collected, and what is left of an attempt does not', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage, clock });
    const made = pipeline.step('make', {}, () => pieces('kept'));
    const { id } = await pipeline.run();
    const left = await storage.writeBlob(new Blob(['left behind']).stream());
    for (let round = 0; round < 3; round++) {
      await collectGarbage(storage, { clock });
      await clock.advance(2 * 86_400_000);
    }
    expect(await blobs()).not.toContain(left.digest);
    expect(await textOf((await pipeline.resume(id)).output(made))).toBe('kept');
  });

  it('is known as damaged to whoever reads it', async () => {
    const pipeline = new Pipeline({ name: 'p', storage });
    const made = pipeline.step('make', {}, () => pieces('kept'));
    const result = await pipeline.run();
    await storage.deleteBlob(result.output(made).digest);
    await expect(textOf(result.output(made))).rejects.toMatchObject({ code: 'integrity' });
  });

  it('may be made by another process', async () => {
    const define = (owner: string): { pipeline: Pipeline; read: StepHandle<string> } => {
      const pipeline = new Pipeline({ name: 'p', storage, owner, executor: 'workers' });
      const made = pipeline.step('make', {}, () => pieces('from ', owner));
      return { pipeline, read: pipeline.step('read', { needs: { made } }, ({ inputs }) => textOf(inputs.made)) };
    };
    const worker = define('a worker').pipeline.work();
    const { pipeline, read } = define('a driver');
    expect((await pipeline.run()).output(read)).toBe('from a worker');
    await worker.close();
  });
});

describe('a process that streams', () => {
  const directoryOf = (): string => mkdtempSync(join(tmpdir(), 'modelkeep-stream-'));

  it('holds less memory, all that Node takes included, than what goes through it', async () => {
    const directory = directoryOf();
    const child = fork(childProgram('stream-child.ts', import.meta.url), [directory, '160', '0'], { execArgv: ['--max-old-space-size=32', '--expose-gc'] });
    const [[told]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    const sum = Array.from({ length: 160 }, (_, i) => (i % 251) * 256).reduce((a, b) => a + b, 0);
    expect(told).toMatchObject({ status: 'succeeded', sum });
    expect((told as { peakKilobytes: number }).peakKilobytes).toBeLessThan(160 * 1024);
    rmSync(directory, { recursive: true });
  });

  it('and is killed amid it leaves nothing that counts', async () => {
    const directory = directoryOf();
    const child = fork(childProgram('stream-child.ts', import.meta.url), [directory, '8', '5'], { execArgv: [] });
    expect(await once(child, 'message')).toEqual([{ hanging: true }, undefined]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = new FilesystemStorage(directory);
    expect(await blobs(store)).toEqual([]);
    const { pipeline, read } = streams(store, 8, () => undefined);
    for await (const { id } of pipeline.runs()) {
      const result = await pipeline.resume(id, { takeOver: true });
      expect([result.status, result.output(read)]).toEqual(['succeeded', 28 * 256]);
    }
    await store.close();
    rmSync(directory, { recursive: true });
  });
});
