import type { Column } from '../core/column.ts';

/** A column whose dictionary has only texts that some row has: others would stay in what is stored for ever. */
export function withoutSpareTexts(column: Column): Column {
  if (column.type !== 'string') return column;
  const recode = new Map<number, number>();
  const values = new Uint32Array(column.values.length);
  for (let i = 0; i < values.length; i++) {
    if (column.valid?.[i] === 0) continue;
    let code = recode.get(column.values[i]!);
    if (code === undefined) recode.set(column.values[i]!, (code = recode.size));
    values[i] = code;
  }
  return { ...column, values, dictionary: [...recode.keys()].map((code) => column.dictionary[code]!) };
}
