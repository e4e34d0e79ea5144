import fc from 'fast-check';
import type { ColumnSpec, DataSpec, NumberSpec, TensorSpec, ValueSpec } from 'modelkeep';

const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'a b');
const nullable = fc.option(fc.boolean(), { nil: undefined });
const edge = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-0.5, 0.5, 2 ** 53, -(2 ** 60)));
const optionalEdge = fc.option(edge, { nil: undefined, freq: 1 });

function clean<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}

function ordered<T extends Record<string, unknown>>(low: keyof T, high: keyof T): (value: T) => boolean {
  return (value) => value[low] === undefined || value[high] === undefined || (value[low] as number) <= (value[high] as number);
}

const numberSpec: fc.Arbitrary<ValueSpec> = fc
  .record({ type: fc.constantFrom('float64' as const, 'int64' as const), nullable, minimum: optionalEdge, maximum: optionalEdge, exclusiveMinimum: optionalEdge, exclusiveMaximum: optionalEdge })
  .chain((spec) => {
    const values = fc.option(fc.uniqueArray(spec.type === 'int64' ? fc.integer({ min: -3, max: 3 }) : fc.constantFrom(-3, -0.5, 0, 0.5, 3), { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 1 });
    return values.map((each) => clean({ ...spec, values: each }));
  })
  .filter((spec) => Math.max(spec.minimum ?? -Infinity, (spec.exclusiveMinimum ?? -Infinity) + 1) < Math.min(spec.maximum ?? Infinity, (spec.exclusiveMaximum ?? Infinity) - 1));

const stringSpec = fc
  .record({
    type: fc.constant('string' as const),
    nullable,
    values: fc.option(fc.uniqueArray(fc.constantFrom('', 'x', 'xy', '𝕏'), { minLength: 1 }), { nil: undefined, freq: 1 }),
    minLength: fc.option(fc.nat(2), { nil: undefined }),
    maxLength: fc.option(fc.nat(3), { nil: undefined }),
    pattern: fc.option(fc.constantFrom('^x', 'y$'), { nil: undefined, freq: 1 }),
  })
  .filter(ordered('minLength', 'maxLength'))
  .map(clean);
const boolSpec = fc.record({ type: fc.constant('bool' as const), nullable, values: fc.option(fc.constantFrom([true], [false], [true, false]), { nil: undefined }) }).map(clean);
const plainSpec = fc.record({ type: fc.constantFrom('timestamp' as const, 'json' as const), nullable }).map(clean);

const { value } = fc.letrec<{ value: ValueSpec; list: ValueSpec; row: ValueSpec; column: ColumnSpec }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, numberSpec, stringSpec, boolSpec, plainSpec, tie('list'), tie('row'), tie('row')),
  list: fc
    .record({ type: fc.constant('list' as const), nullable, items: tie('value'), minItems: fc.option(fc.nat(2), { nil: undefined }), maxItems: fc.option(fc.nat(3), { nil: undefined }) })
    .filter(ordered('minItems', 'maxItems'))
    .map(clean),
  row: fc
    .record({
      type: fc.constant('row' as const),
      nullable,
      columns: fc.uniqueArray(tie('column'), { maxLength: 4, selector: (column) => column.name }),
      others: fc.option(fc.constantFrom('ignored' as const, 'refused' as const), { nil: undefined }),
    })
    .map(clean),
  column: fc.record({ name, spec: tie('value'), required: fc.option(fc.boolean(), { nil: undefined }) }).map(({ spec, ...rest }) => ({ ...spec, ...clean(rest) })),
}));

const tensor: fc.Arbitrary<TensorSpec> = fc
  .record({
    name: fc.constantFrom('x', 'y', 'z'),
    dtype: fc.constantFrom('float32' as const, 'int32' as const),
    shape: fc.option(fc.array(fc.option(fc.integer({ min: 1, max: 2 })), { maxLength: 2 }), { nil: undefined }),
  })
  .map(clean);

/** Any specification of values. */
export const valueSpecs: fc.Arbitrary<ValueSpec> = value;

/** Any specification of tensors. */
export const tensorSpecs: fc.Arbitrary<DataSpec> = fc.record({
  type: fc.constant('tensors' as const),
  by: fc.constantFrom('name' as const, 'position' as const),
  tensors: fc.uniqueArray(tensor, { minLength: 1, maxLength: 2, selector: (each) => each.name }),
});

/** A value that is near to what a specification says: most are what it says, the others show where it ends. */
export function valuesNear(spec: DataSpec): fc.Arbitrary<unknown> {
  if (spec.type === 'tensors') {
    const tensors = spec.tensors.map(({ dtype, shape }) =>
      fc.record({ dtype: fc.constant(dtype), shape: shape ? fc.tuple(...shape.map((size) => (size === null ? fc.nat(3) : fc.constant(size)))) : fc.array(fc.nat(2), { maxLength: 2 }) }),
    );
    if (spec.by === 'position') return fc.tuple(...tensors);
    return fc.tuple(...tensors).map((each) => Object.fromEntries(spec.tensors.map(({ name: key }, i) => [key, each[i]])));
  }
  const inner = innerValues(spec);
  return spec.nullable === true ? fc.oneof({ weight: 4, arbitrary: inner }, fc.constant(null)) : inner;
}

function innerValues(spec: ValueSpec): fc.Arbitrary<unknown> {
  switch (spec.type) {
    case 'float64':
    case 'int64':
      return numbersNear(spec);
    case 'string':
      return fc.oneof(fc.constantFrom(...(spec.values ?? ['', 'x', 'xy', 'xyy', '𝕏', 'x𝕏y'])), fc.string({ maxLength: 4 }));
    case 'bool':
      return fc.boolean();
    case 'timestamp':
      return fc.oneof(fc.date({ noInvalidDate: true }), fc.integer(), fc.constant('2001-02-03T04:05:06Z'));
    case 'json':
      return fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.date());
    case 'list':
      return fc.array(valuesNear(spec.items), { minLength: spec.minItems ?? 0, maxLength: spec.maxItems ?? (spec.minItems ?? 0) + 2 });
    case 'row': {
      const cells = spec.columns.map((column) => (column.required === false ? fc.option(valuesNear(column), { nil: undefined }) : valuesNear(column)));
      const others = spec.others === 'refused' ? fc.constant({}) : fc.constantFrom({}, { other: 1 });
      return fc.tuple(fc.tuple(...cells), others).map(([each, extra]) => ({ ...extra, ...Object.fromEntries(spec.columns.map((column, i) => [column.name, each[i]])) }));
    }
  }
}

function numbersNear({ values, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: NumberSpec): fc.Arbitrary<unknown> {
  const ends = [0, minimum, maximum, exclusiveMinimum, exclusiveMaximum, ...(values ?? [])].filter((end) => end !== undefined);
  const near = fc.constantFrom(...ends.flatMap((end) => [end, end + 1, end - 1, end + 0.25, end - 0.25]));
  return fc.oneof(near, near.filter(Number.isInteger).map(BigInt), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.double({ noNaN: true, noDefaultInfinity: true }));
}

/** A specification that differs from another in one place, or in a few, or not at all. */
export function variantsOf(spec: ValueSpec): fc.Arbitrary<ValueSpec> {
  const here: fc.Arbitrary<ValueSpec>[] = [fc.constant(spec), nullable.map((each) => clean({ ...spec, nullable: each })), fc.constant(bare(spec))];
  if (spec.type === 'float64' || spec.type === 'int64') here.push(numberSpec, fc.constant(clean({ ...spec, type: 'float64', values: undefined })));
  if (spec.type === 'string') here.push(stringSpec);
  if (spec.type === 'bool') here.push(boolSpec);
  if (spec.type === 'list') here.push(variantsOf(spec.items).map((items) => ({ ...spec, items })));
  if (spec.type === 'row') {
    const columns = spec.columns.map((column) =>
      fc.record({ kept: fc.integer({ min: 0, max: 9 }), variant: variantsOf(column), required: fc.constantFrom(undefined, true, false, column.required) }).map(({ kept, variant, required }) => {
        const { name: key } = column;
        return kept === 0 ? [] : [clean({ ...variant, name: key, required })];
      }),
    );
    const added = fc.option(valueSpecs, { nil: undefined, freq: 1 }).map((each) => (each ? [{ ...each, name: 'new', required: false }] : []));
    const others = fc.constantFrom(undefined, spec.others);
    here.push(fc.tuple(added, others, ...columns).map(([more, rest, ...kept]) => clean({ ...spec, columns: [...kept.flat(), ...more], others: rest })));
  }
  return fc.oneof(...here);
}

function bare(spec: ValueSpec): ValueSpec {
  if (spec.type === 'list') return { type: 'list', items: spec.items };
  if (spec.type === 'row') return { type: 'row', columns: spec.columns };
  const rest = spec as ColumnSpec;
  return clean({ type: spec.type, nullable: true, name: rest.name, required: rest.required });
}
