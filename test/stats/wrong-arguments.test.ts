import { describe, expect, it } from 'vitest';
import { isModelkeepError } from 'modelkeep';
import { rightCalls, type RightCall } from './right-calls.ts';

/** What says that it is longer than any list, and tells when it is read to the end for all that. */
const endless: unknown = new Proxy({ length: 1e15, reads: 0 }, {
  get(list, key) {
    if (key === 'length') return list.length;
    if (typeof key === 'string' && /^\d+$/.test(key) && ++list.reads > 100_000) throw new RangeError('A list without end was read.');
    return undefined;
  },
});

const wrong: readonly unknown[] = [
  null, undefined, 'text', '', 7, -1, 0.5, NaN, Infinity, 1n, true, Symbol('s'), () => NaN, {}, [], [null], [[]], ['a', {}], [Symbol('t')], [1n], { length: -1 }, { length: NaN }, endless,
  { valueOf: () => 1n }, new Map(), new Date(NaN), Object.create(null),
];

/** The arguments with each thing in them replaced, to a depth of two. */
function* replaced(given: unknown, value: unknown, depth = 3): Generator<unknown> {
  if (depth < 3) yield value;
  if (depth === 0 || typeof given !== 'object' || given === null) return;
  if (Array.isArray(given)) {
    // All places of a list of arguments, and the first and the last of other lists.
    const at = depth === 3 ? given.map((_, i) => i) : given.length === 0 ? [] : [...new Set([0, given.length - 1])];
    for (const i of at) for (const other of replaced(given[i], value, depth - 1)) yield given.with(i, other);
  } else if (Object.getPrototypeOf(given) === Object.prototype) {
    for (const [key, inside] of Object.entries(given)) for (const other of replaced(inside, value, depth - 1)) yield { ...given, [key]: other };
  }
}

/** What a call did; `undefined` where it gave a result or a coded error. */
async function offence(call: RightCall['call'], args: readonly unknown[]): Promise<string | undefined> {
  try {
    await (call as (...given: unknown[]) => unknown)(...args);
    return undefined;
  } catch (error) {
    return isModelkeepError(error) ? undefined : error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error';
  }
}

const isList = (value: unknown): boolean => Array.isArray(value) && value.length > 0;
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isOptions = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

describe('wrong arguments', () => {
  it.each(rightCalls.map((right) => [right.name, right] as const))('%s works', async (_, { call, args }) => {
    await (call as (...given: unknown[]) => unknown)(...args);
  });

  it.each(rightCalls.map((right) => [right.name, right] as const))('%s answers or throws a coded error', async (_, { call, args }) => {
    const offences: string[] = [];
    for (const value of wrong) {
      for (const given of replaced(args, value)) {
        const error = await offence(call, given as unknown[]);
        if (error !== undefined) offences.push(`${textOf(given)}: ${error}`);
      }
    }
    const error = await offence(call, []);
    if (error !== undefined) offences.push(`nothing: ${error}`);
    expect(offences.slice(0, 5).join('\n')).toBe('');
  });

  it.each(rightCalls.filter(({ args }) => args.some((one) => isList(one) || isOptions(one))).map((right) => [right.name, right] as const))(
    '%s refuses what is no list and no options',
    async (_, { call, args }) => {
      for (let i = 0; i < args.length; i++) {
        for (const value of [null, 'text', '', 7, true, Symbol('s'), { length: -1 }]) {
          if (isList(args[i]) || (isOptions(args[i]) && !(typeof value === 'object' && value !== null))) {
            const act = async (): Promise<unknown> => (call as (...given: unknown[]) => unknown)(...args.with(i, value));
            await expect(act(), `argument ${i} is ${textOf(value)}`).rejects.toMatchObject({ code: 'validation' });
          }
        }
      }
    },
  );

  it.each(rightCalls.filter(({ args }) => args.some((one) => isOptions(one) && Object.values(one as object).some(isFlag))).map((right) => [right.name, right] as const))(
    '%s takes true or false and nothing else for a flag',
    async (_, { call, args }) => {
      for (const [i, one] of args.entries()) {
        if (!isOptions(one)) continue;
        for (const key of Object.keys(one as object).filter((key) => isFlag((one as Record<string, unknown>)[key]))) {
          const act = async (): Promise<unknown> => (call as (...given: unknown[]) => unknown)(...args.with(i, { ...(one as object), [key]: 'no' }));
          await expect(act(), key).rejects.toMatchObject({ code: 'validation' });
        }
      }
    },
  );

  it.each(rightCalls.filter(({ name }) => name.endsWith('.fromJSON')).map((right) => [right.name, right] as const))('%s says where a stored state is wrong, in the same words', (_, { call, args }) => {
    const state = args[0] as Record<string, unknown>;
    const load = call as (given: unknown) => unknown;
    expect(() => load(null)).toThrow(`state is null and must be the object that the toJSON() of '${String(state['kind'])}' gave.`);
    expect(() => load({ ...state, kind: 'other' })).toThrow(`state.kind is "other" and must be '${String(state['kind'])}'`);
    expect(() => load({ ...state, version: 2 })).toThrow('state.version is 2 and must be 1');
    for (const key of Object.keys(state)) expect(() => load({ ...state, [key]: Symbol('s') }), key).toThrow(new RegExp(`^state\\.${key}`));
  });
});

function textOf(given: unknown): string {
  return JSON.stringify(given, (_, value: unknown) => (typeof value === 'symbol' || typeof value === 'bigint' || typeof value === 'function' || value === undefined ? String(value) : value));
}
