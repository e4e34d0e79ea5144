import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { isModelkeepError, MemoryStorage, Pipeline, type StepContext } from 'modelkeep';
import { shell, worker, workerPool, type WorkerPool } from 'modelkeep/node';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { collectBytes } from '../../../src/core/bytes.ts';
import { childProgram } from '../../child-program.ts';

type Module = typeof import('./step-worker.ts');

const program = childProgram('step-worker.ts', import.meta.url);
const module = pathToFileURL(program);

let pool: WorkerPool;

beforeEach(() => {
  pool = workerPool({ size: 2, resourceLimits: { maxOldGenerationSizeMb: 32 } });
});

afterEach(() => pool.close());

const context = (inputs: unknown = {}, signal = new AbortController().signal): StepContext<never, never> => {
  return { inputs: inputs as never, params: {} as never, signal, states: {}, log: console, heartbeat: () => undefined, lastHeartbeat: undefined, track: () => Promise.reject(new Error('no tracker')), run: { id: 'one', pipeline: 'nightly', step: 'train', attempt: 1, key: 'one/train', signal } };
};

const call = (name: keyof Module, inputs?: unknown, signal?: AbortSignal, options: object = {}): Promise<unknown> => worker(module, { export: name, pool, ...options })(context(inputs, signal));

/** A cell that a thread opens when it has begun. */
const gates = (): { gate: SharedArrayBuffer; opened: Promise<unknown>; openAgain: () => void } => {
  const gate = new SharedArrayBuffer(4);
  const cell = new Int32Array(gate);
  const waiting = (Atomics as unknown as { waitAsync(cell: Int32Array, at: number, value: number): { value: Promise<unknown> | string } }).waitAsync(cell, 0, 0).value;
  return {
    gate,
    opened: Promise.resolve(waiting),
    openAgain: () => {
      Atomics.store(cell, 0, 2);
      Atomics.notify(cell, 0);
    },
  };
};

const textOf = async (output: AsyncIterable<Uint8Array>): Promise<string> => new TextDecoder().decode(await collectBytes(output));

describe('a stream', () => {
  it('is read in a thread, whole or in part, and put out by it', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    const text = pipeline.step('text', {}, () => new Blob(['one ']));
    const parts = pipeline.map('parts', { over: ['two ', 'three '] }, ({ item }) => new Blob([item]));
    const louder = pipeline.step('louder', { needs: { text, parts } }, worker<Module['louder']>(module, { export: 'louder', pool }));
    const result = await pipeline.run();
    expect(await textOf(result.output(louder))).toBe('ONE TWO THREE ONE o');
  });

  it('that throws, or whose thread ends, fails its step', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    pipeline.step('breaks', {}, worker<Module['breaksOff']>(module, { export: 'breaksOff', pool }));
    pipeline.step('leaves', {}, worker<Module['leavesAmid']>(module, { export: 'leavesAmid', pool }));
    const { steps } = await pipeline.run();
    expect(steps['breaks']!.failure).toMatchObject({ code: 'validation', message: 'the source is no more' });
    expect(steps['leaves']!.failure).toMatchObject({ code: 'worker-failed' });
  });

  it('that is damaged is known as such in the thread, and fails the step there as it would here', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'nightly', storage });
    const text = pipeline.step('text', {}, () => new Blob(['lost']));
    const lose = pipeline.step('lose', { needs: { text } }, ({ inputs }) => storage.deleteBlob(inputs.text.digest).then(() => inputs.text.digest));
    const parts = pipeline.map('parts', { after: [lose], over: ['kept'] }, ({ item }) => new Blob([item]));
    const told = pipeline.step('told', { needs: { text }, after: [lose] }, worker<Module['toldOfDamage']>(module, { export: 'toldOfDamage', pool }));
    pipeline.step('louder', { needs: { text, parts } }, worker<Module['louder']>(module, { export: 'louder', pool }));
    const result = await pipeline.run();
    expect(result.output(told)).toEqual({ ours: true, name: 'IntegrityError', key: result.output(lose) });
    expect(result.steps['louder']!.failure).toMatchObject({ name: 'IntegrityError', code: 'integrity', message: expect.stringContaining('is not in the store') as string });
  });

  it('that nobody reads on is ended in its thread, which is then used again', async () => {
    const { gate, opened } = gates();
    await using single = workerPool({ size: 1 });
    const stream = (await call('endless', { gate }, undefined, { pool: single })) as AsyncIterable<Uint8Array>;
    for await (const piece of stream) if (piece.length === 1024) break;
    await opened;
    expect(await call('thread', {}, undefined, { pool: single })).toMatchObject({ calls: 1 });
  });
});

describe('worker', () => {
  it('is a step with the types of its function, whose inputs are moved and whose output is stored', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage(), params: z.object({ scale: z.number() }) });
    const rows = pipeline.step('rows', {}, () => new Float64Array([1, 2, 6]));
    const added = pipeline.step('add', { needs: { rows } }, worker<Module['sum']>(module, { export: 'sum', pool }));
    const x = pipeline.step('x', {}, () => 4);
    const plain = pipeline.step('plain', { needs: { x } }, worker<Module['default']>(module, { pool }));
    const told = pipeline.step('told', { needs: { x } }, worker<Module['facts']>(module, { export: 'facts', pool }));
    // @ts-expect-error: x is a number where the function wants a Float64Array called rows
    pipeline.step('wrong', { needs: { x }, when: () => false }, worker<Module['sum']>(module, { export: 'sum', pool }));
    const result = await pipeline.run({ params: { scale: 10 } });
    expectTypeOf(result.output(added)).toEqualTypeOf<{ sum: number; halves: Float32Array }>();
    expectTypeOf(result.output(plain)).toEqualTypeOf<number>();
    expect(result.output(added)).toEqual({ sum: 90, halves: new Float32Array([0.5, 1, 3]) });
    expect(result.output(plain)).toBe(40);
    expect(result.output(told)).toEqual({ step: 'told', attempt: 1, states: ['x'], same: true, real: true });
  });

  it.each(['here', 'workers'] as const)('trains a grid, each point in a thread that is given its item, with attempts made by %s', async (executor) => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage(), params: z.object({ scale: z.number() }), ...(executor === 'workers' && { executor }) });
    const rows = pipeline.step('rows', {}, () => new Float64Array([1, 2]));
    const grid = pipeline.step('grid', {}, () => [[1, 0], [0, 1], [1, 1]].map((weights) => ({ weights: Float64Array.from(weights) })));
    const fitted = pipeline.map('fit', { needs: { rows, grid }, over: ({ inputs }) => inputs.grid, retries: { limit: 1 } }, worker<Module['fit']>(module, { export: 'fit', pool }));
    const hands = executor === 'workers' ? pipeline.work() : undefined;
    const result = await pipeline.run({ params: { scale: 10 } });
    await hands?.close();
    expectTypeOf(result.output(fitted)).toEqualTypeOf<{ index: number; loss: number }[]>();
    expect(result.output(fitted)).toEqual([{ index: 0, loss: 10 }, { index: 1, loss: 20 }, { index: 2, loss: 30 }]);
  });

  it('does not compile for a function that wants what a thread is not given', () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    type Taking<Context> = (context: Context) => number;
    // @ts-expect-error there is no such thing
    pipeline.step('nonsense', {}, worker<Taking<{ nonsense: string }>>(module));
    // @ts-expect-error a run of a tracker stays where it is
    pipeline.step('track', {}, worker<Taking<{ track: () => Promise<unknown> }>>(module));
    // @ts-expect-error the number of an attempt is a number
    pipeline.step('attempt', {}, worker<Taking<{ run: { attempt: string } }>>(module));
    // @ts-expect-error it must be a function
    pipeline.step('no function', {}, worker<number>(module));
    // @ts-expect-error a step that is no map has no items
    pipeline.step('item', {}, worker<Taking<{ item: number }>>(module));
    // @ts-expect-error nor have they a number
    pipeline.step('index', {}, worker<Taking<{ index: number }>>(module));
    // @ts-expect-error items are numbers
    pipeline.map('texts', { over: [1, 2] }, worker<Taking<{ item: string }>>(module));
    // @ts-expect-error also where they may be left out
    pipeline.map('maybe', { over: [1, 2] }, worker<Taking<{ item?: string }>>(module));
    // @ts-expect-error their numbers too
    pipeline.map('index of texts', { over: [1, 2] }, worker<Taking<{ index: string }>>(module));
    pipeline.map('whole', { over: [1, 2] }, worker<Taking<{ item: number; index: number; inputs: object }>>(module));
    pipeline.map('none', { over: [1, 2] }, worker<() => number>(module));
    pipeline.map('untyped', { over: [1, 2] }, worker(module));
  });

  it('and a command know the items of a map, which a step has not', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });
    const grid = pipeline.step('grid', {}, () => [{ depth: 2 }, { depth: 4 }]);
    const print = ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))'] as const;
    const told = pipeline.map('told', { needs: { grid }, over: ({ inputs }) => inputs.grid }, shell(({ item, index, params }) => [process.execPath, ...print, item.depth.toFixed(1), String(index), params.month], { json: z.array(z.string()) }));
    const listed = pipeline.map('listed', { over: [7] }, shell(({ item }) => [process.execPath, ...print, item.toFixed(2)], { json: z.array(z.string()) }));
    // @ts-expect-error a step that is no map has no items
    pipeline.step('no map', { when: () => false }, shell(({ item }) => ['echo', String(item)]));
    const result = await pipeline.run({ params: { month: '2001-02' } });
    expect(result.output(told)).toEqual([['2.0', '0', '2001-02'], ['4.0', '1', '2001-02']]);
    expect(result.output(listed)).toEqual([['7.00']]);
  });

  it('has what it logs in the log of its step, and no line of a call that has ended', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    const one = workerPool({ size: 1 });
    const spoken = pipeline.step('spoken', {}, worker<Module['speaks']>(module, { export: 'speaks', pool: one }));
    pipeline.step('next', { after: [spoken] }, worker<Module['patientTurns']>(module, { export: 'patientTurns', pool: one }));
    const { id, status } = await pipeline.run();
    expect(status).toBe('succeeded');
    const lines = await pipeline.listLogs(id, { step: 'spoken' });
    expect(lines.items.map(({ level, text }) => [level, text])).toEqual([['info', 'epoch 1'], ['warn', '3 rows have no label'], ['error', '[object Object]'], ['debug', 'done']]);
    expect((await pipeline.listLogs(id, { step: 'next' })).items).toEqual([]);
    await one.close();
  });

  it('moves what is whole, and copies what is part of something else', async () => {
    const whole = new Float64Array([1, 2]);
    const part = new Float64Array([1, 2, 3]).subarray(1);
    await call('thread', { whole, again: [whole], nested: { part } });
    expect(whole.length).toBe(0);
    expect(part).toEqual(new Float64Array([2, 3]));
  });

  it('leaves the event loop free while a thread is blocked, and runs no more at once than its pool has threads', async () => {
    const [first, second, third] = [gates(), gates(), gates()];
    const running = [first, second, third].map(({ gate }) => call('blocking', { gate }));
    await Promise.all([first.opened, second.opened]);
    expect(pool.threads).toBe(2);
    expect(new Int32Array(third.gate)[0]).toBe(0);
    first.openAgain();
    await third.opened;
    third.openAgain();
    second.openAgain();
    const threads = await Promise.all(running);
    expect(threads[2]).toBe(threads[0]);
    expect(new Set(threads).size).toBe(2);
  });

  it('uses a thread again, and loads its module once', async () => {
    const first = (await call('thread')) as { thread: number };
    expect(await call('thread')).toEqual({ thread: first.thread, calls: 2 });
    expect(pool.threads).toBe(1);
  });

  it('lets a thread go that is idle or dies of what a step has left in it', async () => {
    const brief = workerPool({ idle: 0 });
    await worker(module, { export: 'thread', pool: brief })(context());
    while (brief.threads > 0) await new Promise((resolve) => setImmediate(resolve));
    await call('leavesCrash');
    while (pool.threads > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await call('thread')).toMatchObject({ calls: 1 });
  });

  it.each([
    ['leaves', /ended its thread with exit code 7/, { exitCode: 7 }],
    ['crashesLater', /nothing caught: in a timer/, {}],
    ['rejectsUnseen', /nothing caught: nobody looked/, {}],
    ['hoards', /more memory than its thread may have/, {}],
    ['throwsText', /threw "boom", which is no error/, {}],
  ] as const)('fails with a code when its function %s, and replaces the thread', async (name, message, details) => {
    const error: unknown = await call(name).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'worker-failed', message: expect.stringMatching(message), details: { module: module.href, export: name, step: 'train', ...details } });
    expect(await call('thread')).toMatchObject({ calls: 1 });
    expect(pool.threads).toBe(1);
  });

  it('throws what its function throws, with name, code and facts', async () => {
    const error = (await call('throwsCoded').catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ name: 'TypeError', message: 'no such host', code: 'ENOTFOUND', stack: expect.stringContaining('throwsCoded') });
    const ours: unknown = await call('throwsOurs').catch((thrown: unknown) => thrown);
    expect(isModelkeepError(ours, 'validation')).toBe(true);
    expect(ours).toMatchObject({ name: 'ValidationError', details: { path: 'rows[3]' } });
  });

  it('says what is wrong with a module, an export or an output', async () => {
    await expect(call('givesFunction')).rejects.toMatchObject({ code: 'validation', message: expect.stringMatching(/'givesFunction' of .*program\.mjs, the work of step 'train', returned what cannot be sent/) });
    await expect(call('threadName')).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('is a string') });
    await expect(call('missing' as never)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('no such export') });
    await expect(worker(new URL('missing.mjs', module), { pool })(context())).rejects.toMatchObject({ code: 'not-found' });
    await expect(worker(new URL('data:text/javascript,export default ]'), { pool })(context())).rejects.toMatchObject({ code: 'worker-failed', message: expect.stringContaining('does not load') });
    await expect(call('thread', { lost: () => 1 })).rejects.toThrow(/could not be cloned/);
    expect(await call('thread')).toMatchObject({ calls: 1 });
  });

  it('tells its function when the signal fires, and why', async () => {
    const stop = new AbortController();
    const { gate, opened } = gates();
    const running = call('patient', { gate }, stop.signal);
    await opened;
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('heard: enough');
    expect(pool.threads).toBe(1);
  });

  it('ends the thread of a function that does not listen, and begins none for a step that was stopped before', async () => {
    const stop = new AbortController();
    const { gate, opened } = gates();
    const running = call('deaf', { gate }, stop.signal, { grace: 0 });
    await opened;
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(pool.threads).toBe(0);
    await expect(call('thread', {}, stop.signal)).rejects.toThrow('enough');
    expect(pool.threads).toBe(0);
  });

  it('that waits for a thread stops waiting when its signal fires', async () => {
    const small = workerPool({ size: 1 });
    const { gate, opened, openAgain } = gates();
    const first = worker(module, { export: 'blocking', pool: small })(context({ gate }));
    await opened;
    const stop = new AbortController();
    const second = worker(module, { export: 'thread', pool: small })(context({}, stop.signal));
    stop.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    openAgain();
    await first;
    await expect(worker(module, { export: 'thread', pool: small })(context())).resolves.toMatchObject({ calls: 1 });
    await small.close();
  });

  it('fails when its pool is closed, at once or later', async () => {
    const { gate, opened } = gates();
    const running = call('deaf', { gate });
    const failed = expect(running).rejects.toMatchObject({ code: 'closed' });
    await opened;
    await pool.close();
    await failed;
    await expect(call('thread')).rejects.toMatchObject({ code: 'closed' });
  });

  it('times out with its step', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    pipeline.step('hang', { timeout: 1 }, worker(new URL('data:text/javascript,export default () => { for (;;); }'), { pool, grace: 0 }));
    expect((await pipeline.run()).steps['hang']!.failure).toMatchObject({ code: 'timeout' });
    expect(pool.threads).toBe(0);
  });

  it('keeps no process alive when all is done', async () => {
    const child = spawn(process.execPath, [childProgram('worker-child.ts', import.meta.url), program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, told }).toEqual({ code: 0, told: '1\n' });
  });

  it.each(['./train.js', undefined, {}])('is not made of the module %j', (given) => {
    expect(() => worker(given as never)).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it.each([{ export: '' }, { pool: {} }, { grace: 'soon' }, { surprise: 1 }])('is not made with options %j', (options) => {
    expect(() => worker(module, options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it.each([{ size: 0 }, { idle: 'soon' }, { resourceLimits: { maxOldGenerationSizeMb: 0 } }, { surprise: 1 }])('has no pool with options %j', (options) => {
    expect(() => workerPool(options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
  });
});

describe('a heartbeat', () => {
  it('is given by a thread that lets go of nothing, and its last one to the next attempt', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    const counts = pipeline.step('counts', { heartbeatTimeout: '400ms', retries: { limit: 20, backoff: 0 } }, worker<Module['counts']>(module, { export: 'counts', pool, grace: 0 }));
    const result = await pipeline.run();
    // A machine that is busy may need more attempts than one to begin a thread in that time.
    expect(result.output(counts)).toBeGreaterThanOrEqual(3);
    expect(new Set(result.steps['counts']!.failures.map(({ failure }) => failure.message))).toEqual(new Set([expect.stringContaining('no heartbeat for 400 ms')]));
  });

  it('that cannot be kept, or is not waited for, fails the step', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage() });
    const large = pipeline.step('large', {}, () => 'x'.repeat(70_000));
    const small = pipeline.step('small', {}, () => 1);
    const says = worker<Module['says']>(module, { export: 'says', pool });
    pipeline.step('says too much', { needs: { details: large }, heartbeatTimeout: '1m' }, says);
    pipeline.step('says unasked', { needs: { details: small } }, says);
    const { steps } = await pipeline.run();
    expect(steps['says too much']!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining('more than 65536') as string });
    expect(steps['says unasked']!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining('heartbeatTimeout') as string });
  });
});
