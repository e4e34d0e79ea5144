import { afterEach, describe, expect, it, vi } from 'vitest';
import { isId, newId } from '../../src/core/ids.ts';

describe('newId', () => {
  afterEach(() => vi.useRealTimers());

  it('makes UUIDv7s that are unique and in order, as many as there are in a millisecond, also when the clock goes back', () => {
    vi.useFakeTimers({ now: 4_000_000_000_000 });
    const ids = Array.from({ length: 5_000 }, newId);
    vi.setSystemTime(3_999_999_999_000);
    ids.push(...Array.from({ length: 5_000 }, newId));
    vi.setSystemTime(4_000_000_000_001);
    ids.push(newId());
    expect(ids.every(isId)).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    // Bits of their own behind the time and the count.
    expect(new Set(ids.map((id) => id.slice(24))).size).toBe(ids.length);
  });
});
