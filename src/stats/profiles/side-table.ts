import { embeddingSize, type ColumnInput, type EmbeddingType } from '../../core/column.ts';
import { tableColumns, toTable, type Table, type TableInput } from '../../core/table.ts';

/** The typed form of a side, in which columns of typed arrays are vectors. */
export function sideTable(input: TableInput, path: string): Table {
  const columns = [...tableColumns(input, undefined, path)];
  const types = columns.flatMap(([name, values]) => {
    const type = vectorType(values);
    return type === undefined ? [] : [[name, type] as const];
  });
  return toTable(columns.length === 0 ? input : Object.fromEntries(columns), { path, types: Object.fromEntries(types) });
}

function vectorType(values: ColumnInput): EmbeddingType | undefined {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    const vector = value instanceof Float32Array || value instanceof Float64Array;
    return vector && embeddingSize(`embedding(${value.length})`) !== undefined ? `embedding(${value.length})` : undefined;
  }
  return undefined;
}
