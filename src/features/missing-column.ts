import type { Column } from '../core/column.ts';

/** A column without any value. */
export function missingColumn(type: Column['type'], size: number): Column {
  const valid = new Uint8Array(size);
  switch (type) {
    case 'float64':
    case 'timestamp':
      return { type, values: new Float64Array(size).fill(NaN), valid };
    case 'int64':
      return { type, values: new BigInt64Array(size), valid };
    case 'bool':
      return { type, values: new Uint8Array(size), valid };
    case 'string':
      return { type, values: new Uint32Array(size), dictionary: [], valid };
    default:
      return { type, values: new Array<null>(size).fill(null), valid };
  }
}
