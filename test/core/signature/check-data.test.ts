import { describe, expect, it } from 'vitest';
import { ValidationError, checkData, type DataSpec } from 'modelkeep';

function problem(spec: DataSpec, value: unknown): string | undefined {
  try {
    checkData(spec, value, 'x');
    return undefined;
  } catch (error) {
    if (error instanceof ValidationError) return error.message;
    throw error;
  }
}

const flight: DataSpec = {
  type: 'row',
  others: 'refused',
  columns: [
    { name: 'distance', type: 'float64', minimum: 0 },
    { name: 'legs', type: 'list', items: { type: 'row', columns: [{ name: 'to', type: 'string', values: ['ATL', 'JFK'] }] }, required: false },
  ],
};

describe('checkData', () => {
  it.each<[DataSpec, unknown]>([
    [{ type: 'float64' }, 2n ** 60n],
    [{ type: 'int64' }, -(2n ** 63n)],
    [{ type: 'int64', maximum: 3, values: [1, 3] }, 3n],
    [{ type: 'string', maxLength: 2, pattern: '^.$' }, '𝕏'],
    [{ type: 'string', minLength: 2 }, 'ab'],
    [{ type: 'timestamp' }, new Date(0)],
    [{ type: 'timestamp' }, 1e12],
    [{ type: 'timestamp' }, '2001-02-03T04:05:06.789+01:00'],
    [{ type: 'list', items: { type: 'float64' }, minItems: 2 }, Float32Array.of(1, 2)],
    [{ type: 'json', nullable: true }, null],
    [flight, { distance: 1, legs: undefined, more: undefined }],
    [{ type: 'row', columns: [] }, { anything: 1 }],
    [{ type: 'tensors', by: 'position', tensors: [{ name: 'a', dtype: 'float32', shape: [null, 3] }] }, { dtype: 'float32', shape: [8, 3] }],
    [{ type: 'tensors', by: 'name', tensors: [{ name: 'a', dtype: 'int64' }] }, { a: { type: 'int64', dims: [] } }],
  ])('accepts %j', (spec, value) => {
    expect(problem(spec, value)).toBeUndefined();
  });

  it.each<[DataSpec, unknown, string]>([
    [{ type: 'float64' }, NaN, 'x is NaN; it must be a finite number.'],
    [{ type: 'float64' }, 2n ** 60n + 1n, 'x is 1152921504606846977n; it must be a finite number.'],
    [{ type: 'int64' }, 2 ** 53, 'x is 9007199254740992; it must be an integer of 64 bits, as a bigint beyond 2^53.'],
    [{ type: 'int64' }, 2n ** 63n, 'x is 9223372036854775808n; it must be an integer of 64 bits, as a bigint beyond 2^53.'],
    [{ type: 'float64', exclusiveMaximum: 1 }, 1, 'x is 1; it must be less than 1.'],
    [{ type: 'string', values: ['a'] }, 'b', 'x is "b"; it must be one of ["a"].'],
    [{ type: 'string', minLength: 2 }, '𝕏', 'x is "𝕏"; it must be at least 2 characters long.'],
    [{ type: 'bool', values: [true] }, false, 'x is false; it must be true.'],
    [{ type: 'timestamp' }, '2001-02-30', 'x is "2001-02-30"; it must be a date, epoch milliseconds or a text of RFC 3339.'],
    [{ type: 'timestamp' }, new Date(NaN), 'x is Invalid Date; it must be a date, epoch milliseconds or a text of RFC 3339.'],
    [{ type: 'json' }, null, 'x is null; it must have a value.'],
    [{ type: 'json' }, undefined, 'x is missing.'],
    [{ type: 'list', items: { type: 'bool' } }, 'ab', 'x is "ab"; it must be an array.'],
    [{ type: 'list', items: { type: 'bool' }, maxItems: 1 }, [true, true], 'x has 2 values; it must have at most 1.'],
    [flight, { legs: [] }, 'x.distance is missing.'],
    [flight, { distance: 1, legs: [{ to: 'ATL' }, { to: 'LAX' }] }, 'x.legs[1].to is "LAX"; it must be one of ["ATL","JFK"].'],
    [flight, { distance: 1, toString: 1 }, 'x.toString is no column that is known.'],
    [{ type: 'row', columns: [{ name: 'toString', type: 'bool' }] }, {}, 'x.toString is missing.'],
    [flight, [1], 'x is [1]; it must be an object of columns.'],
    [{ type: 'tensors', by: 'position', tensors: [{ name: 'a', dtype: 'float32' }] }, [], 'x has 0 tensors; it must have 1.'],
    [{ type: 'tensors', by: 'position', tensors: [{ name: 'a', dtype: 'float32', shape: [null, 3] }] }, { dtype: 'float32', shape: [8] }, 'x has the shape [8]; it must have [null,3], where null is any size.'],
    [{ type: 'tensors', by: 'name', tensors: [{ name: 'a', dtype: 'float32' }] }, { a: { type: 'int32', dims: [] } }, 'x.a is of "int32"; it must be of float32.'],
    [{ type: 'tensors', by: 'name', tensors: [{ name: 'a', dtype: 'float32' }] }, { b: 1 }, 'x.b is no tensor that is known.'],
    [{ type: 'tensors', by: 'name', tensors: [{ name: 'a', dtype: 'float32' }] }, { a: [1] }, 'x.a is no tensor: it has no shape.'],
  ])('says of %j what is wrong', (spec, value, message) => {
    expect(problem(spec, value)).toBe(message);
  });
});
