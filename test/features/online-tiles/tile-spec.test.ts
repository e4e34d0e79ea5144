import { describe, expect, it } from 'vitest';
import { aggregate } from 'modelkeep';
import { tileKeyOf } from '../../../src/features/online-tiles/tile-spec.ts';

describe('tiles', () => {
  it('have the names under which stores have them already', () => {
    const window = { window: '30d', hop: '1d' } as const;
    expect(tileKeyOf(aggregate.mean('x', window))).toBe('["[\\"totals\\",86400000,null]",["x"],null]');
    expect(tileKeyOf(aggregate.ratio('x', 'y', { window: 'lifetime', where: { n: { gt: 2n } } }))).toBe('["[\\"totals\\",\\"lifetime\\",null]",["x","y"],{"n":{"gt":"2n"}}]');
    expect(tileKeyOf(aggregate.lastK('x', 3, { ...window, by: 'kind' }))).toBe('["[\\"lastK\\",86400000,\\"kind\\",3]",["x"],null]');
    expect(tileKeyOf(aggregate.std('x', window))).toBeUndefined();
  });
});
