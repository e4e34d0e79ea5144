import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { throwIfAborted } from '../../src/core/abort.ts';
import { collectBytes, concatBytes, fromBase64, fromUtf8, isWellFormed, toBase64, toHex, utf8 } from '../../src/core/bytes.ts';
import { crc32 } from '../../src/core/crc32.ts';
import { Emitter } from '../../src/core/emitter.ts';
import { ConflictError, isModelkeepError, ModelkeepError, StorageError } from '../../src/core/errors.ts';
import { describeFailure } from '../../src/core/failure.ts';
import { isId, newId } from '../../src/core/ids.ts';
import { eachItem } from '../../src/core/page.ts';
import { check, validateWith, type StandardSchema } from '../../src/core/schema.ts';
import { shown } from '../../src/core/shown.ts';

describe('bytes', () => {
  it('go to text and back as the host has it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 5 }), (a, b) => {
        expect(toHex(a)).toBe(Buffer.from(a).toString('hex'));
        expect(toBase64(a)).toBe(Buffer.from(a).toString('base64'));
        expect(fromBase64(toBase64(a))).toEqual(a);
        expect(concatBytes([a, b, a])).toEqual(Uint8Array.from([...a, ...b, ...a]));
      }),
    );
    const large = new Uint8Array(200_000).fill(7);
    expect(fromBase64(toBase64(large))).toEqual(large);
  });

  it('hold texts that are well formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\ud83d', '\ude00', '\ud800', 'é') }), (text) => {
        expect(isWellFormed(text)).toBe(fromUtf8(utf8(text)) === text);
      }),
    );
    expect(fromUtf8(utf8('\ufeffbom'))).toBe('\ufeffbom');
    expect(() => fromUtf8(Uint8Array.of(0xc0))).toThrow(TypeError);
  });

  it('are collected from a stream', async () => {
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      yield utf8('one ');
      yield utf8('two');
    };
    expect(fromUtf8(await collectBytes(stream()))).toBe('one two');
  });
});

describe('crc32', () => {
  it("is zlib's, in one go or in two", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, cut) => {
        const expected = zlibCrc32(bytes);
        const at = cut % (bytes.length + 1);
        expect(crc32(bytes)).toBe(expected);
        expect(crc32(bytes.subarray(at), crc32(bytes.subarray(0, at)))).toBe(expected);
      }),
    );
  });
});

describe('Emitter', () => {
  interface Events {
    tick: number;
    end: string;
  }

  it('tells the listeners of a name, in the order of their coming, until undone', () => {
    const emitter = new Emitter<Events>(() => undefined);
    const told: string[] = [];
    const undo = emitter.on('tick', (n) => told.push(`first ${n}`));
    emitter.on('tick', (n) => told.push(`second ${n}`));
    emitter.emit('tick', 1);
    undo();
    undo();
    emitter.emit('tick', 2);
    emitter.emit('end', 'x');
    expect(told).toEqual(['first 1', 'second 1', 'second 2']);
  });

  it('counts one function that listens twice as two', () => {
    const emitter = new Emitter<Events>(() => undefined);
    const listener = vi.fn();
    const undo = emitter.on('tick', listener);
    emitter.on('tick', listener);
    undo();
    emitter.emit('tick', 1);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('tells no one who was undone meanwhile, nor who came meanwhile', () => {
    const emitter = new Emitter<Events>(() => undefined);
    const late = vi.fn();
    const undone = vi.fn();
    emitter.on('tick', () => {
      undo();
      emitter.on('tick', late);
    });
    const undo = emitter.on('tick', undone);
    emitter.emit('tick', 1);
    expect([undone.mock.calls.length, late.mock.calls.length]).toEqual([0, 0]);
  });

  it('goes on when a listener throws, and reports it', () => {
    const errors: unknown[] = [];
    const emitter = new Emitter<Events>((error) => errors.push(error));
    const after = vi.fn();
    emitter.on('tick', () => {
      throw new Error('broken');
    });
    emitter.on('tick', after);
    emitter.emit('tick', 1);
    expect([errors, after.mock.calls]).toEqual([[new Error('broken')], [[1]]]);
  });
});

describe('errors', () => {
  it('are known by their brand and code, across copies of the package', async () => {
    const error = new StorageError('storage-full', 'Full.', { key: 'a', cause: new Error('ENOSPC'), free: 0 });
    expect([error.name, error.code, error.details, error.cause]).toEqual(['StorageError', 'storage-full', { key: 'a', free: 0 }, new Error('ENOSPC')]);
    // A query makes the loader evaluate the module once more.
    const copyUrl = '../../src/core/errors.ts?copy';
    const copy = (await import(/* @vite-ignore */ copyUrl)) as typeof import('../../src/core/errors.ts');
    expect(copy.ModelkeepError).not.toBe(ModelkeepError);
    expect(error).not.toBeInstanceOf(copy.ModelkeepError);
    expect([copy.isModelkeepError(error), copy.isModelkeepError(error, 'storage-full'), copy.isModelkeepError(error, 'conflict', 'storage')]).toEqual([true, true, false]);
    expect(isModelkeepError(new copy.ConflictError('x'), 'conflict')).toBe(true);
  });

  it('are not mistaken for others', () => {
    for (const other of [new Error('x'), { code: 'conflict' }, null, undefined, 'conflict', JSON.parse(JSON.stringify(new ConflictError('x')))]) expect(isModelkeepError(other)).toBe(false);
    expect('cause' in new ConflictError('x')).toBe(false);
  });

  it('tell of themselves as data', () => {
    expect(describeFailure(new ConflictError('Taken.'))).toEqual({ name: 'ConflictError', message: 'Taken.', code: 'conflict' });
    expect(describeFailure('text')).toEqual({ name: 'string', message: 'text' });
    expect(describeFailure(undefined)).toEqual({ name: 'undefined', message: 'undefined' });
    expect(describeFailure({ message: 5 })).toEqual({ name: 'Error', message: '[object Object]' });
  });

  it('say that a caller aborted, and why', () => {
    expect(() => throwIfAborted(AbortSignal.abort('reason'), 'The join')).toThrow(expect.objectContaining({ code: 'aborted', message: 'The join was aborted by its caller.', cause: 'reason' }));
    throwIfAborted(undefined, 'x');
    throwIfAborted(new AbortController().signal, 'x');
  });
});

describe('shown', () => {
  it('shows anything, briefly', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect([5n, cyclic, undefined, Symbol('s'), NaN, 'text', { a: 1n }].map((value) => shown(value))).toEqual(['5n', '[object Object]', 'undefined', 'Symbol(s)', 'NaN', '"text"', '[object Object]']);
    expect([new Date(NaN), new Date(0), new Map([[1, 2]])].map((value) => shown(value))).toEqual(['Invalid Date', '"1970-01-01T00:00:00.000Z"', '[object Map]']);
    expect(shown('x'.repeat(500), 10)).toBe('"xxxxxxxxx…');
  });
});

describe('check', () => {
  const schema = z.strictObject({ name: z.string().check(z.minLength(1)), count: z.optional(z.number().check(z.gte(1), z.lte(9))), kind: z.optional(z.enum(['a', 'b'])), list: z.optional(z.array(z.number())) });

  it('gives back what is right and names the place of what is not', () => {
    expect(check(schema, { name: 'x', count: 3 }, 'options')).toEqual({ name: 'x', count: 3 });
    const wrong: [unknown, string][] = [
      [{}, 'options.name is missing; it must be a string.'],
      [{ name: 5 }, 'options.name must be a string.'],
      [{ name: '' }, 'options.name must not be empty.'],
      [{ name: 'x', count: 0 }, 'options.count must be at least 1.'],
      [{ name: 'x', count: 10 }, 'options.count must be at most 9.'],
      [{ name: 'x', kind: 'c' }, 'options.kind must be one of "a", "b".'],
      [{ name: 'x', list: [1, 'y'] }, 'options.list[1] must be a number.'],
      [{ name: 'x', list: 5 }, 'options.list must be an array.'],
      [undefined, 'options is missing; it must be an object.'],
      [{ name: 'x', nmae: 1 }, 'options has unknown options: nmae.'],
      [5, 'options must be an object.'],
    ];
    for (const [value, message] of wrong) expect(() => check(schema, value, 'options')).toThrow(expect.objectContaining({ code: 'validation', message }));
  });

  it('asks any Standard Schema, at once or later', async () => {
    const standard = (validate: StandardSchema['~standard']['validate']): StandardSchema => ({ '~standard': { version: 1, vendor: 'test', validate } });
    await expect(validateWith(standard((value) => ({ value })), 5, 'input')).resolves.toBe(5);
    const refusing = standard(async () => ({ issues: [{ message: 'too late', path: ['rows', 3, { key: 'date' }] }] }));
    await expect(validateWith(refusing, 5, 'input')).rejects.toMatchObject({ code: 'validation', message: 'input.rows[3].date is not valid: too late.', details: { path: 'input.rows[3].date' } });
    await expect(validateWith(standard(() => ({ issues: [] })), 5, 'input')).rejects.toThrow('the schema gave no reason');
    await expect(validateWith(z.number(), 'x', 'input')).rejects.toMatchObject({ code: 'validation' });
    for (const answer of [undefined, null]) {
      await expect(validateWith(standard(() => answer as never), 5, 'input')).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(`its schema answered ${answer};`) as string });
    }
  });
});

describe('ids', () => {
  it('are ordered by the time of their making, and known', () => {
    const ids = Array.from({ length: 1000 }, newId);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(1000);
    expect(ids.every(isId)).toBe(true);
    for (const text of ['', ids[0]!.toUpperCase(), '00000000-0000-4000-8000-000000000000', 'x']) expect(isId(text)).toBe(false);
  });
});

describe('eachItem', () => {
  it('walks through all pages', async () => {
    const items: number[] = [];
    for await (const item of eachItem(async (after) => ({ items: [Number(after ?? 0), 1], next: after === '2' ? undefined : String(Number(after ?? 0) + 1) }))) items.push(item);
    expect(items).toEqual([0, 1, 1, 1, 2, 1]);
  });
});
