import { afterEach, describe, expect, it, vi } from 'vitest';
import { IdMaker, isId, newId } from '../../src/core/ids.ts';

describe.each([
  ['newId', () => newId],
  ['an IdMaker', () => {
    const maker = new IdMaker();
    return () => maker.next();
  }],
])('%s', (_, open) => {
  afterEach(() => vi.useRealTimers());

  it('makes UUIDv7s that are unique and in order, as many as there are in a millisecond, also when the clock goes back', () => {
    const next = open();
    vi.useFakeTimers({ now: 4_000_000_000_000 });
    const ids = Array.from({ length: 5_000 }, next);
    vi.setSystemTime(3_999_999_999_000);
    ids.push(...Array.from({ length: 5_000 }, next));
    vi.setSystemTime(4_000_000_000_001);
    ids.push(next());
    expect(ids.every(isId)).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    // Bits of their own behind the time and the count.
    expect(new Set(ids.map((id) => id.slice(24))).size).toBe(ids.length);
  });
});

describe('an IdMaker', () => {
  afterEach(() => vi.restoreAllMocks());

  it('asks the host for the random bytes of many ids at once, and makes others than the next one at the same time', () => {
    const asked = vi.spyOn(crypto, 'getRandomValues');
    const [one, other] = [new IdMaker(), new IdMaker()];
    const ids = Array.from({ length: 1_024 }, () => [one.next(), other.next()]).flat();
    expect(new Set(ids.map((id) => id.slice(24))).size).toBe(2_048);
    expect(asked.mock.calls.length).toBe(8);
  });
});
