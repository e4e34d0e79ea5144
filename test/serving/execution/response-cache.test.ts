import { TimeoutError } from 'modelkeep';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputKey } from '../../../src/serving/execution/input-key.ts';
import { plainCopy } from '../../../src/serving/execution/plain-copy.ts';
import { ResponseCache, type CachedCall, type ResponseCacheOptions } from '../../../src/serving/execution/response-cache.ts';
import { EventClock } from './event-clock.ts';
import { outcomeOf } from './runner-world.ts';

function cacheOf<Output = unknown>(options: ResponseCacheOptions = {}) {
  const clock = new EventClock();
  const cache = new ResponseCache<Output>(options, clock);
  let asked = 0;
  const answer = (input: unknown, output: (signal: AbortSignal) => Output | Promise<Output>, rest: Partial<CachedCall<Output>> = {}) =>
    cache.answer({ version: 1, input, compute: async (signal) => (asked++, output(signal)), ...rest });
  return { clock, cache, answer, asked: () => asked };
}

describe('a cache of answers', () => {
  it('asks the model once for inputs that are equal, and again for every other version', async () => {
    const { cache, answer, asked } = cacheOf();
    const input = { a: 1, b: [new Float32Array([1, 2]), 'x'] };
    expect(await answer(input, () => 7)).toEqual({ output: 7, cached: false });
    expect(await answer({ b: [new Float32Array([1, 2]), 'x'], a: 1 }, () => 8)).toEqual({ output: 7, cached: true });
    expect(await answer(input, () => 9, { version: 2 })).toEqual({ output: 9, cached: false });
    expect(asked()).toBe(2);
    cache.forget(1);
    expect(await answer(input, () => 10)).toEqual({ output: 10, cached: false });
    expect(cache.counts).toMatchObject({ entries: 2, hits: 1, misses: 3, evicted: 0 });
  });

  it('gives everybody a copy of their own', async () => {
    const { answer } = cacheOf<{ scores: Float64Array; tags: string[] }>();
    const first = await answer('x', () => ({ scores: new Float64Array([1]), tags: ['a'] }));
    first.output.scores[0] = 99;
    first.output.tags.push('b');
    const second = await answer('x', () => ({ scores: new Float64Array(), tags: [] }));
    expect(second.output).toEqual({ scores: new Float64Array([1]), tags: ['a'] });
    second.output.tags.length = 0;
    expect((await answer('x', () => ({ scores: new Float64Array(), tags: [] }))).output.tags).toEqual(['a']);
  });

  it('keeps no failure', async () => {
    const { answer, asked } = cacheOf();
    await expect(answer(1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await answer(1, () => 2)).toEqual({ output: 2, cached: false });
    expect(asked()).toBe(2);
  });

  it('lets go of what is too old, and of what was used longest ago when there are too many', async () => {
    const { clock, cache, answer } = cacheOf({ maxEntries: 2, ttl: '1m' });
    for (const input of ['a', 'b', 'a', 'c']) await answer(input, () => input);
    expect([(await answer('a', () => 'new')).cached, (await answer('b', () => 'new')).cached]).toEqual([true, false]);
    await clock.run(60_000);
    expect(await answer('a', () => 'newer')).toEqual({ output: 'newer', cached: false });
    expect(cache.counts.entries).toBe(2);
  });

  it('holds no more bytes than it may', async () => {
    const { cache, answer } = cacheOf({ maxBytes: 10_000 });
    for (let i = 0; i < 100; i++) await answer(i, () => new Uint8Array(1000));
    expect(cache.counts.entries).toBe(9);
    expect(cache.counts.bytes).toBeLessThanOrEqual(10_000);
    await answer('large', () => new Uint8Array(20_000));
    expect(cache.counts).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('passes on what is no plain data, and does not keep it', async () => {
    const { cache, answer, asked } = cacheOf();
    class Tensor {}
    const tensor = new Tensor();
    expect(await answer(tensor, () => 1)).toEqual({ output: 1, cached: false });
    expect(await answer(tensor, () => 2)).toEqual({ output: 2, cached: false });
    expect((await answer('x', () => tensor)).output).toBe(tensor);
    expect((await answer('x', () => tensor)).output).toBe(tensor);
    expect([asked(), cache.counts.entries, cache.counts.uncacheable]).toEqual([4, 0, 4]);
  });

  it('answers equal requests at the same time together', async () => {
    const { clock, cache, answer, asked } = cacheOf<number[]>();
    const outcomes = [1, 2, 3].map((i) => outcomeOf(answer('x', async () => (await clock.sleep(10), [i]))));
    await clock.run();
    expect(outcomes.map(({ value }) => value)).toEqual([false, true, true].map((cached) => ({ output: [1], cached })));
    expect(outcomes[0]?.value?.output).not.toBe(outcomes[1]?.value?.output);
    expect([asked(), cache.counts.joined]).toEqual([1, 2]);
  });

  it('fails nobody because another left, and stops the model when all have', async () => {
    const { clock, answer, asked } = cacheOf();
    let stopped = false;
    const compute = async (signal: AbortSignal): Promise<number> => {
      signal.addEventListener('abort', () => (stopped = true));
      await clock.sleep(10);
      return 1;
    };
    const [first, second] = [new AbortController(), new AbortController()];
    const outcomes = [first, second].map(({ signal }) => outcomeOf(answer('x', compute, { signal })));
    first.abort();
    await clock.run(5);
    expect([outcomes[0]?.error?.code, stopped]).toEqual(['aborted', false]);
    second.abort();
    await clock.run(6);
    expect([outcomes[1]?.error?.code, stopped]).toEqual(['aborted', true]);
    // What was given up is not joined.
    const late = outcomeOf(answer('x', compute));
    await clock.run();
    expect([late.value, asked()]).toEqual([{ output: 1, cached: false }, 2]);
  });

  it('has each wait for its own time: not for that of the one who asked', async () => {
    const { clock, answer, asked } = cacheOf();
    const compute = async (): Promise<number> => {
      await clock.sleep(10);
      if (asked() === 1) throw new TimeoutError('The first had 10 ms.');
      return 1;
    };
    const outcomes = [undefined, 5, 100].map((timeoutMs) => outcomeOf(answer('x', compute, timeoutMs === undefined ? {} : { timeoutMs })));
    await clock.run();
    expect(outcomes.map(({ value, error }) => value?.output ?? error?.code)).toEqual(['timeout', 'timeout', 1]);
    expect(asked()).toBe(2);
  });

  it('refuses options that it does not know', () => {
    expect(() => cacheOf({ maxEntries: 0 })).toThrow('responses.maxEntries must be at least 1');
    expect(() => cacheOf({ ttl: 'soon' as never })).toThrow('responses.ttl is');
  });
});

const anything = fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true, maxDepth: 3 });

describe('the key of an input', () => {
  it('is the same for a copy of it, whatever the order of its properties', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const copy = plainCopy(value);
        expect(copy === undefined).toBe(inputKey(value) === undefined);
        expect(copy?.value).toEqual(copy === undefined ? undefined : value);
        expect(copy && inputKey(copy.value)).toBe(inputKey(value));
      }),
      { seed: 1, numRuns: 300 },
    );
    expect(inputKey({ a: 1, b: 2 })).toBe(inputKey({ b: 2, a: 1 }));
  });

  it('tells apart what is alike', () => {
    const alike = [0, -0, '0', 0n, false, null, undefined, [], {}, [[]], [0, 0], ['00'], [0, [0]], [[0], 0], '[0]', NaN, 'NaN', new Date(0), { a: 1 }, { a: '1' }, ['a', 1], { a: undefined }, { 'a":1': 1 }, '\uD800', '\uFFFD', new Uint8Array([0]), new Int8Array([0]), new Uint8Array([0]).buffer, new Uint16Array([0]), new Uint8Array(2), [new Uint8Array([0]), new Uint8Array([0])], 'T', true, '!', 'U'];
    const long = alike.map((value) => ['x'.repeat(300), value]);
    const keys = [...alike, ...long].map(inputKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).not.toContain(undefined);
    for (const key of keys) expect(key!.length).toBeLessThanOrEqual(200);
  });

  it('is refused to what its contents do not tell', () => {
    const loop: unknown[] = [];
    loop.push(loop, loop);
    let deep: unknown = 0;
    for (let i = 0; i < 200; i++) deep = [deep];
    for (const value of [() => 0, Symbol('x'), new Map(), new (class X {})(), loop, deep, { a: { b: loop } }]) {
      expect(inputKey(value)).toBeUndefined();
      expect(plainCopy(value)).toBeUndefined();
    }
    expect(plainCopy(Buffer.from('x'))).toBeUndefined();
  });
});
