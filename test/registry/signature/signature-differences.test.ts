import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkData, signatureDifferences, signatureOf, type ColumnSpec, type DataSpec, type ValueSpec } from 'modelkeep';
import { tensorSpecs, valueSpecs, valuesNear, variantsOf } from './arbitrary-spec.ts';

function accepts(spec: DataSpec, value: unknown): boolean {
  try {
    checkData(spec, value, 'data');
    return true;
  } catch {
    return false;
  }
}

/** Outputs are read by those who pass over columns that they do not know. */
function open(spec: DataSpec): DataSpec {
  if (spec.type === 'list') return { ...spec, items: open(spec.items) as ValueSpec };
  return spec.type === 'row' ? { ...spec, others: 'ignored', columns: spec.columns.map((column) => open(column) as ColumnSpec) } : spec;
}

const reasons = (candidate: DataSpec, incumbent: DataSpec, side: 'input' | 'output' = 'input'): string[] =>
  signatureDifferences({ [side]: candidate }, { [side]: incumbent }).map(({ path, reason }) => `${path} ${reason}`);
const row = (...columns: Extract<DataSpec, { type: 'row' }>['columns']): DataSpec => ({ type: 'row', columns });

describe('signatureDifferences', () => {
  it('finds none between a signature and itself', () => {
    fc.assert(
      fc.property(fc.oneof(valueSpecs, tensorSpecs), (spec) => {
        expect(signatureDifferences({ input: spec, output: spec }, { input: spec, output: spec })).toEqual([]);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('never calls a candidate a replacement that refuses an input which was taken', () => {
    let told = 0;
    const pairs = valueSpecs.chain((incumbent) => fc.record({ incumbent: fc.constant(incumbent), candidate: fc.oneof(variantsOf(incumbent), valueSpecs), value: valuesNear(incumbent) }));
    fc.assert(
      fc.property(pairs, ({ incumbent, candidate, value }) => {
        if (!accepts(incumbent, value) || reasons(candidate, incumbent).length > 0) return;
        told += JSON.stringify(candidate) === JSON.stringify(incumbent) ? 0 : 1;
        expect(accepts(candidate, value)).toBe(true);
      }),
      { seed: 2, numRuns: 6_000 },
    );
    expect(told).toBeGreaterThan(800);
  });

  it.each([['lower', 'minimum', 'exclusiveMinimum'], ['upper', 'maximum', 'exclusiveMaximum']])('knows where numbers end, to the last one: %s ends', (_end, closed, open) => {
    const ends = [undefined, -1, -0.5, 0];
    const specs = (['float64', 'int64'] as const).flatMap((type) => ends.flatMap((a) => ends.map((b): ValueSpec => ({ type, [closed]: a, [open]: b }))));
    const values = [-(2 ** 40), ...Array.from({ length: 17 }, (_, i) => (i - 8) / 4), 2 ** 40];
    const taken = specs.map((spec) => values.filter((value) => accepts(spec, value)));
    specs.forEach((wide, w) => {
      specs.forEach((narrow, n) => {
        // Integers beyond 2^53 are the one thing that these values do not show.
        const all = taken[n]!.every((value) => taken[w]!.includes(value)) && !(wide.type === 'float64' && narrow.type === 'int64');
        expect([wide, narrow, reasons(wide, narrow).length === 0]).toEqual([wide, narrow, all]);
      });
    });
  });

  it('never calls a candidate a replacement that gives an output which the incumbent would not', () => {
    let told = 0;
    const pairs = valueSpecs.chain((candidate) => fc.record({ candidate: fc.constant(candidate), incumbent: fc.oneof(variantsOf(candidate), valueSpecs), value: valuesNear(candidate) }));
    fc.assert(
      fc.property(pairs, ({ incumbent, candidate, value }) => {
        if (!accepts(candidate, value) || reasons(candidate, incumbent, 'output').length > 0) return;
        told += JSON.stringify(candidate) === JSON.stringify(incumbent) ? 0 : 1;
        // What the candidate says nothing of is nobody's column.
        if (!JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)).includes('"other"')) expect(accepts(open(incumbent), value)).toBe(true);
      }),
      { seed: 3, numRuns: 6_000 },
    );
    expect(told).toBeGreaterThan(800);
  });

  it('holds for tensors as well', () => {
    let told = 0;
    const pairs = fc.tuple(tensorSpecs, tensorSpecs).chain(([a, b]) => fc.record({ a: fc.constant(a), b: fc.constant(b), value: valuesNear(b) }));
    fc.assert(
      fc.property(pairs, ({ a, b, value }) => {
        expect(accepts(b, value)).toBe(true);
        if (reasons(a, b).length > 0) return;
        told++;
        expect(accepts(a, value)).toBe(true);
      }),
      { seed: 4, numRuns: 3_000 },
    );
    expect(told).toBeGreaterThan(40);
  });

  it('lets inputs widen and says in words where they narrow', () => {
    const incumbent = row({ name: 'distance', type: 'int64', minimum: 0, maximum: 9 }, { name: 'origin', type: 'string', values: ['ATL', 'JFK'] });
    expect(reasons(row({ name: 'distance', type: 'float64', minimum: -1 }, { name: 'origin', type: 'string', nullable: true }, { name: 'new', type: 'bool', required: false }), incumbent)).toEqual([]);
    expect(reasons(row({ name: 'distance', type: 'int64', exclusiveMinimum: 0 }, { name: 'origin', type: 'string', values: ['ATL'] }, { name: 'new', type: 'bool' }), incumbent)).toEqual([
      'input.distance does not take numbers below 1 any more',
      'input.origin does not take "JFK" any more',
      'input.new must be there now',
    ]);
    expect(reasons({ type: 'row', columns: [], others: 'refused' }, incumbent)).toEqual([
      'input.distance is not taken any more',
      'input.origin is not taken any more',
      'input does not take columns that it does not know any more',
    ]);
  });

  it('lets outputs narrow and says in words where they widen', () => {
    const incumbent: DataSpec = { type: 'row', others: 'refused', columns: [{ name: 'score', type: 'float64', minimum: 0, maximum: 1 }, { name: 'label', type: 'string', required: false }] };
    expect(reasons(row({ name: 'score', type: 'float64', values: [0, 1] }, { name: 'more', type: 'bool' }), incumbent, 'output')).toEqual([]);
    expect(reasons(row({ name: 'score', type: 'float64', nullable: true, minimum: 0, required: false }, { name: 'label', type: 'bool' }), incumbent, 'output')).toEqual([
      'output.score may be missing now',
      'output.score may give null now',
      'output.score may give numbers above 1 now',
      'output.label may give false, true now',
    ]);
    expect(reasons(row(), incumbent, 'output')).toEqual(['output.score is not given any more']);
  });

  it('does not take the counted names of layers for a difference, and names for what they are in a graph', () => {
    const tensors = (by: 'name' | 'position', name: string, shape: (number | null)[]): DataSpec => ({ type: 'tensors', by, tensors: [{ name, dtype: 'float32', shape }] });
    expect(reasons(tensors('position', 'dense_2_input', [null, 3]), tensors('position', 'dense_1_input', [null, 3]))).toEqual([]);
    expect(reasons(tensors('position', 'x', [null, 4]), tensors('position', 'x', [8, 3]))).toEqual(['input has the shape [any, 4] where it had [8, 3]']);
    expect(reasons(tensors('name', 'y', [1]), tensors('name', 'x', [1]))).toEqual(['input.y must be there now', 'input.x is not taken any more']);
    expect(reasons(tensors('name', 'x', [1]), row())).toEqual(['input does not take rows any more']);
  });

  it('asks nothing of sides that the incumbent does not tell, and everything of those that it does', () => {
    const { input } = signatureOf({ input: { type: 'string' } });
    expect(signatureDifferences({}, {})).toEqual([]);
    expect(signatureDifferences({ input }, {})).toEqual([]);
    expect(signatureDifferences({}, { input })).toMatchObject([{ path: 'input', reason: expect.stringContaining('is not told any more') as string }]);
  });
});
