import { ABTest, isModelkeepError, MemoryStorage, type ABTestOptions, type Assignment, type Attributes, type Targeting } from 'modelkeep';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { growthbookHash, growthbookNamespace, growthbookRanges } from '../../src/experiments/assignment/growthbook.ts';
import { rangeOf, variantRanges, type BucketRange } from '../../src/experiments/assignment/variant-ranges.ts';

const storage = new MemoryStorage();
const ab = [{ name: 'A' }, { name: 'B' }];

function testOf(options: Partial<ABTestOptions> = {}): ABTest {
  return new ABTest({ storage, name: 't', variants: ab, ...options });
}

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `user-${i}`);
}

/** How many of these have each outcome. */
function tally(assignments: readonly Assignment[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { variant, reason } of assignments) counts[variant ?? reason] = (counts[variant ?? reason] ?? 0) + 1;
  return counts;
}

/** How many standard deviations a count of `n` is from the share `p`. */
function deviation(count: number, n: number, p: number): number {
  return Math.abs(count - n * p) / Math.sqrt(n * p * (1 - p));
}

describe('the cases of GrowthBook', () => {
  interface Golden {
    readonly hash: readonly [string, string, number, number | null][];
    readonly getEqualWeights: readonly [number, readonly number[]][];
    readonly getBucketRange: readonly [string, readonly [number, number, readonly number[] | null], readonly BucketRange[]][];
    readonly chooseVariation: readonly [string, number, readonly BucketRange[], number][];
    readonly inNamespace: readonly [string, string, readonly [string, number, number], boolean][];
  }
  const golden = JSON.parse(readFileSync(new URL('../fixtures/assignment.json', import.meta.url), 'utf8')) as Golden;

  it('hash', () => {
    for (const [seed, value, version, expected] of golden.hash) expect([seed, value, growthbookHash(seed, value, version) ?? null]).toEqual([seed, value, expected]);
  });

  it('getEqualWeights', () => {
    for (const [variants, expected] of golden.getEqualWeights) expect(growthbookRanges(variants, 1).map(([from, to]) => Number((to - from).toFixed(8)))).toEqual(expected);
  });

  it('getBucketRange', () => {
    for (const [name, [variants, coverage, weights], expected] of golden.getBucketRange) {
      const ranges = growthbookRanges(variants, coverage, weights ?? undefined);
      expect([name, ranges.map((range) => range.map((bound) => Number(bound.toFixed(12))))]).toEqual([name, expected]);
    }
  });

  it('chooseVariation', () => {
    for (const [name, bucket, ranges, expected] of golden.chooseVariation) expect([name, rangeOf(bucket, ranges)]).toEqual([name, expected]);
  });

  it('inNamespace', () => {
    for (const [name, unit, [layer, from, to], expected] of golden.inNamespace) expect([name, growthbookNamespace(unit, { name: layer, from, to })]).toEqual([name, expected]);
  });

  it('are what tests with its hash assign by', () => {
    const weights = [0.2, 0.3, 0.5];
    const variants = weights.map((weight, i) => ({ name: `v${i}`, weight }));
    for (const [version, hash] of [[1, 'growthbook-v1'], [2, 'growthbook-v2']] as const) {
      const test = testOf({ variants, hash, salt: 'seed', coverage: 0.4, layer: { name: 'checkout', from: 0, to: 0.7 } });
      for (const id of ids(500)) {
        const inside = growthbookNamespace(id, { name: 'checkout', from: 0, to: 0.7 });
        const index = rangeOf(growthbookHash('seed', id, version)!, growthbookRanges(3, 0.4, weights));
        expect(test.assign(id)).toEqual(inside ? (index < 0 ? { reason: 'not-covered' } : { variant: `v${index}`, reason: 'assigned' }) : { reason: 'layer' });
      }
    }
    expect(() => testOf({ hash: 'growthbook-v2', variants: [{ name: 'A', weight: 3 }, { name: 'B', weight: 1 }] })).toThrow('add up to 4');
  });
});

describe('assign', () => {
  it('gives each variant its share, the same wherever it is asked', () => {
    const variants = [{ name: 'A', weight: 1 }, { name: 'B', weight: 2, version: 7 }, { name: 'C', weight: 0 }, { name: 'D', weight: 5 }];
    const [one, other] = [testOf({ variants }), testOf({ variants, storage: new MemoryStorage() })];
    const units = ids(40_000);
    const counts = tally(units.map((id) => one.assign(id)));
    for (const { name, weight } of variants) if (weight > 0) expect(deviation(counts[name]!, units.length, weight / 8)).toBeLessThan(4);
    expect(counts['C']).toBeUndefined();
    expect(units.map((id) => other.assign(id))).toEqual(units.map((id) => one.assign(id)));
    expect(units.map((id) => one.assign(id)).find(({ variant }) => variant === 'B')).toEqual({ variant: 'B', version: 7, reason: 'assigned' });
  });

  it('moves nobody when more is covered, and covers each variant by its share', () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    for (let round = 0; round < 20; round++) {
      const variants = Array.from({ length: 2 + Math.floor(random() * 4) }, (_, i) => ({ name: `v${i}`, weight: random() * 10 }));
      const steps = Array.from({ length: 4 }, () => random()).sort((a, b) => a - b).concat(1);
      const tests = steps.map((coverage) => testOf({ variants, coverage, salt: `${seed}-${round}` }));
      for (const id of ids(400)) {
        const seen = tests.map((test) => test.assign(id).variant);
        const first = seen.findIndex((variant) => variant !== undefined);
        expect([seed, id, new Set(seen.slice(first)).size, first >= 0]).toEqual([seed, id, 1, true]);
      }
    }
  });

  it('leaves no gap and no overlap between variants that cover all', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 2_000; round++) {
      const ranges = variantRanges(Array.from({ length: 2 + Math.floor(random() * 8) }, () => (random() < 0.2 ? 0 : random() ** 8)).concat(1e-9), 1);
      expect(ranges[0]![0]).toBe(0);
      expect(ranges.at(-1)![1]).toBe(1);
      for (let i = 1; i < ranges.length; i++) if (ranges[i]![1] > ranges[i]![0]) expect(ranges[i]![0]).toBe(ranges.slice(0, i).findLast(([from, to]) => to > from)?.[1] ?? 0);
    }
  });

  it('keeps tests independent of each other, and those of one layer apart', () => {
    const units = ids(40_000);
    const [one, other] = [testOf({ name: 'one' }), testOf({ name: 'other' })];
    const agree = units.filter((id) => one.assign(id).variant === other.assign(id).variant).length;
    expect(deviation(agree, units.length, 0.5)).toBeLessThan(4);
    const layer = 'page';
    const left = testOf({ name: 'left', layer: { name: layer, from: 0, to: 0.3 } });
    const right = testOf({ name: 'right', layer: { name: layer, from: 0.3, to: 1 } });
    expect(units.every((id) => (left.assign(id).variant === undefined) !== (right.assign(id).variant === undefined))).toBe(true);
    const counts = tally(units.map((id) => left.assign(id)));
    expect(deviation(counts['layer']!, units.length, 0.7)).toBeLessThan(4);
    // A slice must not lean to one variant, nor to a slice of another layer.
    expect(deviation(counts['A']!, counts['A']! + counts['B']!, 0.5)).toBeLessThan(4);
    const elsewhere = testOf({ name: 'x', layer: { name: 'mail', from: 0, to: 0.3 } });
    const both = units.filter((id) => left.assign(id).variant !== undefined && elsewhere.assign(id).variant !== undefined).length;
    expect(deviation(both, units.length, 0.09)).toBeLessThan(4);
  });

  it('holds the same units out of all tests, and more when the share grows', () => {
    const units = ids(20_000);
    const heldOut = (options: Partial<ABTestOptions>): Set<string> => {
      const test = testOf(options);
      return new Set(units.filter((id) => test.assign(id).reason === 'holdout'));
    };
    const small = heldOut({ name: 'one', holdout: { share: 0.05 } });
    expect(deviation(small.size, units.length, 0.05)).toBeLessThan(4);
    expect(heldOut({ name: 'other', layer: { name: 'l', from: 0, to: 0.1 }, holdout: { share: 0.05 } })).toEqual(small);
    const large = heldOut({ holdout: { share: 0.2 } });
    expect([...small].every((id) => large.has(id))).toBe(true);
    expect(heldOut({ holdout: { share: 0.05, salt: 'quarter' } })).not.toEqual(small);
  });

  it('is for the units whose attributes are asked for', () => {
    const targets = (targeting: Targeting, attributes?: Attributes): boolean => {
      const { reason } = testOf({ targeting }).assign('u', attributes);
      expect(['assigned', 'not-targeted']).toContain(reason);
      return reason === 'assigned';
    };
    expect(targets({}, {})).toBe(true);
    expect(targets({ country: { in: ['DE', 'AT'] }, age: { gte: 18, lt: 65 } }, { country: 'AT', age: 18 })).toBe(true);
    expect(targets({ country: { in: ['DE', 'AT'] }, age: { gte: 18, lt: 65 } }, { country: 'AT', age: 65 })).toBe(false);
    expect(targets([{ country: { eq: 'DE' } }, { staff: { eq: true } }], { country: 'FR', staff: true })).toBe(true);
    expect(targets([{ country: { eq: 'DE' } }, { staff: { eq: true } }], { country: 'FR', staff: 'true' })).toBe(false);
    expect(targets({ country: { notIn: ['DE'], ne: 'FR' } }, { country: 'IT' })).toBe(true);
    expect(targets({ country: { notIn: ['DE'] } }, { country: 'DE' })).toBe(false);
    expect(targets({ country: { ne: 'DE' } })).toBe(false);
    expect(targets({ country: { exists: false } })).toBe(true);
    expect(targets({ country: { exists: false } }, { country: 'DE' })).toBe(false);
    expect(targets({ country: { exists: true } }, { country: null })).toBe(false);
    expect(targets({ age: { gt: 3, lte: 9 } }, { age: '5' })).toBe(false);
    expect(targets({ age: { ne: 3 } }, { age: NaN })).toBe(false);
    expect(targets({ toString: { exists: true } }, {})).toBe(false);
    expect(targets({ name: { gt: 'a', lte: 'b' } }, { name: 'b' })).toBe(true);
    expect(targets({ name: { gt: 'a' } }, { name: { evil: 1 } as unknown as string })).toBe(false);
  });

  it('gives units that are named what they are to have, before all else', () => {
    const test = testOf({ overrides: { 'user-1': 'B' }, targeting: { x: { eq: 1 } }, variants: [{ name: 'A' }, { name: 'B', version: 3 }] });
    expect(test.assign('user-1')).toEqual({ variant: 'B', version: 3, reason: 'override' });
    expect(test.assign('user-2')).toEqual({ reason: 'not-targeted' });
  });
});

describe('definitions', () => {
  it('are refused where they contradict themselves, with the place', () => {
    const refused: [Partial<ABTestOptions>, string][] = [
      [{ variants: [{ name: 'A' }] }, 'options.variants must have at least 2 elements'],
      [{ variants: [{ name: 'A' }, { name: 'A' }] }, "options.variants has 'A' twice"],
      [{ variants: [{ name: 'A', weight: -1 }, { name: 'B' }] }, 'options.variants[0].weight'],
      [{ variants: [{ name: 'A', weight: 0 }, { name: 'B', weight: 0 }] }, 'weights of all variants are 0'],
      [{ control: 'C' }, "options.control is 'C'"],
      [{ coverage: 1.5 }, 'options.coverage must be at most'],
      [{ coverage: NaN }, 'options.coverage'],
      [{ layer: { name: 'l', from: 0.5, to: 0.5 } }, 'options.layer goes from 0.5 to 0.5'],
      [{ holdout: { share: 1 } }, 'options.holdout.share'],
      [{ targeting: { country: {} } }, 'options.targeting.country tests nothing'],
      [{ targeting: [{ country: { like: 'D%' } as object }] }, 'options.targeting'],
      [{ overrides: { u: 'C' } }, 'options.overrides'],
      [{ metrics: [{ name: 'm', kind: 'median' as 'mean' }] }, 'options.metrics[0].kind'],
      [{ metrics: [{ name: 'm', kind: 'mean', windw: 1 } as object as { name: string; kind: 'mean' }] }, 'options.metrics[0] has unknown options: windw'],
      [{ metrics: [{ name: 'm', kind: 'mean', window: 0 }] }, 'options.metrics[0].window is 0'],
      [{ metrics: [{ name: 'm', kind: 'mean', before: '5 days' as '5d' }] }, 'options.metrics[0].before'],
      [{ metrics: [{ name: 'm', kind: 'quantile', probability: 1 }] }, 'options.metrics[0].probability'],
      [{ metrics: [{ name: 'm', kind: 'mean' }, { name: 'm', kind: 'count' }] }, "options.metrics has 'm' twice"],
      [{ segments: ['a', 'a'] }, "options.segments has 'a' twice"],
      [{ lookInterval: -1 }, 'options.lookInterval'],
      [{ unheard: 1 } as object, 'options has unknown options: unheard'],
    ];
    for (const [options, message] of refused) expect(() => testOf(options), message).toThrow(message);
  });

  it('take units that are texts', () => {
    for (const unit of [undefined, 42, '', null]) {
      try {
        testOf().assign(unit as string);
        expect.fail('taken');
      } catch (error) {
        expect(isModelkeepError(error, 'validation')).toBe(true);
      }
    }
  });
});
